//! Which changes matter to people, and how an Event says them.

use pillion_probes::forced::Kind as Forcing;

use crate::{
    board::{self, Board, Subject, Transition},
    kube::{Event, Kind},
    stamp,
};

/// The Event that tells a change, and its topic; `None` where it is no news.
pub(super) fn of(change: &Transition, board: &Board) -> Option<(String, Event)> {
    let (kind, reason, note) = match change.subject {
        Subject::Ready => ready(change, board)?,
        Subject::Live if turned(change, "yes", "no") => {
            (Kind::Warning, "KafkaDead", format!("it hangs: {}", why(change)))
        }
        Subject::Live if turned(change, "no", "yes") => {
            (Kind::Normal, "KafkaAlive", "it does not hang any more".to_owned())
        }
        Subject::Started if turned(change, "no", "yes") => {
            (Kind::Normal, "KafkaStarted", "it answers".to_owned())
        }
        Subject::Override => forced(change, board)?,
        Subject::Certificates => certificates(change),
        Subject::Turn => turn(change)?,
        _ => return None,
    };
    let action = match change.subject {
        Subject::Override => "Overriding",
        Subject::Certificates => "Rotating",
        Subject::Turn => "Stopping",
        _ => "Judging",
    };
    let topic = change.why.first().map(|why| why.code.clone()).unwrap_or_default();
    let at_ms = stamp::parse(&change.at)?;
    Some((topic, Event { at_ms, kind, reason, action, note, count: 1 }))
}

fn turned(change: &Transition, from: &str, to: &str) -> bool {
    answer(&change.from) == from && answer(&change.to) == to
}

/// `no` of `no (fenced)`.
fn answer(told: &str) -> &str {
    told.split(' ').next().unwrap_or_default()
}

/// The reasons, and what to do about the first.
fn why(change: &Transition) -> String {
    let texts: Vec<&str> = change.why.iter().map(|why| why.text.as_str()).collect();
    let remedy = change.why.first().map(|why| why.remedy.as_str()).filter(|remedy| !remedy.is_empty());
    let remedy = remedy.map(|remedy| format!("; what to do: {remedy}")).unwrap_or_default();
    format!("{}{remedy}", texts.join("; "))
}

fn ready(change: &Transition, board: &Board) -> Option<(Kind, &'static str, String)> {
    if turned(change, "yes", "no") {
        return Some((Kind::Warning, "KafkaNotReady", why(change)));
    }
    turned(change, "no", "yes").then(|| {
        let now = board.ask();
        let mut note = String::new();
        // Writing into a String cannot fail.
        board::ready_yes(&mut note, &now.seen, now.now.boot).unwrap_or_default();
        (Kind::Normal, "KafkaReady", note)
    })
}

/// What is wrong with certificates, that nothing is any more, or that another one is served.
fn certificates(change: &Transition) -> (Kind, &'static str, String) {
    if !change.why.is_empty() {
        return (Kind::Warning, "CertificateTrouble", why(change));
    }
    if change.to == "fine" {
        return (Kind::Normal, "CertificatesFine", "nothing is wrong with certificates any more".to_owned());
    }
    (Kind::Normal, "CertificateRotated", change.to.clone())
}

/// A stop that waits, or goes; that the turn was taken, renewed or given back is for the history.
fn turn(change: &Transition) -> Option<(Kind, &'static str, String)> {
    let (to, why) = (change.to.as_str(), why(change));
    match to {
        "waits" => Some((Kind::Normal, "StopWaits", format!("its stop waits: {why}"))),
        "may go" => Some((Kind::Normal, "StopGoes", why)),
        _ if to.starts_with("goes") => {
            Some((Kind::Warning, "StopForced", format!("it is stopped although it should not be: {why}")))
        }
        _ if to.starts_with("taken over") => {
            Some((Kind::Warning, "TurnTakenOver", format!("the turn was {to}")))
        }
        _ => None,
    }
}

fn forced(change: &Transition, board: &Board) -> Option<(Kind, &'static str, String)> {
    let reason = change.why.first().map_or("", |why| why.text.as_str());
    let code = change.why.first().map(|why| why.code.as_str());
    let was_in_force = ["ready (", "hold ("].iter().any(|start| change.from.starts_with(start));
    match code {
        Some("override") => {
            let forced = board.ask().forced;
            let end = board::end_words(&forced, board.identity());
            let effect = match forced.active() {
                Some(Forcing::Ready) => {
                    "it counts as ready for PodDisruptionBudgets and rollouts, which may take the next broker down"
                }
                Some(Forcing::Hold) => "PodDisruptionBudgets and rollouts wait for it",
                // It ended meanwhile; its end is another change.
                None => return Some((Kind::Warning, "OverrideStarted", format!("{}, {reason}", change.to))),
            };
            let words = board::forced_words(&forced);
            Some((Kind::Warning, "OverrideStarted", format!("{words}; {effect}; end it with: {end}")))
        }
        Some("override-ignored") => {
            let end = board::end_words(&board.ask().forced, board.identity());
            let note =
                format!("the override is {}: {reason}; correct it, or remove it with: {end}", change.to);
            Some((Kind::Warning, "OverrideRefused", note))
        }
        Some("override-expired") if was_in_force => {
            let note = format!("its time is over: {reason}; the true verdict counts");
            Some((Kind::Normal, "OverrideEnded", note))
        }
        None if was_in_force => {
            let note = format!("{} was taken away; the true verdict counts", change.from);
            Some((Kind::Normal, "OverrideEnded", note))
        }
        _ => None,
    }
}

#[cfg(test)]
#[path = "news_tests.rs"]
pub(super) mod tests;
