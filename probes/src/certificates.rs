//! Certificates of the listeners: when one is due, how its rotation goes on, and what is told about it.
//!
//! Certificates live by the wall clock, in seconds since 1970; everything else is dated by the boot clock. No verdict
//! rests on any of this: a broker with an old certificate is in sync as before.

mod authority;
mod reasons;
mod rotation;

use std::{
    collections::BTreeMap,
    fmt::{self, Debug, Display, Formatter},
    time::Duration,
};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

pub use authority::{Phase, Refusal, Standing, Word, allowed};
pub use reasons::{Rules, told};
pub use rotation::{Course, Step, backoff, step};

use crate::time::BootTime;

/// The present instant on both clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instant {
    /// On the wall clock, in seconds since 1970.
    pub wall: i64,
    /// On the boot clock.
    pub boot: BootTime,
}

/// A certificate by its SHA-256, written as the first 16 hexadecimal digits where people read it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Print(pub [u8; 32]);

impl Display for Print {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.0.iter().take(8).try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl Debug for Print {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        Display::fmt(self, f)
    }
}

impl Serialize for Print {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let digit = |byte: u8| char::from_digit(u32::from(byte), 16).unwrap_or('0');
        let all: String = self.0.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect();
        serializer.serialize_str(&all)
    }
}

impl<'de> Deserialize<'de> for Print {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let digits: Option<Vec<u8>> =
            text.chars().map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
        let bytes: Vec<u8> =
            digits.unwrap_or_default().chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect();
        bytes.try_into().map(Self).map_err(|_| D::Error::custom("64 hexadecimal digits are wanted"))
    }
}

/// One certificate: which, and how long it is valid, in seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Life {
    /// Which.
    pub print: Print,
    /// `notBefore`.
    pub not_before: i64,
    /// `notAfter`.
    pub not_after: i64,
}

impl Life {
    /// How long it is still valid at `now`, in seconds since 1970; `None` when its end has come.
    pub fn left(&self, now: i64) -> Option<Duration> {
        seconds(self.not_after.saturating_sub(now)).filter(|left| !left.is_zero())
    }

    /// How long it is valid in all.
    pub fn length(&self) -> Duration {
        seconds(self.not_after.saturating_sub(self.not_before)).unwrap_or_default()
    }

    /// At most this part of its life is left.
    pub fn expiring(&self, part: f64, now: i64) -> bool {
        self.left(now).is_none_or(|left| left.as_secs_f64() <= self.length().as_secs_f64() * part)
    }

    /// Two thirds of its life are over: who can ask for another, does now.
    pub fn due(&self, now: i64) -> bool {
        self.expiring(1.0 / 3.0, now)
    }
}

fn seconds(count: i64) -> Option<Duration> {
    u64::try_from(count).ok().map(Duration::from_secs)
}

/// Something that goes wrong, and since when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// In one sentence.
    pub text: String,
    /// What to do.
    pub remedy: String,
    /// Since when.
    pub since: BootTime,
}

impl Trouble {
    /// Trouble since `now`, or since earlier when it is the same as `before`.
    #[must_use]
    pub fn of(text: String, remedy: String, before: Option<&Self>, now: BootTime) -> Self {
        let since = before.filter(|before| before.text == text).map_or(now, |before| before.since);
        Self { text, remedy, since }
    }
}

/// What is known of one listener's certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Known {
    /// Where it comes from, as in `directory /certs`.
    pub source: String,
    /// It comes from a CA for development.
    #[serde(default)]
    pub development: bool,
    /// This node only connects by it, and serves nothing there: no handshake can show it.
    #[serde(default)]
    pub client_only: bool,
    /// What is installed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub installed: Option<Life>,
    /// Whose it is, and for which names.
    #[serde(default)]
    pub subject: String,
    /// The end of the authority that ends first among those that are trusted, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authority_until: Option<i64>,
    /// What the last handshake showed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub served: Option<Print>,
    /// When that was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub looked: Option<BootTime>,
    /// Since when the broker answers and does not serve what is installed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub behind: Option<Trouble>,
    /// Why what the source has now is not installed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<Trouble>,
    /// Why the source cannot be asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unreachable: Option<Trouble>,
    /// What the clients of the node that never reload were started with, where that is no longer what is installed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_with: Option<Life>,
    /// When another certificate was last proven to be served in place of the one before, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_rotation: Option<i64>,
    /// When a handshake last showed what is installed, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_proof: Option<i64>,
    /// How long the last rotation took, from the sight of the new certificate to the proof, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub took_ms: Option<u64>,
    /// How often each reason began to hold.
    #[serde(default)]
    pub failures: BTreeMap<String, u64>,
}

impl Known {
    /// The last handshake showed what is installed, where one can.
    pub fn is_served(&self) -> bool {
        self.client_only && self.installed.is_some()
            || self.installed.is_some_and(|installed| self.served == Some(installed.print))
    }
}
