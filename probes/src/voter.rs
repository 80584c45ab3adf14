//! The vote of a controller: is this node a voter that keeps up with a leader that a majority follows?
//!
//! A controller that lost its leader goes on to listen and to answer. Only the leader can say how far a voter has come
//! (`LeaderState`), and a deposed one goes on to say it. So what a leader says counts by the rule of two polls, as in
//! [`crate::contact`]: it is believed as of an earlier answer when a majority is seen to have fetched from it after
//! that. It dates from the send of that earlier question, less the time by which this node trailed the leader; both
//! times are of the leader's own clock.
//!
//! Bad news needs no second poll. Three kinds count as soon as they are told, until a leader tells better:
//!
//! * this node is not among the voters;
//! * it has not been caught up for as long as a follower waits before it looks for another leader
//!   (`controller.quorum.fetch.timeout.ms`);
//! * no majority has fetched from the leader for five eighths of that time: when all of it is over another may be
//!   elected, and voters fetch up to a quarter of it apart. So a leader that is cut off is called unready before it can
//!   be deposed.
//!
//! When no leader answers at all, the last proof ages. While there is none, nothing is committed, so a voter that had
//! caught up still has: it stays good for as long as a normal failover takes ([`crate::limits::voter_limit`]).

use std::{collections::VecDeque, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    contact::{Doubt, Poll, QuorumAnswer, confirms},
    limits::Limits,
    stops::Unseats,
    time::BootTime,
};

/// Polls that are kept.
const KEPT: usize = 16;

/// The proof that this node is a voter that keeps up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// As of when: a majority followed the leader, and this node had what the leader had.
    pub at: BootTime,
    /// Node id of the leader.
    pub leader: i32,
    /// Its epoch.
    pub epoch: i32,
    /// This node itself is the leader.
    pub leads: bool,
    /// What a stop of this node would leave of the voters, where that is no majority.
    #[serde(default)]
    pub unseats: Option<Unseats>,
}

/// What speaks against this node's vote, as a leader told it last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "flaw")]
pub enum Flaw {
    /// It is not among the voters (by id, and by directory id where both are known).
    NotAVoter {
        /// Node id of the leader.
        leader: i32,
    },
    /// It lags behind the leader.
    Behind {
        /// Node id of the leader.
        leader: i32,
        /// For how long it has not been caught up.
        lag: Duration,
        /// Committed records that it lacks, as far as the leader knows.
        records: i64,
    },
    /// No majority of the voters fetches from the leader any more.
    Unfollowed {
        /// Node id of the leader.
        leader: i32,
        /// Since when.
        since: Duration,
    },
}

/// What is known of this node's vote.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vote {
    /// The proof in force. Its age is for the judge.
    pub standing: Option<Standing>,
    /// What speaks against it.
    pub flaw: Option<Flaw>,
    /// Why the last question about the quorum proved nothing; `None` when it did.
    pub doubt: Option<Doubt>,
}

/// Follows one incarnation of a controller. Pure: all instants are passed in.
#[derive(Clone, Debug, Default)]
pub struct Tracker {
    polls: VecDeque<Poll>,
    epoch: i32,
    vote: Vote,
}

/// Why an answer proves nothing.
enum Against {
    Doubt(Doubt),
    Flaw(Flaw),
}

impl Tracker {
    /// A tracker that knows nothing, for a new incarnation.
    pub fn new() -> Self {
        Self::default()
    }

    /// What is known.
    pub fn vote(&self) -> Vote {
        self.vote
    }

    /// Notes that a question about the quorum brought no leader's answer.
    pub fn unanswered(&mut self, doubt: Doubt) {
        self.vote.doubt = Some(doubt);
    }

    /// Takes the answer of a node that takes itself for the quorum leader.
    pub fn quorum(&mut self, answer: &QuorumAnswer, limits: &Limits) {
        match self.weigh(answer, limits) {
            Ok(standing) => {
                let before = self.vote.standing.filter(|before| before.at > standing.at);
                let at = before.map_or(standing.at, |before| before.at);
                self.vote = Vote { standing: Some(Standing { at, ..standing }), flaw: None, doubt: None };
            }
            Err(Against::Doubt(doubt)) => self.vote.doubt = Some(doubt),
            Err(Against::Flaw(flaw)) => {
                self.vote.flaw = Some(flaw);
                self.vote.doubt = None;
                if matches!(flaw, Flaw::NotAVoter { .. }) {
                    // Whatever was proven was proven of a voter.
                    self.vote.standing = None;
                    self.polls.clear();
                }
            }
        }
    }

    fn weigh(&mut self, answer: &QuorumAnswer, limits: &Limits) -> Result<Standing, Against> {
        let leader = answer.leader;
        if leader < 0 || answer.high_watermark < 0 {
            return Err(Against::Doubt(Doubt::NoLeader));
        }
        if answer.epoch < self.epoch {
            return Err(Against::Doubt(Doubt::Deposed { leader }));
        }
        if answer.epoch > self.epoch {
            self.epoch = answer.epoch;
            self.polls.clear();
            // Who is a voter, and who is followed, this leader tells anew; one that lags does so under any leader.
            self.vote.flaw = self.vote.flaw.filter(|flaw| matches!(flaw, Flaw::Behind { .. }));
        }
        let Some(own) = answer.own_vote else { return Err(Against::Flaw(Flaw::NotAVoter { leader })) };
        let leader_now_ms = answer.leader_now_ms().ok_or(Against::Doubt(Doubt::NoLeader))?;
        if let Some(since) = unfollowed(answer, leader_now_ms).filter(|since| *since > patience(limits)) {
            return Err(Against::Flaw(Flaw::Unfollowed { leader, since }));
        }
        let records = answer.high_watermark.saturating_sub(own.log_end).max(0);
        let Some(caught_up_ms) = answer.own_caught_up_ms.filter(|at| *at >= 0) else {
            // In the first moments of a term nobody has caught up yet, and what was proven before still counts.
            let fetched = own.log_end >= 0;
            let unknown = Doubt::UnknownToLeader { leader };
            return Err(Against::Doubt(if fetched { Doubt::Behind { records } } else { unknown }));
        };
        let believed = self.polls.iter().rev().find(|poll| confirms(answer, poll)).copied();
        if self.polls.len() == KEPT {
            self.polls.pop_front();
        }
        let lag = between(caught_up_ms, leader_now_ms);
        self.polls.push_back(Poll {
            sent: answer.sent,
            leader,
            epoch: answer.epoch,
            high_watermark: answer.high_watermark,
            leader_now_ms,
            own_lag: lag,
        });
        if lag > limits.fetch {
            return Err(Against::Flaw(Flaw::Behind { leader, lag, records }));
        }
        let poll = believed.ok_or(Against::Doubt(Doubt::LeaderUnheard { leader }))?;
        Ok(Standing {
            at: poll.sent.back(poll.own_lag),
            leader,
            epoch: poll.epoch,
            leads: own.leads,
            unseats: own.unseats,
        })
    }
}

/// For how long a leader may go without a majority's fetches and still be taken for one.
fn patience(limits: &Limits) -> Duration {
    limits.fetch * 5 / 8
}

/// How long ago a majority, the leader among it, had last fetched from the leader; `None` when one never has, as in the
/// first moments of a term.
fn unfollowed(answer: &QuorumAnswer, leader_now_ms: i64) -> Option<Duration> {
    let mut fetches: Vec<i64> = answer.voters.iter().map(|voter| voter.last_fetch_ms).collect();
    fetches.sort_unstable_by(|a, b| b.cmp(a));
    let last_ms = *fetches.get(fetches.len() / 2)?;
    (last_ms >= 0).then(|| between(last_ms, leader_now_ms))
}

/// The time between two instants of one clock; zero when the first is the later one.
fn between(earlier_ms: i64, later_ms: i64) -> Duration {
    Duration::from_millis(u64::try_from(later_ms.saturating_sub(earlier_ms)).unwrap_or(0))
}
