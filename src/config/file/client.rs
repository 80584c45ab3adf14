//! Who the agent is to Kafka, as it is written.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

/// Who the agent is to the listener it asks, and to the controllers'. All files are read again when they change.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Client {
    /// A PEM file with the CAs that are trusted. Default: the truststore that pillion installs for the listener.
    pub authority: Option<PathBuf>,
    /// A PEM file with the agent's own certificate and its chain, for a listener that asks for one. Default: the keystore
    /// that pillion installs for the listener.
    pub certificate: Option<PathBuf>,
    /// A PEM file with the key of that certificate, not encrypted.
    pub key: Option<PathBuf>,
    /// The name that the listener's certificate must carry. Default: the host that is asked, and for a loopback address
    /// the name that the listener advertises.
    pub server_name: Option<String>,
    /// Who the agent is to a listener that asks by SASL.
    pub sasl: Sasl,
}

/// Who the agent is to a listener that asks by SASL.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Sasl {
    /// The mechanism.
    pub mechanism: Option<Mechanism>,
    /// A file that holds the user name and nothing else (PLAIN, SCRAM).
    pub username_file: Option<PathBuf>,
    /// A file that holds the password and nothing else (PLAIN, SCRAM).
    pub password_file: Option<PathBuf>,
    /// A file that holds the token and nothing else (OAUTHBEARER).
    pub token_file: Option<PathBuf>,
}

/// A mechanism of SASL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum Mechanism {
    /// The password as it is: over TLS alone.
    #[serde(rename = "PLAIN")]
    Plain,
    /// A proof of the password, by SHA-256.
    #[serde(rename = "SCRAM-SHA-256")]
    ScramSha256,
    /// A proof of the password, by SHA-512.
    #[serde(rename = "SCRAM-SHA-512")]
    ScramSha512,
    /// A token.
    #[serde(rename = "OAUTHBEARER")]
    OauthBearer,
}
