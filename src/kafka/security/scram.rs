//! The client's side of SCRAM (RFC 5802, RFC 7677), as Kafka speaks it.
//!
//! Kafka takes a password's UTF-8 as it is (`ScramFormatter.normalize`), without the preparation of strings that the RFC
//! asks for; and a broker names the number of iterations, which must have a bound here.

use std::num::NonZeroU32;

use aws_lc_rs::{digest, hmac, pbkdf2, rand};
use base64::{Engine, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

use super::Step;

/// Kafka's least (`ScramMechanism`): with fewer a listener in the middle could guess the password.
const LEAST: u32 = 4096;
/// More than Kafka lets anybody set (16384): each costs time here.
const MOST: u32 = 1 << 16;
/// `c=` of a client without channel binding: `n,,` in base64.
const NO_BINDING: &str = "c=biws";

/// The hash that SCRAM is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hash {
    /// SCRAM-SHA-256.
    Sha256,
    /// SCRAM-SHA-512.
    Sha512,
}

/// One exchange under way.
pub(in crate::kafka) struct Scram {
    hash: Hash,
    password: Zeroizing<Vec<u8>>,
    nonce: String,
    /// The first message, without its header.
    bare: Vec<u8>,
    state: State,
}

enum State {
    /// The broker's salt is due.
    Begun,
    /// The broker has to show that it knows the password, too.
    Proven(Vec<u8>),
    Done,
}

/// Never used twice.
pub(super) fn nonce() -> String {
    let mut bytes = [0; 24];
    // It does not fail: the system's source was opened when the process began.
    let _ = rand::fill(&mut bytes);
    STANDARD.encode(bytes)
}

impl Scram {
    /// Begins; returns the first message.
    pub(super) fn begin(
        hash: Hash,
        username: &[u8],
        password: Zeroizing<Vec<u8>>,
        nonce: &str,
    ) -> (Self, Vec<u8>) {
        let mut bare = b"n=".to_vec();
        for byte in username {
            match byte {
                b'=' => bare.extend_from_slice(b"=3D"),
                b',' => bare.extend_from_slice(b"=2C"),
                other => bare.push(*other),
            }
        }
        bare.extend_from_slice(b",r=");
        bare.extend_from_slice(nonce.as_bytes());
        let first = [b"n,,", bare.as_slice()].concat();
        (Self { hash, password, nonce: nonce.to_owned(), bare, state: State::Begun }, first)
    }

    pub(super) fn step(&mut self, answer: &[u8]) -> Result<Step, &'static str> {
        match std::mem::replace(&mut self.state, State::Done) {
            State::Begun => self.prove(answer),
            State::Proven(signature) => {
                let text = std::str::from_utf8(answer).map_err(|_| MALFORMED)?;
                let shown =
                    attribute(text, "v=").ok_or("the broker does not show that it knows the password")?;
                let shown = STANDARD.decode(shown).map_err(|_| MALFORMED)?;
                let same = aws_lc_rs::constant_time::verify_slices_are_equal(&shown, &signature);
                same.map_err(|_| "the broker does not know the password: it may be another one")?;
                Ok(Step::Done)
            }
            State::Done => Err(MALFORMED),
        }
    }

    fn prove(&mut self, answer: &[u8]) -> Result<Step, &'static str> {
        let text = std::str::from_utf8(answer).map_err(|_| MALFORMED)?;
        let nonce = attribute(text, "r=").ok_or(MALFORMED)?;
        if nonce.len() <= self.nonce.len() || !nonce.starts_with(&self.nonce) {
            return Err("the broker answers to another exchange");
        }
        let salt = attribute(text, "s=").and_then(|salt| STANDARD.decode(salt).ok()).ok_or(MALFORMED)?;
        let iterations =
            attribute(text, "i=").and_then(|count| count.parse::<u32>().ok()).ok_or(MALFORMED)?;
        if !(LEAST..=MOST).contains(&iterations) {
            return Err("the broker asks for a number of iterations that Kafka does not allow");
        }
        let unproven = format!("{NO_BINDING},r={nonce}");
        let message = [&self.bare, answer, unproven.as_bytes()].join(b",".as_slice());
        let salted = self.salted(&salt, NonZeroU32::new(iterations).ok_or(MALFORMED)?);
        let client_key = self.sign(&salted, b"Client Key");
        let stored = digest::digest(self.digest(), &client_key);
        let signature = self.sign(stored.as_ref(), &message);
        let proof: Zeroizing<Vec<u8>> =
            Zeroizing::new(client_key.iter().zip(signature.iter()).map(|(key, sign)| key ^ sign).collect());
        let server_key = self.sign(&salted, b"Server Key");
        self.state = State::Proven(self.sign(&server_key, &message).to_vec());
        let proven = format!("{unproven},p={}", STANDARD.encode(&*proof));
        Ok(Step::Send(Zeroizing::new(proven.into_bytes())))
    }

    fn salted(&self, salt: &[u8], iterations: NonZeroU32) -> Zeroizing<Vec<u8>> {
        let (algorithm, size) = match self.hash {
            Hash::Sha256 => (pbkdf2::PBKDF2_HMAC_SHA256, digest::SHA256_OUTPUT_LEN),
            Hash::Sha512 => (pbkdf2::PBKDF2_HMAC_SHA512, digest::SHA512_OUTPUT_LEN),
        };
        let mut salted = Zeroizing::new(vec![0; size]);
        pbkdf2::derive(algorithm, iterations, salt, &self.password, &mut salted);
        salted
    }

    fn sign(&self, key: &[u8], message: &[u8]) -> Zeroizing<Vec<u8>> {
        let algorithm = match self.hash {
            Hash::Sha256 => hmac::HMAC_SHA256,
            Hash::Sha512 => hmac::HMAC_SHA512,
        };
        Zeroizing::new(hmac::sign(&hmac::Key::new(algorithm, key), message).as_ref().to_vec())
    }

    fn digest(&self) -> &'static digest::Algorithm {
        match self.hash {
            Hash::Sha256 => &digest::SHA256,
            Hash::Sha512 => &digest::SHA512,
        }
    }
}

const MALFORMED: &str = "the broker's answer is not SCRAM";

/// The value behind `name`, as in `r=`.
fn attribute<'a>(message: &'a str, name: &str) -> Option<&'a str> {
    message.split(',').find_map(|part| part.strip_prefix(name))
}

#[cfg(test)]
#[path = "scram_tests.rs"]
mod tests;
