//! The decoder of `Metadata` and `DescribeTopicPartitions` answers.

use std::sync::Arc;

use pillion_probes::moves::{Move, Moves};
use pillion_probes::replicas::{NAMED, PartitionName, Tally, printable};
use pillion_probes::set::{Key, Sieve, TopicHash};
use pillion_probes::stops::{Left, Minimums, Stops};

use crate::kafka::codes;
use crate::kafka::scan::push::{Items, Next, Push};
use crate::kafka::scan::window::{Stop, Window};
use crate::kafka::scan::{Behind, Brokers, Cursor, Page, ScanError, Step};

/// Longest name of a topic (`org.apache.kafka.common.internals.Topic.MAX_NAME_LENGTH`), in bytes.
const NAME_MAX: u16 = 249;
/// Longest host, rack or cluster id accepted, in bytes.
const TEXT_MAX: u16 = 4096;

/// Which answer is decoded. All versions here are flexible ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScanKind {
    /// `Metadata` of all topics, versions 9 to 13.
    Metadata {
        /// Version of the request.
        version: i16,
    },
    /// `DescribeTopicPartitions`, version 0 (3.8, `KRaft` only).
    DescribeTopicPartitions,
}

/// Decodes one answer as its bytes come, and keeps what concerns one broker.
///
/// Memory: the name of one topic, the start of one cut-off item (at most 21 KB) and the [`Tally`].
#[derive(Clone, Debug)]
pub struct Scanner {
    push: Push<Partitions>,
    bytes: u64,
}

impl Scanner {
    /// A decoder of one answer about broker `own_id`.
    ///
    /// `bytes` is the length of what will be fed: the frame from behind the correlation id to its end.
    /// `resumed` is the topic that the request's cursor pointed into: it was counted with an earlier page.
    pub fn new(kind: ScanKind, own_id: i32, bytes: u64, resumed: Option<&Cursor>) -> Result<Self, ScanError> {
        let version = match kind {
            ScanKind::Metadata { version } if !(9..=13).contains(&version) => {
                return Err(ScanError::Version(version));
            }
            ScanKind::Metadata { version } => Some(version),
            ScanKind::DescribeTopicPartitions => None,
        };
        let resumed = resumed.filter(|cursor| cursor.partition > 0).map(|cursor| cursor.topic.clone());
        Ok(Self { push: Push::new(Partitions::new(version, own_id, resumed), bytes), bytes })
    }

    /// Hashes the own partitions with `key`, for the digests of the [`Tally`].
    #[must_use]
    pub fn keyed(mut self, key: Key) -> Self {
        self.push.items_mut().key = key;
        self
    }

    /// Tells replicas that come and go by a reassignment from those that lag.
    #[must_use]
    pub fn with_moves(mut self, moves: Option<Arc<Moves>>) -> Self {
        self.push.items_mut().moves = moves;
        self
    }

    /// Takes a closer look at the own partitions. One that looks for names passes over those that are offline.
    #[must_use]
    pub fn with_sieve(mut self, sieve: Option<Sieve>) -> Self {
        self.push.items_mut().page.sieve = sieve;
        self
    }

    /// Tells what a stop of these brokers would hurt.
    #[must_use]
    pub fn leaving(mut self, brokers: &[i32], minimums: Option<Arc<Minimums>>) -> Self {
        let items = self.push.items_mut();
        items.leaving = brokers.iter().map(|id| id.to_be_bytes()).collect();
        items.page.tally.stops = minimums.as_deref().map(Stops::by);
        items.minimums = minimums;
        self
    }

    /// Keeps the names of the topics that those that leave have replicas of.
    #[must_use]
    pub fn with_names(mut self, keep: bool) -> Self {
        self.push.items_mut().names = keep;
        self
    }

    /// Keeps the own partitions that are not in sync, and not offline: what is on a log dir that failed does not come back.
    #[must_use]
    pub fn with_behind(mut self, keep: bool) -> Self {
        self.push.items_mut().behind = keep;
        self
    }

    /// Decodes the next bytes of the frame, however few or many.
    ///
    /// Fails as soon as a length or count cannot be true; further feeds fail the same way.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<Step, ScanError> {
        self.push.feed(bytes)
    }

    /// What was found so far: of use for publishing faults before the end of a long answer.
    pub fn tally(&self) -> &Tally {
        &self.push.items().page.tally
    }

    /// What was found. Call it after [`Step::Complete`]; before it, it is what was found so far.
    pub fn finish(self) -> Page {
        Page { bytes: self.bytes + 8, ..self.push.into_items().page }
    }
}

#[derive(Clone, Copy, Debug)]
enum At {
    Throttle,
    Brokers,
    Broker { left: u32 },
    Controller,
    Topics,
    Topic,
    Partitions { left: u32 },
    TopicEnd,
    Rest,
    CursorEnd,
    End,
}

#[derive(Clone, Debug)]
struct Partitions {
    /// Of `Metadata`; `None` for `DescribeTopicPartitions`.
    metadata: Option<i16>,
    own_id: i32,
    resumed: Option<String>,
    at: At,
    topics_left: u32,
    topic: Vec<u8>,
    /// Of the current topic, once it is needed.
    topic_hash: Option<TopicHash>,
    key: Key,
    moves: Option<Arc<Moves>>,
    minimums: Option<Arc<Minimums>>,
    leaving: Vec<[u8; 4]>,
    names: bool,
    behind: bool,
    page: Page,
}

impl Partitions {
    fn new(metadata: Option<i16>, own_id: i32, resumed: Option<String>) -> Self {
        let (at, topic) = (At::Throttle, Vec::with_capacity(usize::from(NAME_MAX)));
        Self {
            metadata,
            own_id,
            resumed,
            at,
            topics_left: 0,
            topic,
            topic_hash: None,
            key: Key::default(),
            moves: None,
            minimums: None,
            leaving: Vec::new(),
            names: false,
            behind: false,
            page: Page::default(),
        }
    }

    /// The version of `Metadata` is at least this.
    fn since(&self, version: i16) -> bool {
        self.metadata.is_some_and(|own| own >= version)
    }

    fn broker(&mut self, window: &mut Window<'_>) -> Result<(), Stop> {
        let id = window.int32()?;
        window.text("a broker's host", TEXT_MAX)?;
        window.int32()?;
        window.nullable_text("a rack", TEXT_MAX)?;
        let brokers = self.page.brokers.get_or_insert(Brokers { listed: 0, own: false, controller_id: -1 });
        brokers.listed += 1;
        brokers.own |= id == self.own_id;
        Ok(())
    }

    fn controller(&mut self, window: &mut Window<'_>) -> Result<(), Stop> {
        window.nullable_text("the cluster id", TEXT_MAX)?;
        let controller_id = window.int32()?;
        let brokers = self.page.brokers.get_or_insert(Brokers { listed: 0, own: false, controller_id });
        brokers.controller_id = controller_id;
        Ok(())
    }

    /// The head of a topic; returns how many partitions follow.
    fn topic(&mut self, window: &mut Window<'_>) -> Result<u32, Stop> {
        let error = window.int16()?;
        let name = window.nullable_text("a topic's name", NAME_MAX)?;
        if self.metadata.is_none() || self.since(10) {
            window.take(16)?;
        }
        window.take(1)?;
        // Error, index, leader, epoch, three lists and the tagged fields.
        let partitions = window.count("the partitions of a topic", 18)?;
        if name.is_none() && error == codes::NONE {
            return Err(ScanError::Null { what: "a topic's name" }.into());
        }
        let name = name.unwrap_or_default();
        let continued = self.resumed.take().is_some_and(|resumed| resumed.as_bytes() == name);
        let tally = &mut self.page.tally;
        match error {
            // The latter was deleted meanwhile: its replicas are nobody's any more.
            codes::NONE | codes::UNKNOWN_TOPIC_OR_PARTITION => {}
            codes::TOPIC_AUTHORIZATION_FAILED => {
                tally.unauthorized_topics += 1;
                if tally.unauthorized_named.len() < NAMED {
                    tally.unauthorized_named.push(printable(name));
                }
            }
            _ => tally.failed_topics += 1,
        }
        tally.topics += u64::from(!continued && error != codes::UNKNOWN_TOPIC_OR_PARTITION);
        self.topic.clear();
        self.topic.extend_from_slice(name);
        self.topic_hash = None;
        Ok(partitions)
    }

    /// One partition. Its own error code repeats what leader and lists say (5 no leader, 9 a replica's broker
    /// is down), but for a leader that is there and has no listener of the name that is asked.
    #[inline]
    fn partition(&mut self, window: &mut Window<'_>) -> Result<(), Stop> {
        let error = window.int16()?;
        let index = window.int32()?;
        let leader = window.int32()?;
        window.int32()?;
        let replicas = window.ids("the replicas of a partition")?;
        let isr = window.ids("the ISR of a partition")?;
        let (mut eligible, mut last_eligible) = (&[][..], &[][..]);
        if self.metadata.is_none() {
            eligible = window.nullable_ids("the eligible leaders of a partition")?.unwrap_or_default();
            last_eligible =
                window.nullable_ids("the last known eligible leaders of a partition")?.unwrap_or_default();
        }
        let offline = window.ids("the offline replicas of a partition")?;
        self.page.tally.partitions += 1;
        let own = self.own_id.to_be_bytes();
        let has = |ids: &[u8]| ids.as_chunks::<4>().0.contains(&own);
        if has(replicas) {
            let (in_isr, offline) = (has(isr), has(offline));
            let led = leader >= 0 || self.is_led(error, in_isr && !offline, isr);
            let hash = self.own(index, offline);
            let how = self.moves.as_deref().and_then(|moves| moves.of(hash));
            if self.behind && !in_isr && !offline && how != Some(Move::Removing) {
                self.falls_behind(index, leader);
            }
            let (topic, tally) = (&self.topic, &mut self.page.tally);
            tally.led += u64::from(leader == self.own_id);
            let name = || printable(topic);
            match how {
                // What it has is nobody's yet: another broker's death does not make it a fault either.
                Some(Move::Adding) if !in_isr && !offline => {
                    tally.count_moving(index, Move::Adding, name);
                }
                Some(Move::Removing) if !in_isr || !led || offline => {
                    tally.count_moving(index, Move::Removing, name);
                }
                _ => tally.count_assigned(index, in_isr, led, offline, name),
            }
            let only_copy = if isr.is_empty() && eligible.is_empty() {
                has(last_eligible)
            } else {
                only(isr, own) && only(eligible, own)
            };
            if only_copy {
                self.page.tally.count_only_copy(index, name);
            }
        }
        if self.names && replicas.as_chunks::<4>().0.iter().any(|id| self.leaving.contains(id)) {
            self.page.topics.add(&self.topic);
        }
        if self.minimums.is_some() {
            self.stop(index, replicas, isr, (eligible, offline));
        }
        Ok(())
    }

    /// Somebody leads a partition for which no leader is named. A broker names none that lacks the listener by which it was
    /// asked, as others do while one is rolled out (`KRaftMetadataCache`): `Metadata` says so by its error code, and
    /// `DescribeTopicPartitions` does not. But of an ISR with a live member the controllers always make one the leader.
    fn is_led(&self, error: i16, in_sync_here: bool, isr: &[u8]) -> bool {
        error == codes::LISTENER_NOT_FOUND || (self.metadata.is_none() && in_sync_here && isr.len() > 4)
    }

    #[cold]
    fn falls_behind(&mut self, partition: i32, leader: i32) {
        let behind = &mut self.page.behind;
        if behind.len() < Behind::MAX {
            let name = String::from_utf8_lossy(&self.topic);
            let last = behind.last().filter(|last| *last.topic == *name);
            let topic = last.map_or_else(|| Arc::from(&*name), |last| Arc::clone(&last.topic));
            behind.push(Behind { topic, partition, leader });
        }
    }

    /// Weighs what those that leave take from a partition. Who is not in its ISR takes nothing.
    #[inline]
    fn stop(&mut self, index: i32, replicas: &[u8], isr: &[u8], (eligible, offline): (&[u8], &[u8])) {
        let Some(minimums) = self.minimums.as_deref() else { return };
        let (isr, eligible) = (isr.as_chunks::<4>().0, eligible.as_chunks::<4>().0);
        let offline = offline.as_chunks::<4>().0;
        let leaves = |id: &[u8; 4]| self.leaving.contains(id);
        if !isr.iter().any(leaves) {
            return;
        }
        let topic = *self.topic_hash.get_or_insert_with(|| self.key.topic(&self.topic));
        let replicas = replicas.len() / 4;
        let left = Left {
            replicas,
            isr: isr.len(),
            in_sync: isr.iter().filter(|id| !leaves(id)).count(),
            // One that is dead stays an eligible leader, and serves nobody.
            eligible: (eligible.iter())
                .filter(|id| !leaves(id) && !isr.contains(id) && !offline.contains(id))
                .count(),
        };
        let name = || PartitionName { topic: printable(&self.topic), partition: index };
        let least = minimums.of(topic, replicas);
        let Some(stops) = &mut self.page.tally.stops else { return };
        stops.under += u64::from(left.isr < least);
        if let Some(block) = left.block(least) {
            stops.add(block, name);
        }
    }

    /// Notes that a partition of the current topic is this broker's; returns its hash.
    fn own(&mut self, index: i32, offline: bool) -> u64 {
        let topic = *self.topic_hash.get_or_insert_with(|| self.key.topic(&self.topic));
        let hash = topic.partition(index);
        self.page.tally.own.add(hash);
        if offline {
            self.page.tally.own_offline.add(hash);
        }
        if let Some(sieve) = &mut self.page.sieve
            && !(offline && sieve.wants_names())
        {
            sieve.see(hash, &self.topic, index);
        }
        hash
    }

    /// As many partitions as are at hand: the loop that takes the time.
    fn partitions(&mut self, mut left: u32, window: &mut Window<'_>) -> Result<Next, Stop> {
        while left > 0 {
            self.partition(window)?;
            left -= 1;
            self.at = At::Partitions { left };
            if !window.skip_empty_tags() {
                return Ok(Next::Tags);
            }
            window.commit();
        }
        self.at = At::TopicEnd;
        Ok(Next::Item)
    }

    fn rest(&mut self, window: &mut Window<'_>) -> Result<(), Stop> {
        match self.metadata {
            Some(version) => {
                if version <= 10 {
                    window.int32()?;
                }
                if version >= 13 {
                    self.page.error_code = window.int16()?;
                }
            }
            None => match window.int8()? {
                -1 => {}
                1 => {
                    let topic = window.text("the cursor's topic", NAME_MAX)?;
                    let partition = window.int32()?;
                    let topic = std::str::from_utf8(topic)
                        .map_err(|_| ScanError::Utf8 { what: "the cursor's topic" })?
                        .to_owned();
                    self.page.next_cursor = Some(Cursor { topic, partition });
                }
                mark => return Err(ScanError::Mark(mark).into()),
            },
        }
        Ok(())
    }
}

impl Items for Partitions {
    fn item(&mut self, window: &mut Window<'_>) -> Result<Next, Stop> {
        let (at, next) = match self.at {
            At::Throttle => {
                self.page.throttle_ms = window.int32()?;
                (if self.metadata.is_some() { At::Brokers } else { At::Topics }, Next::Item)
            }
            // Id, host, port, rack, tagged fields.
            At::Brokers => (At::Broker { left: window.count("the brokers", 11)? }, Next::Item),
            At::Broker { left: 0 } => (At::Controller, Next::Item),
            At::Broker { left } => {
                self.broker(window)?;
                (At::Broker { left: left - 1 }, Next::Tags)
            }
            At::Controller => {
                self.controller(window)?;
                (At::Topics, Next::Item)
            }
            At::Topics => {
                // Error, name, internal, partitions, tagged fields.
                self.topics_left = window.count("the topics", 6)?;
                (At::Topic, Next::Item)
            }
            At::Topic if self.topics_left == 0 => (At::Rest, Next::Item),
            At::Topic => {
                let left = self.topic(window)?;
                self.topics_left -= 1;
                (At::Partitions { left }, Next::Item)
            }
            At::Partitions { left } => return self.partitions(left, window),
            At::TopicEnd => {
                window.int32()?;
                (At::Topic, Next::Tags)
            }
            At::Rest => {
                self.rest(window)?;
                // A cursor has tagged fields of its own in front of the message's.
                (if self.page.next_cursor.is_some() { At::CursorEnd } else { At::End }, Next::Tags)
            }
            At::CursorEnd => (At::End, Next::Tags),
            At::End => (At::End, Next::Done),
        };
        self.at = at;
        Ok(next)
    }
}

/// Nobody but `own` is in the list.
#[inline]
fn only(ids: &[u8], own: [u8; 4]) -> bool {
    ids.as_chunks::<4>().0.iter().all(|id| *id == own)
}
