//! The last transitions, kept over a restart of the agent.

use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
    sync::Arc,
    sync::atomic::{AtomicBool, Ordering},
};

use pillion_probes::reason::Reason;
use serde::{Deserialize, Serialize};
use tracing::{info, warn};

use crate::{
    files::{Disk, read_if_present},
    stamp,
};

/// Name of the file in the run directory.
pub const HISTORY_NAME: &str = "history.json";

/// Most transitions that are kept.
pub const KEPT: usize = 200;

/// Reasons kept with a transition, and the length of each.
const REASONS: usize = 4;
const REASON_LENGTH: usize = 400;

/// Larger than [`KEPT`] transitions of the greatest length.
const CAP: u64 = 2 << 20;

/// What changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Subject {
    /// The agent itself.
    Agent,
    /// The verdict *live*.
    Live,
    /// The verdict *started*.
    Started,
    /// The true verdict *ready*.
    Ready,
    /// The verdict *stoppable*.
    Stoppable,
    /// What `/readyz` answers, where that is not simply the true verdict.
    Answered,
    /// The override.
    Override,
    /// The certificates of the listeners.
    Certificates,
    /// The turn, and a stop that waits for it.
    Turn,
}

impl Subject {
    /// As a person reads it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Live => "live",
            Self::Started => "started",
            Self::Ready => "ready",
            Self::Stoppable => "stoppable",
            Self::Answered => "/readyz",
            Self::Override => "override",
            Self::Certificates => "certificates",
            Self::Turn => "turn",
        }
    }
}

/// A reason, as the history keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Why {
    /// The stable code.
    pub code: String,
    /// One sentence.
    pub text: String,
    /// What to do, where something is to be done.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub remedy: String,
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transition {
    /// When, RFC 3339.
    pub at: String,
    /// What.
    pub subject: Subject,
    /// What it was; empty at the start.
    pub from: String,
    /// What it is.
    pub to: String,
    /// Why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub why: Vec<Why>,
}

impl Transition {
    /// A change of the agent itself.
    pub fn agent(wall_ms: i64, to: &str) -> Self {
        let at = stamp::rfc3339(wall_ms);
        Self { at, subject: Subject::Agent, from: String::new(), to: to.to_owned(), why: Vec::new() }
    }

    /// What became of the turn, or of a stop that waits for it.
    pub fn turn(wall_ms: i64, to: String, why: Vec<Why>) -> Self {
        Self { at: stamp::rfc3339(wall_ms), subject: Subject::Turn, from: String::new(), to, why }
    }

    /// Another certificate is served.
    pub fn rotated(wall_ms: i64, to: String) -> Self {
        let at = stamp::rfc3339(wall_ms);
        Self { at, subject: Subject::Certificates, from: String::new(), to, why: Vec::new() }
    }

    /// From here on an override is in force (`ready (file)`), and not one that has ended, or is ignored.
    pub fn is_forced(&self) -> bool {
        self.subject == Subject::Override
            && ["ready (", "hold ("].iter().any(|kind| self.to.starts_with(kind))
    }

    /// Says it in one line of the log.
    pub fn log(&self) {
        let why: Vec<&str> = self.why.iter().map(|why| why.text.as_str()).collect();
        let subject = self.subject.word();
        info!(subject, from = self.from, to = self.to, "{subject}: {}", line(&self.to, &why));
    }
}

fn line(to: &str, why: &[&str]) -> String {
    if why.is_empty() { to.to_owned() } else { format!("{to}: {}", why.join("; ")) }
}

/// The first few reasons, each of bounded length.
pub(super) fn whys(reasons: &[Reason]) -> Vec<Why> {
    let why = |reason: &Reason| {
        let mut text = reason.text();
        if let Some((end, _)) = text.char_indices().nth(REASON_LENGTH) {
            text.truncate(end);
            text.push_str("...");
        }
        Why { code: reason.code().to_owned(), text, remedy: reason.remedy().to_owned() }
    };
    reasons.iter().take(REASONS).map(why).collect()
}

/// The transitions, oldest first.
#[derive(Debug)]
pub struct History {
    path: Option<PathBuf>,
    entries: VecDeque<Transition>,
    unsaved: bool,
    failing: Arc<AtomicBool>,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    transitions: VecDeque<Transition>,
}

impl History {
    /// Takes up what is at `path`. What cannot be read is set aside and said, and a new history begins.
    pub fn load(path: Option<PathBuf>, wall_ms: i64) -> Self {
        let entries = path.as_deref().map(|path| read(path, wall_ms)).unwrap_or_default();
        Self { path, entries, unsaved: false, failing: Arc::default() }
    }

    /// Adds one, forgetting the oldest beyond [`KEPT`].
    pub fn push(&mut self, transition: Transition) {
        while self.entries.len() >= KEPT {
            self.entries.pop_front();
        }
        self.entries.push_back(transition);
        self.unsaved = true;
    }

    /// A copy, newest first.
    pub fn newest_first(&self) -> Vec<Transition> {
        self.entries.iter().rev().cloned().collect()
    }

    /// The work of writing it, if there is something new; it blocks, so it is for another thread.
    pub fn to_save(&mut self) -> Option<impl FnOnce() + Send + 'static> {
        let path = self.path.clone()?;
        if !std::mem::take(&mut self.unsaved) {
            return None;
        }
        let stored = Stored { transitions: self.entries.clone() };
        let failing = Arc::clone(&self.failing);
        Some(move || {
            let json = serde_json::to_vec(&stored).unwrap_or_default();
            let written = Disk::default().write(&path, &json, 0o640);
            let failed = written.is_err();
            if let Err(error) = written
                && !failing.load(Ordering::Relaxed)
            {
                warn!("the history will not outlive this agent: {error}");
            }
            failing.store(failed, Ordering::Relaxed);
        })
    }
}

fn read(path: &Path, wall_ms: i64) -> VecDeque<Transition> {
    let why = match read_if_present(path, CAP) {
        Ok(None) => return VecDeque::new(),
        Ok(Some(bytes)) => match serde_json::from_slice::<Stored>(&bytes) {
            Ok(mut stored) => {
                let surplus = stored.transitions.len().saturating_sub(KEPT);
                stored.transitions.drain(..surplus);
                return stored.transitions;
            }
            Err(error) => format!("{} is broken: {error}", path.display()),
        },
        Err(error) => error.to_string(),
    };
    // One name, so that broken files do not heap up.
    let aside = path.with_extension("broken.json");
    let moved = match std::fs::rename(path, &aside) {
        Ok(()) => format!("set aside as {}", aside.display()),
        Err(error) => format!("and it cannot be set aside: {error}"),
    };
    warn!("a new history begins at {}: {why}; {moved}", stamp::rfc3339(wall_ms));
    VecDeque::new()
}
