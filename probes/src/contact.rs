//! Contact with the quorum: until when can the controllers not have fenced this broker, and as of which instant is its
//! own metadata known to be current?
//!
//! A broker that lost its controller serves its last metadata image for ever and looks perfect in it. So each answer
//! is worth only as much as the last proof that the image followed a live quorum. Two proofs count:
//!
//! * the **read index**: the quorum leader named its high watermark H, a majority of voters fetched from that leader
//!   after it did, and the broker has applied everything below H. Dated at the send of the request that brought H,
//!   less the time by which this broker's fetches trailed the leader.
//! * its **extension**: the applied offset advanced three times in a row. Only committed records reach the image, a
//!   fetch brings all that its leader has committed, and what one fetch brought is applied at once. So what brought
//!   the second advance was fetched after the first, and what brought the third was committed after that. It is dated
//!   before the first of them: the second may have been applied late, and the third fetched late, from a leader that
//!   was deposed meanwhile. Advancing is not being current, so it extends a read index for a bounded while, never
//!   begins one, and a freeze ends it.
//!
//! Both date the image ([`Contact::current`]) and the lease ([`Contact::at`]): a broker that reached the quorum then
//! has a session that lasts. Two more proofs carry the lease alone, while the image stands still:
//!
//! * the **touch**: a leader that a majority follows names when this broker last caught up with it. A broker that
//!   applies a burst of records goes on fetching, and is not cut off.
//! * the **renewal**: a new leader knows of no heartbeat, so it gives every broker that is not fenced a whole new
//!   session (`BrokerHeartbeatManager`). Its term began after it was last seen not to lead, or after the former leader
//!   was last seen to be followed.
//!
//! A lease that lapsed cannot be carried on; only a new read index begins another.

use std::{collections::VecDeque, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{limits::Limits, stops::Unseats, time::BootTime};

/// Polls, believed read indexes and denials that are kept.
const KEPT: usize = 8;

/// One voter, as the leader's answer to `DescribeQuorum` (KIP-595, KIP-836) gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Voter {
    /// Node id.
    pub id: i32,
    /// When it last fetched from the leader, by the leader's wall clock in milliseconds; negative when never.
    pub last_fetch_ms: i64,
}

/// Whom a question about the quorum was put to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// The broker, which forwards it to the active controller.
    Broker,
    /// One of the controllers, by its place in the list.
    Controller(usize),
}

/// The answer of a node that takes itself for the quorum leader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuorumAnswer {
    /// When the request was sent.
    pub sent: BootTime,
    /// When its answer had been read.
    pub answered: BootTime,
    /// Who was asked.
    pub asked: Asked,
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
    /// This node's vote; `None` when its entry is not among the voters, as that of a broker.
    pub own_vote: Option<OwnVote>,
}

/// This node's entry among the voters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnVote {
    /// It is the leader's own.
    pub leads: bool,
    /// End of this node's log in records, as the leader knows it; negative when it does not.
    pub log_end: i64,
    /// What a stop of this node would leave, where that is no majority.
    pub unseats: Option<Unseats>,
}

impl QuorumAnswer {
    /// The leader's wall clock when it answered: its own entry always carries the present
    /// (`LeaderState.describeReplicaState`).
    pub(crate) fn leader_now_ms(&self) -> Option<i64> {
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
    /// The broker's session with the controllers is as good as if it had been in contact at this instant. It may lie
    /// ahead of now by up to a heartbeat's interval after a renewal.
    pub at: BootTime,
    /// The broker's image of the metadata is known to be current as of this instant.
    pub current: BootTime,
    /// The lease has not lapsed since.
    pub since: BootTime,
    /// Instant of the last read index.
    pub read_index: BootTime,
}

impl Contact {
    fn begun(at: BootTime) -> Self {
        Self { at, current: at, since: at, read_index: at }
    }

    /// Carries the lease on to `at`, if it has not lapsed by then; `false` when it has.
    fn carry(&mut self, at: BootTime, limits: &Limits) -> bool {
        let whole = at.since(self.at) <= limits.lease;
        if whole {
            self.at = self.at.max(at);
        }
        whole
    }
}

/// An answer that a later one may confirm.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Poll {
    pub sent: BootTime,
    pub leader: i32,
    pub epoch: i32,
    pub high_watermark: i64,
    pub leader_now_ms: i64,
    pub own_lag: Duration,
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
    /// The same of the offset that was seen before this one.
    before_previous: Option<BootTime>,
}

/// Follows one incarnation of a broker and says what contact is proven. Pure: all instants are passed in.
#[derive(Clone, Debug, Default)]
pub struct Tracker {
    polls: VecDeque<Poll>,
    waiting: VecDeque<ReadIndex>,
    /// When each controller was last asked and said that it does not lead.
    denials: Vec<(usize, BootTime)>,
    /// A majority still followed the leader of `epoch` at this instant or later.
    followed: Option<BootTime>,
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

    /// Notes that a controller, asked at `sent`, said that it does not lead.
    pub fn not_leader(&mut self, controller: usize, sent: BootTime) {
        if let Some((_, last)) = self.denials.iter_mut().find(|(known, _)| *known == controller) {
            *last = sent.max(*last);
        } else if self.denials.len() < KEPT {
            self.denials.push((controller, sent));
        }
    }

    /// Takes the answer of a quorum leader.
    pub fn quorum(&mut self, answer: &QuorumAnswer, limits: &Limits) {
        self.doubt = self.weigh(answer, limits).err();
        if self.doubt.is_none() {
            self.promote(limits);
        }
    }

    fn weigh(&mut self, answer: &QuorumAnswer, limits: &Limits) -> Result<(), Doubt> {
        let leader = answer.leader;
        if leader < 0 || answer.high_watermark < 0 {
            return Err(Doubt::NoLeader);
        }
        if answer.epoch < self.epoch {
            return Err(Doubt::Deposed { leader });
        }
        if answer.epoch > self.epoch {
            self.renew(answer, limits);
        }
        let leader_now_ms = answer.leader_now_ms().ok_or(Doubt::NoLeader)?;
        let caught_up_ms =
            answer.own_caught_up_ms.filter(|at| *at >= 0).ok_or(Doubt::UnknownToLeader { leader })?;
        // In the leader's future: its clock was set back. When the next fetch has come the two can be compared again.
        let own_lag = u64::try_from(leader_now_ms.saturating_sub(caught_up_ms));
        let own_lag = Duration::from_millis(own_lag.map_err(|_| Doubt::UnknownToLeader { leader })?);
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
        self.followed = self.followed.max(Some(poll.sent));
        let at = poll.sent.back(poll.own_lag);
        if let Some(contact) = &mut self.contact {
            contact.carry(at, limits);
        }
        if self.waiting.len() == KEPT {
            self.waiting.pop_front();
        }
        self.waiting.push_back(ReadIndex { at, high_watermark: poll.high_watermark });
        Ok(())
    }

    /// A new term: if the lease still holds, every broker has a whole new session from the term's beginning on. A
    /// session counts from its start, contact from a heartbeat that may be one interval older.
    fn renew(&mut self, answer: &QuorumAnswer, limits: &Limits) {
        let denied = |(controller, sent): &(usize, BootTime)| {
            (Asked::Controller(*controller) == answer.asked).then_some(*sent)
        };
        let began_after = self.denials.iter().find_map(denied).max(self.followed);
        self.epoch = answer.epoch;
        self.followed = None;
        if let (Some(began), Some(contact)) = (began_after, &mut self.contact)
            && answer.answered.since(contact.at) <= limits.lease
        {
            contact.at = contact.at.max(began.forth(limits.heartbeat));
        }
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
            if let Some(to) = last.before_previous
                && sample.offset > last.offset
                && self.unbroken
            {
                self.extend(to, limits);
            }
        }
        self.watched = Some(match self.watched {
            Some(last) if last.offset == sample.offset => Watched { sent: sample.sent, ..last },
            last => Watched {
                sent: sample.sent,
                offset: sample.offset,
                advanced: sample.answered,
                before: last.map(|last| last.sent),
                before_previous: last.and_then(|last| last.before),
            },
        });
        self.promote(limits);
        true
    }

    fn extend(&mut self, to: BootTime, limits: &Limits) {
        if let Some(contact) = &mut self.contact
            && to.since(contact.read_index) <= limits.extension
            && contact.carry(to, limits)
        {
            contact.current = contact.current.max(to);
        }
    }

    /// Puts the newest read index in force that the applied offset has reached.
    fn promote(&mut self, limits: &Limits) {
        let Some(watched) = self.watched else { return };
        let reached = |index: &ReadIndex| watched.offset >= index.high_watermark - 1;
        if let Some(newest) = self.waiting.iter().rposition(reached) {
            let at = self.waiting[newest].at;
            self.waiting.drain(..=newest);
            let contact = self.contact.get_or_insert(Contact::begun(at));
            if contact.carry(at, limits) {
                contact.current = contact.current.max(at);
                contact.read_index = contact.read_index.max(at);
            } else {
                *contact = Contact::begun(at);
            }
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
pub(crate) fn confirms(answer: &QuorumAnswer, poll: &Poll) -> bool {
    if poll.epoch != answer.epoch || poll.leader != answer.leader || poll.sent > answer.sent {
        return false;
    }
    let heard = answer.voters.iter().filter(|voter| voter.last_fetch_ms > poll.leader_now_ms).count();
    heard * 2 > answer.voters.len()
}
