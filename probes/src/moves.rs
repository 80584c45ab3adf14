//! Replicas that come and go by a reassignment (KIP-455), told apart from those that lag.
//!
//! A partition's replicas include those that are being added, which stay out of the ISR for as long as they copy: hours.
//! They are named by `ListPartitionReassignments`, which the broker forwards to the active controller.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{replicas::Tally, time::BootTime};

/// How old the list may be. While the controller does not answer, the last list stands for so long; then all count.
pub const LIST_LIMIT: Duration = Duration::from_secs(10);
/// A replica found out of the ISR is given so long to be found in the list, where those in the list do not count.
pub const HOLD: Duration = Duration::from_secs(1);

/// Whether replicas that are being added count against readiness.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum AddingReplicas {
    /// Until this broker was once in sync with everything that was assigned to it; after that they do not.
    #[default]
    UntilInSync,
    /// Always.
    Count,
    /// Never.
    Ignore,
}

impl AddingReplicas {
    /// Whether they count now. `in_sync_once`: this broker was once in sync with everything assigned to it.
    pub fn counts(self, in_sync_once: bool) -> bool {
        match self {
            Self::UntilInSync => !in_sync_once,
            Self::Count => true,
            Self::Ignore => false,
        }
    }
}

/// What a reassignment does with a replica of this broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    /// It is among the partition's adding replicas.
    Adding,
    /// It is among the partition's removing replicas.
    Removing,
}

/// The reassignments that concern one broker, by the hashes of the partitions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moves {
    /// When the request was sent.
    pub asked: BootTime,
    adding: Vec<u64>,
    removing: Vec<u64>,
}

impl Moves {
    /// The list as of `asked`.
    pub fn new(asked: BootTime, mut adding: Vec<u64>, mut removing: Vec<u64>) -> Self {
        adding.sort_unstable();
        removing.sort_unstable();
        Self { asked, adding, removing }
    }

    /// What is done with this broker's replica of a partition.
    pub fn of(&self, partition: u64) -> Option<Move> {
        if self.adding.binary_search(&partition).is_ok() {
            Some(Move::Adding)
        } else if self.removing.binary_search(&partition).is_ok() {
            Some(Move::Removing)
        } else {
            None
        }
    }

    /// It may still be used.
    pub fn young(&self, now: BootTime) -> bool {
        now.since(self.asked) <= LIST_LIMIT
    }

    /// What is told of it.
    pub fn told(&self) -> MovesTold {
        let count = |hashes: &Vec<u64>| u64::try_from(hashes.len()).unwrap_or(u64::MAX);
        MovesTold { asked: self.asked, adding: count(&self.adding), removing: count(&self.removing) }
    }
}

/// The list of reassignments, in numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MovesTold {
    /// When it was asked for.
    pub asked: BootTime,
    /// Replicas that are being added to this broker.
    pub adding: u64,
    /// Replicas that are being removed from it.
    pub removing: u64,
}

/// Whether to hold back what a scan found until a newer list of reassignments is there.
///
/// A reassignment that has just begun shows in the metadata before it shows in a list that was asked for earlier. So
/// where added replicas do not count, those that are out of the ISR wait for a list that is newer than the first sight
/// of them, at the most for [`HOLD`]. `asked`: of the list that the scan was read with; `first`: since when there are
/// such replicas. Other faults wait for nothing.
pub fn hold(found: &Tally, asked: Option<BootTime>, first: BootTime, now: BootTime) -> bool {
    found.faulty > 0
        && found.leaderless + found.offline == 0
        && asked.is_none_or(|asked| asked < first)
        && now.since(first) < HOLD
}
