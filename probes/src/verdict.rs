//! Verdicts: what is concluded, why, and for how long it holds.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{reason::Reason, time::BootTime};

/// The answer to one question about the broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// Yes.
    Yes,
    /// No.
    No,
}

impl Answer {
    /// `true` for yes only.
    pub fn is_yes(self) -> bool {
        self == Self::Yes
    }
}

/// One verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Yes or no.
    pub answer: Answer,
    /// Why it is not yes; the root cause first. Empty when it is.
    pub reasons: Vec<Reason>,
    /// The instant at which it was judged.
    pub at: BootTime,
    /// The oldest evidence that a yes rests on, and the age at which that piece is too old.
    pub rests_on: Option<(BootTime, Duration)>,
}

impl Verdict {
    /// A yes that needs no evidence which could grow old.
    pub fn yes(at: BootTime) -> Self {
        Self { answer: Answer::Yes, reasons: Vec::new(), at, rests_on: None }
    }

    /// A no, with its reasons.
    pub fn no(at: BootTime, reasons: Vec<Reason>) -> Self {
        Self { answer: Answer::No, reasons, at, rests_on: None }
    }

    /// Is it yes?
    pub fn is_yes(&self) -> bool {
        self.answer.is_yes()
    }
}

/// All four verdicts of one instant, without any override.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdicts {
    /// The broker does not hang.
    pub live: Verdict,
    /// This incarnation of the broker has answered once.
    pub started: Verdict,
    /// Every replica assigned to the broker is in sync, and it can prove so.
    pub ready: Verdict,
    /// The broker may stop without taking a partition below its minimum.
    pub stoppable: Verdict,
}
