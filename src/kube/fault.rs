//! Why a request to the API server failed.

use std::{fmt, path::PathBuf};

use crate::https;

/// Why a request failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Nothing says where the API server is.
    NotInPod,
    /// The token or the CA cannot be read.
    Credentials {
        /// The file.
        path: PathBuf,
        /// What stands in the way.
        why: String,
    },
    /// No connection, or a lost one.
    Unreachable(String),
    /// No answer within the deadline of one request.
    Silent,
    /// Its certificate is not one of the cluster's CA.
    Untrusted(String),
    /// It answered with an error.
    Refused {
        /// The HTTP status.
        code: u16,
        /// Its own words.
        message: String,
    },
    /// What answers is no API server.
    Nonsense(String),
    /// The object is larger than so many bytes.
    TooLarge(usize),
    /// The object does not hold what it has to.
    Malformed(String),
}

impl From<https::Fault> for Fault {
    fn from(fault: https::Fault) -> Self {
        match fault {
            https::Fault::Unreachable(why) => Self::Unreachable(why),
            https::Fault::Silent => Self::Silent,
            https::Fault::Untrusted(why) => Self::Untrusted(why),
            https::Fault::Nonsense(why) => Self::Nonsense(why),
            https::Fault::TooLarge(cap) => Self::TooLarge(cap),
        }
    }
}

impl Fault {
    /// A refusal, in a line that a person reads.
    pub(super) fn refused(code: u16, message: &str) -> Self {
        let message = message.trim().chars().filter(|c| !c.is_control()).take(500).collect();
        Self::Refused { code, message }
    }

    /// Whether the same request may succeed a little later without anybody's doing.
    pub fn heals(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::Silent => true,
            Self::Refused { code, .. } => matches!(code, 429 | 500..=599),
            Self::NotInPod
            | Self::Credentials { .. }
            | Self::Untrusted(_)
            | Self::Nonsense(_)
            | Self::TooLarge(_)
            | Self::Malformed(_) => false,
        }
    }

    /// The HTTP status of a refusal.
    pub fn code(&self) -> Option<u16> {
        match self {
            Self::Refused { code, .. } => Some(*code),
            _ => None,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotInPod => f.write_str("KUBERNETES_SERVICE_HOST and _PORT name no API server"),
            Self::Credentials { path, why } => {
                let what =
                    if path.ends_with("token") { "service account token" } else { "CA of the cluster" };
                write!(f, "no {what} is mounted ({}: {why})", path.display())
            }
            Self::Unreachable(why) => write!(f, "the API server cannot be reached: {why}"),
            Self::Silent => f.write_str("the API server does not answer"),
            Self::Untrusted(why) => write!(f, "the API server's certificate is not trusted: {why}"),
            Self::Refused { code, message } => write!(f, "the API server answers {code}: {message}"),
            Self::Nonsense(why) => write!(f, "what answers is no API server: {why}"),
            Self::TooLarge(cap) => write!(f, "the API server's answer is larger than {cap} bytes"),
            Self::Malformed(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for Fault {}
