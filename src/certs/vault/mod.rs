//! A certificate by Vault's PKI engine, or `OpenBao`'s, which speaks the same: a login with the token of the pod's service
//! account (Kubernetes auth), then `issue`, which makes the key, too.
//!
//! Each certificate has a login of its own. One a day is no load, and so there is no token of Vault's to keep, to renew
//! and to lose.

mod call;
mod fault;

use std::{net::IpAddr, path::PathBuf, time::Duration};

use serde::Deserialize;
use serde_json::json;
use tokio::time::sleep;

use self::fault::{Fault, Step, Why};
use super::{Bundle, Secret, SourceFault};
use crate::{files::read_capped, https::Server};

/// Before it is tried again, when that may help. Whoever waits longer asks again.
const PAUSES: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(2)];
/// Largest token.
const TOKEN_CAP: u64 = 1 << 16;
/// The longest common name (`ub-common-name` of RFC 5280).
const COMMON_NAME_CAP: usize = 64;

/// Where Vault is, who this pod is to it, and what issues.
#[derive(Debug, Clone)]
pub struct Vault {
    /// Where it answers, by HTTPS.
    pub server: Server,
    /// A PEM file with the CA of its own certificate.
    pub authority: PathBuf,
    /// Its namespace.
    pub namespace: Option<String>,
    /// Where the Kubernetes auth is mounted.
    pub auth_mount: String,
    /// The role of the Kubernetes auth.
    pub auth_role: String,
    /// The file with the token of the service account, which the kubelet renews.
    pub token_file: PathBuf,
    /// Where the PKI engine is mounted.
    pub mount: String,
    /// The role of the PKI engine.
    pub role: String,
    /// How long a certificate shall live; the role may allow less.
    pub ttl: Duration,
}

#[derive(Deserialize)]
struct LoggedIn {
    auth: Auth,
}

#[derive(Deserialize)]
struct Auth {
    client_token: String,
}

#[derive(Deserialize)]
struct Issued {
    data: Made,
}

#[derive(Deserialize)]
struct Made {
    certificate: String,
    private_key: String,
    issuing_ca: String,
    /// From the one that issued upwards, as far as Vault knows them.
    #[serde(default)]
    ca_chain: Vec<String>,
}

impl Vault {
    /// A new key and its certificate, for `names`: host names and addresses, at least one.
    ///
    /// # Errors
    /// Which step failed, why, and what to do.
    pub async fn issue(&self, names: &[String]) -> Result<Bundle, SourceFault> {
        let mut pauses = PAUSES.into_iter();
        loop {
            let fault = match self.attempt(names).await {
                Ok(bundle) => return Ok(bundle),
                Err(fault) => fault,
            };
            match pauses.next().filter(|_| fault.heals()) {
                Some(pause) => sleep(pause).await,
                None => return Err(fault.told(self)),
            }
        }
    }

    async fn attempt(&self, names: &[String]) -> Result<Bundle, Fault> {
        let token = self.login().await.map_err(|why| Fault { step: Step::Login, why })?;
        let issued = self.sign(&token, names).await.map_err(|why| Fault { step: Step::Issue, why })?;
        Ok(bundle(issued, format!("Vault {}/{}", self.mount, self.role)))
    }

    async fn login(&self) -> Result<String, Why> {
        let token = read_capped(&self.token_file, TOKEN_CAP).map_err(Why::File)?;
        let body = json!({ "role": self.auth_role, "jwt": String::from_utf8_lossy(&token).trim() });
        let answer: LoggedIn = self.post(&format!("auth/{}/login", self.auth_mount), None, &body).await?;
        Ok(answer.auth.client_token)
    }

    async fn sign(&self, token: &str, names: &[String]) -> Result<Made, Why> {
        let (addresses, hosts): (Vec<_>, Vec<_>) =
            names.iter().map(String::as_str).partition(|name| name.parse::<IpAddr>().is_ok());
        let common_name = hosts.iter().chain(&addresses).find(|name| name.len() <= COMMON_NAME_CAP);
        let body = json!({
            "common_name": common_name,
            "alt_names": hosts.join(","),
            "ip_sans": addresses.join(","),
            "ttl": format!("{}s", self.ttl.as_secs()),
            "format": "pem",
            "private_key_format": "pkcs8",
        });
        let answer: Issued =
            self.post(&format!("{}/issue/{}", self.mount, self.role), Some(token), &body).await?;
        Ok(answer.data)
    }
}

/// The uppermost certificate that Vault knows is the CA, and what lies between goes with the leaf.
fn bundle(issued: Made, origin: String) -> Bundle {
    let Made { certificate, private_key, issuing_ca, mut ca_chain } = issued;
    let authority = ca_chain.pop().unwrap_or(issuing_ca);
    let mut chain = certificate;
    for between in ca_chain {
        chain.push('\n');
        chain.push_str(&between);
    }
    Bundle {
        certificate: chain.into_bytes(),
        key: Secret::new(private_key.into_bytes()),
        authority: authority.into_bytes(),
        password: None,
        origin,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_between_goes_with_the_leaf_and_the_uppermost_is_the_ca() {
        let of = |chain: &[&str]| {
            let issued = Made {
                certificate: "leaf".into(),
                private_key: "key".into(),
                issuing_ca: "issuing".into(),
                ca_chain: chain.iter().map(|one| (*one).to_owned()).collect(),
            };
            let bundle = bundle(issued, String::new());
            let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
            (text(&bundle.certificate), text(&bundle.authority))
        };
        let pair = |chain: &str, authority: &str| (chain.to_owned(), authority.to_owned());
        assert_eq!(of(&[]), pair("leaf", "issuing"));
        assert_eq!(of(&["root"]), pair("leaf", "root"));
        assert_eq!(of(&["issuing", "root"]), pair("leaf\nissuing", "root"));
    }
}
