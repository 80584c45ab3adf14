//! One broker's image of the cluster.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Result;
use kafka_protocol::messages::{MetadataRequest, MetadataResponse};

use crate::wire::Connection;

/// A partition as a broker's metadata shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partition {
    /// The topic's name.
    pub topic: String,
    /// The partition's number.
    pub index: i32,
    /// The leader, or -1.
    pub leader: i32,
    /// Every broker it is assigned to.
    pub replicas: Vec<i32>,
    /// Those in sync.
    pub isr: Vec<i32>,
    /// Those that are down, fenced, or have it on a failed log dir.
    pub offline: Vec<i32>,
}

impl Partition {
    /// Whether broker `id` does its part for this partition.
    pub fn good_for(&self, id: i32) -> bool {
        self.leader >= 0 && self.isr.contains(&id) && !self.offline.contains(&id)
    }
}

/// Counts over the partitions that have a broker among their replicas.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// All of them.
    pub replicas: usize,
    /// Those that have it in the ISR.
    pub in_isr: usize,
    /// Those without a leader.
    pub leaderless: usize,
    /// Those that have it offline.
    pub offline: usize,
}

/// What one given broker believes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// The brokers it lists: those that are not fenced.
    pub brokers: Vec<i32>,
    /// Every partition of every topic.
    pub partitions: Vec<Partition>,
    /// The offset of its image of the metadata log (`ApiVersions` finalized features epoch), read just
    /// before the rest; -1 if unknown.
    pub epoch: i64,
}

impl View {
    /// Asks the broker at `addr`, and no other.
    pub async fn ask(addr: SocketAddr, patience: Duration) -> Result<Self> {
        let mut connection = Connection::open(addr, patience).await?;
        let epoch = connection.versions.finalized_features_epoch;
        Self::read(&mut connection, epoch).await
    }

    /// Asks again on a connection that is open.
    pub async fn ask_on(connection: &mut Connection) -> Result<Self> {
        let epoch = connection.api_versions().await?.finalized_features_epoch;
        Self::read(connection, epoch).await
    }

    async fn read(connection: &mut Connection, epoch: i64) -> Result<Self> {
        // No topics named means all of them; looking must not create any.
        let request = MetadataRequest::default().with_topics(None).with_allow_auto_topic_creation(false);
        Ok(Self::from_answer(connection.call(&request).await?, epoch))
    }

    fn from_answer(answer: MetadataResponse, epoch: i64) -> Self {
        let plain = |ids: Vec<kafka_protocol::messages::BrokerId>| ids.into_iter().map(|id| *id).collect();
        let brokers = answer.brokers.iter().map(|broker| *broker.node_id).collect();
        let mut partitions = Vec::new();
        for topic in answer.topics {
            let name = topic.name.map(|name| name.to_string()).unwrap_or_default();
            partitions.extend(topic.partitions.into_iter().map(|partition| Partition {
                topic: name.clone(),
                index: partition.partition_index,
                leader: *partition.leader_id,
                replicas: plain(partition.replica_nodes),
                isr: plain(partition.isr_nodes),
                offline: plain(partition.offline_replicas),
            }));
        }
        Self { brokers, partitions, epoch }
    }

    /// Whether broker `id` is listed.
    pub fn lists(&self, id: i32) -> bool {
        self.brokers.contains(&id)
    }

    /// The names of all topics.
    pub fn topics(&self) -> BTreeSet<String> {
        self.partitions.iter().map(|partition| partition.topic.clone()).collect()
    }

    /// The partitions assigned to `id`.
    pub fn assigned(&self, id: i32) -> impl Iterator<Item = &Partition> {
        self.partitions.iter().filter(move |partition| partition.replicas.contains(&id))
    }

    /// Counts over the partitions assigned to `id`.
    pub fn counts(&self, id: i32) -> Counts {
        self.assigned(id).fold(Counts::default(), |counts, partition| Counts {
            replicas: counts.replicas + 1,
            in_isr: counts.in_isr + usize::from(partition.isr.contains(&id)),
            leaderless: counts.leaderless + usize::from(partition.leader < 0),
            offline: counts.offline + usize::from(partition.offline.contains(&id)),
        })
    }

    /// Whether this view has `id` listed and good for every partition it is assigned.
    pub fn in_sync(&self, id: i32) -> bool {
        self.lists(id) && self.assigned(id).all(|partition| partition.good_for(id))
    }
}
