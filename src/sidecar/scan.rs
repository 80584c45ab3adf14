//! Scans the partitions of the cluster, round after round, for the replicas of this broker.
//!
//! This is where the ISR comes from while the metadata log on the broker's own volume does not count (`ledger`); while it
//! does, scans are rare, and held against it.

use std::{cell::Cell, sync::Arc, time::Duration};

use pillion_probes::{
    moves::hold,
    replicas::{Round, Tally},
    time::BootTime,
};
use tokio::time::{Instant, sleep};

use super::{
    Target,
    desk::{Desk, Life},
    ledger::cross,
};
use crate::{
    config::Timing,
    kafka::{
        WireError,
        scan::{Scan, ScanBuffer, add, scan_round},
    },
};

/// A round may take this share of the time at the most, or a huge cluster would be asked without a pause.
const DUTY: u32 = 10;

/// Before the next look when replicas out of the ISR wait for the list of reassignments, which takes a few milliseconds.
const RECHECK: Duration = Duration::from_millis(50);

/// Watches the partitions for one life of the broker, until the connection is lost.
pub async fn watch(desk: &Desk, target: &Target, life: &Life) {
    let Err(error) = rounds(desk, target, life).await;
    super::lost(desk, "the scan of the partitions", &error);
}

async fn rounds(desk: &Desk, target: &Target, life: &Life) -> Result<std::convert::Infallible, WireError> {
    let mut scan = Scan { key: target.key, ..Scan::pick(&life.versions, target.id)? };
    let mut kept = Some(target.connect(Instant::now() + target.timing.request_timeout).await?);
    let mut buffer = ScanBuffer::default();
    // Since when replicas are out of the ISR that no reassignment explains.
    let mut unexplained: Option<BootTime> = None;
    loop {
        let mut connection = match kept.take() {
            Some(connection) => connection,
            None => target.connect_again().await,
        };
        // Without contact nobody knows as of when an answer would be current.
        let (began, as_of) = desk.dated().await;
        // A page is as current as the contact that was proven before it was asked for.
        let backed = Cell::new(as_of);
        let applied = desk.applied();
        let mut gathered = Gathered { oldest: as_of, tally: Tally::default() };
        scan.moves = target.moves.borrow().clone().filter(|moves| moves.young(began));
        scan.minimums.clone_from(&target.minimums.borrow());
        let asked = scan.moves.as_ref().map(|moves| moves.asked);
        let spared = desk.read(|seen| !seen.adding_counts());
        let mut held = false;
        let round = scan_round(
            &mut connection,
            &scan,
            &mut buffer,
            target.timing.page_timeout(),
            || {
                let now = desk.now();
                // A life that ended meanwhile leaves no contact; its round is dropped anyway.
                backed.set(desk.as_of(now).unwrap_or_default());
                now
            },
            |sent, page| {
                gathered.add(backed.get(), &page.tally);
                let found = &gathered.tally;
                if found.out_of_isr > 0 {
                    let first = *unexplained.get_or_insert(sent);
                    held = spared && hold(found, asked, first, desk.now());
                }
                if held {
                    target.doubted.notify_one();
                } else if !target.ledger.counts(sent) {
                    publish_faults(desk, life.number, found);
                }
            },
        )
        .await?;
        if round.tally.out_of_isr == 0 {
            unexplained = None;
        }
        if held {
            kept = Some(connection);
            sleep(RECHECK).await;
            continue;
        }
        let round = Round { as_of: gathered.oldest, ..round };
        let bytes = round.bytes;
        // Before the log is looked at, which takes a moment: while it does not count, nobody waits for it.
        let counted = target.ledger.counts(desk.now());
        if !counted {
            desk.round(life.number, round.clone());
        }
        let outcome = cross::compare(desk, target, life, applied, &round).await;
        if counted && !target.ledger.counts(desk.now()) {
            desk.round(life.number, round);
        }
        let took = desk.now().since(began);
        let rest = cross::pause(desk, target, outcome, pause(&target.timing, took), bytes);
        kept = (rest <= super::IDLE).then_some(connection);
        cross::wait(target, rest).await;
    }
}

/// How long to wait after a round that took so long. Not so long that what was seen grows old meanwhile: a broker that
/// answers slowly is not a large cluster.
fn pause(timing: &Timing, took: Duration) -> Duration {
    let fair = took.saturating_mul(DUTY).min(timing.scan_max_age / 5);
    timing.scan_interval.max(fair).saturating_sub(took)
}

/// The pages of the round under way.
struct Gathered {
    oldest: BootTime,
    tally: Tally,
}

impl Gathered {
    fn add(&mut self, as_of: BootTime, page: &Tally) {
        self.oldest = self.oldest.min(as_of);
        add(&mut self.tally, page);
    }
}

/// A fault counts as soon as its page is read; only health needs the whole round.
fn publish_faults(desk: &Desk, number: u64, found: &Tally) {
    if found.faulty + found.adding > 0 {
        let found = Arc::new(found.clone());
        desk.note_in(number, |seen| seen.partial = Some(found));
    }
}
