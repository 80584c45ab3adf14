//! Where certificates come from, as it is written.

use std::{collections::BTreeMap, path::PathBuf};

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::duration::Written;

/// Where the certificates of TLS listeners come from, and what is asked of them.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Certificates {
    /// How long init waits for a valid certificate. Default: 60s.
    pub wait: Option<Written>,
    /// How far the clocks of this node and of who issues certificates may differ: a certificate that becomes valid
    /// within it is taken. Default: 5m.
    pub clock_skew: Option<Written>,
    /// A certificate is told to be expiring when less than this part of its life is left, as in "0.2". Default: 0.2.
    #[schemars(regex(pattern = "^0?\\.[0-9]+$"))]
    pub expiring_when: Option<String>,
    /// A new certificate may have another subject (`ssl.allow.dn.changes`, Kafka 3.7 and newer). Default: false.
    pub allow_dn_changes: Option<bool>,
    /// A new certificate may lack names that the old one has (`ssl.allow.san.changes`, Kafka 3.7 and newer).
    /// Default: false.
    pub allow_san_changes: Option<bool>,
    /// A directory that tells of a change of the CA, followed while running (mount a `ConfigMap` there): `phase` (trust-both,
    /// swap or drop), `old.crt`, `new.crt`. Without a file `phase` no change is under way. Default: none.
    pub authority_change: Option<PathBuf>,
    /// The source of each listener's certificate, by the name of the listener.
    pub listeners: BTreeMap<String, Source>,
}

/// One source of a certificate, and only one.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Source {
    /// PEM files in a directory: a mounted Secret, cert-manager's csi-driver, the agent of Vault, spiffe-helper.
    pub directory: Option<Directory>,
    /// A Secret of the pod's namespace, through the API: needs `get` and `watch` on it.
    pub secret: Option<OfSecret>,
    /// Vault's PKI engine, with its Kubernetes auth.
    pub vault: Option<Vault>,
    /// A CA that pillion makes by itself. Not for production.
    pub development: Option<Development>,
}

/// PEM files in a directory.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Directory {
    /// The directory. Required.
    pub path: Option<PathBuf>,
    /// The file with the certificate and those that lead to the CA. Default: tls.crt.
    pub certificate: Option<String>,
    /// The file with the private key. Default: tls.key.
    pub key: Option<String>,
    /// The file with the certificates of the CA. Default: ca.crt.
    pub authority: Option<String>,
    /// The file with the password of an encrypted key. Default: none.
    pub password_file: Option<PathBuf>,
}

/// A Secret with `tls.crt`, `tls.key` and `ca.crt`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct OfSecret {
    /// Its name. Required.
    pub name: Option<String>,
    /// The key in it with the password of an encrypted private key. Default: none.
    pub password_key: Option<String>,
}

/// Vault's PKI engine.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Vault {
    /// As in `https://vault:8200`; a path is not taken. Required.
    pub address: Option<String>,
    /// Vault's namespace. Default: none.
    pub namespace: Option<String>,
    /// How to log in.
    pub auth: VaultAuth,
    /// Where the PKI engine is mounted. Default: pki.
    pub mount: Option<String>,
    /// The role of the PKI engine that issues. Required.
    pub role: Option<String>,
    /// How long a certificate shall live. Default: 24h.
    pub ttl: Option<Written>,
    /// A PEM file with the CA of Vault's own certificate. Required.
    pub authority: Option<PathBuf>,
}

/// Vault's Kubernetes auth.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct VaultAuth {
    /// Where it is mounted. Default: kubernetes.
    pub mount: Option<String>,
    /// Its role. Required.
    pub role: Option<String>,
    /// The file with the token of the service account. Default: where every pod has it.
    pub token_file: Option<PathBuf>,
}

/// A CA that pillion makes by itself.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Development {
    /// Where it keeps the CA: one directory for all brokers that shall trust each other. Required.
    pub directory: Option<PathBuf>,
}
