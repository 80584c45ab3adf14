//! One complete pass, page by page.

use std::time::Duration;

use pillion_probes::replicas::{NAMED, Round, Tally};
use pillion_probes::stops::Stops;
use pillion_probes::time::BootTime;
use tokio::time::Instant;

use crate::kafka::scan::{Page, Scan, ScanBuffer, ScanError, scan_page};
use crate::kafka::{Connection, WireError};

/// Pages in one round: 20 million partitions in pages of 2000.
const PAGES_MAX: u32 = 10_000;

/// Scans until there is no further page.
///
/// * `page_timeout`: for sending one request and reading its answer.
/// * `now`: the clock that evidence is dated by, read before each request is sent.
/// * `each`: called with every page and the instant its request was sent, so that a fault can be published
///   before the round ends.
///
/// The round's `as_of` is the send of its oldest page, the first. An error voids the round: the pages that came
/// before it were valid evidence when `each` was called with them, and are no round.
pub async fn scan_round(
    connection: &mut Connection,
    scan: &Scan,
    buffer: &mut ScanBuffer,
    page_timeout: Duration,
    now: impl Fn() -> BootTime,
    mut each: impl FnMut(BootTime, &Page),
) -> Result<Round, WireError> {
    let started = now();
    let (mut tally, mut bytes) = (Tally::default(), 0);
    let (mut sent, mut cursor) = (started, None);
    for _ in 0..PAGES_MAX {
        let deadline = Instant::now() + page_timeout;
        let page = scan_page(connection, scan, cursor.as_ref(), buffer, deadline).await?;
        each(sent, &page);
        add(&mut tally, &page.tally);
        bytes += page.bytes;
        let Some(next) = page.next_cursor else {
            return Ok(Round { started, finished: now(), as_of: started, bytes, tally });
        };
        // Without progress a round would never end.
        if cursor.as_ref().is_some_and(|cursor| next <= *cursor) {
            return Err(ScanError::Cursor.into());
        }
        cursor = Some(next);
        sent = now();
    }
    Err(ScanError::Pages(PAGES_MAX).into())
}

/// Adds the findings of one page to those of the pages before it.
pub fn add(total: &mut Tally, page: &Tally) {
    total.topics += page.topics;
    total.partitions += page.partitions;
    total.assigned += page.assigned;
    total.led += page.led;
    total.out_of_isr += page.out_of_isr;
    total.leaderless += page.leaderless;
    total.offline += page.offline;
    total.faulty += page.faulty;
    total.unauthorized_topics += page.unauthorized_topics;
    total.failed_topics += page.failed_topics;
    total.name_also(&page.named);
    total.only_copies += page.only_copies;
    fill(&mut total.only_copies_named, &page.only_copies_named);
    total.adding += page.adding;
    fill(&mut total.adding_named, &page.adding_named);
    total.removing += page.removing;
    fill(&mut total.unauthorized_named, &page.unauthorized_named);
    if let Some(stops) = &page.stops {
        total.stops.get_or_insert_with(|| Stops { asked: stops.asked, ..Stops::default() }).join(stops);
    }
    total.own.join(page.own);
    total.own_offline.join(page.own_offline);
}

/// Adds names as long as there is room.
fn fill<T: Clone>(named: &mut Vec<T>, more: &[T]) {
    let room = NAMED.saturating_sub(named.len());
    named.extend(more.iter().take(room).cloned());
}
