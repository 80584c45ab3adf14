//! What the metadata log says of one broker: its replicas, its registration, and what topics need.
//!
//! Memory is in proportion to the broker's own replicas and to the topics with a minimum of their own, whatever else the
//! cluster has. So a partition that comes to this broker from others is not known as a whole when the log says that it
//! comes: it is noted as [`State::wanted`], and whoever reads begins anew and looks out for it.
//!
//! The log holds records that are not committed yet, and may vanish. What a record replaces is kept until that record is
//! committed, and a partition is as good as the worst of what is kept.

use std::collections::{HashMap, HashSet, VecDeque, hash_map::Entry};

use pillion_probes::{
    replicas::printable,
    set::{Key, TopicHash},
    stops::OTHERS_MAX,
};

use super::{
    bytes::Ids,
    placement::{Placement, TopicId},
    records::{HIGHEST_METADATA_VERSION, PartitionChangeRecord, PartitionRecord, Record},
};

/// States that wait for a record to be committed. A quorum that commits nothing appends little.
const EARLIER_MAX: usize = 100_000;
/// `ConfigResource.Type.TOPIC`.
const TOPIC: i8 = 2;
const MIN_ISR: &str = "min.insync.replicas";

/// Why the log cannot be followed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Beyond {
    /// The cluster's level is newer than what is known.
    #[error("the cluster is at metadata.version {0}, which is newer than what this pillion knows")]
    MetadataVersion(i16),
    /// More is uncommitted than is kept.
    #[error("too much of the metadata log is not committed")]
    Uncommitted,
    /// More topics have a minimum of their own than are kept, those included that were deleted since the last snapshot.
    #[error("too many topics have, or had since its last snapshot, min.insync.replicas of their own")]
    Minimums,
    /// A transaction within another, which Kafka refuses, too (`MetadataBatchLoader`).
    #[error("the metadata log begins a transaction within another")]
    Transaction,
}

/// A topic that this broker has replicas of.
#[derive(Clone, Debug)]
pub(super) struct Topic {
    pub name: Box<str>,
    pub hash: TopicHash,
}

/// One partition of this broker.
#[derive(Clone, Debug, Default)]
pub(super) struct Partition {
    /// After the last record; `None` when it is not this broker's any more.
    pub now: Option<Placement>,
    /// What was replaced by a record that is not committed yet, with the offset of that record.
    pub earlier: Vec<(i64, Placement)>,
}

/// The broker's registration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Registration {
    /// The controllers have fenced it, or it is not registered.
    fenced: bool,
    /// The record that ended that last.
    unfenced: i64,
    /// Directories that are online; empty where they have no ids. They become fewer until the next registration, so the
    /// last word is the worst.
    pub(super) directories: Box<[[u8; 16]]>,
}

/// What the log says, as far as it was read.
#[derive(Clone, Debug)]
pub struct State {
    pub(super) own: i32,
    pub(super) key: Key,
    /// Topics of the cluster.
    pub(super) count: u64,
    /// The last topic that came: its partitions follow.
    recent: Option<(TopicId, Box<str>)>,
    pub(super) topics: HashMap<TopicId, Topic>,
    pub(super) partitions: HashMap<(TopicId, i32), Partition>,
    /// What topics need that say it themselves.
    pub(super) minimums: HashMap<TopicHash, i32>,
    /// Those of them that the batch under way has set.
    fresh: HashSet<TopicHash>,
    /// Brokers that are not fenced, and the record that ended that last.
    live: HashMap<i32, i64>,
    metadata_version: i16,
    pub(super) registration: Registration,
    /// Partitions that came to this broker and of which not all is known.
    pub(super) unknown: HashSet<(TopicId, i32)>,
    /// Looked out for, although they may be others' as yet.
    wanted: HashSet<(TopicId, i32)>,
    /// Partitions with earlier states, in the order of the records that replaced them.
    waiting: VecDeque<(i64, (TopicId, i32))>,
    /// Before a transaction of records (KIP-868) that has not ended: where it began, and what was before.
    transaction: Option<(i64, Box<State>)>,
    /// Below this everything is committed.
    committed: i64,
    /// Offset of the last record that changed what is told.
    changed: i64,
    /// Something became worse since it was asked last.
    worse: bool,
}

impl State {
    /// Knows nothing of `own` yet. `wanted`: see [`State::wanted`].
    pub fn new(own: i32, key: Key, wanted: HashSet<(TopicId, i32)>) -> Self {
        Self {
            own,
            key,
            count: 0,
            recent: None,
            topics: HashMap::new(),
            partitions: HashMap::new(),
            minimums: HashMap::new(),
            fresh: HashSet::new(),
            live: HashMap::new(),
            metadata_version: 0,
            registration: Registration { fenced: true, unfenced: -1, directories: Box::default() },
            unknown: HashSet::new(),
            wanted,
            waiting: VecDeque::new(),
            transaction: None,
            committed: 0,
            changed: -1,
            worse: false,
        }
    }

    /// What has come to this broker and is not known as a whole: whoever reads the log from a snapshot on and looks out for
    /// these will know them.
    pub fn wanted(&self) -> Option<HashSet<(TopicId, i32)>> {
        (!self.unknown.is_empty()).then(|| self.unknown.union(&self.wanted).copied().collect())
    }

    /// The controllers have fenced the broker, or may have.
    pub fn is_fenced(&self) -> bool {
        self.registration.fenced || self.registration.unfenced >= self.committed
    }

    /// Nothing waits to be committed, or to be looked up.
    pub fn is_settled(&self) -> bool {
        let registered = self.registration.unfenced < self.committed;
        self.waiting.is_empty() && self.unknown.is_empty() && self.transaction.is_none() && registered
    }

    /// The level of `metadata.version`.
    pub fn metadata_version(&self) -> i16 {
        self.metadata_version
    }

    /// Offset of the last record that changed what is told of this broker.
    pub fn changed(&self) -> i64 {
        self.changed
    }

    /// Whether something may have become worse since this was asked last: it should be told at once.
    pub fn take_worse(&mut self) -> bool {
        std::mem::take(&mut self.worse)
    }

    /// Whether a broker may serve: it is registered, and not fenced, and that is committed.
    pub fn is_live(&self, broker: i32) -> bool {
        self.live.get(&broker).is_some_and(|unfenced| *unfenced < self.committed)
    }

    /// The records that follow are those of one batch.
    pub fn begin_batch(&mut self) {
        self.fresh.clear();
    }

    /// Takes the next record.
    pub fn apply(&mut self, offset: i64, record: &Record<'_>) -> Result<(), Beyond> {
        match record {
            Record::Topic(topic) => self.topic(topic.topic_id, topic.name, offset),
            Record::Partition(partition) => self.partition(offset, partition),
            Record::PartitionChange(change) => self.change(offset, change),
            Record::RemoveTopic(topic) => self.remove(offset, topic.topic_id),
            Record::Config(config) if config.resource_type == TOPIC && config.name == MIN_ISR => {
                let least = config.value.and_then(|value| value.trim().parse().ok());
                self.minimum(config.resource_name, least, offset)?;
            }
            Record::FeatureLevel(feature) if feature.name == "metadata.version" => {
                self.metadata_version = feature.feature_level;
                if feature.feature_level > HIGHEST_METADATA_VERSION {
                    return Err(Beyond::MetadataVersion(feature.feature_level));
                }
            }
            Record::ClearElr(clear) => self.clear_elr(offset, clear.topic_name),
            Record::BeginTransaction if self.transaction.is_some() => return Err(Beyond::Transaction),
            Record::BeginTransaction => self.transaction = Some((offset, Box::new(self.clone()))),
            Record::EndTransaction => self.transaction = None,
            Record::AbortTransaction => {
                if let Some((_, before)) = self.transaction.take() {
                    *self = Self { changed: offset, committed: self.committed, ..*before };
                }
            }
            _ => self.register(offset, record),
        }
        if self.waiting.len() > EARLIER_MAX { Err(Beyond::Uncommitted) } else { Ok(()) }
    }

    /// Everything below the offset `below` is committed; what it replaced counts no more. `true` when that changed something.
    pub fn commit(&mut self, below: i64) -> bool {
        let below = self.transaction.as_ref().map_or(below, |(began, _)| below.min(*began));
        let newly = self.committed..below;
        let mut changed = newly.contains(&self.registration.unfenced)
            || self.live.values().any(|unfenced| newly.contains(unfenced));
        self.committed = self.committed.max(below);
        let mut left = false;
        while let Some((until, of)) = self.waiting.front().copied() {
            if until >= self.committed {
                break;
            }
            self.waiting.pop_front();
            if let Entry::Occupied(mut entry) = self.partitions.entry(of) {
                let partition = entry.get_mut();
                partition.earlier.retain(|(until, _)| *until >= self.committed);
                changed = true;
                if partition.now.is_none() && partition.earlier.is_empty() {
                    entry.remove();
                    left = true;
                }
            }
        }
        if left {
            self.forget_topics();
        }
        changed
    }

    /// What was looked out for and is others' after all is forgotten. What is this broker's has to be looked out for the next
    /// time, too.
    pub fn settle(&mut self) {
        let own = self.own;
        let is_own = |placement: &Placement| placement.has(own);
        self.partitions.retain(|_, partition| {
            partition.now.as_ref().is_some_and(is_own) || !partition.earlier.is_empty()
        });
        self.wanted.retain(|of| self.partitions.contains_key(of));
        self.forget_topics();
    }

    fn forget_topics(&mut self) {
        let kept: HashSet<_> = self.partitions.keys().map(|(topic, _)| *topic).collect();
        self.topics.retain(|id, _| kept.contains(id));
    }

    fn topic(&mut self, id: TopicId, name: &str, offset: i64) {
        self.count += 1;
        if self.wanted.iter().any(|(topic, _)| *topic == id) {
            self.name(id, name);
        }
        self.recent = Some((id, name.into()));
        // A topic of this name was deleted, and its settings with it. A snapshot has settings after all topics; so has a log,
        // in the batch that makes a topic, but for early releases, which have them before it there (KAFKA-14612).
        let hash = self.key.topic(name.as_bytes());
        if !self.fresh.contains(&hash) && self.minimums.remove(&hash).is_some() {
            self.changed = offset;
        }
    }

    fn name(&mut self, id: TopicId, name: &str) {
        let hash = self.key.topic(name.as_bytes());
        self.topics.entry(id).or_insert_with(|| Topic { name: printable(name.as_bytes()).into(), hash });
    }

    fn partition(&mut self, offset: i64, record: &PartitionRecord<'_>) {
        let of = (record.topic_id, record.partition_id);
        let placement = Placement::of(record, self.own);
        if !(placement.has(self.own) || self.wanted.contains(&of) || self.partitions.contains_key(&of)) {
            return;
        }
        if !self.topics.contains_key(&of.0) {
            match self.recent.take() {
                Some((id, name)) if id == of.0 => {
                    self.name(id, &name);
                    self.recent = Some((id, name));
                }
                // A topic of old that got another partition.
                recent => {
                    self.recent = recent;
                    self.unknown.insert(of);
                }
            }
        }
        self.replace(offset, of, Some(placement));
    }

    fn change(&mut self, offset: i64, record: &PartitionChangeRecord<'_>) {
        let of = (record.topic_id, record.partition_id);
        let known = self.partitions.get(&of).and_then(|partition| partition.now.as_ref());
        let placement = if let Some(known) = known {
            known.changed(record, self.own)
        } else {
            let comes = record.replicas.is_some_and(|ids: Ids<'_>| ids.iter().any(|id| id == self.own));
            if !comes {
                return;
            }
            self.unknown.insert(of);
            Placement::coming(record, self.own)
        };
        self.replace(offset, of, Some(placement));
    }

    fn remove(&mut self, offset: i64, id: TopicId) {
        self.count = self.count.saturating_sub(1);
        if !self.topics.contains_key(&id) && !self.unknown.iter().any(|(topic, _)| *topic == id) {
            return;
        }
        let of_it: Vec<_> = self.partitions.keys().filter(|(topic, _)| *topic == id).copied().collect();
        for of in of_it {
            self.replace(offset, of, None);
        }
        self.unknown.retain(|(topic, _)| *topic != id);
    }

    /// Puts something in the place of what was, which counts on until the record at `offset` is committed.
    fn replace(&mut self, offset: i64, of: (TopicId, i32), placement: Option<Placement>) {
        let stays = |placement: &Placement| placement.has(self.own) || self.wanted.contains(&of);
        let placement = placement.filter(stays);
        let partition = self.partitions.entry(of).or_default();
        let before = std::mem::replace(&mut partition.now, placement);
        let in_sync = before.as_ref().map_or(0, Placement::in_sync);
        let is_worse = |now: &Placement| {
            now.in_sync() < in_sync
                || !(now.in_isr(self.own) && now.has_leader())
                || now.is_offline(&self.registration.directories)
        };
        self.worse |= partition.now.as_ref().is_some_and(is_worse);
        if offset >= self.committed
            && let Some(before) = before
        {
            partition.earlier.push((offset, before));
            self.waiting.push_back((offset, of));
        }
        if partition.now.is_none() {
            self.unknown.remove(&of);
            if partition.earlier.is_empty() {
                self.partitions.remove(&of);
                self.forget_topics();
            }
        }
        self.changed = offset;
    }

    /// The eligible leaders of a topic, or of all, are forgotten: `ReplicationControlManager` does so when the feature is
    /// turned off.
    fn clear_elr(&mut self, offset: i64, topic: &str) {
        let cleared: Vec<_> = (self.partitions.iter())
            .filter(|((id, _), _)| {
                topic.is_empty() || self.topics.get(id).is_some_and(|known| *known.name == *topic)
            })
            .filter_map(|(of, partition)| Some((*of, partition.now.as_ref()?.without_eligible())))
            .collect();
        for (of, placement) in cleared {
            self.replace(offset, of, Some(placement));
        }
    }

    fn minimum(&mut self, topic: &str, least: Option<i32>, offset: i64) -> Result<(), Beyond> {
        let hash = self.key.topic(topic.as_bytes());
        match least {
            Some(least) => {
                self.fresh.insert(hash);
                self.minimums.insert(hash, least)
            }
            None => self.minimums.remove(&hash),
        };
        self.changed = offset;
        if self.minimums.len() > OTHERS_MAX { Err(Beyond::Minimums) } else { Ok(()) }
    }

    /// Fences a broker, or takes that back.
    fn fence(&mut self, offset: i64, record: &Record<'_>) {
        let (id, fenced) = match record {
            Record::RegisterBroker(broker) => (broker.broker_id, broker.fenced),
            Record::BrokerRegistrationChange(change) if change.fenced != 0 => {
                (change.broker_id, change.fenced > 0)
            }
            Record::FenceBroker(broker) => (broker.id, true),
            Record::UnfenceBroker(broker) => (broker.id, false),
            Record::UnregisterBroker(broker) => (broker.broker_id, true),
            _ => return,
        };
        let before = self.live.len();
        if fenced {
            self.live.remove(&id);
        } else {
            self.live.entry(id).or_insert(offset);
        }
        if self.live.len() != before {
            (self.changed, self.worse) = (offset, self.worse || fenced);
        }
    }

    fn register(&mut self, offset: i64, record: &Record<'_>) {
        self.fence(offset, record);
        let before = self.registration.clone();
        let own = self.own;
        let registration = &mut self.registration;
        match record {
            Record::RegisterBroker(broker) if broker.broker_id == own => {
                registration.fenced = broker.fenced;
                registration.directories = broker.log_dirs.iter().collect();
            }
            Record::BrokerRegistrationChange(change) if change.broker_id == own => {
                registration.fenced = match change.fenced {
                    0 => registration.fenced,
                    fenced => fenced > 0,
                };
                // An empty list changes nothing (`ClusterDelta.replay`).
                if change.log_dirs.iter().next().is_some() {
                    registration.directories = change.log_dirs.iter().collect();
                }
            }
            Record::FenceBroker(broker) if broker.id == own => registration.fenced = true,
            Record::UnfenceBroker(broker) if broker.id == own => registration.fenced = false,
            Record::UnregisterBroker(broker) if broker.broker_id == own => registration.fenced = true,
            _ => return,
        }
        if before.fenced && !registration.fenced {
            registration.unfenced = offset;
        }
        if *registration != before {
            (self.changed, self.worse) = (offset, true);
        }
    }
}
