//! Observations: what each observer saw, with the instant it saw it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    contact::{Contact, Doubt},
    hosting::Hosting,
    ledger::{Contradiction, Ledger},
    moves::{AddingReplicas, MovesTold},
    refill::Refill,
    replicas::{Round, Tally},
    server::Server,
    stops::Lack,
    time::BootTime,
    voter::Vote,
    zookeeper::Testimony,
};

/// What the node is in the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// A `KRaft` broker.
    Broker,
    /// A `KRaft` broker that is a controller too.
    Combined,
    /// A `KRaft` controller and nothing else.
    Controller,
    /// A broker in `ZooKeeper` mode.
    #[serde(rename = "zookeeper")]
    ZooKeeper,
    /// A server of `ZooKeeper` itself, which is no node of Kafka.
    #[serde(rename = "zookeeper-server")]
    ZooKeeperServer,
}

impl Role {
    /// Whether a broker runs in this process.
    pub fn has_broker(self) -> bool {
        !matches!(self, Self::Controller | Self::ZooKeeperServer)
    }

    /// Whether a controller runs in this process.
    pub fn has_controller(self) -> bool {
        matches!(self, Self::Combined | Self::Controller)
    }
}

/// How the last attempt to talk to the broker ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "reach")]
pub enum Reach {
    /// Nothing was tried yet.
    #[default]
    Untried,
    /// It answers.
    Answers,
    /// The port is closed.
    Refused,
    /// It accepted the connection and closed it.
    Closed,
    /// It accepts connections, or lets them wait, and does not answer.
    Silent,
    /// The address cannot be reached or resolved.
    Unreachable {
        /// The system's words.
        why: String,
    },
    /// It answers, but not as a broker that can be judged.
    NotJudgeable {
        /// What it is instead.
        why: String,
    },
    /// The agent and the broker do not take each other for who they are.
    Insecure {
        /// What it failed at.
        fault: Insecurity,
        /// What they say.
        why: String,
    },
}

/// Why two sides do not take each other for who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Insecurity {
    /// The broker refuses the agent's user name, password or token.
    Authentication,
    /// The agent does not trust the broker's certificate.
    Untrusted,
    /// The broker's certificate is for other names.
    WrongName,
    /// The broker's certificate is not valid now.
    PeerExpired,
    /// The agent's certificate has expired, and the broker refuses it.
    OwnExpired,
    /// The broker refuses the agent's certificate, or misses one.
    OwnRefused,
    /// TLS failed in another way.
    Tls,
    /// The agent's own credentials cannot be used.
    Credentials,
}

/// One life of the broker's process, as far as the wire and `/proc` tell lives apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incarnation {
    /// Counts from 1; a new one begins whenever the old is over or cannot be proven to go on.
    pub number: u64,
    /// When it began for the agent.
    pub since: BootTime,
    /// When it first answered a request; `None` when it has not yet.
    pub answered: Option<BootTime>,
    /// When it last answered.
    pub last_answer: Option<BootTime>,
}

/// How long the broker has been silent, on the connection that had answered before and on new ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silence {
    /// The oldest request on a connection that had answered before is waiting since.
    pub old_connection: Option<BootTime>,
    /// Every new connection has brought no byte since.
    pub new_connection: Option<BootTime>,
}

/// The broker's process in `/proc`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// Process id, in the agent's namespace.
    pub pid: i32,
    /// Start time in clock ticks since boot (`/proc/<pid>/stat`, field 22); with the pid it names one process.
    pub started_ticks: u64,
    /// The agent has watched it without a gap since.
    pub watched_since: BootTime,
    /// When it was last looked at.
    pub looked: BootTime,
    /// When its CPU time or its I/O was last seen to have grown.
    pub moved: BootTime,
    /// CPU time used, in milliseconds.
    pub cpu_ms: u64,
    /// Bytes read and written, when `/proc/<pid>/io` may be read.
    pub io_bytes: Option<u64>,
}

/// The broker's own list of the cluster's live brokers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listing {
    /// When the request was sent.
    pub sent: BootTime,
    /// As of which instant it is known to be current.
    pub as_of: BootTime,
    /// This broker is in the list, which a fenced one is not.
    pub listed: bool,
}

/// One log dir, as `DescribeLogDirs` (KIP-113, KIP-827) tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogDir {
    /// Absolute path, as the broker has it.
    pub path: String,
    /// Kafka's error code; 0 is healthy, 56 `KAFKA_STORAGE_ERROR` is offline.
    pub error: i16,
    /// Replicas it hosts, future ones and the metadata log not counted.
    pub replicas: u64,
    /// Size of the volume in bytes, when told.
    pub total_bytes: Option<u64>,
    /// Bytes free for Kafka, when told.
    pub usable_bytes: Option<u64>,
    /// Bytes of all replicas that are told, future ones included.
    #[serde(default)]
    pub bytes: u64,
}

impl LogDir {
    /// It is the directory at `path`, however either of them ends.
    pub fn is_at(&self, path: &str) -> bool {
        self.path.trim_end_matches('/') == path.trim_end_matches('/')
    }
}

/// All log dirs of the broker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogDirs {
    /// When the request was sent.
    pub sent: BootTime,
    /// When the answer had been read.
    pub answered: BootTime,
    /// One entry a dir.
    pub dirs: Vec<LogDir>,
    /// Dirs that this broker was prepared with and that it does not know: it is another broker, or lost them.
    pub missing: Vec<String>,
}

/// Everything that is known of one broker at an instant. What is not of one life of the node
/// outlasts it ([`Observations::begin_incarnation`]); the rest is emptied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observations {
    /// What the node is.
    pub role: Role,
    /// When the agent started.
    pub agent_started: BootTime,
    /// Whether replicas that are being added count.
    pub adding_replicas: AddingReplicas,
    /// This broker was once in sync with everything that was assigned to it, as its volumes remember.
    pub in_sync_once: bool,
    /// The present life of the broker.
    pub incarnation: Incarnation,
    /// How the last attempt to talk to it ended, and since when attempts end so.
    pub reach: (Reach, BootTime),
    /// Its process, when the agent can see it.
    pub process: Option<Process>,
    /// Logs were not closed cleanly before this start, so they are being recovered; `None` when not known.
    pub unclean_start: Option<bool>,
    /// For how long it has been silent.
    pub silence: Silence,
    /// Proven contact with the quorum.
    pub contact: Option<Contact>,
    /// Why the last question about the quorum proved nothing.
    pub doubt: Option<Doubt>,
    /// The applied metadata offset, and since when it stands there.
    pub applied: Option<(i64, BootTime)>,
    /// Its vote in the quorum, where it is a controller.
    #[serde(default)]
    pub vote: Vote,
    /// The cluster id it answers with, when it is not the one it was prepared for.
    pub foreign_cluster: Option<String>,
    /// What the other brokers say (`ZooKeeper` mode).
    #[serde(default)]
    pub testimony: Testimony,
    /// When the agent last asked `ZooKeeper` itself and a server answered that is in contact with a majority of them
    /// (`ZooKeeper` mode). `None` when none ever did: perhaps they may not be asked, so that is no evidence.
    #[serde(default)]
    pub zookeeper: Option<BootTime>,
    /// What a server of `ZooKeeper` says of itself.
    #[serde(default)]
    pub server: Option<Server>,
    /// The broker's list of live brokers.
    pub listing: Option<Listing>,
    /// Why it cannot be had what topics need, while it cannot.
    #[serde(default)]
    pub minimums_lack: Option<Lack>,
    /// The last complete scan of the partitions.
    pub round: Option<Arc<Round>>,
    /// The scan under way, as far as it came.
    pub partial: Option<Arc<Tally>>,
    /// Since when complete scans have found no replica of this broker.
    pub nothing_assigned_since: Option<BootTime>,
    /// The log dirs.
    pub log_dirs: Option<Arc<LogDirs>>,
    /// What is assigned, held against what the log dirs hold.
    pub hosting: Option<Hosting>,
    /// The reassignments that concern this broker.
    pub moves: Option<MovesTold>,
    /// How far it has come, while it is out of sync. No verdict rests on it.
    #[serde(skip)]
    pub refill: Option<Arc<Refill>>,
    /// The metadata log on the broker's own volume; `None` where it is not looked for.
    #[serde(default)]
    pub ledger: Option<Ledger>,
    /// It and the broker's answers contradict each other.
    #[serde(default)]
    pub contradiction: Option<Contradiction>,
    /// Requests that the broker refuses the agent for lack of authorization, by name.
    pub denied: Vec<String>,
    /// The wall clock stepped against the boot clock at this instant: what was seen before does not count.
    pub clock_stepped: Option<BootTime>,
}

impl Observations {
    /// An agent that has just started and has seen nothing.
    pub fn nothing(role: Role, agent_started: BootTime) -> Self {
        Self {
            role,
            agent_started,
            adding_replicas: AddingReplicas::default(),
            in_sync_once: false,
            incarnation: Incarnation { number: 1, since: agent_started, ..Incarnation::default() },
            reach: (Reach::Untried, agent_started),
            process: None,
            unclean_start: None,
            silence: Silence::default(),
            contact: None,
            doubt: None,
            applied: None,
            vote: Vote::default(),
            foreign_cluster: None,
            testimony: Testimony::default(),
            zookeeper: None,
            server: None,
            listing: None,
            minimums_lack: None,
            round: None,
            partial: None,
            nothing_assigned_since: None,
            log_dirs: None,
            hosting: None,
            moves: None,
            refill: None,
            ledger: None,
            contradiction: None,
            denied: Vec::new(),
            clock_stepped: None,
        }
    }

    /// Whether replicas that are being added count against readiness now.
    pub fn adding_counts(&self) -> bool {
        // With `ZooKeeper` only the controller has the list, and it is not asked for it.
        self.role == Role::ZooKeeper || self.adding_replicas.counts(self.in_sync_once)
    }

    /// A complete scan found this broker in the ISR of everything that is assigned to it.
    pub fn is_in_isr(&self) -> bool {
        let inside = |tally: &Tally| tally.out_of_isr + tally.adding == 0;
        self.partial.as_deref().is_none_or(inside)
            && self.round.as_deref().is_some_and(|round| inside(&round.tally))
    }

    /// Begins a new incarnation: whatever was known of the old one is no evidence about it.
    pub fn begin_incarnation(&mut self, now: BootTime) {
        let old = std::mem::replace(self, Self::nothing(self.role, self.agent_started));
        self.incarnation =
            Incarnation { number: old.incarnation.number + 1, since: now, ..Incarnation::default() };
        self.adding_replicas = old.adding_replicas;
        self.in_sync_once = old.in_sync_once;
        self.zookeeper = old.zookeeper;
        self.reach = old.reach;
        self.process = old.process;
        self.unclean_start = old.unclean_start;
        self.clock_stepped = old.clock_stepped;
    }
}
