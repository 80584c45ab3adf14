//! SASL by files: who we are to a broker that asks.
//!
//! PLAIN (RFC 4616), SCRAM (RFC 5802, 7677) and OAUTHBEARER (RFC 7628), as Kafka speaks them. The files are read for
//! each authentication, so a password or token that changed is used by the next one.

use std::fmt;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::scram::{Hash, Scram};
use super::tls::unusable;
use crate::files::read_capped;
use crate::kafka::WireError;

/// Largest password, user name or token.
const FILE_CAP: u64 = 64 << 10;

/// How we prove who we are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mechanism {
    /// The password as it is.
    Plain,
    /// A proof of the password, by SHA-256.
    ScramSha256,
    /// A proof of the password, by SHA-512.
    ScramSha512,
    /// A token.
    OauthBearer,
}

impl Mechanism {
    /// As Kafka writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha512 => "SCRAM-SHA-512",
            Self::OauthBearer => "OAUTHBEARER",
        }
    }

    /// The one of this name.
    pub fn of(name: &str) -> Option<Self> {
        [Self::Plain, Self::ScramSha256, Self::ScramSha512, Self::OauthBearer]
            .into_iter()
            .find(|mechanism| mechanism.name() == name)
    }
}

/// The files of the credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Login {
    /// User name and password.
    Password {
        /// The file with the user name.
        username: PathBuf,
        /// The file with the password.
        password: PathBuf,
    },
    /// A token (JWT).
    Token {
        /// The file with it.
        token: PathBuf,
    },
}

/// Who we are, by SASL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sasl {
    /// How it is proven.
    pub mechanism: Mechanism,
    /// By what.
    pub login: Login,
}

/// One authentication under way.
pub(in crate::kafka) enum Exchange {
    /// All is said with the first message. What comes back must be empty.
    Told,
    /// The token was refused; the broker says so when it has heard this.
    Refused,
    /// A proof is exchanged.
    Scram(Box<Scram>),
}

/// What follows on an answer of the broker.
pub(in crate::kafka) enum Step {
    /// This is sent.
    Send(Zeroizing<Vec<u8>>),
    /// Nothing: it is over.
    Done,
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Exchange")
    }
}

impl Sasl {
    /// Reads the credentials and makes the first message of them.
    pub(in crate::kafka) fn begin(&self) -> Result<(Exchange, Zeroizing<Vec<u8>>), WireError> {
        match (&self.login, self.mechanism) {
            (Login::Token { token }, _) => {
                let token = secret(token)?;
                let message = [b"n,,\x01auth=Bearer ", token.as_slice(), b"\x01\x01"].concat();
                Ok((Exchange::Told, Zeroizing::new(message)))
            }
            (Login::Password { username, password }, Mechanism::ScramSha256) => {
                scram(Hash::Sha256, username, password)
            }
            (Login::Password { username, password }, Mechanism::ScramSha512) => {
                scram(Hash::Sha512, username, password)
            }
            (Login::Password { username, password }, _) => {
                let (username, password) = (secret(username)?, secret(password)?);
                let message = [b"\0", username.as_slice(), b"\0", password.as_slice()].concat();
                Ok((Exchange::Told, Zeroizing::new(message)))
            }
        }
    }

    /// What was refused, or was wrong.
    pub(in crate::kafka) fn failed(&self, why: impl Into<String>) -> WireError {
        WireError::Authentication { mechanism: self.mechanism.name(), why: why.into() }
    }
}

impl Exchange {
    /// Takes an answer of the broker, and says what follows.
    pub fn step(&mut self, answer: &[u8]) -> Result<Step, &'static str> {
        match self {
            // The last word of a broker that took the credentials is empty.
            Self::Told | Self::Refused if answer.is_empty() => Ok(Step::Done),
            Self::Told => {
                *self = Self::Refused;
                Ok(Step::Send(Zeroizing::new(vec![1])))
            }
            Self::Refused => Err("the broker refused the token"),
            Self::Scram(scram) => scram.step(answer),
        }
    }
}

fn scram(hash: Hash, username: &Path, password: &Path) -> Result<(Exchange, Zeroizing<Vec<u8>>), WireError> {
    let (username, password) = (secret(username)?, secret(password)?);
    let (scram, first) = Scram::begin(hash, &username, password, &super::scram::nonce());
    Ok((Exchange::Scram(Box::new(scram)), Zeroizing::new(first)))
}

/// The content of a file without the line's end that editors leave.
fn secret(path: &Path) -> Result<Zeroizing<Vec<u8>>, WireError> {
    let mut bytes = read_capped(path, FILE_CAP)
        .map(Zeroizing::new)
        .map_err(|error| unusable(path, error.fault.to_string(), &error.remedy()))?;
    while bytes.last().is_some_and(|last| b"\r\n".contains(last)) {
        bytes.pop();
    }
    let odd = if bytes.is_empty() {
        "it is empty"
    } else if bytes.iter().any(u8::is_ascii_control) {
        "it holds control characters, such as a second line"
    } else {
        return Ok(bytes);
    };
    Err(unusable(path, odd.to_owned(), "let it hold the one value and nothing else"))
}
