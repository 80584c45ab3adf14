//! How a connection is secured: TLS and SASL, with credentials from files that are read again when they change.

mod fault;
mod sasl;
mod scram;
mod tls;

use std::sync::Arc;

pub use fault::TlsFault;
pub(super) use sasl::Step;
pub use sasl::{Login, Mechanism, Sasl};
pub(super) use tls::{Loaded, builder, server_name};
pub use tls::{Tls, TlsFiles};

/// How connections to one kind of listener are secured. Nothing of it: `PLAINTEXT`.
#[derive(Clone, Debug, Default)]
pub struct Security {
    /// TLS, where the listener speaks it.
    pub tls: Option<Arc<Tls>>,
    /// Who we are, where the listener asks by SASL.
    pub sasl: Option<Arc<Sasl>>,
    /// The name that the certificate must carry, where it is not the host of the address.
    pub server_name: Option<String>,
}

impl Security {
    /// None at all.
    pub fn plain() -> Self {
        Self::default()
    }

    /// The same for other addresses, each with its own name.
    #[must_use]
    pub fn by_host(&self) -> Self {
        Self { server_name: None, ..self.clone() }
    }
}
