//! The evidence with its ages: what the verdicts rest on.

use std::time::Duration;

use pillion_probes::{
    ledger::{FRESH, Ledger},
    limits::Limits,
    observe::{Observations, Role},
    reason::spoken,
    server::SERVER_LIMIT,
    time::BootTime,
    voter::{Flaw, Standing},
};
use serde::{Deserialize, Serialize};

/// One piece of evidence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Evidence {
    /// Its stable name.
    pub name: String,
    /// What it says, in words.
    pub detail: String,
    /// How old it is, in seconds; `None`: there is none.
    pub age_seconds: Option<f64>,
    /// How old it may be, in seconds, where a verdict depends on that.
    pub limit_seconds: Option<f64>,
    /// It is there, and young enough.
    pub fresh: bool,
}

/// All of it, in the order in which readiness weighs it.
pub(super) fn all(seen: &Observations, limits: &Limits, now: BootTime) -> Vec<Evidence> {
    let piece = |name: &str, at: Option<BootTime>, limit: Option<Duration>, detail: String| {
        let age = at.map(|at| now.since(at));
        Evidence {
            name: name.to_owned(),
            detail,
            age_seconds: age.map(|age| age.as_secs_f64()),
            limit_seconds: limit.map(|limit| limit.as_secs_f64()),
            fresh: age.is_some_and(|age| limit.is_none_or(|limit| age <= limit)),
        }
    };
    let listing = seen.listing.map(|listing| listing.as_of);
    let round = seen.round.as_deref().map(|round| round.as_of);
    let log_dirs = seen.log_dirs.as_deref().map(|told| told.sent);
    let contact = seen.contact.map(|contact| contact.at);
    let standing = seen.vote.standing.map(|standing| standing.at);
    let process = seen.process.map(|process| process.looked);
    let mut all = vec![piece("answer", seen.incarnation.last_answer, None, answer(seen))];
    match seen.role {
        Role::ZooKeeper => {
            all.push(piece("peers", seen.testimony.good, Some(limits.peers), peers(seen)));
            all.push(piece(
                "zookeeper",
                seen.zookeeper,
                seen.zookeeper.and(Some(limits.peers)),
                zookeeper(seen),
            ));
        }
        Role::Broker | Role::Combined => {
            all.push(piece("contact", contact, Some(limits.contact), quorum(seen, now)));
        }
        Role::Controller => {}
        Role::ZooKeeperServer => {
            let at = seen.server.map(|told| told.sent);
            all.push(piece("server", at, Some(SERVER_LIMIT), server(seen)));
        }
    }
    if seen.role.has_controller() {
        let piece = piece("vote", standing, Some(limits.voter), vote(seen));
        all.push(Evidence { fresh: piece.fresh && seen.vote.flaw.is_none(), ..piece });
    }
    if seen.role.has_broker() {
        all.push(piece("listing", listing, Some(limits.scan), listed(seen)));
        all.push(piece("scan", round, Some(limits.scan), scan(seen)));
        if let Some(ledger) = &seen.ledger {
            let (read, limit, detail) = metadata_log(ledger, now);
            all.push(piece("metadata-log", read, limit, detail));
        }
        let minimums = seen.round.as_deref().and_then(|round| Some(round.tally.stops.as_ref()?.asked));
        all.push(piece("minimums", minimums, Some(limits.minimums), needs(minimums)));
        all.push(piece("log-dirs", log_dirs, Some(limits.log_dirs), dirs(seen)));
        all.push(piece(
            "hosting",
            seen.hosting.as_ref().map(|h| h.asked),
            Some(limits.hosting),
            hosting(seen),
        ));
        all.push(piece("reassignments", seen.moves.map(|moves| moves.asked), None, moves(seen)));
    }
    all.push(piece("process", process, Some(limits.sight), life(seen, now)));
    all
}

fn vote(seen: &Observations) -> String {
    match (seen.vote.flaw, seen.vote.standing) {
        (Some(Flaw::NotAVoter { leader }), _) => {
            format!("controller {leader} leads, and this one is no voter")
        }
        (Some(Flaw::Behind { leader, .. }), _) => format!("a voter that lags behind controller {leader}"),
        (Some(Flaw::Unfollowed { leader, .. }), _) => {
            format!("controller {leader} takes itself for the leader, and no majority follows it")
        }
        (None, Some(Standing { leads: true, epoch, .. })) => {
            format!("led in epoch {epoch}, followed by a majority of the voters")
        }
        (None, Some(Standing { leader, epoch, .. })) => {
            format!("a voter, caught up with controller {leader}, which led in epoch {epoch}")
        }
        (None, None) => "nothing proves that this is a voter that keeps up".into(),
    }
}

/// Only *stoppable* rests on it.
fn needs(asked: Option<BootTime>) -> String {
    match asked {
        Some(_) => {
            "how many in-sync replicas topics need was told; whether this broker may stop rests on it".into()
        }
        None => {
            "how many in-sync replicas topics need is not known, so neither is whether this broker may stop"
                .into()
        }
    }
}

fn answer(seen: &Observations) -> String {
    let incarnation = &seen.incarnation;
    match incarnation.answered {
        Some(_) => format!("life {} of the node answers", incarnation.number),
        None => format!("life {} of the node has not answered", incarnation.number),
    }
}

fn quorum(seen: &Observations, now: BootTime) -> String {
    let Some(contact) = seen.contact else {
        return "no contact with the controller quorum is proven".into();
    };
    let read_index = spoken(now.since(contact.read_index));
    let applied = seen.applied.map_or_else(String::new, |(offset, since)| {
        format!(", metadata applied to offset {offset} {} ago", spoken(now.since(since)))
    });
    format!("followed a live quorum; read index {read_index} ago{applied}")
}

fn peers(seen: &Observations) -> String {
    let told = &seen.testimony;
    let said = |view: &pillion_probes::zookeeper::View| {
        let word = if view.is_against() { "against this one" } else { "in sync" };
        format!("broker {} says {word}", view.broker)
    };
    let each: Vec<String> = told.witnesses().map(said).collect();
    if each.is_empty() && told.alone {
        return "there is no other broker: this rests on its own word".into();
    }
    if each.is_empty() { "no other broker has told anything that counts".into() } else { each.join(", ") }
}

fn zookeeper(seen: &Observations) -> String {
    match seen.zookeeper {
        Some(_) => "a ZooKeeper server that belongs to a majority answers from here".into(),
        None => "ZooKeeper has never answered `srvr` from here, so this proves nothing".into(),
    }
}

fn server(seen: &Observations) -> String {
    let Some(told) = seen.server else { return "this ZooKeeper server has not told its state".into() };
    let voters = told.ensemble.map_or_else(String::new, |ensemble| {
        format!(", {} of {} voters follow in sync", ensemble.synced, ensemble.voters)
    });
    let latency = told.latency_us.map_or_else(String::new, |all| {
        let [least, mean, longest] = all.map(|us| spoken(Duration::from_micros(us)));
        format!("; requests took {least} to {longest}, {mean} in the mean")
    });
    let waiting = told.outstanding.map_or_else(String::new, |count| format!("; {count} wait"));
    format!("state: {}{voters}{latency}{waiting}", told.state.word())
}

fn listed(seen: &Observations) -> String {
    match seen.listing {
        None => "the broker has not said who is in the cluster".into(),
        Some(listing) if listing.listed => "the broker is in its own list of live brokers".into(),
        Some(_) => "the broker is not in its own list of live brokers".into(),
    }
}

fn scan(seen: &Observations) -> String {
    let Some(round) = seen.round.as_deref() else {
        return "no scan of the partitions is complete".into();
    };
    let tally = &round.tally;
    let took = spoken(round.finished.since(round.started));
    format!(
        "{} topic(s), {} partition(s), {} assigned here, {} not in sync; it took {took} and {}",
        tally.topics,
        tally.partitions,
        tally.assigned,
        tally.faulty,
        size(round.bytes)
    )
}

/// The metadata log on the volume: when it was read, and how old that may be where verdicts rest on it.
fn metadata_log(ledger: &Ledger, now: BootTime) -> (Option<BootTime>, Option<Duration>, String) {
    let followed = match ledger {
        Ledger::Follows(followed) => followed,
        Ledger::Lacks { why, since } => {
            return (None, None, format!("not followed for {}: {why}", spoken(now.since(*since))));
        }
    };
    let counts = if followed.counts { "the scan is read from it" } else { "it does not count" };
    let agreed = followed.agreed.map_or_else(
        || "has not agreed with the broker's answers yet".to_owned(),
        |at| format!("agreed with the broker's answers {} ago", spoken(now.since(at))),
    );
    let delay = followed.delay_ms.map_or_else(String::new, |ms| format!(", read {ms} ms after it was made"));
    let detail = format!("up to offset {}{delay}; {agreed}; {counts}", followed.end);
    (Some(followed.read), followed.counts.then_some(FRESH), detail)
}

fn dirs(seen: &Observations) -> String {
    let Some(told) = seen.log_dirs.as_deref() else {
        return "the broker has not told of its log dirs".into();
    };
    let each = told.dirs.iter().take(8).map(|dir| {
        let state = if dir.error == 0 { "healthy" } else { "OFFLINE" };
        let free = match (dir.usable_bytes, dir.total_bytes) {
            (Some(free), Some(total)) => format!(", {} of {} free", size(free), size(total)),
            _ => String::new(),
        };
        format!("{} {state}, {} replica(s){free}", dir.path, dir.replicas)
    });
    each.collect::<Vec<_>>().join("; ")
}

fn hosting(seen: &Observations) -> String {
    match &seen.hosting {
        None => "what is assigned was not held against what the log dirs hold".into(),
        Some(hosting) if hosting.is_good() => "what is assigned is what the log dirs hold".into(),
        Some(hosting) => {
            format!(
                "{} assigned partition(s) not hosted, {} topic(s) hidden",
                hosting.missing, hosting.hidden
            )
        }
    }
}

fn moves(seen: &Observations) -> String {
    let Some(moves) = seen.moves else {
        return "the list of reassignments is not known, so all replicas count".into();
    };
    let count = if seen.adding_counts() { "count" } else { "do not count" };
    let (adding, removing) = (moves.adding, moves.removing);
    format!(
        "{adding} replica(s) being added here, which {count} until they are in sync; {removing} being removed"
    )
}

fn life(seen: &Observations, now: BootTime) -> String {
    let Some(process) = seen.process else {
        return "the process is not seen, so it is never called dead".into();
    };
    let moved = spoken(now.since(process.moved));
    format!("process {}, last seen to use CPU or I/O {moved} ago", process.pid)
}

/// Bytes as a person says them.
pub(super) fn size(bytes: u64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let (mut value, mut unit) = (bytes, 0);
    while value >= 10_240 && unit + 1 < units.len() {
        value /= 1024;
        unit += 1;
    }
    format!("{value} {}", units[unit])
}
