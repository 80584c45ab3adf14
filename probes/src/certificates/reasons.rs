//! What is told about a certificate, and when.

use std::time::Duration;

use super::{Instant, Known, Life, Trouble};
use crate::reason::{Told, spoken};

/// Files are not always swapped at once: what is refused must be so for this long before it is called invalid.
const SETTLED: Duration = Duration::from_secs(2);
/// A source that is away for shorter than this is no news.
const AWAY: Duration = Duration::from_secs(10);
/// For how long a broker that answers may go on to serve the old certificate.
const SERVED: Duration = Duration::from_secs(30);

/// By which it is told.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rules {
    /// Below this part of its life a certificate is expiring.
    pub expiring: f64,
}

/// What is to be told about the certificate of `listener` now.
pub fn told(listener: &str, known: &Known, rules: Rules, now: Instant) -> Vec<Told> {
    let all = [
        invalid(listener, known, now),
        not_served(listener, known, now),
        expiring(listener, known, rules, now),
        unreachable(listener, known, now),
        restart(listener, known, now),
    ];
    all.into_iter().flatten().collect()
}

fn reason(code: &str, text: String, remedy: impl Into<String>) -> Told {
    Told {
        code: code.to_owned(),
        text,
        remedy: remedy.into(),
        hopeless: false,
        count: None,
        partitions: Vec::new(),
    }
}

fn lasts(trouble: Option<&Trouble>, least: Duration, now: Instant) -> Option<(&Trouble, Duration)> {
    trouble.map(|trouble| (trouble, now.boot.since(trouble.since))).filter(|(_, length)| *length >= least)
}

fn invalid(listener: &str, known: &Known, now: Instant) -> Option<Told> {
    let (trouble, _) = lasts(known.refused.as_ref(), SETTLED, now)?;
    let stays = match known.installed {
        Some(life) => format!("the one before stays, {}", rest(&life, now)),
        None => "there is no other".to_owned(),
    };
    let text =
        format!("what {} has for listener {listener} is refused: {}; {stays}", known.source, trouble.text);
    Some(reason("certificate-invalid", text, trouble.remedy.clone()))
}

fn not_served(listener: &str, known: &Known, now: Instant) -> Option<Told> {
    let (trouble, length) = lasts(known.behind.as_ref(), SERVED, now)?;
    let text = format!(
        "for {} listener {listener} has not served the certificate that is installed: {}",
        spoken(length),
        trouble.text
    );
    Some(reason("certificate-not-served", text, trouble.remedy.clone()))
}

fn expiring(listener: &str, known: &Known, rules: Rules, now: Instant) -> Option<Told> {
    let life = known.installed.filter(|life| life.expiring(rules.expiring, now.wall))?;
    let cause = if known.unreachable.is_some() {
        ", and its source cannot be asked"
    } else if known.refused.is_some() {
        ", and what its source has is refused"
    } else {
        ", and its source has no newer one"
    };
    let text = format!("the certificate of listener {listener} {}{cause}", rest(&life, now));
    let remedy = match life.left(now.wall) {
        Some(_) => format!("renew it in {}; it is installed and served without a restart", known.source),
        None => format!(
            "clients are turned away: renew it in {} now; where brokers connect with each other by it, Kafka takes a new one in place of one that has ended only by a restart",
            known.source
        ),
    };
    Some(reason("certificate-expiring", text, remedy))
}

fn unreachable(listener: &str, known: &Known, now: Instant) -> Option<Told> {
    let (trouble, length) = lasts(known.unreachable.as_ref(), AWAY, now)?;
    let text = format!(
        "for {} the certificate of listener {listener} could not be had from {}: {}",
        spoken(length),
        known.source,
        trouble.text
    );
    Some(reason("certificate-source-unreachable", text, trouble.remedy.clone()))
}

fn restart(listener: &str, known: &Known, now: Instant) -> Option<Told> {
    let old = known.started_with?;
    let text = match old.left(now.wall) {
        Some(left) => format!(
            "what this node asks the controllers with goes on to use the certificate of {listener} that it was started \
             with, which ends in {}: Kafka does not reload it there",
            spoken(left)
        ),
        None => format!(
            "what this node asks the controllers with uses a certificate of {listener} that has ended: a connection \
             that is lost does not come back"
        ),
    };
    Some(reason("certificate-restart-needed", text, "restart this node before then, when it may stop"))
}

/// `ends in 3.2 h`, or `ended 5 min ago`.
fn rest(life: &Life, now: Instant) -> String {
    if let Some(left) = life.left(now.wall) {
        return format!("ends in {}", spoken(left));
    }
    let ago = u64::try_from(now.wall.saturating_sub(life.not_after)).unwrap_or(0);
    format!("ended {} ago", spoken(Duration::from_secs(ago)))
}
