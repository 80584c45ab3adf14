//! What the metadata assigns to a broker, held against what its log dirs hold.
//!
//! The ISR names a broker also when it does not have the replica: a leader is in the ISR of its own partition whatever
//! becomes of its log, and a follower until it has not fetched for `replica.lag.time.max.ms`. And an answer about all
//! topics leaves out, without a word, those that the one who asks may not describe (`KafkaApis`), while
//! `DescribeLogDirs` names them. So both are compared. Topics come and go meanwhile: what differs counts when it stays.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use crate::{
    replicas::{NAMED, PartitionName},
    time::BootTime,
};

/// For so long something must have been missing before it counts, once all was well in this life of the broker.
///
/// A broker applies a change of the metadata first and makes the log after; with thousands of new partitions it takes
/// several seconds for that.
pub const LASTS: Duration = Duration::from_secs(10);

/// What a close comparison found. Nothing in it passed away while it was made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// Partitions that are assigned to this broker, not offline, and in none of its healthy log dirs.
    pub missing: u64,
    /// The first of them.
    pub missing_named: Vec<PartitionName>,
    /// Topics that the log dirs hold and that the agent may not describe.
    pub hidden: u64,
    /// The first of them.
    pub hidden_named: Vec<String>,
}

/// How the last comparison came out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hosting {
    /// When the log dirs were asked for it.
    pub asked: BootTime,
    /// Assigned partitions that this broker does not host, and that count.
    pub missing: u64,
    /// The first of them, [`NAMED`] at the most.
    pub missing_named: Vec<PartitionName>,
    /// Topics hosted here that the agent may not describe, and that count.
    pub hidden: u64,
    /// The first of them, [`NAMED`] at the most.
    pub hidden_named: Vec<String>,
}

impl Hosting {
    /// Nothing counts.
    pub fn is_good(&self) -> bool {
        self.missing + self.hidden == 0
    }
}

/// Follows the comparisons of one life of the broker.
///
/// Before the first one without a difference, whatever differs counts at once: a broker that starts without a replica
/// is not ready meanwhile.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    settled: bool,
    missing: BTreeMap<PartitionName, BootTime>,
    hidden: BTreeMap<String, BootTime>,
}

impl Ledger {
    /// `settled`: an earlier comparison in this life of the broker found no difference.
    pub fn new(settled: bool) -> Self {
        Self { settled, ..Self::default() }
    }

    /// Both sides are the same.
    pub fn agreed(&mut self, asked: BootTime) -> Hosting {
        self.differed(asked, &Difference::default())
    }

    /// They differ so.
    pub fn differed(&mut self, asked: BootTime, found: &Difference) -> Hosting {
        follow(&mut self.missing, &found.missing_named, asked);
        follow(&mut self.hidden, &found.hidden_named, asked);
        self.settled |= found.missing + found.hidden == 0;
        let (missing, missing_named) = self.counting(&self.missing, found.missing, asked);
        let (hidden, hidden_named) = self.counting(&self.hidden, found.hidden, asked);
        Hosting { asked, missing, missing_named, hidden, hidden_named }
    }

    /// What counts of `kept`, the named ones of `total`. Those without a name count when all that have one do.
    fn counting<T: Ord + Clone>(
        &self,
        kept: &BTreeMap<T, BootTime>,
        total: u64,
        now: BootTime,
    ) -> (u64, Vec<T>) {
        let lasts = |since: &BootTime| !self.settled || now.since(*since) >= LASTS;
        let lasting: Vec<&T> = kept.iter().filter(|(_, since)| lasts(since)).map(|(name, _)| name).collect();
        let all = lasting.len() == kept.len() && (!self.settled || !kept.is_empty());
        let count = if all { total } else { u64::try_from(lasting.len()).unwrap_or(u64::MAX) };
        (count, lasting.into_iter().take(NAMED).cloned().collect())
    }
}

/// Keeps since when each of `found` has been there.
fn follow<T: Ord + Clone>(kept: &mut BTreeMap<T, BootTime>, found: &[T], now: BootTime) {
    let found: BTreeSet<&T> = found.iter().collect();
    kept.retain(|name, _| found.contains(name));
    for name in found {
        kept.entry(name.clone()).or_insert(now);
    }
}
