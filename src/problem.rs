//! What a person can mend: where it is, what is wrong, what to do.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A mistake in something a person wrote or mounted. Several are collected and told at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where: `pillion.yaml:12: broker.idBase`, an environment variable, a flag, a path.
    pub place: String,
    /// What is wrong, in one sentence without a full stop.
    pub what: String,
    /// What to do about it.
    pub remedy: String,
}

impl Problem {
    /// A problem at `place`.
    pub fn new(place: impl Into<String>, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { place: place.into(), what: what.into(), remedy: remedy.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}\n    remedy: {}", self.place, self.what, self.remedy)
    }
}

/// Something in the broker's settings that a person should know. It stops nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SettingFinding {
    /// `warning` or `note`.
    pub severity: String,
    /// Its rule in docs/lint.md, by which it is permitted.
    pub rule: String,
    /// The setting; empty where it is about none.
    pub key: String,
    /// Where a person finds it.
    pub place: String,
    /// What is wrong, in one sentence.
    pub what: String,
    /// What to do.
    pub remedy: String,
}

impl SettingFinding {
    /// Whether it is worth a line where little is said.
    pub fn is_warning(&self) -> bool {
        self.severity == "warning"
    }
}

impl fmt::Display for SettingFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { severity, rule, place, what, remedy, .. } = self;
        write!(f, "{severity}: {place}: {what} ({rule}): {remedy}")
    }
}
