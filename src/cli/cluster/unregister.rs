//! `pillion unregister`: takes a broker that is gone for ever out of the list of those that there are.

use std::io::{self, BufRead, IsTerminal};

use super::{Exit, Whom, lines, out};
use crate::init::cluster::remove::{self, Found, Outcome};

/// Take a broker that is gone for ever out of the cluster's list
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Until then KRaft keeps it as a broker that is away, and the cluster's features at what it had.
Only a broker that does not run, and that decommission-check lets go, is taken out; both are
looked at again just before. One that comes back registers anew.
Where there are ACLs: ALTER on the cluster, and what decommission-check needs.

Examples:
  pillion unregister --bootstrap kafka-0.kafka:9092 --broker 1004       asks for the id again
  pillion unregister -c pillion.yaml --ordinal 0 --broker 1004 --yes    in a script

Exit codes:
  0   it is not in the list
  1   it may not be taken out
  64  something to correct
  69  nobody can be asked")]
pub struct UnregisterArgs {
    #[command(flatten)]
    whom: Whom,
    /// Its node id
    #[arg(long, value_name = "ID", value_parser = clap::value_parser!(i32).range(0..))]
    broker: i32,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

pub(in crate::cli) fn run(args: &UnregisterArgs) -> Exit {
    let id = args.broker;
    let found = match args.whom.ask(async |brokers| remove::ask(brokers, id).await) {
        Ok(found) => found,
        Err(exit) => return exit,
    };
    if let Some(why) = against(id, &found) {
        out::complain(why.trim_end());
        return Exit::No;
    }
    if !args.yes && !confirmed(id) {
        return Exit::BadConfig;
    }
    match args.whom.ask(async |brokers| remove::unregister(brokers, id).await) {
        Err(exit) => exit,
        Ok(Outcome::Gone) => {
            out::print(format!("{id} is unregistered\n"));
            Exit::Yes
        }
        Ok(Outcome::Unknown) => {
            out::print(format!("{id} is not registered\n"));
            Exit::Yes
        }
        Ok(Outcome::Against(found)) => {
            out::complain(against(id, &found).unwrap_or_default().trim_end());
            Exit::No
        }
        Ok(Outcome::Refused(refusal)) => {
            out::complain(format_args!(
                "Kafka refuses it: {} ({})",
                out::plain(&refusal.message),
                refusal.code
            ));
            Exit::No
        }
    }
}

/// Why it may not be taken out.
fn against(id: i32, found: &Found) -> Option<String> {
    if !found.reasons.is_empty() {
        return Some(format!("{id} may not be removed yet\n{}", lines(&found.reasons)));
    }
    found.alive.then(|| format!("{id} is alive: stop it first, or it registers anew"))
}

/// A person types the id once more.
fn confirmed(id: i32) -> bool {
    if !io::stdin().is_terminal() {
        out::complain("nobody can be asked here: say --yes");
        return false;
    }
    out::print(format!("{id} has no replica and does not run. Type its id to take it out for ever: "));
    let mut line = String::new();
    // What cannot be read is no answer.
    let same = io::stdin().lock().read_line(&mut line).is_ok() && line.trim() == id.to_string();
    if !same {
        out::complain("that is another id: nothing was done");
    }
    same
}
