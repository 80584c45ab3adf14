//! What is said against a stop.

use super::{words::Words, words::list};
use crate::{
    replicas::PartitionName,
    stops::{Block, Lack},
};

/// What to do where another replica may come back.
const HEALS: &str = "wait until their other replicas are in sync, or stop fewer brokers at once; if one does not come back, \
                     bring its broker back first";

pub(super) fn would_lack(block: Block, count: u64, named: &[PartitionName]) -> Words {
    let shown: Vec<String> = named.iter().map(ToString::to_string).collect();
    let list = list(&shown, count);
    let (code, what, remedy) = match block {
        Block::Last => ("last-in-sync", "would have nobody left who is in sync", HEALS),
        Block::BelowMin => {
            ("below-min-isr", "would fall below min.insync.replicas, and refuse writers with acks=all", HEALS)
        }
        Block::NoSlack => (
            "no-replica-to-spare",
            "have a min.insync.replicas as high as their replicas are many: each stop of a broker refuses their writers",
            "waiting does not help: lower min.insync.replicas of the topic, or add a replica",
        ),
        Block::SingleReplica => (
            "single-replica",
            "have this one replica: they are gone while this broker is",
            "waiting does not help: add a replica, or accept that they are away for the time of the stop",
        ),
    };
    Words { code, text: format!("{count} partition(s) {what}{list}"), remedy }
}

/// `: why`, and what to do.
pub(super) fn lacking(lack: Option<Lack>) -> (&'static str, &'static str) {
    match lack {
        None => ("", "wait a few seconds; if it stays, look at the agent's log"),
        Some(Lack::Denied) => {
            (": the agent may not read the settings of topics", "grant it DESCRIBE_CONFIGS on all topics")
        }
        Some(Lack::TooMany) => (
            ": there are more topics than the agent keeps",
            "look at under-min-ISR partitions yourself before you stop it",
        ),
        Some(Lack::Unanswered) => (
            ": no broker answered the question for the settings of topics",
            "wait a few seconds; if it stays, look at the agent's log",
        ),
    }
}
