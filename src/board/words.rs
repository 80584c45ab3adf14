//! Good news in words: a yes says on what evidence.

use std::{
    fmt::{self, Display, Formatter, Write},
    time::Duration,
};

use pillion_probes::{
    forced::{ANNOTATION, Forced, Kind, Source, annotate},
    observe::{Observations, Reach, Role},
    reason::Told,
    server::Server,
    time::BootTime,
};

use super::Identity;
use crate::stamp;

/// A duration as a person says it, written without an allocation: `0.4 s`, `12 min`, `3.2 h`.
#[derive(Clone, Copy, Debug)]
pub struct Ago(pub Duration);

impl Display for Ago {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0.as_secs_f64() {
            s if s < 90.0 => write!(f, "{s:.1} s"),
            s if s < 5400.0 => write!(f, "{:.0} min", s / 60.0),
            s if s < 172_800.0 => write!(f, "{:.1} h", s / 3600.0),
            s => write!(f, "{:.0} days", s / 86_400.0),
        }
    }
}

/// On what evidence the node is ready.
pub fn ready_yes(out: &mut impl Write, seen: &Observations, now: BootTime) -> fmt::Result {
    if let Some(told) = seen.server {
        return serving(out, &told, now);
    }
    if seen.role.has_broker() {
        in_sync(out, seen, now)?;
    }
    let Some(standing) = seen.vote.standing else { return Ok(()) };
    if seen.role.has_broker() {
        out.write_str("; ")?;
    }
    let (ago, leader, epoch) = (Ago(now.since(standing.at)), standing.leader, standing.epoch);
    if standing.leads {
        write!(
            out,
            "leads the quorum in epoch {epoch}, followed by a majority of the voters, as of {ago} ago"
        )
    } else {
        write!(
            out,
            "a voter that is caught up with controller {leader}, the leader of epoch {epoch}, as of {ago} ago"
        )
    }
}

fn serving(out: &mut impl Write, told: &Server, now: BootTime) -> fmt::Result {
    let ago = Ago(now.since(told.sent));
    write!(out, "serves as {}", told.state.word())?;
    if let Some(ensemble) = told.ensemble {
        write!(out, ", {} of {} voters in sync with it", ensemble.synced, ensemble.voters)?;
    }
    write!(out, ", by its own word of {ago} ago")
}

fn in_sync(out: &mut impl Write, seen: &Observations, now: BootTime) -> fmt::Result {
    let ago = |at: BootTime| Ago(now.since(at));
    let dated = seen.contact.map(|contact| contact.at).or(seen.testimony.good);
    let (Some(round), Some(dated)) = (seen.round.as_deref(), dated) else {
        return out.write_str("every piece of evidence is there and young enough");
    };
    let (tally, as_of) = (&round.tally, ago(round.as_of));
    match tally.assigned {
        0 => {
            let hosted: u64 = seen.log_dirs.iter().flat_map(|told| &told.dirs).map(|dir| dir.replicas).sum();
            write!(
                out,
                "no partition is assigned to this broker: a full scan as of {as_of} ago found {} topic(s) and none here, ",
                tally.topics
            )?;
            match hosted {
                0 => out.write_str("and its log dirs hold none")?,
                // A topic that is being made or deleted; should they stay, the judge says no.
                hosted => write!(out, "while its log dirs still hold {hosted}, which is being looked into")?,
            }
        }
        assigned if tally.adding + tally.removing > 0 => {
            let settled = assigned.saturating_sub(tally.adding + tally.removing);
            write!(out, "in the ISR of {settled} of {assigned} assigned partitions, as of {as_of} ago")?;
            write!(out, "; {} being added and {} being removed do not count", tally.adding, tally.removing)?;
        }
        1 => write!(out, "in the ISR of the one assigned partition, as of {as_of} ago")?,
        assigned => write!(out, "in the ISR of all {assigned} assigned partitions, as of {as_of} ago")?,
    }
    if seen.role != Role::ZooKeeper {
        return write!(out, "; contact with the quorum {} ago", ago(dated));
    }
    match (seen.testimony.witnesses().count(), seen.testimony.alone) {
        (0, true) => {
            write!(out, "; there is no other broker, so this rests on its own word, {} ago", ago(dated))
        }
        (1, _) => write!(out, "; another broker agrees, {} ago", ago(dated)),
        (count, _) => write!(out, "; {count} other brokers agree, {} ago", ago(dated)),
    }
}

/// Why the node counts as alive.
pub fn live_yes(out: &mut impl Write, seen: &Observations, now: BootTime) -> fmt::Result {
    let (reach, since) = &seen.reach;
    if let (Reach::Answers, Some(at)) = (reach, seen.incarnation.last_answer) {
        return write!(out, "the node answers, last {} ago", Ago(now.since(at)));
    }
    let state = match reach {
        Reach::Answers => "the node answers",
        Reach::Untried => "it was not asked yet",
        Reach::Refused => "its port is closed",
        Reach::Closed => "it closes connections",
        Reach::Silent => "it takes connections and is silent",
        Reach::Unreachable { .. } => "it cannot be reached",
        Reach::NotJudgeable { .. } => "what answers cannot be judged",
        Reach::Insecure { .. } => "they do not take each other for who they are",
    };
    write!(out, "nothing proves that it hangs ({state}, for {})", Ago(now.since(*since)))
}

/// When the node started to answer.
pub fn started_yes(out: &mut impl Write, seen: &Observations, now: BootTime) -> fmt::Result {
    match seen.incarnation.answered {
        Some(at) => write!(out, "this life of the node first answered {} ago", Ago(now.since(at))),
        None => out.write_str("this life of the node has answered"),
    }
}

/// What the override says, in one sentence; empty when there is none.
pub fn forced(forced: &Forced) -> String {
    let by = |by: &Option<String>| by.as_deref().map(|by| format!(" by {by}")).unwrap_or_default();
    match forced {
        Forced::None => String::new(),
        Forced::Active { kind, reason, by: who, source, since, until, left } => format!(
            "{}{} ({}) since {}, ends by itself at {}, in {}; reason: {reason}",
            state(*kind),
            by(who),
            source.word(),
            stamp::seconds(*since),
            stamp::seconds(*until),
            Ago(*left),
        ),
        Forced::Expired { kind, reason, by: who, source, since } => format!(
            "the override \"{}\"{} ({}), first seen {}, has ended and is still stated; reason: {reason}",
            kind.word(),
            by(who),
            source.word(),
            stamp::seconds(*since),
        ),
        Forced::Refused { source, why } => format!("the override ({}) is ignored: {why}", source.word()),
    }
}

/// The command that ends the override.
pub fn end(forced: &Forced, identity: &Identity) -> String {
    let by_annotation = matches!(
        forced,
        Forced::Active { source: Source::Annotation, .. }
            | Forced::Expired { source: Source::Annotation, .. }
            | Forced::Refused { source: Source::Annotation, .. }
    );
    if !by_annotation {
        return "pillion override clear".to_owned();
    }
    let pod = identity.pod.as_ref().map(|pod| (&*pod.namespace, &*pod.name));
    format!("{} {ANNOTATION}-", annotate(pod))
}

fn state(kind: Kind) -> &'static str {
    match kind {
        Kind::Ready => "forced ready",
        Kind::Hold => "held not ready",
    }
}

/// A reason in one sentence without the partitions' names, for where they are listed beside it.
pub fn unnamed(told: &Told) -> &str {
    if told.partitions.is_empty() {
        return &told.text;
    }
    told.text.split_once(": ").map_or(&*told.text, |(sentence, _)| sentence)
}
