//! `pillion stop-check`: may these brokers stop together?

use std::collections::BTreeSet;

use super::{Exit, Whom, lines, out};
use crate::init::cluster::stop::{self, Found, Leaving};

/// Ask the cluster whether brokers may stop together, or a whole zone
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
For every partition that has one of them in its ISR: would the others still be enough for
min.insync.replicas? For controllers: would the voters that keep up still be a majority?
Nothing is changed. One that is down already (told by Kafka 4.0 and newer) takes nothing with it.

A broker is believed only when its metadata is proven to be current (KRaft, 3.3 or newer). All
that would stay must answer at what they advertise: one that was killed counts as live, and in
sync, until the controllers notice. In
ZooKeeper mode nobody can prove that: there all brokers that would stay must be reached at what they
advertise, and say the same twice, and the controller must be served by ZooKeeper. It takes 4 s.
Where there are ACLs: DESCRIBE on the cluster, DESCRIBE and DESCRIBE_CONFIGS on all topics.

Examples:
  pillion stop-check --bootstrap kafka-0.kafka:9092 --brokers 1001
  pillion stop-check --bootstrap kafka-0.kafka:9092 --brokers 1001,1004    both at once
  pillion stop-check -c pillion.yaml --ordinal 0 --zone eu-1a              TLS and SASL

Exit codes:
  0   they may
  1   something would fall below its minimum, or a broker that counts as live does not answer
  64  something to correct
  69  nobody can be asked")]
#[command(group = clap::ArgGroup::new("who").args(["brokers", "zone"]).required(true))]
pub struct StopCheckArgs {
    #[command(flatten)]
    whom: Whom,
    /// Node ids, with commas between them
    #[arg(long, value_name = "ID", value_delimiter = ',', value_parser = clap::value_parser!(i32).range(0..))]
    brokers: Vec<i32>,
    /// All brokers of this zone (broker.rack) instead
    #[arg(long, value_name = "ZONE", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    zone: Option<String>,
}

pub(in crate::cli) fn run(args: &StopCheckArgs) -> Exit {
    let leaving = args
        .zone
        .clone()
        .map_or_else(|| Leaving::Ids(args.brokers.iter().copied().collect::<BTreeSet<i32>>()), Leaving::Zone);
    match args.whom.ask(async |brokers| stop::ask(brokers, &leaving).await) {
        Err(exit) => exit,
        Ok(found) => {
            out::print(if args.whom.json { json(&found) } else { human(&found) });
            if found.reasons.is_empty() { Exit::Yes } else { Exit::No }
        }
    }
}

fn human(found: &Found) -> String {
    let tally = &found.tally;
    let seen =
        format!("{} topics, {} partitions, as {} has them", tally.topics, tally.partitions, found.asked);
    let down = match found.down.len() {
        0 => String::new(),
        1 => format!("{} is already down\n", ids(&found.down)),
        _ => format!("{} are already down\n", ids(&found.down)),
    };
    let leaving = ids(&found.leaving);
    let verdict = match (found.reasons.is_empty(), found.leaving.len()) {
        (_, 0) => format!("nobody else would stop (as {} has it)\n", found.asked),
        (true, 1) => format!("{leaving} may stop: nothing would fall below its minimum ({seen})\n"),
        (true, _) => format!("{leaving} may stop together: nothing would fall below its minimum ({seen})\n"),
        (false, _) => format!("{leaving} should not stop ({seen})\n{}", lines(&found.reasons)),
    };
    down + &verdict
}

fn ids(of: &BTreeSet<i32>) -> String {
    of.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn json(found: &Found) -> String {
    let object = serde_json::json!({
        "leaving": found.leaving, "down": found.down, "stoppable": found.reasons.is_empty(), "reasons": found.reasons,
        "topics": found.tally.topics, "partitions": found.tally.partitions, "asked": found.asked.to_string(),
    });
    format!("{object:#}\n")
}
