//! What the sources of certificates give that must be asked for: a Secret of Kubernetes, and Vault.

use crate::{
    certs::{self, Bundle, SourceFault, vault},
    config::certificates::{OfSecret, Vault},
    kube::{Fault, SECRETS, Secret, SecretName},
};

/// The keys of a Secret of type `kubernetes.io/tls`, and what cert-manager adds.
const CERTIFICATE: &str = "tls.crt";
const KEY: &str = "tls.key";
const AUTHORITY: &str = "ca.crt";

/// What a Secret holds, as a certificate.
///
/// # Errors
/// A key that is not there.
pub fn of_secret(secret: &Secret, name: &SecretName, source: &OfSecret) -> Result<Bundle, SourceFault> {
    let value = |key: &str| {
        secret.data.get(key).cloned().ok_or_else(|| SourceFault {
            text: format!("{name} has no key {key}"),
            remedy: missing(key),
            heals: true,
        })
    };
    let password = source.password_key.as_deref().map(value).transpose()?;
    Ok(Bundle {
        certificate: value(CERTIFICATE)?,
        key: certs::Secret::new(value(KEY)?),
        authority: value(AUTHORITY)?,
        password: password.map(certs::Secret::new),
        origin: name.to_string(),
    })
}

fn missing(key: &str) -> String {
    match key {
        AUTHORITY => {
            "add the certificates of the CA under this key; cert-manager does so with an issuer of type CA or Vault, \
             and not with ACME"
                .to_owned()
        }
        CERTIFICATE | KEY => "it must be of type kubernetes.io/tls, as cert-manager writes it".to_owned(),
        _ => format!("add {key}, or correct passwordKey"),
    }
}

/// Why a Secret cannot be read, in the words of a source. One that is not there yet may be in the making.
pub fn of_secret_fault(fault: &Fault, name: &SecretName) -> SourceFault {
    SourceFault {
        text: format!("{name} cannot be read (get on secrets): {fault}"),
        remedy: SECRETS.remedy(fault),
        heals: fault.heals() || fault.code() == Some(404),
    }
}

/// Vault as it is configured.
pub fn of_vault(source: &Vault) -> vault::Vault {
    vault::Vault {
        server: source.server.clone(),
        authority: source.authority.clone(),
        namespace: source.namespace.clone(),
        auth_mount: source.auth_mount.trim_matches('/').to_owned(),
        auth_role: source.auth_role.clone(),
        token_file: source.token_file.clone(),
        mount: source.mount.trim_matches('/').to_owned(),
        role: source.role.clone(),
        ttl: source.ttl,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step should stop the test where it stands")]
    use super::*;

    #[test]
    fn a_secret_needs_its_three_keys_and_the_password_that_was_promised() {
        let name = SecretName { namespace: "kafka".into(), name: "tls".into() };
        let of = |keys: &[&str], password_key: Option<&str>| {
            let data = keys.iter().map(|key| ((*key).to_owned(), key.as_bytes().to_vec())).collect();
            let source = OfSecret { name: "tls".into(), password_key: password_key.map(str::to_owned) };
            of_secret(&Secret { version: "1".into(), data }, &name, &source)
        };
        let bundle = of(&["tls.crt", "tls.key", "ca.crt", "pw"], Some("pw")).unwrap();
        assert_eq!((&*bundle.certificate, &*bundle.authority), (&b"tls.crt"[..], &b"ca.crt"[..]));
        assert_eq!(bundle.password.unwrap().expose(), b"pw");
        for (keys, text, remedy) in [
            (&["tls.crt", "tls.key"][..], "Secret kafka/tls has no key ca.crt", "ACME"),
            (&["tls.crt", "ca.crt"], "Secret kafka/tls has no key tls.key", "kubernetes.io/tls"),
        ] {
            let fault = of(keys, None).unwrap_err();
            assert!(fault.text == text && fault.remedy.contains(remedy) && fault.heals, "{fault}");
        }
        let fault = of(&["tls.crt", "tls.key", "ca.crt"], Some("pw")).unwrap_err();
        assert_eq!(fault.text, "Secret kafka/tls has no key pw");
    }
}
