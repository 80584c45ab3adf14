//! What one answer of a scan comes to.

use std::sync::Arc;

use pillion_probes::replicas::Tally;
use pillion_probes::set::{Key, Sieve};

/// Where the next page starts (`DescribeTopicPartitionsResponse.Cursor`, KIP-966).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor {
    /// The topic that the page starts in, or the first one behind it when it is gone by then.
    pub topic: String,
    /// The first partition of it.
    pub partition: i32,
}

/// Names of topics, as they came off the wire, each once where its partitions come together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TopicNames {
    /// The names.
    pub names: Vec<String>,
    /// There were more than are kept.
    pub overflow: bool,
    bytes: usize,
}

impl TopicNames {
    /// Bytes of names kept of one answer.
    pub const BYTES_MAX: usize = 4 << 20;

    /// Keeps a name, unless it came last.
    pub(super) fn add(&mut self, name: &[u8]) {
        let name = String::from_utf8_lossy(name);
        if self.names.last().is_some_and(|last| *last == name) {
            return;
        }
        if self.bytes + name.len() > Self::BYTES_MAX {
            self.overflow = true;
            return;
        }
        self.bytes += name.len();
        self.names.push(name.into_owned());
    }
}

/// A partition whose replica on the own broker is not in sync, and can come to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Behind {
    /// Name of the topic, shared by its partitions.
    pub topic: Arc<str>,
    /// Index of the partition.
    pub partition: i32,
    /// Who leads it; negative when nobody does.
    pub leader: i32,
}

impl Behind {
    /// Partitions kept of one answer. `DescribeTopicPartitions` has 2000 at the most; a broker with more replicas than this
    /// is beyond what Kafka is run with.
    pub const MAX: usize = 50_000;

    /// Its hash.
    pub fn hash(&self, key: Key) -> u64 {
        key.topic(self.topic.as_bytes()).partition(self.partition)
    }
}

/// The brokers that a `Metadata` answer lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Brokers {
    /// How many.
    pub listed: u32,
    /// The broker that the scan is about is among them.
    pub own: bool,
    /// The controller in `ZooKeeper` mode; a random live broker in `KRaft` mode. -1 when unknown.
    pub controller_id: i32,
}

/// One answer: all partitions, or up to a page of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// What was found about the broker's own replicas.
    pub tally: Tally,
    /// The closer look at them, where one was asked for.
    pub sieve: Option<Sieve>,
    /// The topics that those that leave have replicas of, where they were asked for.
    pub topics: TopicNames,
    /// The own partitions that are not in sync, where they were asked for; [`Behind::MAX`] at the most.
    pub behind: Vec<Behind>,
    /// The brokers listed; `None` in `DescribeTopicPartitions`, which lists none.
    pub brokers: Option<Brokers>,
    /// Where to go on; `None` when this was the last page.
    pub next_cursor: Option<Cursor>,
    /// Bytes of the frame, its length included.
    pub bytes: u64,
    /// Milliseconds that the broker's quota asks to wait before the next request.
    pub throttle_ms: i32,
    /// Error code of the answer as a whole; `Metadata` has one from v13 on.
    pub error_code: i16,
}
