//! The canary: whether a record that is written through the broker comes back. No verdict rests on it.

use std::{collections::BTreeMap, time::Duration};

use pillion_probes::time::BootTime;
use prometheus_client::metrics::histogram::Histogram;
use serde::{Deserialize, Serialize};

use super::Trouble;

/// Upper ends of the buckets, in seconds.
const BUCKETS: [f64; 11] = [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0];

/// The canary is up for so long after its last good round trip, if no bad one followed: the next begins after 10 s, and takes 7 s
/// at the most.
pub const CANARY_LIMIT: Duration = Duration::from_secs(20);

/// How a round trip ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The record was committed and came back.
    Ok,
    /// The broker leads no partition of the topic, or there is none.
    NoPartition,
    /// The broker did not take the record.
    ProduceFailed,
    /// The broker took the record, or would have, and not enough replicas are in sync to commit it.
    NotCommitted,
    /// The record is committed and did not come back.
    NotRead,
    /// The agent may not write to its topic, or not read it. Of others that says nothing.
    Denied,
}

impl Outcome {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Ok, Self::NoPartition, Self::ProduceFailed, Self::NotCommitted, Self::NotRead, Self::Denied];

    /// As the metrics name it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::NoPartition => "no-partition",
            Self::ProduceFailed => "produce-failed",
            Self::NotCommitted => "not-committed",
            Self::NotRead => "not-read",
            Self::Denied => "denied",
        }
    }
}

/// What is known of it.
#[derive(Debug)]
pub struct Canary {
    /// The topic.
    pub topic: String,
    /// From produce to consume, of those that were good.
    pub latency: Histogram,
    /// How often a round trip ended how.
    pub counts: BTreeMap<Outcome, u64>,
    /// The last one, and when it began.
    pub last: Option<(Outcome, BootTime)>,
    /// When the last good one began.
    pub good: Option<BootTime>,
    /// How long the last good one took.
    pub took: Option<Duration>,
    /// Why the last one was not good, in the broker's words, where it said so.
    pub why: Option<String>,
    /// Why the topic is not as it should be.
    pub trouble: Option<Trouble>,
}

impl Canary {
    /// Nothing is known yet.
    pub fn new(topic: &str) -> Self {
        Self {
            topic: topic.to_owned(),
            latency: Histogram::new(BUCKETS),
            counts: BTreeMap::new(),
            last: None,
            good: None,
            took: None,
            why: None,
            trouble: None,
        }
    }

    /// A round trip that began at `began` ended so; a good one took `took`.
    pub fn note(&mut self, outcome: Outcome, began: BootTime, took: Duration) {
        *self.counts.entry(outcome).or_default() += 1;
        self.last = Some((outcome, began));
        if outcome == Outcome::Ok {
            self.latency.observe(took.as_secs_f64());
            (self.good, self.took) = (Some(began), Some(took));
        }
    }

    /// The last round trip was good, and not longer ago than `limit`: when the broker does not answer none is tried.
    pub fn is_up(&self, now: BootTime, limit: Duration) -> bool {
        self.last.is_some_and(|(outcome, at)| outcome == Outcome::Ok && now.since(at) <= limit)
    }

    pub(super) fn told(&self, now: BootTime) -> CanaryTold {
        CanaryTold {
            topic: self.topic.clone(),
            last: self.last.map(|(outcome, _)| outcome),
            last_age_seconds: self.last.map(|(_, at)| now.since(at).as_secs_f64()),
            why: self.why.clone(),
            good_age_seconds: self.good.map(|at| now.since(at).as_secs_f64()),
            took_seconds: self.took.map(|took| took.as_secs_f64()),
            trouble: self.trouble.clone(),
        }
    }
}

/// The canary, for people.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CanaryTold {
    /// The topic.
    pub topic: String,
    /// How the last round trip ended.
    pub last: Option<Outcome>,
    /// How long ago it began.
    #[serde(default)]
    pub last_age_seconds: Option<f64>,
    /// Why it was not good, in the broker's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// How long ago the last good one was.
    pub good_age_seconds: Option<f64>,
    /// How long the last good one took.
    pub took_seconds: Option<f64>,
    /// Why the topic is not as it should be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<Trouble>,
}

impl CanaryTold {
    /// In a line.
    pub fn summary(&self) -> String {
        let ago = |age| super::Ago(Duration::try_from_secs_f64(age).unwrap_or_default());
        let last = match (self.last, self.last_age_seconds) {
            (Some(_), Some(age)) if age > CANARY_LIMIT.as_secs_f64() => {
                format!("no round trip for {}", ago(age))
            }
            (last, _) => last.map_or("no round trip yet", Outcome::word).to_owned(),
        };
        let why = self.why.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
        let good = match (self.good_age_seconds, self.took_seconds) {
            (Some(age), Some(took)) => {
                format!(", last good {} ago in {:.0} ms", ago(age), took * 1000.0)
            }
            _ => String::new(),
        };
        format!("{last}{why}{good} ({})", self.topic)
    }
}
