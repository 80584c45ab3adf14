//! What is wrong with a certificate, or with its source.

use std::fmt;

/// One thing that is wrong with a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Stable, in kebab-case.
    pub code: &'static str,
    /// What is wrong, in one sentence without a full stop. Never a part of a key or a password.
    pub text: String,
    /// What to do about it.
    pub remedy: String,
    /// Time alone heals it at this second since 1970: look again then.
    pub until: Option<i64>,
}

impl Fault {
    /// A fault.
    pub fn new(code: &'static str, text: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { code, text: text.into(), remedy: remedy.into(), until: None }
    }

    /// Whoever issues and writes certificates may heal it without a person: it is half written, or about to be renewed.
    pub fn heals(&self) -> bool {
        let passing = [
            "expired",
            "not-yet-valid",
            "key-mismatch",
            "key-damaged",
            "certificate-damaged",
            "authority-damaged",
        ];
        passing.contains(&self.code)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}\n    remedy: {}", self.code, self.text, self.remedy)
    }
}

/// Why a source gave nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFault {
    /// Why, in one sentence without a full stop.
    pub text: String,
    /// What to do about it.
    pub remedy: String,
    /// It may heal without a change of the configuration: init waits for it, and then exits with 69.
    pub heals: bool,
}

impl fmt::Display for SourceFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n    remedy: {}", self.text, self.remedy)
    }
}

impl std::error::Error for SourceFault {}
