//! Reasons: why a verdict is no, in words that a person on call can act on.

mod doubts;
mod insecure;
mod stops;
mod words;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use words::Words;

use crate::{
    contact::Doubt,
    ledger,
    observe::Insecurity,
    replicas::{Fault, FaultyPartition, PartitionName},
    stops::{Block, Lack, Unseats},
    zookeeper,
};

/// Why a verdict is no (or, for an override, why it is not the true one).
///
/// The data are ages at the instant of judging, counts and names. [`Reason::code`] is stable; the texts are not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The agent has not tried to reach the broker yet.
    NotLooked,
    /// The listener refuses connections.
    NotListening {
        /// For how long.
        since: Duration,
        /// Process id of the broker, when it is seen to run.
        pid: Option<i32>,
        /// Its logs were not closed cleanly, so it recovers them first.
        recovering: bool,
        /// Time since the process was last seen to use CPU or I/O.
        idle: Option<Duration>,
    },
    /// Something takes connections and closes them at once.
    Closes {
        /// For how long.
        since: Duration,
    },
    /// The broker takes connections and does not answer.
    Silent {
        /// For how long.
        since: Duration,
    },
    /// Its address cannot be reached.
    Unreachable {
        /// The system's words.
        why: String,
    },
    /// Something answers that is not a broker pillion can judge.
    NotJudgeable {
        /// What it is instead.
        why: String,
    },
    /// The agent and the node do not take each other for who they are.
    Insecure {
        /// What it failed at.
        fault: Insecurity,
        /// What they say.
        why: String,
    },
    /// It answers, and belongs to another cluster.
    ForeignCluster {
        /// The id of that cluster.
        cluster_id: String,
    },
    /// It answers, and does not have the log dirs that this broker was prepared with.
    ForeignLogDirs {
        /// The dirs it lacks.
        missing: Vec<String>,
    },
    /// The wall clock stepped, or the machine slept; evidence from before does not count.
    ClockStepped,
    /// No contact with the quorum has been proven since the broker started to answer.
    QuorumUnknown {
        /// Why the last question proved nothing.
        doubt: Option<Doubt>,
    },
    /// The last proven contact with the quorum is too old: the controllers may fence this broker any moment.
    QuorumStale {
        /// How old the contact is.
        age: Duration,
        /// How old it may be.
        limit: Duration,
        /// For how long the applied metadata offset has stood still.
        frozen: Option<Duration>,
        /// Why the last question proved nothing.
        doubt: Option<Doubt>,
    },
    /// This controller is not among the voters of the quorum.
    NotAVoter {
        /// Node id of the leader that says so.
        leader: i32,
    },
    /// This controller is a voter, and lags behind the leader.
    VoterBehind {
        /// For how long it has not been caught up; `None` when it has not been yet.
        lag: Option<Duration>,
        /// Committed records that it lacks.
        records: i64,
    },
    /// No majority of the voters fetches from the leader: it is cut off, or about to be deposed.
    Unfollowed {
        /// Node id of the leader.
        leader: i32,
        /// Since when.
        since: Duration,
    },
    /// No other broker has shown yet that this one is in sync (`ZooKeeper` mode).
    PeersUnknown {
        /// Why the last round proved nothing.
        doubt: Option<zookeeper::Doubt>,
    },
    /// It is too long ago that another broker showed it.
    PeersStale {
        /// How long.
        age: Duration,
        /// How long it may be.
        limit: Duration,
        /// Why the last round proved nothing.
        doubt: Option<zookeeper::Doubt>,
    },
    /// No `ZooKeeper` server that is part of a majority answers the agent any more: the broker's session may be over,
    /// and who vouches for it may be cut off with it.
    ZooKeeperUnreachable {
        /// For how long.
        age: Duration,
        /// For how long it may be.
        limit: Duration,
    },
    /// The others find it in sync, but not for long enough.
    Settling {
        /// For how long.
        since: Duration,
        /// For how long they must.
        needed: Duration,
    },
    /// Another broker does not list this one: its session with `ZooKeeper` is over.
    Unregistered {
        /// The broker that says so.
        by: i32,
    },
    /// The controller does not answer, and the others go on to name it: what they say may be frozen.
    ControllerSilent {
        /// Its broker id.
        controller: i32,
        /// For how long.
        since: Duration,
    },
    /// The port for clients of a `ZooKeeper` server is closed.
    ServerNotListening {
        /// For how long.
        since: Duration,
        /// Its process, when it is seen to run.
        pid: Option<i32>,
    },
    /// What listens on the port for clients of a `ZooKeeper` server closes each connection.
    ServerCloses {
        /// For how long.
        since: Duration,
    },
    /// A `ZooKeeper` server without a majority: it serves nobody.
    NotServing,
    /// A `ZooKeeper` server without a majority, which serves reads.
    ReadOnly,
    /// A `ZooKeeper` server that leads, and no majority is in sync with it.
    Unsynced {
        /// Voters of the ensemble.
        voters: usize,
        /// Followers among them that are in sync.
        synced: usize,
    },
    /// A `ZooKeeper` server that answers, and tells nothing of its state.
    StateWithheld,
    /// What a `ZooKeeper` server said of its state is too old.
    StateStale {
        /// How old.
        age: Duration,
        /// How old it may be.
        limit: Duration,
    },
    /// Whether the ensemble has a majority without this `ZooKeeper` server is not known here.
    OthersUnknown,
    /// The broker has not yet said who is in the cluster.
    ListingMissing,
    /// Its list of live brokers is too old.
    ListingStale {
        /// How old it is.
        age: Duration,
    },
    /// It is not in its own list of live brokers.
    Fenced,
    /// No scan of the partitions is complete yet.
    ScanMissing,
    /// The last complete scan is too old.
    ScanStale {
        /// How old its oldest page is.
        age: Duration,
        /// How old it may be.
        limit: Duration,
    },
    /// The metadata log on the broker's volume says another thing than the broker.
    SourcesDiffer {
        /// For how long.
        since: Duration,
        /// What the log says.
        ledger: ledger::Told,
        /// What the broker answers.
        broker: ledger::Told,
    },
    /// Replicas of this broker are not in sync.
    Replicas {
        /// What is wrong with them.
        fault: Fault,
        /// How many.
        count: u64,
        /// How many are assigned to this broker in all.
        assigned: u64,
        /// The first of them.
        named: Vec<FaultyPartition>,
    },
    /// What is assigned was not yet held against what the log dirs hold, or too long ago.
    NotCompared,
    /// Topics that could not be looked into.
    TopicsFailed {
        /// How many.
        count: u64,
    },
    /// Topics that the agent may not see.
    TopicsHidden {
        /// How many.
        count: u64,
        /// The first of them, where they are known by name.
        named: Vec<String>,
    },
    /// Requests that the agent may not make.
    Denied {
        /// Their names.
        requests: Vec<String>,
    },
    /// The log dirs have not been told yet.
    LogDirsMissing,
    /// What is known of the log dirs is too old.
    LogDirsStale {
        /// How old it is.
        age: Duration,
    },
    /// Log dirs are offline.
    LogDirFailed {
        /// Their paths.
        paths: Vec<String>,
    },
    /// The log dirs hold replicas, and the metadata knows of none.
    UnlistedReplicas {
        /// How many the dirs hold.
        hosted: u64,
    },
    /// This broker has not answered yet, in this life.
    NotStarted,
    /// Positive evidence that the broker hangs.
    Hung {
        /// For how long it has been silent and motionless.
        since: Duration,
        /// Its process id.
        pid: i32,
    },
    /// Partitions would have too little left without this broker.
    WouldLack {
        /// What they would lack.
        block: Block,
        /// How many.
        count: u64,
        /// The first of them.
        named: Vec<PartitionName>,
    },
    /// Too few controllers that keep up would be left for a majority.
    WouldUnseat(Unseats),
    /// It is not known what topics need (`min.insync.replicas`).
    MinimumsUnknown {
        /// Why.
        lack: Option<Lack>,
    },
    /// What is known of it is too old.
    MinimumsStale {
        /// How old it is.
        age: Duration,
        /// Why there is nothing newer.
        lack: Option<Lack>,
    },
}

impl Reason {
    /// The stable, kebab-case name.
    pub fn code(&self) -> &'static str {
        self.words().code
    }

    /// One plain sentence.
    pub fn text(&self) -> String {
        self.words().text
    }

    /// What to do about it.
    pub fn remedy(&self) -> &'static str {
        self.words().remedy
    }

    /// Waiting cannot end it: somebody has to change something.
    pub fn is_hopeless(&self) -> bool {
        match self {
            Self::WouldLack { block, .. } => !block.heals(),
            Self::WouldUnseat(unseats) => unseats.voters <= 2,
            Self::MinimumsUnknown { lack } | Self::MinimumsStale { lack, .. } => {
                matches!(lack, Some(Lack::Denied | Lack::TooMany))
            }
            Self::TopicsHidden { .. } => true,
            _ => false,
        }
    }

    /// How many things are concerned, where that is a number.
    pub fn count(&self) -> Option<u64> {
        match self {
            Self::Replicas { count, .. }
            | Self::WouldLack { count, .. }
            | Self::TopicsFailed { count }
            | Self::TopicsHidden { count, .. } => Some(*count),
            Self::UnlistedReplicas { hosted } => Some(*hosted),
            Self::LogDirFailed { paths } => u64::try_from(paths.len()).ok(),
            _ => None,
        }
    }

    /// The first few partitions concerned.
    pub fn partitions(&self) -> &[FaultyPartition] {
        match self {
            Self::Replicas { named, .. } => named,
            _ => &[],
        }
    }
}

/// A duration as a person says it: `840 ms`, `4.5 s`, `12 min`, `3.2 h`.
pub fn spoken(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    match seconds {
        s if s < 1.0 => format!("{} ms", duration.as_millis()),
        s if s < 90.0 => format!("{s:.1} s"),
        s if s < 5400.0 => format!("{:.0} min", s / 60.0),
        s => format!("{:.1} h", s / 3600.0),
    }
}

/// A reason as it is told to machines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// The stable code.
    pub code: String,
    /// One plain sentence.
    pub text: String,
    /// What to do.
    pub remedy: String,
    /// Waiting cannot end it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hopeless: bool,
    /// How many things are concerned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// The first few partitions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub partitions: Vec<FaultyPartition>,
}

impl From<&Reason> for Told {
    fn from(reason: &Reason) -> Self {
        let Words { code, text, remedy } = reason.words();
        Self {
            code: code.into(),
            text,
            remedy: remedy.into(),
            hopeless: reason.is_hopeless(),
            count: reason.count(),
            partitions: reason.partitions().to_vec(),
        }
    }
}
