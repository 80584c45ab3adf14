//! Contact with the quorum: from which instant on is the broker's own metadata known to be current?
//!
//! A broker that lost its controller serves its last metadata image for ever and looks perfect in it. So each answer
//! is worth only as much as the last proof that the image followed a live quorum. Two proofs count:
//!
//! * the **read index**: the quorum leader named its high watermark H, a majority of voters fetched from that leader
//!   after it did, and the broker has applied everything below H. Dated at the send of the request that brought H,
//!   less the time by which this broker's fetches trailed the leader.
//! * its **extension**: the applied offset advanced, and then advanced again. Only committed records reach the image,
//!   and a fetch brings all that its leader has committed, so what brought the second advance was committed after the
//!   first one was fetched, by a live quorum, and reached this broker. It is dated before the first of the two: the
//!   second may have come late, from a leader that was deposed meanwhile. Advancing is not being current, so it extends
//!   a read index for a bounded while, never begins one, and a freeze ends it.

use std::{collections::VecDeque, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{limits::Limits, time::BootTime};

/// Polls and believed read indexes that are kept while they wait for their proof.
const KEPT: usize = 8;

/// One voter, as the leader's answer to `DescribeQuorum` (KIP-595, KIP-836) gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Voter {
    /// Node id.
    pub id: i32,
    /// When it last fetched from the leader, by the leader's wall clock in milliseconds; negative when never.
    pub last_fetch_ms: i64,
}

/// The answer of a node that takes itself for the quorum leader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuorumAnswer {
    /// When the request was sent.
    pub sent: BootTime,
    /// Node id of the leader; negative when it knows none.
    pub leader: i32,
    /// The leader's epoch.
    pub epoch: i32,
    /// Offset below which everything is committed; negative when unknown.
    pub high_watermark: i64,
    /// All voters, the leader among them.
    pub voters: Vec<Voter>,
    /// When this broker had last caught up with the leader, by the leader's clock in milliseconds; `None` when the
    /// leader has no entry for it (matched by id and, where there is one, directory id), negative when never.
    pub own_caught_up_ms: Option<i64>,
}

impl QuorumAnswer {
    /// The leader's wall clock when it answered: its own entry always carries the present
    /// (`LeaderState.describeReplicaState`).
    fn leader_now_ms(&self) -> Option<i64> {
        self.voters.iter().find(|voter| voter.id == self.leader).map(|voter| voter.last_fetch_ms)
    }
}

/// One sample of the offset up to which the broker has applied the metadata log
/// (`ApiVersionsResponse.FinalizedFeaturesEpoch`, which is the offset of the cached image in `KRaftMetadataCache`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Applied {
    /// When the request was sent.
    pub sent: BootTime,
    /// When its answer had been read.
    pub answered: BootTime,
    /// The offset.
    pub offset: i64,
}

/// Why the last answer about the quorum proved nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "doubt")]
pub enum Doubt {
    /// No leader, or one that has no high watermark yet.
    NoLeader,
    /// The leader does not know this broker, or has not heard from it in its term.
    UnknownToLeader {
        /// Node id of the leader.
        leader: i32,
    },
    /// The answer came from a leader of an earlier epoch.
    Deposed {
        /// Node id of the former leader.
        leader: i32,
    },
    /// No majority of voters has been seen to fetch from the leader yet.
    LeaderUnheard {
        /// Node id of the leader.
        leader: i32,
    },
    /// The broker has not yet applied what the quorum has committed.
    Behind {
        /// Records that it lacks.
        records: i64,
    },
    /// Nobody answered; the request is still waiting or was given up.
    Unanswered,
    /// The broker may not ask: it lacks `DESCRIBE` on the cluster.
    Denied,
}

/// The proof that is in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// The broker was in contact with a live quorum at this instant or later.
    pub at: BootTime,
    /// Instant of the read index beneath it.
    pub read_index: BootTime,
}

#[derive(Clone, Copy, Debug)]
struct Poll {
    sent: BootTime,
    leader: i32,
    epoch: i32,
    high_watermark: i64,
    leader_now_ms: i64,
    own_lag: Duration,
}

#[derive(Clone, Copy, Debug)]
struct ReadIndex {
    at: BootTime,
    high_watermark: i64,
}

#[derive(Clone, Copy, Debug)]
struct Watched {
    /// When the last sample was sent.
    sent: BootTime,
    offset: i64,
    /// When the offset was first seen.
    advanced: BootTime,
    /// When the last sample was sent that still showed an older one.
    before: Option<BootTime>,
}

/// Follows one incarnation of a broker and says what contact is proven. Pure: all instants are passed in.
#[derive(Clone, Debug, Default)]
pub struct Tracker {
    polls: VecDeque<Poll>,
    waiting: VecDeque<ReadIndex>,
    watched: Option<Watched>,
    contact: Option<Contact>,
    unbroken: bool,
    epoch: i32,
    doubt: Option<Doubt>,
}

impl Tracker {
    /// A tracker that knows nothing, for a new incarnation.
    pub fn new() -> Self {
        Self::default()
    }

    /// The proof in force, if any. Its age is for the caller to judge.
    pub fn contact(&self) -> Option<Contact> {
        self.contact
    }

    /// Why the last answer proved nothing; `None` when it did.
    pub fn doubt(&self) -> Option<Doubt> {
        self.doubt
    }

    /// The applied offset of the last sample and the instant at which it was first seen.
    pub fn applied(&self) -> Option<(i64, BootTime)> {
        self.watched.map(|watched| (watched.offset, watched.advanced))
    }

    /// Notes that a question about the quorum brought no answer.
    pub fn unanswered(&mut self, doubt: Doubt) {
        self.doubt = Some(doubt);
    }

    /// Takes the answer of a quorum leader.
    pub fn quorum(&mut self, answer: &QuorumAnswer) {
        self.doubt = self.weigh(answer).err();
        if self.doubt.is_none() {
            self.promote();
        }
    }

    fn weigh(&mut self, answer: &QuorumAnswer) -> Result<(), Doubt> {
        let leader = answer.leader;
        if leader < 0 || answer.high_watermark < 0 {
            return Err(Doubt::NoLeader);
        }
        if answer.epoch < self.epoch {
            return Err(Doubt::Deposed { leader });
        }
        self.epoch = answer.epoch;
        let leader_now_ms = answer.leader_now_ms().ok_or(Doubt::NoLeader)?;
        let caught_up_ms =
            answer.own_caught_up_ms.filter(|at| *at >= 0).ok_or(Doubt::UnknownToLeader { leader })?;
        let own_lag = Duration::from_millis(u64::try_from(leader_now_ms - caught_up_ms).unwrap_or(0));
        let believed = self.polls.iter().rev().find(|poll| confirms(answer, poll)).copied();
        if self.polls.len() == KEPT {
            self.polls.pop_front();
        }
        let high_watermark = answer.high_watermark;
        let epoch = answer.epoch;
        self.polls.push_back(Poll {
            sent: answer.sent,
            leader,
            epoch,
            high_watermark,
            leader_now_ms,
            own_lag,
        });
        let poll = believed.ok_or(Doubt::LeaderUnheard { leader })?;
        if self.waiting.len() == KEPT {
            self.waiting.pop_front();
        }
        let at = poll.sent.back(poll.own_lag);
        self.waiting.push_back(ReadIndex { at, high_watermark: poll.high_watermark });
        Ok(())
    }

    /// Takes a sample of the applied offset. `false`: the offset went backwards, so this is not the broker it was,
    /// and the tracker has forgotten everything.
    #[must_use]
    pub fn sample(&mut self, sample: Applied, limits: &Limits) -> bool {
        if let Some(last) = self.watched {
            if sample.offset < last.offset {
                *self = Self::new();
                return false;
            }
            let watching = sample.sent.since(last.sent) <= limits.sample_gap;
            let frozen = sample.sent.since(last.advanced) > limits.freeze;
            self.unbroken &= watching && !frozen;
            if let Some(before) = last.before
                && sample.offset > last.offset
                && self.unbroken
            {
                self.extend(before, limits.extension);
            }
        }
        let (advanced, before) = match self.watched {
            Some(last) if last.offset == sample.offset => (last.advanced, last.before),
            last => (sample.answered, last.map(|last| last.sent)),
        };
        self.watched = Some(Watched { sent: sample.sent, offset: sample.offset, advanced, before });
        self.promote();
        true
    }

    fn extend(&mut self, to: BootTime, extension: Duration) {
        if let Some(contact) = &mut self.contact
            && to.since(contact.read_index) <= extension
        {
            contact.at = contact.at.max(to);
        }
    }

    /// Puts the newest read index in force that the applied offset has reached.
    fn promote(&mut self) {
        let Some(watched) = self.watched else { return };
        let reached = |index: &ReadIndex| watched.offset >= index.high_watermark - 1;
        if let Some(newest) = self.waiting.iter().rposition(reached) {
            let index = self.waiting[newest];
            self.waiting.drain(..=newest);
            let at = self.contact.map_or(index.at, |old| old.at.max(index.at));
            let read_index = self.contact.map_or(index.at, |old| old.read_index.max(index.at));
            self.contact = Some(Contact { at, read_index });
            self.unbroken = true;
        }
        if let Some(index) = self.waiting.back() {
            self.doubt = Some(Doubt::Behind { records: index.high_watermark - 1 - watched.offset });
        } else if matches!(self.doubt, Some(Doubt::Behind { .. })) {
            self.doubt = None;
        }
    }
}

/// Does this later answer prove that the leader was still one when it answered `poll`? It does when, in the same
/// epoch, a majority of voters fetched from it afterwards: a voter that follows another leader no longer does.
fn confirms(answer: &QuorumAnswer, poll: &Poll) -> bool {
    if poll.epoch != answer.epoch || poll.leader != answer.leader || poll.sent > answer.sent {
        return false;
    }
    let heard = answer.voters.iter().filter(|voter| voter.last_fetch_ms > poll.leader_now_ms).count();
    heard * 2 > answer.voters.len()
}
