//! Who the agent is to Kafka, as it was checked.

use std::path::PathBuf;

pub use crate::config::file::client::Mechanism;

/// Who the agent is to the listener it asks, and to the controllers'.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Client {
    /// The CAs that are trusted; by default what pillion installs for the listener.
    pub authority: Option<PathBuf>,
    /// Its certificate and key; by default what pillion installs for the listener.
    pub own: Option<(PathBuf, PathBuf)>,
    /// The name that the listener's certificate must carry.
    pub server_name: Option<String>,
    /// Who it is by SASL.
    pub sasl: Option<Sasl>,
}

/// Who the agent is by SASL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sasl {
    /// How it is proven.
    pub mechanism: Mechanism,
    /// By what.
    pub login: Login,
}

/// The files that prove it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Login {
    /// User name and password.
    Password {
        /// The file with the user name.
        username: PathBuf,
        /// The file with the password.
        password: PathBuf,
    },
    /// A token.
    Token {
        /// The file with it.
        token: PathBuf,
    },
}
