//! A change of the authority in three phases, and which of them may begin.
//!
//! No broker may lose its peers on the way: all of them must trust the new authority before one shows a certificate of
//! it, and none may show one of the old authority when the first forgets that.

use serde::{Deserialize, Serialize};

/// A phase, as the file `phase` names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Both authorities are trusted; certificates are the old one's.
    TrustBoth,
    /// Both are trusted; certificates are the new one's.
    Swap,
    /// Only the new one is trusted.
    Drop,
}

impl Phase {
    /// As the file has it.
    pub fn word(self) -> &'static str {
        match self {
            Self::TrustBoth => "trust-both",
            Self::Swap => "swap",
            Self::Drop => "drop",
        }
    }
}

/// What a live peer showed when it was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Word {
    /// It takes the certificate that is to be shown next, and serves one of the new authority (`true`) or the old.
    Fine(bool),
    /// It refuses that certificate.
    Refuses(String),
    /// It could not be asked.
    Silent(String),
}

/// How one listener of this node stands, and its peers with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The listener.
    pub listener: String,
    /// What it trusts holds the new authority.
    pub trusts_new: bool,
    /// Its certificate is the new authority's.
    pub is_new: bool,
    /// What the node's clients that never reload trust and show is not what is installed.
    pub restart: bool,
    /// What its live peers showed, by their node id.
    pub peers: Vec<(i32, Word)>,
}

/// Why a phase may not begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// In one sentence.
    pub text: String,
    /// What to do.
    pub remedy: String,
}

/// Whether `phase` may begin on a listener that stands so. What is done already needs no permission again.
pub fn allowed(phase: Phase, of: &Standing) -> Result<(), Refusal> {
    match phase {
        Phase::TrustBoth => Ok(()),
        Phase::Swap if of.is_new => Ok(()),
        Phase::Swap => swap(of),
        Phase::Drop => drop_old(of),
    }
}

fn refused(text: String, remedy: &str) -> Result<(), Refusal> {
    Err(Refusal { text, remedy: remedy.to_owned() })
}

fn swap(of: &Standing) -> Result<(), Refusal> {
    let name = &of.listener;
    if !of.trusts_new {
        return refused(
            format!("listener {name} does not trust the new authority yet"),
            "go back to `trust-both`, and wait until every broker is through with it",
        );
    }
    if of.restart {
        return refused(
            format!(
                "what this node asks the controllers with was started before it trusted the new authority ({name})"
            ),
            "restart this node in the phase `trust-both`, when it may stop",
        );
    }
    for (id, word) in &of.peers {
        match word {
            Word::Fine(_) => {}
            Word::Refuses(why) => {
                return refused(
                    format!("node {id} does not accept the new certificate of {name}: {why}"),
                    "go back to `trust-both` until every node trusts the new authority",
                );
            }
            Word::Silent(why) => return silent(*id, why),
        }
    }
    Ok(())
}

fn drop_old(of: &Standing) -> Result<(), Refusal> {
    let name = &of.listener;
    if !of.is_new {
        return refused(
            format!("listener {name} still serves a certificate of the old authority"),
            "go back to `swap`, and wait until every broker is through with it",
        );
    }
    if of.restart {
        return refused(
            format!(
                "what this node asks the controllers with still shows a certificate of the old authority ({name})"
            ),
            "restart this node in the phase `swap`, when it may stop",
        );
    }
    for (id, word) in &of.peers {
        match word {
            Word::Fine(true) | Word::Refuses(_) => {}
            Word::Fine(false) => {
                return refused(
                    format!("node {id} still serves a certificate of the old authority on {name}"),
                    "go back to `swap` until every node serves one of the new authority",
                );
            }
            Word::Silent(why) => return silent(*id, why),
        }
    }
    Ok(())
}

fn silent(id: i32, why: &str) -> Result<(), Refusal> {
    refused(
        format!("node {id} is alive and cannot be asked: {why}"),
        "mend the way to it; the phase begins by itself when it answers",
    )
}
