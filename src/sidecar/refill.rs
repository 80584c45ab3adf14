//! How far a broker that is out of sync has come: the sizes of its logs against those of the leaders, asked now and then
//! while replicas are out of the ISR. No verdict rests on it.
//!
//! The partitions that are behind are read page by page, and asked for in batches: this broker for all of a batch, each
//! leader for its own. A leader that does not answer leaves its partitions unmeasured.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use pillion_probes::{
    observe::Observations,
    refill::{Course, Lacking, Throttle},
    replicas::Tally,
};
use tokio::time::{Instant, sleep, timeout};

use super::{
    Target,
    desk::{Desk, Life},
};
use crate::kafka::{
    Address, Connection, WireError,
    requests::{ApiVersions, Side, log_sizes, throttled_rate},
    scan::{Behind, Scan, ScanBuffer, ScanError, scan_page},
};

/// Between two looks, at the least.
const AGAIN: Duration = Duration::from_secs(10);
/// A look may take this share of the time, where that does not make them too rare.
const DUTY: u32 = 10;
/// Between two looks, at the most.
const RARELY: Duration = Duration::from_secs(60);
/// Partitions asked about at a time.
const BATCH: usize = 2000;

/// Follows one refill after the other in one life of the broker, until the connection is lost.
pub async fn watch(desk: &Desk, target: &Target, life: &Life) {
    let Err(error) = refills(desk, target, life).await;
    // Whether the broker lives is for those to say who ask for evidence.
    tracing::debug!(%error, "the progress of the refill: lost");
    sleep(AGAIN).await;
}

async fn refills(desk: &Desk, target: &Target, life: &Life) -> Result<std::convert::Infallible, WireError> {
    loop {
        // And it is known where the leaders are.
        desk.until(|| (desk.read(is_behind) && target.roster.borrow().is_some()).then_some(())).await;
        let outcome = refill(desk, target, life).await;
        desk.note_in(life.number, |seen| seen.refill = None);
        outcome?;
    }
}

/// Replicas of this broker are out of the ISR.
fn is_behind(seen: &Observations) -> bool {
    let behind = |tally: &Tally| tally.out_of_isr + tally.adding > 0;
    seen.round.as_deref().is_some_and(|round| behind(&round.tally))
        || seen.partial.as_deref().is_some_and(behind)
}

/// Looks again and again, until all is in sync.
async fn refill(desk: &Desk, target: &Target, life: &Life) -> Result<(), WireError> {
    let own = target.connect(Instant::now() + target.timing.request_timeout).await?;
    let scan = Scan { key: target.key, behind: true, ..Scan::pick(&life.versions, target.id)? };
    let mut watch = Watch { target, life, own, leaders: BTreeMap::new(), buffer: ScanBuffer::default() };
    let mut course = Course::default();
    while desk.read(is_behind) {
        // Without contact the broker's image may be old.
        let (asked, _) = desk.dated().await;
        let moves = target.moves.borrow().clone().filter(|moves| moves.young(asked));
        let (lacking, throttles) = watch.look(&Scan { moves, ..scan.clone() }).await?;
        let told = course.look(asked, lacking, throttles);
        desk.note_in(life.number, |seen| seen.refill = (told.lacking.partitions > 0).then(|| Arc::new(told)));
        let pause = AGAIN.max(desk.now().since(asked).saturating_mul(DUTY)).min(RARELY);
        let over = desk.until(|| (!desk.read(is_behind)).then_some(()));
        // Either way the loop knows what to do next.
        let _ = timeout(pause, over).await;
    }
    Ok(())
}

/// The connections of one refill.
struct Watch<'a> {
    target: &'a Target,
    life: &'a Life,
    own: Connection,
    leaders: BTreeMap<i32, Leader>,
    buffer: ScanBuffer,
}

/// A leader that answers.
struct Leader {
    address: Address,
    connection: Connection,
    versions: ApiVersions,
}

/// What one look has found so far.
#[derive(Default)]
struct Found {
    lacking: Lacking,
    throttles: Vec<Throttle>,
    /// Leaders whose limit is known.
    asked: BTreeSet<i32>,
    /// Leaders that did not answer: not to be waited for again.
    silent: BTreeSet<i32>,
}

impl Watch<'_> {
    async fn look(&mut self, scan: &Scan) -> Result<(Lacking, Vec<Throttle>), WireError> {
        let (id, versions) = (self.target.id, &self.life.versions);
        let mut found = Found::default();
        let deadline = Instant::now() + self.target.timing.request_timeout;
        limit(&mut self.own, versions, id, Side::Follower, &mut found, deadline).await?;
        let (mut batch, mut cursor) = (Vec::new(), None);
        loop {
            let deadline = Instant::now() + self.target.timing.page_timeout();
            let page = scan_page(&mut self.own, scan, cursor.as_ref(), &mut self.buffer, deadline).await?;
            batch.extend(page.behind);
            while batch.len() >= BATCH {
                let rest = batch.split_off(BATCH);
                self.measure(std::mem::replace(&mut batch, rest), &mut found).await?;
            }
            match page.next_cursor {
                // Without progress it would never end.
                Some(next) if cursor.as_ref().is_none_or(|cursor| next > *cursor) => cursor = Some(next),
                Some(_) => return Err(ScanError::Cursor.into()),
                None => break,
            }
        }
        self.measure(batch, &mut found).await?;
        found.throttles.sort();
        Ok((found.lacking, found.throttles))
    }

    async fn measure(&mut self, batch: Vec<Behind>, found: &mut Found) -> Result<(), WireError> {
        if batch.is_empty() {
            return Ok(());
        }
        let (key, versions) = (self.target.key, &self.life.versions);
        let deadline = || Instant::now() + self.target.timing.log_dir_timeout();
        let own = log_sizes(&mut self.own, versions, key, &batch, &mut self.buffer, deadline()).await?;
        let mut by_leader: BTreeMap<i32, Vec<Behind>> = BTreeMap::new();
        for one in batch {
            by_leader.entry(one.leader).or_default().push(one);
        }
        for (leader, partitions) in by_leader {
            let theirs = self.theirs(leader, &partitions, found).await.unwrap_or_default();
            for one in partitions {
                let hash = one.hash(key);
                // One that it has yet to make is empty.
                let size = own.get(&hash).copied().flatten().unwrap_or_default();
                found.lacking.add(size, theirs.get(&hash).copied().flatten());
            }
        }
        Ok(())
    }

    /// The sizes at a leader; `None` where it cannot be asked.
    async fn theirs(
        &mut self,
        leader: i32,
        partitions: &[Behind],
        found: &mut Found,
    ) -> Option<HashMap<u64, Option<u64>>> {
        if found.silent.contains(&leader) {
            return None;
        }
        let address = self.target.address_of(leader)?;
        match self.ask(leader, address, partitions, found).await {
            Ok(sizes) => Some(sizes),
            Err(error) => {
                tracing::debug!(broker = leader, %error, "a leader does not tell the sizes of its logs");
                found.silent.insert(leader);
                None
            }
        }
    }

    async fn ask(
        &mut self,
        leader: i32,
        address: Address,
        partitions: &[Behind],
        found: &mut Found,
    ) -> Result<HashMap<u64, Option<u64>>, WireError> {
        let timing = &self.target.timing;
        let deadline = Instant::now() + timing.request_timeout;
        // Taken out: what fails half-way is not used again.
        let known = self.leaders.remove(&leader).filter(|there| there.address == address);
        let mut open = if let Some(there) = known {
            there
        } else {
            let (connection, versions) = self.target.connect_to(&address, deadline).await?;
            Leader { address, connection, versions }
        };
        if found.asked.insert(leader) {
            limit(&mut open.connection, &open.versions, leader, Side::Leader, found, deadline).await?;
        }
        let (key, deadline) = (self.target.key, Instant::now() + timing.log_dir_timeout());
        let (connection, versions) = (&mut open.connection, &open.versions);
        let sizes = log_sizes(connection, versions, key, partitions, &mut self.buffer, deadline).await?;
        self.leaders.insert(leader, open);
        Ok(sizes)
    }
}

/// Notes what limits replication on a broker; one that may not be asked for it has no limit that is known.
async fn limit(
    connection: &mut Connection,
    versions: &ApiVersions,
    broker: i32,
    side: Side,
    found: &mut Found,
    deadline: Instant,
) -> Result<(), WireError> {
    match throttled_rate(connection, versions, broker, side, deadline).await {
        Ok(Some(rate)) => {
            found.throttles.push(Throttle { broker, setting: side.setting().to_owned(), rate });
            Ok(())
        }
        Ok(None) | Err(WireError::Answered { .. } | WireError::Unsupported { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}
