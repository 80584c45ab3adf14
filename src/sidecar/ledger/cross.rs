//! Holds the scans of what the broker answers against the log.

use std::time::Duration;

use pillion_probes::{
    ledger::{Figures, Outcome, Side},
    replicas::Round,
    time::BootTime,
};
use tokio::time::timeout;

use crate::sidecar::{
    Target,
    desk::{Desk, Life},
};

/// Between two scans while the log counts, at the least.
const SELDOM: Duration = Duration::from_secs(60);
/// The same while the last one could not be compared.
const SOON: Duration = Duration::from_secs(10);
/// What scans may cost then, in bytes a second: an answer of 5 MB (100,000 partitions) each 2.5 hours.
const BYTES_A_SECOND: u64 = 512;
/// The log is told of at least twice a second.
const VIEW: Duration = Duration::from_secs(2);

/// Compares a scan with the log as it is read after it; `applied`: what the broker had applied before the scan began. `None`
/// where there is no log.
pub async fn compare(
    desk: &Desk,
    target: &Target,
    life: &Life,
    applied: Option<i64>,
    round: &Round,
) -> Option<Outcome> {
    let source = &target.ledger;
    source.scanned.replace((round.tally.partitions, round.bytes));
    if !source.follows(round.finished) {
        return None;
    }
    let ledger = after(target, round.finished).await?;
    let figures = Figures::from(&round.tally);
    let outcome = source.agreement.borrow_mut().compare(round.started, applied?, figures, ledger);
    let agreement = *source.agreement.borrow();
    if matches!(outcome, Outcome::Doubted | Outcome::Contradicts) {
        let (ledger, broker) = (ledger.figures.told(), figures.told());
        tracing::warn!(?ledger, ?broker, "the metadata log and the broker contradict each other");
    }
    desk.note_in(life.number, |seen| seen.contradiction = agreement.contradiction());
    Some(outcome)
}

/// The log as it is read after `instant`.
async fn after(target: &Target, instant: BootTime) -> Option<Side> {
    let source = &target.ledger;
    let newer = async {
        loop {
            let viewed = source.viewed.notified();
            if let Some(view) = source.view.borrow().as_ref().filter(|view| view.read > instant) {
                return Side {
                    figures: Figures::from(&*view.tally),
                    changed: view.changed,
                    settled: view.settled,
                };
            }
            viewed.await;
        }
    };
    timeout(VIEW, newer).await.ok()
}

/// How long to rest until the next scan; `usual` is the pause where the log does not count.
pub fn pause(
    desk: &Desk,
    target: &Target,
    outcome: Option<Outcome>,
    usual: Duration,
    bytes: u64,
) -> Duration {
    let fair = Duration::from_secs(bytes / BYTES_A_SECOND);
    match outcome {
        Some(Outcome::Agrees) => SELDOM.max(fair),
        // They change too often to be compared at the first try.
        Some(Outcome::Apart) if target.ledger.counts(desk.now()) => SOON.max(fair / 4),
        _ => usual,
    }
}

/// Rests, unless the log ceases to count.
pub async fn wait(target: &Target, rest: Duration) {
    let _ = timeout(rest, target.ledger.scan.notified()).await;
}
