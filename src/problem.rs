//! One mistake a person can mend: where it is, what is wrong, what to do.

use std::fmt;

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
