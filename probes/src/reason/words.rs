//! What each reason says, and what to do about it.

use std::time::Duration;

use super::{
    Reason,
    doubts::{because, peers_because, peers_remedy, quorum_remedy},
    insecure::insecure,
    spoken,
    stops::{lacking, would_lack},
};
use crate::{
    contact::Doubt,
    ledger,
    replicas::{Fault, FaultyPartition},
    stops::Unseats,
};

/// How bad news is explained and mended: one entry a reason.
pub(super) struct Words {
    pub code: &'static str,
    pub text: String,
    pub remedy: &'static str,
}

impl Reason {
    #[expect(
        clippy::too_many_lines,
        reason = "a table: one arm a reason, and the compiler sees that none is missing"
    )]
    pub(super) fn words(&self) -> Words {
        let told = |code, text: String, remedy| Words { code, text, remedy };
        match self {
            Self::NotLooked => told(
                "not-looked",
                "the agent has just started and has not reached the node yet".into(),
                "wait a second; if it stays, look at the agent's log",
            ),
            Self::NotListening { since, pid, recovering, idle } => {
                not_listening(*since, *pid, *recovering, *idle)
            }
            Self::Closes { since } => told(
                "broker-closes",
                format!("for {} what listens on the port has closed each connection", spoken(*since)),
                "if it has not just stopped: check `max.connections`, the listener's protocol (plain, TLS or \
                 SASL) against what `broker.listener` leads to, and what stands in between",
            ),
            Self::Silent { since } => told(
                "broker-silent",
                format!("the node accepts connections but has not answered for {}", spoken(*since)),
                "look at its threads (jstack), its pauses (GC log) and its disks; liveness acts only on proof of a hang",
            ),
            Self::Unreachable { why } => told(
                "broker-unreachable",
                format!("the node's address cannot be reached: {why}"),
                "check `broker.listener` in pillion's configuration and the network of the pod",
            ),
            Self::NotJudgeable { why } => told(
                "not-judgeable",
                format!("what answers cannot be judged: {why}"),
                "check `broker.mode`, and point `broker.listener` at a listener of such a node: KRaft from 3.3 on, or \
                 ZooKeeper mode from 2.8 on",
            ),
            Self::Insecure { fault, why } => insecure(*fault, why),
            Self::ForeignCluster { cluster_id } => told(
                "foreign-cluster",
                format!(
                    "what answers belongs to cluster {cluster_id}, not to the one this node was prepared for"
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
            Self::NotAVoter { leader } => told(
                "not-a-voter",
                format!(
                    "controller {leader}, the leader, does not count this controller among the voters of the quorum"
                ),
                "a joiner follows until it is added: kafka-metadata-quorum.sh add-controller, run with this node's \
                 server.properties; one that was removed may be stopped",
            ),
            Self::VoterBehind { lag, records } => told(
                "voter-behind",
                voter_behind(*lag, *records),
                "wait while it catches up; if it does not, look at its log, its disk and its way to the leader",
            ),
            Self::Unfollowed { leader, since } => told(
                "leader-unfollowed",
                format!(
                    "no majority of the voters has fetched from controller {leader}, which takes itself for the leader, \
                     for {}",
                    spoken(*since)
                ),
                quorum_remedy(Some(Doubt::LeaderUnheard { leader: *leader })),
            ),
            Self::PeersUnknown { doubt } => told(
                "peers-unknown",
                format!("no other broker has shown yet that this one is in sync{}", peers_because(*doubt)),
                peers_remedy(*doubt),
            ),
            Self::PeersStale { age, limit, doubt } => told(
                "peers-stale",
                format!(
                    "the other brokers last found this one in sync {} ago, {} are allowed{}",
                    spoken(*age),
                    spoken(*limit),
                    peers_because(*doubt)
                ),
                peers_remedy(*doubt),
            ),
            Self::ZooKeeperUnreachable { age, limit } => told(
                "zookeeper-unreachable",
                format!(
                    "no ZooKeeper server that belongs to a majority has answered from here for {}, {} are allowed: the \
                     broker's session may be over",
                    spoken(*age),
                    spoken(*limit)
                ),
                "check the way from this node to ZooKeeper, and that a majority of its servers runs; do not restart \
                 brokers meanwhile: they could not come back",
            ),
            Self::Settling { since, needed } => told(
                "settling",
                format!(
                    "the other brokers find this one in sync since {}, {} are needed before it counts",
                    spoken(*since),
                    spoken(*needed)
                ),
                "wait a few seconds",
            ),
            Self::Unregistered { by } => told(
                "unregistered",
                format!(
                    "broker {by} does not list this one: its ZooKeeper session is over, or has not begun yet"
                ),
                "wait if it has just started; otherwise check its way to ZooKeeper (zookeeper.connect) and its log. \
                 What it acknowledges with acks=1 meanwhile is lost",
            ),
            Self::ControllerSilent { controller, since } => told(
                "controller-silent",
                format!(
                    "broker {controller}, the controller, has not answered the agent for {}, and nobody took its \
                     place: what the other brokers say may be frozen",
                    spoken(*since)
                ),
                "look at that broker, at the way from here to it, and at ZooKeeper, without which no other is elected",
            ),
            Self::ServerNotListening { since, pid } => told(
                "zookeeper-not-listening",
                format!(
                    "the port for clients has been closed for {}: {}",
                    spoken(*since),
                    pid.map_or_else(
                        || "no process of the server is seen".into(),
                        |pid| format!("process {pid} runs and is starting or stopping")
                    )
                ),
                "start it, or see in its log why it ended; if it runs, check --address against its `clientPort`",
            ),
            Self::ServerCloses { since } => told(
                "zookeeper-closes",
                format!("for {} what listens on the port has closed each connection", spoken(*since)),
                "a port that speaks TLS wants --tls-authority, or the AdminServer, named by --admin; otherwise see \
                 `maxClientCnxns`, which is for all clients of one host, and this server's log",
            ),
            Self::NotServing => told(
                "zookeeper-not-serving",
                "this ZooKeeper server has no majority behind it, and serves nobody".into(),
                "wait if it has just started; otherwise see that a majority of the ensemble runs, that the servers reach \
                 each other on their ports for peers and elections, and this one's log",
            ),
            Self::ReadOnly => told(
                "zookeeper-read-only",
                "this ZooKeeper server has no majority behind it, and serves nothing but reads".into(),
                "see that a majority of the ensemble runs, and that this server reaches the others on their ports for peers \
                 and elections",
            ),
            Self::Unsynced { voters, synced } => told(
                "zookeeper-unsynced",
                format!(
                    "this ZooKeeper server leads, and of {voters} voters {synced} follow in sync with it, which with it \
                     is no majority"
                ),
                "wait while they catch up; if they do not, look at their logs and at their way to this server",
            ),
            Self::StateWithheld => told(
                "zookeeper-state-withheld",
                "this ZooKeeper server answers, and may not say whether it serves".into(),
                "allow the words: `4lw.commands.whitelist=srvr, mntr` in its configuration; or leave its AdminServer on \
                 and name it by --admin",
            ),
            Self::StateStale { age, limit } => told(
                "zookeeper-state-stale",
                format!(
                    "this ZooKeeper server last told its state {} ago, {} are allowed",
                    spoken(*age),
                    spoken(*limit)
                ),
                "look at its threads (jstack), its pauses (GC log) and the disk of its transaction log",
            ),
            Self::OthersUnknown => told(
                "ensemble-unknown",
                "this ZooKeeper server does not know how many of the others are in sync: only the leader does, from \
                 3.6 on, where `mntr` is allowed or the AdminServer is on"
                    .into(),
                "ask the agent beside the leader",
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
            Self::SourcesDiffer { since, ledger, broker } => told(
                "sources-differ",
                format!(
                    "for {} the metadata log on the broker's volume says {}, and the broker answers {}",
                    spoken(*since),
                    figures(*ledger),
                    figures(*broker)
                ),
                "look whether the broker is stuck, or the agent may not DESCRIBE all topics; set `sidecar.ledger: false` to leave the log out, and report this",
            ),
            Self::Replicas { fault, count, assigned, named } => replicas(*fault, *count, *assigned, named),
            Self::TopicsFailed { count } => told(
                "topics-failed",
                format!("{count} topic(s) were answered with an error, so their partitions are not known"),
                "look at the broker's log; wait for the next scan",
            ),
            Self::TopicsHidden { count, named } => told(
                "topics-hidden",
                format!(
                    "the agent may not see {count} topic(s), so it cannot vouch for them{}",
                    list(named, *count)
                ),
                "grant the agent's user DESCRIBE on all topics (`kafka-acls.sh --add --allow-principal User:<agent> \
                 --operation Describe --topic '*'`), and take out what denies it",
            ),
            Self::Denied { requests } => told(
                "not-authorized",
                format!("the node refuses the agent: {}", requests.join(", ")),
                "grant the agent's user DESCRIBE on the cluster (`kafka-acls.sh --add --allow-principal User:<agent> \
                 --operation Describe --cluster`) and on all topics",
            ),
            Self::NotCompared => told(
                "replicas-not-compared",
                "what is assigned to the broker has not been held against what its log dirs hold".into(),
                "wait for the next look at the log dirs; if it stays, look whether the broker is overloaded",
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
                "this node has not answered since it was started".into(),
                "wait while it makes progress; recovery of large logs takes long",
            ),
            Self::Hung { since, pid } => told(
                "broker-hung",
                format!(
                    "for {} process {pid} has answered on no connection and used neither CPU nor I/O",
                    spoken(*since)
                ),
                "restart it; if it was stopped by a signal, SIGCONT resumes it",
            ),
            Self::WouldLack { block, count, named } => would_lack(*block, *count, named),
            Self::WouldUnseat(Unseats { voters, left }) => told(
                "no-majority-left",
                format!(
                    "of {voters} voters of the quorum {left} would be left that keep up, which is no majority"
                ),
                "wait until the others keep up; with one or two voters there is none to spare, and nothing is \
                 committed while one is away",
            ),
            Self::MinimumsUnknown { lack } => {
                let (why, remedy) = lacking(*lack);
                told(
                    "minimums-unknown",
                    format!("it is not known how many in-sync replicas topics need{why}"),
                    remedy,
                )
            }
            Self::MinimumsStale { age, lack } => {
                let ((why, remedy), age) = (lacking(*lack), spoken(*age));
                told(
                    "minimums-stale",
                    format!("how many in-sync replicas topics need was told {age} ago{why}"),
                    remedy,
                )
            }
        }
    }
}

fn not_listening(since: Duration, pid: Option<i32>, recovering: bool, idle: Option<Duration>) -> Words {
    let state = match (pid, recovering) {
        (Some(pid), true) => format!(": process {pid} recovers logs that were not closed cleanly"),
        (Some(pid), false) => format!(": process {pid} runs and is starting or stopping"),
        (None, _) => ": no Kafka process is seen".to_owned(),
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
        text: format!("the port has been closed for {}{state}{progress}", spoken(since)),
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

fn voter_behind(lag: Option<Duration>, records: i64) -> String {
    match lag {
        Some(lag) => format!(
            "this voter has not been caught up with the leader for {}; it lacks {records} committed record(s)",
            spoken(lag)
        ),
        None => format!(
            "this voter has not caught up with the leader yet; it lacks {records} committed record(s)"
        ),
    }
}

fn replicas(fault: Fault, count: u64, assigned: u64, named: &[FaultyPartition]) -> Words {
    let listed: Vec<String> = named
        .iter()
        .filter(|partition| partition.fault == fault)
        .map(|partition| format!("{}-{}", partition.topic, partition.partition))
        .collect();
    let list = list(&listed, count);
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
        Fault::NotHosted => (
            "replica-not-hosted",
            "in none of the broker's healthy log dirs",
            "look in the broker's log why it could not make or load them; after mending it restart the broker",
        ),
        Fault::Adding => (
            "replica-being-added",
            "being added by a reassignment, which is not complete",
            "wait for the reassignment (`kafka-reassign-partitions.sh --list`); `sidecar.addingReplicas` says whether \
             they count",
        ),
    };
    Words { code, text: format!("{count} of {assigned} assigned partition(s) {what}{list}"), remedy }
}

/// `: a, b, ...`, of `count` the first few; nothing without names.
pub(super) fn list(names: &[String], count: u64) -> String {
    if names.is_empty() {
        return String::new();
    }
    let all = u64::try_from(names.len()).is_ok_and(|shown| shown >= count);
    format!(": {}{}", names.join(", "), if all { "" } else { ", ..." })
}

fn figures(told: ledger::Told) -> String {
    let ledger::Told { assigned, led, not_in_sync, offline } = told;
    format!("{assigned} assigned, {led} led, {not_in_sync} not in sync, {offline} offline")
}
