//! What is judged of the node for its turn, and what is said about it.

use pillion_probes::{
    neighbours,
    observe::{Observations, Reach, Role},
    reason::{Reason, Told, spoken},
    time::BootTime,
    turn::{Go, Node, Wait},
};

use std::time::Duration;

use super::store::Store;
use crate::board::{Published, TIME_UP, Trouble, Why};

/// Who is silent for longer serves nobody.
const MOMENT: Duration = Duration::from_secs(5);
/// Another look is waited for: a second at the most, and no news for a history.
pub(super) const FRESH: &str = "turn-fresh";

/// The node as the turn sees it. `disbanded`: its whole set goes for good.
pub(super) fn node(published: &Published, disbanded: bool) -> Node {
    let (seen, verdicts) = (&published.seen, &published.verdicts);
    let stop = &verdicts.stoppable;
    let unknown = stop.reasons.iter().any(|reason| matches!(reason, Reason::NotLooked));
    let answers = verdicts.started.is_yes() && verdicts.live.is_yes();
    let serves = unknown || stalls(published) || is_mute(&seen.reach.0) || (answers && !in_no_isr(seen));
    let idle = (!serves).then_some(Go::ServesNothing);
    Node {
        at_once: idle.or(disbanded.then_some(Go::Disbanded)),
        may_stop: stop.is_yes() || stop.reasons.iter().all(Reason::is_hopeless),
        as_of: as_of(published),
        ready: published.ready,
        life: seen.incarnation.number,
    }
}

/// The agent is not let in, or does not find the way: the node may serve everybody else.
fn is_mute(reach: &Reach) -> bool {
    matches!(reach, Reach::Insecure { .. } | Reach::NotJudgeable { .. } | Reach::Unreachable { .. })
}

/// It was silent for a moment, as a machine that is overloaded makes it: that does not show that it is down. A closed port
/// does.
fn stalls(published: &Published) -> bool {
    let (reach, since) = &published.seen.reach;
    matches!(reach, Reach::Silent | Reach::Closed) && published.now.boot.since(*since) < MOMENT
}

/// A broker that is in the ISR of none of its partitions: nobody misses it.
fn in_no_isr(seen: &Observations) -> bool {
    let Some(round) = seen.round.as_deref().filter(|_| !seen.role.has_controller()) else { return false };
    let tally = &round.tally;
    let outside = tally.out_of_isr + tally.adding + tally.removing;
    tally.assigned > 0 && outside >= tally.assigned
}

/// As of when the verdict *stoppable* knows the ISRs and the voters.
fn as_of(published: &Published) -> Option<BootTime> {
    let seen = &published.seen;
    let round = seen.round.as_deref().map(|round| round.as_of);
    // One that is no voter takes no seat.
    let vote = seen.vote.standing.map_or(published.now.boot, |standing| standing.at);
    match seen.role {
        Role::Broker | Role::ZooKeeper => round,
        Role::Combined => round.map(|round| round.min(vote)),
        Role::Controller => Some(vote),
        Role::ZooKeeperServer => seen.server.map(|told| told.sent),
    }
}

/// The reasons against a stop, with their codes.
fn against(published: &Published) -> (String, String) {
    let told: Vec<Told> = published.verdicts.stoppable.reasons.iter().map(Told::from).collect();
    let code = told.first().map(|reason| reason.code.clone()).unwrap_or_default();
    let all: Vec<String> = told.iter().map(|reason| format!("{}: {}", reason.code, reason.text)).collect();
    (code, all.join("; "))
}

/// What is waited for.
pub(super) fn wait(
    wait: &Wait,
    published: &Published,
    store: Option<&Store>,
    trouble: Option<&Trouble>,
) -> Why {
    let kept = store.map(ToString::to_string).unwrap_or_default();
    let mut remedy = String::new();
    let (code, text) = match wait {
        Wait::MayNotStop => against(published),
        Wait::Held { by, left } => (
            "turn-held".to_owned(),
            format!(
                "{by} has the turn ({kept}); it is taken over in {} unless {by} is heard of",
                spoken(*left)
            ),
        ),
        Wait::Unknown => {
            let why = trouble.map_or("it is not read yet", |trouble| trouble.text.as_str());
            remedy = trouble.map(|trouble| trouble.remedy.clone()).unwrap_or_default();
            ("turn-unknown".to_owned(), format!("nobody knows who has the turn ({kept}): {why}"))
        }
        Wait::Settling { left } => (
            "turn-settling".to_owned(),
            format!(
                "it took the turn over from a node that is not heard of; in {} the controllers must have noticed what \
                 became of that",
                spoken(*left)
            ),
        ),
        Wait::Older => return older(),
    };
    Why { code, text, remedy }
}

/// Evidence is awaited that is younger than the turn, or than the last look at the other brokers.
pub(super) fn older() -> Why {
    let text = "the cluster is looked at once more before it goes".to_owned();
    Why { code: FRESH.to_owned(), text, remedy: String::new() }
}

/// These brokers are listed as live and do not answer.
pub(super) fn silent(ids: &[i32], left: Duration) -> Why {
    Why {
        code: neighbours::SILENT.to_owned(),
        text: neighbours::words(ids, left),
        remedy: "look after that broker first".to_owned(),
    }
}

/// What Kafka's own shutdown will do first.
fn hands_over(published: &Published) -> String {
    match leads(published) {
        None | Some(0) => String::new(),
        Some(led) => format!("; it leads {led} partition(s), which Kafka hands over as it stops"),
    }
}

/// How many partitions the broker leads, as far as it says so.
pub(super) fn leads(published: &Published) -> Option<u64> {
    published.seen.round.as_deref().map(|round| round.tally.led)
}

/// Why it may go.
pub(super) fn go(go: Go, published: &Published) -> Why {
    let (_, against) = against(published);
    let hopeless =
        if against.is_empty() { String::new() } else { format!("; waiting does not help: {against}") };
    let leads = hands_over(published);
    let (code, text) = match go {
        Go::Turn => ("may-stop", format!("it has its turn and may stop{leads}{hopeless}")),
        Go::MayStop => ("may-stop", format!("it may stop{leads}{hopeless}")),
        Go::ServesNothing => {
            ("serves-nothing", format!("the node does not serve, so its stop takes nothing: {against}"))
        }
        Go::Disbanded => (
            "set-disbanded",
            "its whole StatefulSet is scaled to zero or deleted, so there is nobody to wait for".to_owned(),
        ),
        Go::TimeUp => return time_up(&against),
    };
    Why { code: code.to_owned(), text, remedy: String::new() }
}

/// It should not go; this is what it would wait for.
pub(super) fn time_up(waits: &str) -> Why {
    let remedy =
        "give drain more time (--within, and the grace period), or stop fewer nodes at once".to_owned();
    Why { code: TIME_UP.to_owned(), text: format!("the time is up: {waits}"), remedy }
}
