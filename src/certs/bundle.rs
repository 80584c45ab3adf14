//! What a source gave, before anything is known of it.

use std::fmt;

use zeroize::Zeroizing;

/// Bytes that must never be shown: a key, a password. They are overwritten when they are dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// Keeps these.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// For who needs them; what is made of them is secret too.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// What a source gave, as it gave it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundle {
    /// The certificate and those that lead to the CA, in PEM.
    pub certificate: Vec<u8>,
    /// The private key, in PEM.
    pub key: Secret,
    /// The certificates of the CA, in PEM.
    pub authority: Vec<u8>,
    /// The password of an encrypted key.
    pub password: Option<Secret>,
    /// Where it comes from, for messages: `/certs`, `Secret kafka/tls`, `Vault pki/kafka`.
    pub origin: String,
}
