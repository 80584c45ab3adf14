//! How far a broker that is out of sync has come: what it has of the partitions that it copies, what it lacks, how fast
//! that becomes less, and when it will be done. No verdict rests on any of it.
//!
//! Sizes are those of the logs on disk (`DescribeLogDirs`). A follower's log of the same records may be larger or smaller
//! than its leader's: each deletes and compacts by itself. So a partition lacks what its leader's log is larger by, and
//! nothing when it is smaller; near its end an estimate is worth less than before.

use std::{collections::VecDeque, time::Duration};

use serde::{Deserialize, Serialize};

use crate::time::BootTime;

/// How far back the rate looks.
pub const WINDOW: Duration = Duration::from_secs(90);
/// Looks that a rate takes at the least: one between two that differ may be of another set of partitions.
const LOOKS: usize = 3;
/// Looks that are remembered at the most; the pairs of them are gone through for each rate.
const LOOKS_MAX: usize = 32;
/// An end that is further away is none that anybody knows.
const KNOWN: Duration = Duration::from_secs(30 * 24 * 3600);

/// So long a look is told; in the largest cluster one takes a few minutes less.
const KEPT: Duration = Duration::from_secs(180);

/// Bytes of the partitions that are not in sync, added up over one look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Lacking {
    /// Partitions that are to be in sync and are not.
    pub partitions: u64,
    /// Those among them whose size at the leader is not known: it was not reached, or there is none.
    pub unmeasured: u64,
    /// Bytes of them that this broker has.
    pub has_bytes: u64,
    /// Bytes of them that their leaders have.
    pub needs_bytes: u64,
    /// Bytes that it lacks, partition by partition; of those that are measured.
    pub left_bytes: u64,
}

impl Lacking {
    /// Adds a partition: the size of the log here, and at the leader where that is known.
    pub fn add(&mut self, own: u64, leader: Option<u64>) {
        self.partitions += 1;
        let Some(leader) = leader else {
            self.unmeasured += 1;
            return;
        };
        self.has_bytes = self.has_bytes.saturating_add(own);
        self.needs_bytes = self.needs_bytes.saturating_add(leader);
        self.left_bytes = self.left_bytes.saturating_add(leader.saturating_sub(own));
    }
}

/// A limit of replication that is set on a broker. It slows the replicas that `*.replication.throttled.replicas` of their
/// topics name (KIP-73).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Throttle {
    /// The broker that it is set on.
    pub broker: i32,
    /// The setting.
    pub setting: String,
    /// Bytes a second.
    pub rate: u64,
}

/// One look, and what follows from it and those before.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Refill {
    /// When the look began.
    pub asked: BootTime,
    /// What is lacking.
    #[serde(flatten)]
    pub lacking: Lacking,
    /// How fast it becomes less, in bytes a second: what is copied less what comes in meanwhile. 0 when it does not become
    /// less; `None` as long as there are too few looks.
    pub rate_bytes_per_second: Option<u64>,
    /// How long it will take at that rate, in seconds; `None` when that is not known.
    pub time_left_seconds: Option<u64>,
    /// What limits replication here and at the leaders, where it is set and may be read.
    pub throttles: Vec<Throttle>,
}

impl Refill {
    /// It still tells something. Who is cut off meanwhile has no newer one.
    pub fn is_fresh(&self, now: BootTime) -> bool {
        now.since(self.asked) <= KEPT
    }
}

/// The looks at one refill.
#[derive(Clone, Debug, Default)]
pub struct Course {
    looks: VecDeque<(BootTime, u64)>,
}

impl Course {
    /// Takes a look that was begun at `asked`, and says what follows.
    pub fn look(&mut self, asked: BootTime, lacking: Lacking, throttles: Vec<Throttle>) -> Refill {
        // A sum over other partitions than before would look like a leap.
        if lacking.unmeasured == 0 && self.looks.back().is_none_or(|(last, _)| *last < asked) {
            self.looks.push_back((asked, lacking.left_bytes));
        }
        while self.looks.len() > LOOKS_MAX
            || self.looks.front().is_some_and(|(at, _)| asked.since(*at) > WINDOW)
        {
            self.looks.pop_front();
        }
        let rate = self.rate();
        let known = (lacking.unmeasured == 0).then_some(lacking.left_bytes);
        let time_left_seconds = known.and_then(|left| time_left(left, rate));
        Refill { asked, lacking, rate_bytes_per_second: rate, time_left_seconds, throttles }
    }

    /// The median of the slopes between all pairs of looks (Theil and Sen): a single leap, as when a topic comes or another
    /// partition falls out, does not move it.
    fn rate(&self) -> Option<u64> {
        if self.looks.len() < LOOKS {
            return None;
        }
        let mut slopes = Vec::new();
        for (number, (from, before)) in self.looks.iter().enumerate() {
            for (to, after) in self.looks.iter().skip(number + 1) {
                let millis = i128::try_from(to.since(*from).as_millis().max(1)).unwrap_or(i128::MAX);
                slopes.push((i128::from(*before) - i128::from(*after)) * 1000 / millis);
            }
        }
        slopes.sort_unstable();
        // The lower one of two in the middle: rather too late than too early.
        let median = slopes.get((slopes.len() - 1) / 2).copied().unwrap_or_default();
        Some(u64::try_from(median.max(0)).unwrap_or(u64::MAX))
    }
}

fn time_left(left: u64, rate: Option<u64>) -> Option<u64> {
    if left == 0 {
        return Some(0);
    }
    let seconds = left.div_ceil(rate.filter(|rate| *rate > 0)?);
    (seconds <= KNOWN.as_secs()).then_some(seconds)
}
