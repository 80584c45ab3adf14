//! A `ZooKeeper` server itself: what it says of its place in the ensemble.
//!
//! A server says `not serving` by itself when it has no majority behind it: a follower leaves its leader, and a leader
//! gives up, when nothing was heard for `syncLimit` ticks (`Learner`, `Leader.lead`). Until then both go on to say that
//! they serve, so a server that is cut off is called ready for as long (10 s by `ZooKeeper`'s example configuration).

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{stops::Unseats, time::BootTime};

/// Oldest answer that readiness may rest on: a server is asked each second, and may take a second to answer.
pub const SERVER_LIMIT: Duration = Duration::from_secs(3);

/// The server's state, by its own word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It leads the ensemble.
    Leader,
    /// It follows a leader, and votes.
    Follower,
    /// It follows a leader and has no vote.
    Observer,
    /// It is alone by configuration.
    Standalone,
    /// It has no majority and serves reads to clients that asked for that (`readonlymode.enabled`).
    ReadOnly,
    /// It looks for a leader, or catches up with one, and serves nobody.
    NotServing,
    /// It answers, and tells nothing: no word is allowed, and there is no `AdminServer` to ask.
    Withheld,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 7] = [
        Self::Leader,
        Self::Follower,
        Self::Observer,
        Self::Standalone,
        Self::ReadOnly,
        Self::NotServing,
        Self::Withheld,
    ];

    /// In one word, as `ZooKeeper` has it where it has one.
    pub fn word(self) -> &'static str {
        match self {
            Self::Leader => "leader",
            Self::Follower => "follower",
            Self::Observer => "observer",
            Self::Standalone => "standalone",
            Self::ReadOnly => "read-only",
            Self::NotServing => "not-serving",
            Self::Withheld => "withheld",
        }
    }

    /// Whether clients may read and write through it.
    pub fn serves(self) -> bool {
        matches!(self, Self::Leader | Self::Follower | Self::Observer | Self::Standalone)
    }
}

/// The voters, as the leader tells of them (`LeaderZooKeeperServer`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ensemble {
    /// Voters, this one included (`quorum_size`).
    pub voters: usize,
    /// Voters among the followers that are in sync with the leader, which is not counted.
    pub synced: usize,
}

impl Ensemble {
    /// A majority of the voters is in sync, the leader among them.
    pub fn has_majority(self) -> bool {
        self.synced.saturating_add(1) > self.voters / 2
    }

    /// What would be left without the leader, when that is no majority.
    pub fn unseats(self) -> Option<Unseats> {
        let is_enough = self.synced > self.voters / 2;
        (!is_enough).then_some(Unseats { voters: self.voters, left: self.synced })
    }
}

/// What the server said of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Server {
    /// When it was asked.
    pub sent: BootTime,
    /// Its state.
    pub state: State,
    /// Least, mean and longest time that a request took since it was started, in microseconds.
    pub latency_us: Option<[u64; 3]>,
    /// Requests that wait.
    pub outstanding: Option<u64>,
    /// Connections of clients.
    pub connections: Option<u64>,
    /// The voters; only the leader of an ensemble of `ZooKeeper` 3.6 or newer tells.
    pub ensemble: Option<Ensemble>,
}
