//! The sources of certificates: exactly one each, with what it cannot do without.

use std::{collections::BTreeMap, time::Duration};

use super::{
    super::{
        duration::Written,
        file::certificates as file,
        model::{
            Certificates, KafkaVersion,
            certificates::{Development, Directory, OfSecret, Source, Vault},
        },
    },
    Check,
};
use crate::https::Server;

/// Where every pod finds the token of its service account.
const POD_TOKEN: &str = "/var/run/secrets/kubernetes.io/serviceaccount/token";

impl Check<'_> {
    pub(super) fn certificates(
        &mut self,
        file: file::Certificates,
        version: Option<KafkaVersion>,
        in_namespace: bool,
    ) -> Option<Certificates> {
        let before = self.problems.len();
        for (key, on) in
            [("allowDnChanges", file.allow_dn_changes), ("allowSanChanges", file.allow_san_changes)]
        {
            if let Some(version) = version.filter(|v| on == Some(true) && !v.at_least(3, 7)) {
                let what = format!("Kafka {version} refuses such a change, whatever is set");
                let remedy =
                    "take it out, or upgrade Kafka to 3.7 at the least; restart a broker for such a change";
                self.wrong::<()>(&format!("certificates.{key}"), what, remedy);
            }
        }
        let expiring_when = self.fraction(file.expiring_when.as_deref());
        let authority_change = self.absolute("certificates.authorityChange", file.authority_change);
        let mut listeners = BTreeMap::new();
        for (name, source) in file.listeners {
            let path = format!("certificates.listeners.{name}");
            if let Some(source) = self.source(&path, source, in_namespace)
                && listeners.insert(name.to_uppercase(), source).is_some()
            {
                self.wrong::<()>(&path, "this listener stands here twice", "take one of them out");
            }
        }
        let seconds = |written: Option<Written>, default| {
            written.map_or(Duration::from_secs(default), |written| written.0)
        };
        (self.problems.len() == before).then_some(Certificates {
            wait: seconds(file.wait, 60),
            clock_skew: seconds(file.clock_skew, 300),
            expiring_when: expiring_when?,
            allow_dn_changes: file.allow_dn_changes.unwrap_or(false),
            allow_san_changes: file.allow_san_changes.unwrap_or(false),
            authority_change,
            listeners,
        })
    }

    fn fraction(&mut self, text: Option<&str>) -> Option<f64> {
        let Some(text) = text else { return Some(0.2) };
        match text.parse::<f64>() {
            Ok(part) if part > 0.0 && part < 1.0 => Some(part),
            _ => self.wrong(
                "certificates.expiringWhen",
                format!("{text:?} is no part of a life"),
                "a number between 0 and 1, as in \"0.2\"",
            ),
        }
    }

    fn source(&mut self, path: &str, file: file::Source, in_namespace: bool) -> Option<Source> {
        match (file.directory, file.secret, file.vault, file.development) {
            (Some(directory), None, None, None) => self.directory(&format!("{path}.directory"), directory),
            (None, Some(secret), None, None) => self.secret(&format!("{path}.secret"), secret, in_namespace),
            (None, None, Some(vault), None) => self.vault(&format!("{path}.vault"), vault),
            (None, None, None, Some(development)) => {
                let path = format!("{path}.development.directory");
                let directory = self.needed(&path, development.directory, "where the CA is kept")?;
                let directory = self.absolute(&path, Some(directory))?;
                Some(Source::Development(Development { directory }))
            }
            (None, None, None, None) if self.gathered.is_spoilt(path) => None,
            _ => self.wrong(
                path,
                "a certificate comes from exactly one source",
                "one of: directory, secret, vault, development",
            ),
        }
    }

    /// As [`Check::required`], for a setting that no environment variable can give.
    fn needed<T>(&mut self, path: &str, value: Option<T>, remedy: &str) -> Option<T> {
        if value.is_none() && !self.gathered.is_spoilt(path) {
            self.wrong::<()>(path, "it is required", remedy);
        }
        value
    }

    fn directory(&mut self, path: &str, file: file::Directory) -> Option<Source> {
        let before = self.problems.len();
        let key = format!("{path}.path");
        let directory = self.needed(&key, file.path, "the directory with tls.crt, tls.key and ca.crt");
        let directory = self.absolute(&key, directory);
        let mut name = |key: &str, written: Option<String>, default: &str| {
            let name = written.unwrap_or_else(|| default.to_owned());
            if name.is_empty() || name.contains('/') || name.starts_with("..") {
                let what = format!("{name:?} is no name of a file in the directory");
                self.wrong::<()>(&format!("{path}.{key}"), what, format!("a plain name, as in {default}"));
            }
            name
        };
        let certificate = name("certificate", file.certificate, "tls.crt");
        let key = name("key", file.key, "tls.key");
        let authority = name("authority", file.authority, "ca.crt");
        let password_file = self.absolute(&format!("{path}.passwordFile"), file.password_file);
        (self.problems.len() == before).then_some(Source::Directory(Directory {
            path: directory?,
            certificate,
            key,
            authority,
            password_file,
        }))
    }

    fn secret(&mut self, path: &str, file: file::OfSecret, in_namespace: bool) -> Option<Source> {
        let key = format!("{path}.name");
        let name = self.needed(&key, file.name, "the name of the Secret")?;
        let name = self.name(&key, Some(name))?;
        if !in_namespace {
            let remedy = "set PILLION_KUBERNETES_NAMESPACE by the downward API (fieldRef metadata.namespace)";
            return self.wrong(path, "a Secret is of a namespace, and the pod's is not known", remedy);
        }
        Some(Source::Secret(OfSecret { name, password_key: file.password_key }))
    }

    fn vault(&mut self, path: &str, file: file::Vault) -> Option<Source> {
        let before = self.problems.len();
        let at = |key: &str| format!("{path}.{key}");
        let address = self.needed(&at("address"), file.address, "as in https://vault:8200");
        let server = address.and_then(|address| {
            Server::of_address(&address).or_else(|| {
                let what = format!("{address:?} is no address of Vault");
                let remedy = "as in https://vault:8200; by HTTPS, for a private key comes with the answer";
                self.wrong(&at("address"), what, remedy)
            })
        });
        let role = self.needed(&at("role"), file.role, "the role of the PKI engine that issues");
        let auth_role = self.needed(&at("auth.role"), file.auth.role, "the role of the Kubernetes auth");
        let remedy = "a PEM file with the CA of Vault's own certificate";
        let authority = self.needed(&at("authority"), file.authority, remedy);
        let authority = self.absolute(&at("authority"), authority);
        let token_file = self
            .absolute(&at("auth.tokenFile"), Some(file.auth.token_file.unwrap_or_else(|| POD_TOKEN.into())));
        (self.problems.len() == before).then_some(Source::Vault(Vault {
            server: server?,
            namespace: file.namespace,
            auth_mount: file.auth.mount.unwrap_or_else(|| "kubernetes".to_owned()),
            auth_role: auth_role?,
            token_file: token_file?,
            mount: file.mount.unwrap_or_else(|| "pki".to_owned()),
            role: role?,
            ttl: file.ttl.map_or(Duration::from_secs(24 * 3600), |ttl| ttl.0),
            authority: authority?,
        }))
    }
}
