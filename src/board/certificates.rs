//! What is known of the listeners' certificates. No verdict rests on it.

use std::collections::{BTreeMap, BTreeSet};

use pillion_probes::{
    certificates::{Instant, Known, Phase, Rules, Trouble, told},
    reason::Told,
};
use serde::{Deserialize, Serialize};

use super::{Subject, Transition, Why};
use crate::{clock::Now, stamp};

/// All of them, as the sidecar keeps them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Certificates {
    /// By the name of the listener.
    pub listeners: BTreeMap<String, Known>,
    /// The phase of the change of the authority that is asked for.
    pub phase: Option<Phase>,
    /// Why it has not begun, by the name of the listener; of none: why it is not known.
    pub refused: BTreeMap<String, Trouble>,
    /// Below this part of its life a certificate is expiring.
    pub expiring: f64,
    /// What was told last: listeners and codes.
    held: BTreeSet<(String, String)>,
}

/// All of them, as they are told.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CertificatesTold {
    /// By the name of the listener.
    pub listeners: BTreeMap<String, CertificateTold>,
    /// The phase of the change of the authority that is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authority_change: Option<Phase>,
    /// What is wrong or will be.
    pub reasons: Vec<Told>,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CertificateTold {
    /// In one sentence.
    pub summary: String,
    /// Its end, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends: Option<String>,
    /// Seconds to it; negative when it has passed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_seconds: Option<i64>,
    /// A handshake has shown it.
    pub served: bool,
    /// What is known of it.
    pub known: Known,
}

impl Certificates {
    /// What is wrong or will be, at `now`.
    pub fn reasons(&self, now: Now) -> Vec<Told> {
        self.by_listener(now).into_iter().map(|(_, told)| told).collect()
    }

    /// The same, each with the name of its listener; empty where it is of none.
    pub fn by_listener(&self, now: Now) -> Vec<(String, Told)> {
        let (at, rules) = (instant(now), Rules { expiring: self.expiring });
        let of = |(name, known): (&String, &Known)| {
            told(name, known, rules, at).into_iter().map(|told| (name.clone(), told)).collect::<Vec<_>>()
        };
        let mut all: Vec<(String, Told)> = self.listeners.iter().flat_map(of).collect();
        for (name, refused) in &self.refused {
            let text = match (name.as_str(), self.phase) {
                ("", _) => format!("the change of the authority cannot be followed: {}", refused.text),
                (_, None) => continue,
                (_, Some(phase)) => {
                    format!("the phase `{}` does not begin here: {}", phase.word(), refused.text)
                }
            };
            let told = Told {
                code: "authority-change-refused".to_owned(),
                text,
                remedy: refused.remedy.clone(),
                hopeless: false,
                count: None,
                partitions: Vec::new(),
            };
            all.push((name.clone(), told));
        }
        all
    }

    /// What changed since this was last asked for; what begins to be wrong is counted.
    pub(super) fn follow(&mut self, now: Now) -> Option<Transition> {
        let all = self.by_listener(now);
        let held: BTreeSet<_> = all.iter().map(|(name, told)| (name.clone(), told.code.clone())).collect();
        if held == self.held {
            return None;
        }
        for (name, code) in held.difference(&self.held) {
            if let Some(known) = self.listeners.get_mut(name) {
                *known.failures.entry(code.clone()).or_default() += 1;
            }
        }
        let from = words(&std::mem::replace(&mut self.held, held));
        let why = |(_, told): (String, Told)| Why { code: told.code, text: told.text, remedy: told.remedy };
        Some(Transition {
            at: stamp::rfc3339(now.wall_ms),
            subject: Subject::Certificates,
            from,
            to: words(&self.held),
            why: all.into_iter().take(WHYS).map(why).collect(),
        })
    }

    pub(super) fn told(&self, now: Now) -> Option<CertificatesTold> {
        (!self.listeners.is_empty()).then(|| CertificatesTold {
            listeners: self.listeners.iter().map(|(name, known)| (name.clone(), one(known, now))).collect(),
            authority_change: self.phase,
            reasons: self.reasons(now),
        })
    }
}

/// Reasons that the history keeps of one change.
const WHYS: usize = 4;

fn words(held: &BTreeSet<(String, String)>) -> String {
    if held.is_empty() {
        return "fine".to_owned();
    }
    let one = |(name, code): &(String, String)| format!("{code} {name}").trim_end().to_owned();
    held.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn one(known: &Known, now: Now) -> CertificateTold {
    let at = instant(now);
    let ends = known.installed.map(|life| life.not_after);
    CertificateTold {
        summary: summary(known, at),
        ends: ends.map(|end| stamp::seconds(end.saturating_mul(1000))),
        left_seconds: ends.map(|end| end.saturating_sub(at.wall)),
        served: known.is_served(),
        known: known.clone(),
    }
}

fn summary(known: &Known, at: Instant) -> String {
    use std::fmt::Write;
    let mut out = String::new();
    let mark = if known.development { ", NOT FOR PRODUCTION" } else { "" };
    let Some(life) = known.installed else {
        return format!("none is installed yet; it comes from {}{mark}", known.source);
    };
    let end = match life.left(at.wall) {
        Some(left) => format!("ends in {}", super::Ago(left)),
        None => "HAS ENDED".to_owned(),
    };
    // Writing into a String cannot fail.
    let _ = write!(out, "{} {}, {end}", known.subject, life.print);
    let _ = match known.looked {
        Some(looked) if known.is_served() => {
            write!(out, ", served as of {} ago", super::Ago(at.boot.since(looked)))
        }
        Some(_) => write!(out, ", not served yet"),
        None => write!(out, ", not looked at yet"),
    };
    let _ = write!(out, "; from {}{mark}", known.source);
    out
}

/// The instant for rules that know nothing of milliseconds.
pub fn instant(now: Now) -> Instant {
    Instant { wall: now.wall_ms.div_euclid(1000), boot: now.boot }
}
