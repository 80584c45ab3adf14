//! A change of the CA, in three phases: trust both, swap the certificates, drop the old one.

use std::path::Path;

use crate::{
    files::{read_capped, read_if_present},
    problem::Problem,
};

/// The largest file of a directory that tells of a change, in bytes.
const MAX_BYTES: u64 = 1 << 20;

/// Where a change of the CA stands. The CAs are in PEM, as they were written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Phase {
    /// No change is under way: what the source says is trusted.
    #[default]
    Stable,
    /// Both are trusted, and certificates are still the old CA's.
    TrustBoth {
        /// The CA that goes.
        old: Vec<u8>,
        /// The CA that comes.
        new: Vec<u8>,
    },
    /// Both are trusted, and certificates are to be the new CA's.
    Swap {
        /// The CA that goes.
        old: Vec<u8>,
        /// The CA that comes.
        new: Vec<u8>,
    },
    /// Only the new CA is trusted.
    Drop {
        /// The CA that came.
        new: Vec<u8>,
    },
}

impl Phase {
    /// As it is written in the file `phase`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Stable => "stable",
            Self::TrustBoth { .. } => "trust-both",
            Self::Swap { .. } => "swap",
            Self::Drop { .. } => "drop",
        }
    }
}

/// Reads the directory; without a file `phase` no change is under way.
///
/// # Errors
/// The file that says something else, or is missing.
pub fn phase(dir: &Path) -> Result<Phase, Problem> {
    let at = dir.join("phase");
    let Some(text) = read_if_present(&at, MAX_BYTES).map_err(|e| e.problem())? else {
        return Ok(Phase::Stable);
    };
    let read = |name: &str| read_capped(&dir.join(name), MAX_BYTES).map_err(|e| e.problem());
    match String::from_utf8_lossy(&text).trim() {
        "trust-both" => Ok(Phase::TrustBoth { old: read("old.crt")?, new: read("new.crt")? }),
        "swap" => Ok(Phase::Swap { old: read("old.crt")?, new: read("new.crt")? }),
        "drop" => Ok(Phase::Drop { new: read("new.crt")? }),
        other => {
            let shown: String = other.chars().take(40).collect();
            let what = format!("{shown:?} is no phase of a change of the CA");
            Err(Problem::new(
                at.display().to_string(),
                what,
                "one of: trust-both, swap, drop; or remove the file",
            ))
        }
    }
}
