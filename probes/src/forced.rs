//! The override (break-glass): a person's word over the true readiness, with a reason and an end.
//!
//! `for` and the cap run from when the agent first saw the override, so restating one does not prolong it. Within one
//! boot the boot clock measures the passing of time; the wall clock bridges reboots and decides `until`.

mod parse;

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use parse::{End, MAX_BYTES, Malformed, Request, parse, parse_bytes};

use crate::{reason::spoken, time::BootTime};

/// The pod's annotation that states one.
pub const ANNOTATION: &str = "pillion.dev/override";

/// How the command begins that sets or removes the annotation, given the pod's namespace and name.
pub fn annotate(pod: Option<(&str, &str)>) -> String {
    match pod {
        Some((namespace, name)) => format!("kubectl annotate pod -n {namespace} {name}"),
        None => "kubectl annotate pod POD".to_owned(),
    }
}

/// How long an override may last, unless configured otherwise.
pub const DEFAULT_CAP: Duration = Duration::from_secs(2 * 60 * 60);

/// A forced *ready* needs a look at its source that is younger than this: an agent that was paused must not answer
/// "ready" from what it remembers of an override that may be gone.
pub const LOOK_LIMIT: Duration = Duration::from_secs(5);

/// What the override says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Answer ready whatever the true verdict is.
    Ready,
    /// Answer not ready whatever the true verdict is.
    Hold,
}

impl Kind {
    /// The word of the override's text.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Hold => "hold",
        }
    }
}

/// Where an override was stated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// The file in the run directory.
    File,
    /// The pod's annotation.
    Annotation,
}

impl Source {
    /// As a person says it.
    pub fn word(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Annotation => "annotation",
        }
    }
}

/// The present instant on both clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instant {
    /// The boot clock.
    pub boot: BootTime,
    /// The wall clock, in milliseconds since 1970.
    pub wall_ms: i64,
}

/// When the agent first saw an override.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FirstSeen {
    /// By the wall clock, in milliseconds since 1970.
    pub wall_ms: i64,
    /// By the boot clock of the present boot: the first sight, or where this boot took over from the last.
    pub anchor: BootTime,
    /// The time that had passed at the anchor.
    pub carried: Duration,
}

impl FirstSeen {
    /// Seen now for the first time.
    pub fn at(now: Instant) -> Self {
        Self { wall_ms: now.wall_ms, anchor: now.boot, carried: Duration::ZERO }
    }

    /// The same after a reboot: what has passed is told by the wall clock, and if that went backwards, nobody can say
    /// how much has passed; then it counts as having lasted too long.
    #[must_use]
    pub fn after_reboot(self, now: Instant) -> Self {
        let passed = u64::try_from(now.wall_ms.saturating_sub(self.wall_ms));
        let carried = passed.map_or(Duration::MAX, Duration::from_millis);
        Self { wall_ms: self.wall_ms, anchor: now.boot, carried }
    }

    /// How long ago it was first seen.
    pub fn elapsed(&self, now: Instant) -> Duration {
        self.carried.saturating_add(now.boot.since(self.anchor))
    }
}

/// What one source states, or why what it states cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stated {
    /// Where.
    pub source: Source,
    /// The parsed text, or one sentence that says what is wrong with it.
    pub request: Result<Request, String>,
    /// When it was first seen.
    pub first: FirstSeen,
    /// When the source was last looked at.
    pub looked: BootTime,
}

/// The override at one instant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "state")]
pub enum Forced {
    /// There is none.
    #[default]
    None,
    /// It is in force.
    Active {
        /// What it says.
        kind: Kind,
        /// Why, in the words of who stated it.
        reason: String,
        /// Who stated it.
        by: Option<String>,
        /// Where.
        source: Source,
        /// When it was first seen, by the wall clock in milliseconds since 1970.
        since: i64,
        /// When it ends by itself, likewise.
        until: i64,
        /// How long that is from now.
        left: Duration,
    },
    /// It has ended by itself and is still stated.
    Expired {
        /// What it said.
        kind: Kind,
        /// Why.
        reason: String,
        /// Who.
        by: Option<String>,
        /// Where.
        source: Source,
        /// When it was first seen, by the wall clock in milliseconds since 1970.
        since: i64,
    },
    /// It is ignored.
    Refused {
        /// Where it is stated.
        source: Source,
        /// Why it is ignored, in one sentence.
        why: String,
    },
}

impl Forced {
    /// The kind that is in force.
    pub fn active(&self) -> Option<Kind> {
        match self {
            Self::Active { kind, .. } => Some(*kind),
            _ => None,
        }
    }

    /// Readiness as it is answered, when the true verdict is `truly`.
    pub fn effective(&self, truly: bool) -> bool {
        match self.active() {
            Some(Kind::Ready) => true,
            Some(Kind::Hold) => false,
            None => truly,
        }
    }

    fn rank(&self) -> (u8, u8) {
        let (state, source) = match self {
            Self::Active { kind: Kind::Hold, source, .. } => (4, Some(source)),
            Self::Active { kind: Kind::Ready, source, .. } => (3, Some(source)),
            Self::Refused { source, .. } => (2, Some(source)),
            Self::Expired { source, .. } => (1, Some(source)),
            Self::None => (0, None),
        };
        (state, u8::from(source == Some(&Source::Annotation)))
    }
}

/// Judges what one source states.
pub fn judge(stated: &Stated, now: Instant, cap: Duration) -> Forced {
    let source = stated.source;
    let request = match &stated.request {
        Ok(request) => request,
        Err(why) => return Forced::Refused { source, why: why.clone() },
    };
    let first = &stated.first;
    let elapsed = first.elapsed(now);
    let left = match request.end {
        End::For(length) if length > cap => return too_long(source, length, cap),
        End::For(length) => length.saturating_sub(elapsed),
        End::Until(end_ms) => {
            let whole = millis(end_ms.saturating_sub(first.wall_ms));
            if whole > cap {
                return too_long(source, whole, cap);
            }
            // A wall clock that is set back must not carry it past the cap.
            millis(end_ms.saturating_sub(now.wall_ms)).min(cap.saturating_sub(elapsed))
        }
    };
    let Request { kind, reason, by, .. } = request.clone();
    let since = first.wall_ms;
    if left.is_zero() {
        return Forced::Expired { kind, reason, by, source, since };
    }
    if kind == Kind::Ready && now.boot.since(stated.looked) > LOOK_LIMIT {
        let age = spoken(now.boot.since(stated.looked));
        return Forced::Refused { source, why: format!("it was last looked at {age} ago and may be gone") };
    }
    Forced::Active { kind, reason, by, source, since, until: end_of(request.end, first, now, left), left }
}

/// The end by the wall clock. It is told from the first sight, so that it stands still while it is looked at, unless
/// the wall clock was stepped since.
fn end_of(end: End, first: &FirstSeen, now: Instant, left: Duration) -> i64 {
    let by_now = now.wall_ms.saturating_add(i64::try_from(left.as_millis()).unwrap_or(i64::MAX));
    let by_text = match end {
        End::Until(end_ms) => end_ms,
        End::For(length) => {
            first.wall_ms.saturating_add(i64::try_from(length.as_millis()).unwrap_or(i64::MAX))
        }
    };
    if by_text.abs_diff(by_now) < 2000 { by_text } else { by_now }
}

fn too_long(source: Source, length: Duration, cap: Duration) -> Forced {
    let (length, cap) = (spoken(length), spoken(cap));
    Forced::Refused { source, why: format!("it would last {length}, and {cap} is the most that is allowed") }
}

fn millis(ms: i64) -> Duration {
    Duration::from_millis(u64::try_from(ms).unwrap_or(0))
}

/// The one that counts of two: hold beats ready, the annotation beats the file; one in force beats one that is not.
pub fn combine(a: Forced, b: Forced) -> Forced {
    if b.rank() > a.rank() { b } else { a }
}

/// Judges all sources and combines them.
pub fn judge_all(stated: &[Stated], now: Instant, cap: Duration) -> Forced {
    stated.iter().map(|one| judge(one, now, cap)).fold(Forced::None, combine)
}

#[cfg(test)]
mod tests;
