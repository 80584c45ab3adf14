//! Reasons: why a verdict is no, in words that a person on call can act on.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    contact::Doubt,
    replicas::{Fault, FaultyPartition},
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
    /// Topics that could not be looked into.
    TopicsFailed {
        /// How many.
        count: u64,
    },
    /// Topics that the agent may not see.
    TopicsHidden {
        /// How many.
        count: u64,
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
    /// The verdict is not judged by this version.
    NotJudged,
}

/// How bad news is explained and mended: one entry a reason.
struct Words {
    code: &'static str,
    text: String,
    remedy: &'static str,
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

    /// How many things are concerned, where that is a number.
    pub fn count(&self) -> Option<u64> {
        match self {
            Self::Replicas { count, .. } | Self::TopicsFailed { count } | Self::TopicsHidden { count } => {
                Some(*count)
            }
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

    #[expect(
        clippy::too_many_lines,
        reason = "a table: one arm a reason, and the compiler sees that none is missing"
    )]
    fn words(&self) -> Words {
        let told = |code, text: String, remedy| Words { code, text, remedy };
        match self {
            Self::NotLooked => told(
                "not-looked",
                "the agent has just started and has not reached the broker yet".into(),
                "wait a second; if it stays, look at the agent's log",
            ),
            Self::NotListening { since, pid, recovering, idle } => {
                not_listening(*since, *pid, *recovering, *idle)
            }
            Self::Closes { since } => told(
                "broker-closes",
                format!(
                    "for {} what listens on the broker's port has closed each connection",
                    spoken(*since)
                ),
                "if it has not just stopped: check `max.connections`, the listener's protocol (TLS and SASL are not \
                 spoken yet), and what stands in between",
            ),
            Self::Silent { since } => told(
                "broker-silent",
                format!("the broker accepts connections but has not answered for {}", spoken(*since)),
                "look at its threads (jstack), its pauses (GC log) and its disks; liveness acts only on proof of a hang",
            ),
            Self::Unreachable { why } => told(
                "broker-unreachable",
                format!("the broker's address cannot be reached: {why}"),
                "check `broker.listener` in pillion's configuration and the network of the pod",
            ),
            Self::NotJudgeable { why } => told(
                "not-judgeable",
                format!("what answers cannot be judged: {why}"),
                "point `broker.listener` at a listener of a KRaft broker, 3.3 or newer",
            ),
            Self::ForeignCluster { cluster_id } => told(
                "foreign-cluster",
                format!(
                    "what answers belongs to cluster {cluster_id}, not to the one this broker was prepared for"
                ),
                "check `broker.listener` and `cluster.id`; never move a volume between clusters",
            ),
            Self::ForeignLogDirs { missing } => told(
                "foreign-log-dirs",
                format!("the broker that answers does not have the log dirs {}", missing.join(", ")),
                "check that `broker.listener` is this broker's own and that it runs with the rendered server.properties",
            ),
            Self::ClockStepped => told(
                "clock-stepped",
                "the wall clock stepped or the machine slept: older evidence does not count".into(),
                "wait for the next round; if it repeats, look at time synchronisation on the node",
            ),
            Self::QuorumUnknown { doubt } => told(
                "quorum-unknown",
                format!("no contact with the controller quorum is proven yet{}", because(*doubt)),
                quorum_remedy(*doubt),
            ),
            Self::QuorumStale { age, limit, frozen, doubt } => told(
                "quorum-contact-lost",
                quorum_stale(*age, *limit, *frozen, *doubt),
                quorum_remedy(*doubt),
            ),
            Self::ListingMissing => told(
                "listing-missing",
                "the broker has not said yet which brokers are alive".into(),
                "wait for the next round",
            ),
            Self::ListingStale { age } => told(
                "listing-stale",
                format!("the broker's list of live brokers is {} old", spoken(*age)),
                "look whether the broker is overloaded: its request handlers do not keep up",
            ),
            Self::Fenced => told(
                "fenced",
                "the cluster does not count this broker among the living: it is fenced or shutting down"
                    .into(),
                "wait if it has just started; otherwise check its way to the controllers and its log",
            ),
            Self::ScanMissing => told(
                "scan-incomplete",
                "not every partition of the cluster has been looked at yet".into(),
                "wait for the first full scan; its progress is on /status",
            ),
            Self::ScanStale { age, limit } => told(
                "scan-stale",
                format!("the last full scan is {} old, {} are allowed", spoken(*age), spoken(*limit)),
                "look whether the broker is overloaded; on a very large cluster raise `sidecar.timing.scanMaxAge`",
            ),
            Self::Replicas { fault, count, assigned, named } => replicas(*fault, *count, *assigned, named),
            Self::TopicsFailed { count } => told(
                "topics-failed",
                format!("{count} topic(s) were answered with an error, so their partitions are not known"),
                "look at the broker's log; wait for the next scan",
            ),
            Self::TopicsHidden { count } => told(
                "topics-hidden",
                format!("the agent may not see {count} topic(s), so it cannot vouch for them"),
                "grant the agent's user DESCRIBE on all topics",
            ),
            Self::Denied { requests } => told(
                "not-authorized",
                format!("the broker refuses the agent: {}", requests.join(", ")),
                "grant the agent's user DESCRIBE on the cluster and on all topics",
            ),
            Self::LogDirsMissing => told(
                "log-dirs-missing",
                "the broker has not told about its log dirs yet".into(),
                "wait for the next round",
            ),
            Self::LogDirsStale { age } => told(
                "log-dirs-stale",
                format!("what is known of the log dirs is {} old", spoken(*age)),
                "look whether a disk hangs or the broker is overloaded",
            ),
            Self::LogDirFailed { paths } => told(
                "log-dir-failed",
                format!("log dir offline: {}", paths.join(", ")),
                "look at the disk and the broker's log; after mending it restart the broker, which is the only way back",
            ),
            Self::UnlistedReplicas { hosted } => told(
                "unlisted-replicas",
                format!("the log dirs hold {hosted} replica(s), but the metadata shows none of this broker"),
                "check the agent's rights to DESCRIBE topics, and that the volume belongs to this cluster",
            ),
            Self::NotStarted => told(
                "not-started",
                "this broker has not answered since it was started".into(),
                "wait while it makes progress; recovery of large logs takes long",
            ),
            Self::Hung { since, pid } => told(
                "broker-hung",
                format!(
                    "for {} process {pid} has answered on no connection and used neither CPU nor I/O",
                    spoken(*since)
                ),
                "restart the broker; if it was stopped by a signal, SIGCONT resumes it",
            ),
            Self::NotJudged => told(
                "not-judged",
                "this version does not judge whether the broker may stop".into(),
                "look at under-min-ISR partitions before you stop it",
            ),
        }
    }
}

fn not_listening(since: Duration, pid: Option<i32>, recovering: bool, idle: Option<Duration>) -> Words {
    let state = match (pid, recovering) {
        (Some(pid), true) => format!(": process {pid} recovers logs that were not closed cleanly"),
        (Some(pid), false) => format!(": process {pid} runs and is starting or stopping"),
        (None, _) => ": no broker process is seen".to_owned(),
    };
    let progress = match (pid, idle) {
        (Some(_), Some(idle)) if idle > Duration::from_secs(5) => {
            format!(", without progress for {}", spoken(idle))
        }
        (Some(_), Some(_)) => ", making progress".to_owned(),
        _ => String::new(),
    };
    Words {
        code: if recovering && pid.is_some() { "broker-recovering" } else { "broker-not-listening" },
        text: format!("the broker's port has been closed for {}{state}{progress}", spoken(since)),
        remedy: match pid {
            Some(_) => {
                "wait while it makes progress; a broker that is fenced keeps its port closed until the controllers \
                 admit it, so check them too"
            }
            None => {
                "start it, or see in its log why it ended; if it runs, the agent cannot see it (it looks for \
                 kafka.Kafka with the rendered server.properties)"
            }
        },
    }
}

fn quorum_stale(age: Duration, limit: Duration, frozen: Option<Duration>, doubt: Option<Doubt>) -> String {
    let frozen = match frozen {
        Some(frozen) if frozen > Duration::from_secs(1) => {
            format!("; its metadata has stood still for {}", spoken(frozen))
        }
        _ => String::new(),
    };
    let (age, limit) = (spoken(age), spoken(limit));
    format!(
        "the last proven contact with the controller quorum is {age} old, {limit} are allowed{frozen}{}",
        because(doubt)
    )
}

fn because(doubt: Option<Doubt>) -> String {
    match doubt {
        None => String::new(),
        Some(Doubt::NoLeader) => " (the quorum has no leader)".into(),
        Some(Doubt::UnknownToLeader { leader }) => {
            format!(" (controller {leader}, the leader, has not heard from this broker)")
        }
        Some(Doubt::Deposed { leader }) => format!(" (only controller {leader} answers, which was deposed)"),
        Some(Doubt::LeaderUnheard { leader }) => {
            format!(" (no majority of controllers is seen to follow controller {leader})")
        }
        Some(Doubt::Behind { records }) => {
            format!(" (the broker has {records} committed record(s) still to apply)")
        }
        Some(Doubt::Unanswered) => " (the question is not answered)".into(),
        Some(Doubt::Denied) => " (the agent may not ask: it lacks DESCRIBE on the cluster)".into(),
    }
}

fn quorum_remedy(doubt: Option<Doubt>) -> &'static str {
    match doubt {
        Some(Doubt::Denied) => "grant the agent's user DESCRIBE on the cluster",
        Some(Doubt::Behind { .. }) => "wait while the broker catches up with the metadata log",
        Some(Doubt::NoLeader | Doubt::LeaderUnheard { .. } | Doubt::Deposed { .. }) => {
            "look at the controllers: a majority of them must run and reach each other"
        }
        _ => {
            "check the way from this broker to the controllers, and that a majority of them runs; do not restart \
              brokers meanwhile: they could not come back"
        }
    }
}

fn replicas(fault: Fault, count: u64, assigned: u64, named: &[FaultyPartition]) -> Words {
    let mut list: Vec<String> = named
        .iter()
        .filter(|partition| partition.fault == fault)
        .map(|partition| format!("{}-{}", partition.topic, partition.partition))
        .collect();
    if u64::try_from(list.len()).is_ok_and(|shown| shown < count) && !list.is_empty() {
        list.push("...".into());
    }
    let list = if list.is_empty() { String::new() } else { format!(": {}", list.join(", ")) };
    let (code, what, remedy) = match fault {
        Fault::OutOfIsr => (
            "out-of-isr",
            "not in the ISR",
            "wait while it catches up; if it does not, look at its disks, its network to the leaders and throttles",
        ),
        Fault::Leaderless => (
            "leaderless",
            "without a leader",
            "bring back the broker that holds the last in-sync copy; do not elect an unclean leader lightly",
        ),
        Fault::Offline => (
            "replica-offline",
            "offline here",
            "look at the log dirs and the broker's log; an offline dir comes back only by a restart",
        ),
    };
    Words { code, text: format!("{count} of {assigned} assigned partition(s) {what}{list}"), remedy }
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
            count: reason.count(),
            partitions: reason.partitions().to_vec(),
        }
    }
}
