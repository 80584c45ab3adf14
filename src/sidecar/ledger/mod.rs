//! Follows the metadata log on the broker's own volume, and puts what it says on the desk.
//!
//! It counts only beside the broker: what was read must reach what the broker has applied, so that the proof that the broker
//! is current holds for what was read, too. And it counts once a scan of the broker's answers has agreed with it
//! ([`cross`]). While it does not count the scan is the source, as if there were no log.

pub mod cross;
mod thread;

use std::{
    cell::RefCell,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use pillion_probes::{
    ledger::{Agreement, FRESH, Followed, Ledger},
    replicas::{Round, Tally},
    time::BootTime,
};
use tokio::{
    sync::{Notify, watch},
    task::spawn_blocking,
    time::{sleep, timeout},
};

use super::{
    Target,
    desk::{Desk, Life},
};
pub use thread::Usual;
use thread::{News, Shared, View};

/// A log that does not reach what the broker has applied for so long is another one.
const SHORT: Duration = Duration::from_secs(3);
/// Between two looks whether the thread of an earlier life is gone.
const BUSY: Duration = Duration::from_millis(50);

/// What the observers tell each other of the log.
#[derive(Debug, Default)]
pub struct Source {
    /// The log is to be followed.
    wanted: bool,
    /// The log as it was last read, while it may be compared: it reaches what the broker had applied.
    view: RefCell<Option<View>>,
    /// A view came.
    viewed: Notify,
    /// What scans say of it, in this life.
    agreement: RefCell<Agreement>,
    /// It has ceased to count, or may count: scan now.
    scan: Notify,
    /// What topics need that do not say it themselves, and when that was asked.
    pub usual: RefCell<Option<Usual>>,
    /// Partitions of the whole cluster and the size of the answers, in the last scan.
    scanned: RefCell<(u64, u64)>,
    /// A thread is there: one at a time, for a disk may hang.
    busy: Arc<AtomicBool>,
}

impl Source {
    /// The log is followed where it is `wanted`.
    pub fn new(wanted: bool) -> Self {
        Self { wanted, ..Self::default() }
    }

    /// The verdicts rest on the log now.
    pub fn counts(&self, now: BootTime) -> bool {
        self.follows(now) && self.agreement.borrow().holds()
    }

    /// It is followed.
    pub fn follows(&self, now: BootTime) -> bool {
        self.view.borrow().as_ref().is_some_and(|view| now.since(view.read) <= FRESH)
    }
}

/// Follows the log for one life of the broker.
pub async fn watch(desk: &Desk, target: &Target, life: &Life) {
    let source = &target.ledger;
    if !source.wanted {
        std::future::pending::<()>().await;
    }
    source.agreement.replace(Agreement::default());
    source.view.replace(None);
    // The broker's first offset is there with the life.
    let (_, _) = desk.dated().await;
    let began = desk.now();
    while source.busy.swap(true, Ordering::AcqRel) {
        if desk.now().since(began) > FRESH {
            lacks(
                desk,
                target,
                life,
                "a disk does not answer: an earlier look at it is still under way".into(),
            );
        }
        sleep(BUSY).await;
    }
    let shared = Arc::new(Shared::new(target, desk.clock.clone()));
    // What it reads first is judged by it: what the broker has applied is committed.
    shared.told(desk.applied(), *source.usual.borrow());
    let (sender, mut news) = watch::channel(None);
    let (thread, busy) = (Arc::clone(&shared), Arc::clone(&source.busy));
    let reading = spawn_blocking(move || {
        thread.run(&sender);
        busy.store(false, Ordering::Release);
    });
    // Dropped with the life; the thread ends when nobody listens any more.
    let listen = async {
        let mut short = None;
        loop {
            match timeout(FRESH, news.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return,
                // Why it is not followed is known already, and the thread waits before it tries again.
                Err(_) if matches!(*news.borrow(), Some(News::Lacks(_))) => continue,
                Err(_) => {
                    lacks(desk, target, life, "it is not read to its end: the disk is slow, or hangs".into());
                    continue;
                }
            }
            let told = news.borrow_and_update().clone();
            shared.told(desk.applied(), *source.usual.borrow());
            match told {
                None => {}
                Some(News::Lacks(why)) => lacks(desk, target, life, why),
                Some(News::Follows(view)) => take(desk, target, life, &view, &mut short),
            }
        }
    };
    listen.await;
    let _ = reading.await;
}

/// Takes what was read.
fn take(desk: &Desk, target: &Target, life: &Life, view: &View, short: &mut Option<BootTime>) {
    let source = &target.ledger;
    let now = desk.now();
    let Some((as_of, applied)) = desk.backed(now) else { return };
    if view.end < applied {
        // A moment ago, or for ever: then it is not the log that this broker writes.
        let since = *short.get_or_insert(now);
        if now.since(since) > SHORT {
            // Without the offsets, which go on: it is the same trouble all the while.
            lacks(
                desk,
                target,
                life,
                "it ends before what the broker has applied: that writes another one".into(),
            );
        }
        return;
    }
    *short = None;
    source.view.replace(Some(view.clone()));
    source.viewed.notify_waiters();
    let agreement = *source.agreement.borrow();
    if let Some(minimums) = &view.minimums {
        target.minimums.replace(Some(Arc::clone(minimums)));
    }
    let followed = Followed {
        read: view.read,
        end: view.end,
        fenced: view.fenced,
        delay_ms: view.delay_ms,
        agreed: agreement.agreed(),
        counts: agreement.holds(),
    };
    desk.note_in(life.number, |seen| seen.ledger = Some(Ledger::Follows(followed)));
    if agreement.holds() {
        let (partitions, bytes) = *source.scanned.borrow();
        let tally = Tally { partitions, ..(*view.tally).clone() };
        desk.round(
            life.number,
            Round { started: view.read, finished: now, as_of: as_of.min(view.read), bytes, tally },
        );
    }
}

/// The log is no source: the scan takes over, and what the two said against each other is no more to be found out. It has
/// to agree anew before it counts again.
fn lacks(desk: &Desk, target: &Target, life: &Life, why: String) {
    let source = &target.ledger;
    let now = desk.now();
    let known = desk.read(|seen| match &seen.ledger {
        Some(Ledger::Lacks { why: before, .. }) => *before == why,
        _ => false,
    });
    if source.view.replace(None).is_some() {
        source.scan.notify_waiters();
    }
    if !known {
        tracing::info!(%why, "the metadata log is not followed");
        source.agreement.replace(Agreement::default());
        desk.note_in(life.number, |seen| {
            seen.ledger = Some(Ledger::Lacks { why, since: now });
            seen.contradiction = None;
        });
    }
}
