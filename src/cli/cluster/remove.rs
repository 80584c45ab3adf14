//! `pillion decommission-check`: may this broker be removed for ever?

use super::{Exit, Whom, lines, out};
use crate::init::cluster::remove::{self, Found};

/// Ask the cluster whether a broker may be removed for ever
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
It may when no partition has a replica on it, no reassignment brings one, and it is no voter of
the controllers. Nothing is changed.

A broker is believed only when its metadata is proven to be current (KRaft, 3.3 or newer; never in
ZooKeeper mode, where the list of reassignments is the controller's alone).
Where there are ACLs: DESCRIBE on the cluster and on all topics.

Kafka 4.0 and newer tell whether it is registered at all.

Examples:
  pillion decommission-check --bootstrap kafka-0.kafka:9092 --broker 1004
  pillion decommission-check -c pillion.yaml --ordinal 0 --broker 1004 --json

Exit codes:
  0   it may
  1   not yet
  64  something to correct
  69  nobody can be asked")]
pub struct DecommissionCheckArgs {
    #[command(flatten)]
    whom: Whom,
    /// Its node id, whether it runs or not
    #[arg(long, value_name = "ID", value_parser = clap::value_parser!(i32).range(0..))]
    broker: i32,
}

pub(in crate::cli) fn run(args: &DecommissionCheckArgs) -> Exit {
    match args.whom.ask(async |brokers| remove::ask(brokers, args.broker).await) {
        Err(exit) => exit,
        Ok(found) => {
            out::print(if args.whom.json { json(args.broker, &found) } else { human(args.broker, &found) });
            if found.reasons.is_empty() { Exit::Yes } else { Exit::No }
        }
    }
}

fn human(id: i32, found: &Found) -> String {
    let seen = format!("{} partitions, as {} has them", found.partitions, found.asked);
    if !found.reasons.is_empty() {
        return format!("{id} may not be removed yet ({seen})\n{}", lines(&found.reasons));
    }
    if found.registered == Some(false) {
        return format!(
            "{id} is not registered, and has no replica, is given none, and is no voter ({seen})\n"
        );
    }
    let stop = if found.alive { "stop it, then " } else { "" };
    format!(
        "{id} may be removed for ever: it has no replica, is given none, and is no voter ({seen})\n  \
         next: {stop}pillion unregister --bootstrap {} --broker {id}\n",
        found.asked
    )
}

fn json(id: i32, found: &Found) -> String {
    let object = serde_json::json!({
        "broker": id, "removable": found.reasons.is_empty(), "alive": found.alive, "registered": found.registered, "reasons": found.reasons,
        "partitions": found.partitions, "asked": found.asked.to_string(),
    });
    format!("{object:#}\n")
}
