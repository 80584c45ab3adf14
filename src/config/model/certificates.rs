//! Where certificates come from, as it was checked.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use crate::https::Server;

/// Where the certificates of TLS listeners come from, and what is asked of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Certificates {
    /// How long init waits for a valid certificate.
    pub wait: Duration,
    /// The margin for a certificate that is not valid yet.
    pub clock_skew: Duration,
    /// Below this part of its life a certificate is expiring; between 0 and 1.
    pub expiring_when: f64,
    /// A new certificate may have another subject.
    pub allow_dn_changes: bool,
    /// A new certificate may lack names that the old one has.
    pub allow_san_changes: bool,
    /// The directory that tells of a change of the CA.
    pub authority_change: Option<PathBuf>,
    /// The source of each listener's certificate, by the name of the listener in capitals.
    pub listeners: BTreeMap<String, Source>,
}

/// Where a certificate comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// PEM files in a directory.
    Directory(Directory),
    /// A Secret of the pod's namespace.
    Secret(OfSecret),
    /// Vault's PKI engine.
    Vault(Vault),
    /// A CA that pillion makes by itself.
    Development(Development),
}

impl Source {
    /// As it is written in the file.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Directory(_) => "directory",
            Self::Secret(_) => "secret",
            Self::Vault(_) => "vault",
            Self::Development(_) => "development",
        }
    }
}

/// PEM files in a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directory {
    /// The directory.
    pub path: PathBuf,
    /// The name of the file with the certificate and those that lead to the CA.
    pub certificate: String,
    /// The name of the file with the private key.
    pub key: String,
    /// The name of the file with the certificates of the CA.
    pub authority: String,
    /// The file with the password of an encrypted key.
    pub password_file: Option<PathBuf>,
}

/// A Secret of the pod's namespace, with `tls.crt`, `tls.key` and `ca.crt`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfSecret {
    /// Its name.
    pub name: String,
    /// The key in it with the password of an encrypted private key.
    pub password_key: Option<String>,
}

/// Vault's PKI engine, with its Kubernetes auth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vault {
    /// Where it answers, by HTTPS.
    pub server: Server,
    /// Vault's namespace.
    pub namespace: Option<String>,
    /// Where the Kubernetes auth is mounted.
    pub auth_mount: String,
    /// The role of the Kubernetes auth.
    pub auth_role: String,
    /// The file with the token of the service account.
    pub token_file: PathBuf,
    /// Where the PKI engine is mounted.
    pub mount: String,
    /// The role of the PKI engine that issues.
    pub role: String,
    /// How long a certificate shall live.
    pub ttl: Duration,
    /// A PEM file with the CA of Vault's own certificate.
    pub authority: PathBuf,
}

/// A CA that pillion makes by itself. Not for production.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Development {
    /// Where it is kept.
    pub directory: PathBuf,
}
