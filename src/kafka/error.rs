//! What can go wrong between us and a broker, and what each case proves.

use std::io;

use kafka_protocol::ResponseError;
use tokio_rustls::rustls;

use crate::kafka::TlsFault;
use crate::kafka::scan::ScanError;

/// A request that brought no usable answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WireError {
    /// Nothing listens on the port, or a firewall answered for it.
    #[error("connection refused by {address}")]
    Refused {
        /// `host:port`.
        address: String,
    },
    /// The name did not resolve, or the network has no way there.
    #[error("failed to reach {address}")]
    Unreachable {
        /// `host:port`, or "the peer" once connected.
        address: String,
        /// What the system said.
        source: io::Error,
    },
    /// The peer closed or reset a connection it had accepted.
    #[error("the peer closed the connection while {during}")]
    Closed {
        /// What was going on.
        during: &'static str,
    },
    /// The deadline passed.
    #[error("timed out while {what}")]
    TimedOut {
        /// What was going on.
        what: &'static str,
        /// At least one byte of the answer had come.
        heard: bool,
    },
    /// The peer announced a frame beyond the cap; nothing of it was read.
    #[error("the peer announced a frame of {len} bytes, over the cap of {cap}")]
    FrameTooLarge {
        /// Bytes announced.
        len: u64,
        /// Bytes allowed.
        cap: u64,
    },
    /// What came is another protocol.
    #[error("the peer does not speak Kafka on this port: it looks like {looks_like}")]
    NotKafka {
        /// The protocol by its first bytes.
        looks_like: &'static str,
    },
    /// The answer does not follow the schema of what was asked.
    #[error("malformed answer: {what}")]
    Malformed {
        /// What is wrong with it.
        what: &'static str,
    },
    /// A streamed answer does not follow its schema.
    #[error("malformed answer")]
    Scan(#[from] ScanError),
    /// The broker has no version of this request that we can use.
    #[error("{api} is not supported by the broker in a version this agent can use")]
    Unsupported {
        /// Name of the request.
        api: &'static str,
    },
    /// The broker answered the request as a whole with an error code.
    #[error("{api} was answered with error {code}{}", name(*code))]
    Answered {
        /// Name of the request.
        api: &'static str,
        /// Kafka's error code.
        code: i16,
    },
    /// TLS failed.
    #[error("TLS failed: {0}")]
    Tls(#[source] TlsFault),
    /// The broker refused who we are, or did not prove who it is.
    #[error("authentication by {mechanism} failed: {why}")]
    Authentication {
        /// The SASL mechanism.
        mechanism: &'static str,
        /// What the broker says, or what is wrong with it.
        why: String,
    },
    /// A file of our own credentials cannot be used; nobody was asked.
    #[error("{path}: {what}")]
    Credentials {
        /// The file.
        path: String,
        /// What is wrong with it.
        what: String,
        /// What to do about it.
        remedy: String,
    },
    /// An earlier call on this connection was dropped or failed half-way: it cannot be used any more.
    #[error("the connection was abandoned in the middle of an earlier call")]
    Abandoned,
}

impl WireError {
    /// The peer's process (or its kernel on its behalf, by a close) reacted: it is not hung.
    ///
    /// False says nothing either way: silence, a refused connection, a request that was never sent.
    pub fn shows_life(&self) -> bool {
        match self {
            Self::Closed { .. }
            | Self::FrameTooLarge { .. }
            | Self::NotKafka { .. }
            | Self::Malformed { .. }
            | Self::Scan(_)
            | Self::Tls(_)
            | Self::Authentication { .. }
            | Self::Answered { .. } => true,
            Self::TimedOut { heard, .. } => *heard,
            Self::Refused { .. }
            | Self::Unreachable { .. }
            | Self::Unsupported { .. }
            | Self::Credentials { .. }
            | Self::Abandoned => false,
        }
    }

    /// The broker we had evidence of may be gone: evidence bound to that incarnation is void.
    pub fn voids_incarnation(&self) -> bool {
        matches!(self, Self::Refused { .. } | Self::Closed { .. })
    }

    /// Only the deadline passed; an outstanding call may still be answered.
    pub fn is_timeout(&self) -> bool {
        matches!(self, Self::TimedOut { .. })
    }

    /// The case that an I/O error on an open connection stands for.
    pub fn from_io(source: io::Error, during: &'static str) -> Self {
        use io::ErrorKind as Kind;
        if let Some(of_tls) = source.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            return Self::Tls(TlsFault::of(of_tls));
        }
        match source.kind() {
            Kind::ConnectionReset | Kind::ConnectionAborted | Kind::BrokenPipe | Kind::UnexpectedEof => {
                Self::Closed { during }
            }
            _ => Self::Unreachable { address: "the peer".to_owned(), source },
        }
    }
}

/// What Kafka calls an error code (`org.apache.kafka.common.protocol.Errors`), to be put behind it: ` (NOT_CONTROLLER)`.
fn name(code: i16) -> String {
    match ResponseError::try_from_code(code) {
        None | Some(ResponseError::Unknown(_)) => String::new(),
        Some(known) => {
            let name = format!("{known:?}").chars().fold(String::new(), |mut name, letter| {
                if letter.is_uppercase() && !name.is_empty() {
                    name.push('_');
                }
                name.push(letter.to_ascii_uppercase());
                name
            });
            format!(" ({name})")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::WireError;

    #[test]
    fn a_code_is_told_with_its_name() {
        let said = |code| WireError::Answered { api: "Produce", code }.to_string();
        assert_eq!(said(29), "Produce was answered with error 29 (TOPIC_AUTHORIZATION_FAILED)");
        assert_eq!(said(-1), "Produce was answered with error -1 (UNKNOWN_SERVER_ERROR)");
        assert_eq!(said(3000), "Produce was answered with error 3000");
    }
}
