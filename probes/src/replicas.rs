//! What a scan of the cluster's partitions found about the replicas of one broker.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{moves::Move, set::Digest, stops::Stops, time::BootTime};

/// How many partitions with one fault are kept by name; the rest are only counted.
pub const NAMED: usize = 8;

/// What is wrong with one replica of this broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// Assigned to this broker, which is not in the partition's ISR.
    OutOfIsr,
    /// The partition has no leader: nobody can say that this replica is current.
    Leaderless,
    /// Listed among the partition's offline replicas: its log dir failed, or the broker is fenced.
    Offline,
    /// Assigned to this broker, which has it in none of its log dirs, whatever the ISR says.
    NotHosted,
    /// A reassignment adds it to this broker, and it is not in the ISR yet.
    Adding,
}

/// One faulty partition, by name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FaultyPartition {
    /// Name of the topic.
    pub topic: String,
    /// Index of the partition within its topic.
    pub partition: i32,
    /// What is wrong with it.
    pub fault: Fault,
}

/// One partition, by name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PartitionName {
    /// Name of the topic.
    pub topic: String,
    /// Index of the partition within its topic.
    pub partition: i32,
}

impl fmt::Display for PartitionName {
    /// As Kafka writes it: `orders-3`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.topic, self.partition)
    }
}

/// A name from the wire as it may be shown: nothing a terminal or a log would act on.
pub fn printable(name: &[u8]) -> String {
    String::from_utf8_lossy(name).chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}

/// Counts over the partitions seen, and the first few faulty ones of this broker by name.
///
/// Constant in size whatever the cluster's: a partition that is not this broker's is only counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Topics seen, internal ones included.
    pub topics: u64,
    /// Partitions seen, of all brokers.
    pub partitions: u64,
    /// Partitions that list this broker among their replicas.
    pub assigned: u64,
    /// Partitions that this broker leads.
    #[serde(default)]
    pub led: u64,
    /// Assigned partitions whose ISR lacks this broker.
    pub out_of_isr: u64,
    /// Assigned partitions without a leader.
    pub leaderless: u64,
    /// Assigned partitions whose replica here is offline.
    pub offline: u64,
    /// Assigned partitions with any of the three faults, each counted once.
    pub faulty: u64,
    /// Topics whose description was refused for lack of authorization.
    pub unauthorized_topics: u64,
    /// Topics answered with another error, by which nothing is known of them.
    pub failed_topics: u64,
    /// The first of the faulty partitions, [`NAMED`] of each fault at the most.
    pub named: Vec<FaultyPartition>,
    /// Assigned partitions of which this broker may hold the only complete copy: no other broker is in the ISR or
    /// among the eligible leaders (ELR, KIP-966); or both are empty, and it is among those last known.
    pub only_copies: u64,
    /// The first of these, [`NAMED`] at the most.
    pub only_copies_named: Vec<PartitionName>,
    /// Assigned partitions whose replica here a reassignment is adding, and that is not in the ISR yet: no faults.
    pub adding: u64,
    /// The first of these, [`NAMED`] at the most.
    pub adding_named: Vec<FaultyPartition>,
    /// Assigned partitions whose replica here a reassignment is removing, and that would be faulty otherwise.
    pub removing: u64,
    /// The first of the topics whose description was refused, where they were asked for by name.
    pub unauthorized_named: Vec<String>,
    /// What a stop of this broker would hurt; `None` where it is not known what topics need.
    #[serde(default)]
    pub stops: Option<Stops>,
    /// The set of the assigned partitions.
    #[serde(skip)]
    pub own: Digest,
    /// The set of those whose replica here is offline.
    #[serde(skip)]
    pub own_offline: Digest,
}

impl Tally {
    /// Counts one partition that lists this broker among its replicas.
    ///
    /// `in_isr`: this broker is in the ISR; `has_leader`: leader >= 0; `offline`: this broker is among the
    /// offline replicas. `topic` is only called when the partition is to be kept by name.
    pub fn count_assigned(
        &mut self,
        partition: i32,
        in_isr: bool,
        has_leader: bool,
        offline: bool,
        topic: impl FnOnce() -> String,
    ) {
        self.assigned += 1;
        self.out_of_isr += u64::from(!in_isr);
        self.leaderless += u64::from(!has_leader);
        self.offline += u64::from(offline);
        let fault = match (offline, has_leader, in_isr) {
            // The gravest of them names it: nobody serves a partition without a leader.
            (_, false, _) => Fault::Leaderless,
            (true, _, _) => Fault::Offline,
            (_, _, false) => Fault::OutOfIsr,
            _ => return,
        };
        self.faulty += 1;
        if self.has_room(fault) {
            self.named.push(FaultyPartition { topic: topic(), partition, fault });
        }
    }

    /// Another partition with this fault may be kept by name.
    fn has_room(&self, fault: Fault) -> bool {
        self.named.iter().filter(|partition| partition.fault == fault).count() < NAMED
    }

    /// Keeps faulty partitions of another page by name.
    pub fn name_also(&mut self, page: &[FaultyPartition]) {
        for partition in page {
            if self.has_room(partition.fault) {
                self.named.push(partition.clone());
            }
        }
    }

    /// Counts one assigned partition whose replica here would be faulty, and is coming or going by a reassignment.
    ///
    /// `topic` is only called when the partition is to be kept by name.
    pub fn count_moving(&mut self, partition: i32, how: Move, topic: impl FnOnce() -> String) {
        self.assigned += 1;
        match how {
            Move::Removing => self.removing += 1,
            Move::Adding => {
                self.adding += 1;
                if self.adding_named.len() < NAMED {
                    self.adding_named.push(FaultyPartition {
                        topic: topic(),
                        partition,
                        fault: Fault::Adding,
                    });
                }
            }
        }
    }

    /// Counts one assigned partition that nobody else is known to have a complete copy of.
    ///
    /// `topic` is only called when the partition is to be kept by name.
    pub fn count_only_copy(&mut self, partition: i32, topic: impl FnOnce() -> String) {
        self.only_copies += 1;
        if self.only_copies_named.len() < NAMED {
            self.only_copies_named.push(PartitionName { topic: topic(), partition });
        }
    }
}

/// One complete pass over all partitions of the cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Round {
    /// When the request for the first page was sent.
    pub started: BootTime,
    /// When the last page had been read.
    pub finished: BootTime,
    /// The instant as of which the oldest page is known to be current (see `contact`).
    pub as_of: BootTime,
    /// Bytes of all answers.
    pub bytes: u64,
    /// What was found.
    pub tally: Tally,
}
