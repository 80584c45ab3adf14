//! Holds what the metadata assigns to the broker against what its log dirs hold.
//!
//! As long as the digests of both are the same it costs nothing. When they differ, both sides are gone through again,
//! slice by slice: their hashes first, then the names of what differs. What differs counts only if it did before and
//! after the other side was looked at. Topics that are hosted and not described are asked for by name: only then does
//! the broker say which may not be described, and which it does not know (the rest of a topic that was deleted).

use std::time::Duration;

use pillion_probes::{
    hosting::{Difference, Ledger},
    replicas::{NAMED, PartitionName},
    set::{Digest, Sieve, minus},
    time::BootTime,
};
use tokio::time::Instant;

use super::{
    Target,
    desk::{Desk, Life},
};
use crate::kafka::{
    Connection, WireError,
    requests::describe_log_dirs,
    scan::{Page, Scan, ScanBuffer, scan_round, scan_topics},
};

/// A difference that was looked into is not looked into again for so long, as long as it is the same.
const KNOWN: Duration = Duration::from_secs(60);

/// The replicas that are assigned to the broker, and the offline ones of them.
pub type Assigned = (Digest, Digest);

/// By the last scan; `None` as long as there is none.
pub fn assigned(desk: &Desk) -> Option<Assigned> {
    desk.read(|seen| seen.round.as_ref().map(|round| (round.tally.own, round.tally.own_offline)))
}

/// The comparisons of one life of the broker.
pub struct Watch<'a> {
    desk: &'a Desk,
    target: &'a Target,
    life: &'a Life,
    ledger: Ledger,
    known: Option<Known>,
}

/// A difference that was looked into.
struct Known {
    looked: BootTime,
    sides: [Digest; 2],
    found: Difference,
}

impl<'a> Watch<'a> {
    /// Goes on where an earlier watch on this life of the broker left off.
    pub fn new(desk: &'a Desk, target: &'a Target, life: &'a Life) -> Self {
        let settled =
            desk.read(|seen| seen.hosting.as_ref().is_some_and(pillion_probes::hosting::Hosting::is_good));
        Self { desk, target, life, ledger: Ledger::new(settled), known: None }
    }

    /// Compares the answer about the log dirs that was asked for at `asked` with the last scan, and says whether both are the
    /// same; `None` as long as there is none.
    pub async fn compare(
        &mut self,
        asked: BootTime,
        hosted: Digest,
        buffer: &mut ScanBuffer,
    ) -> Option<bool> {
        let (own, offline) = assigned(self.desk)?;
        // An offline replica is in no log dir, but for the moment in which it becomes so.
        let same = hosted == own || hosted == own.without(offline);
        let hosting = if same {
            self.known = None;
            self.ledger.agreed(asked)
        } else {
            match self.difference(asked, [own, hosted], buffer).await {
                Ok(found) => self.ledger.differed(asked, &found),
                Err(error) => {
                    tracing::debug!(%error, "what differs between the metadata and the log dirs was not found out");
                    return Some(false);
                }
            }
        };
        self.desk.note_in(self.life.number, |seen| seen.hosting = Some(hosting));
        Some(same)
    }

    async fn difference(
        &mut self,
        asked: BootTime,
        sides: [Digest; 2],
        buffer: &mut ScanBuffer,
    ) -> Result<Difference, WireError> {
        if let Some(known) = &self.known
            && known.sides == sides
            && asked.since(known.looked) < KNOWN
        {
            return Ok(known.found.clone());
        }
        let (seen, found) = self.look(sides, buffer).await?;
        // Only if it was this difference that was looked into, and not what had become of it.
        self.known = (seen == sides).then(|| Known { looked: asked, sides, found: found.clone() });
        Ok(found)
    }

    /// Looks into it; returns the two sides as they were found.
    async fn look(
        &self,
        sides: [Digest; 2],
        buffer: &mut ScanBuffer,
    ) -> Result<([Digest; 2], Difference), WireError> {
        let connection = self.target.connect(self.deadline()).await?;
        let mut look = Look { watch: self, connection, buffer, seen: Default::default() };
        let slices = Sieve::slices(sides.iter().map(|side| side.count).max().unwrap_or_default());
        let mut found = Difference::default();
        for number in 0..slices {
            look.slice(Sieve::slice(number, slices), &mut found).await?;
        }
        Ok((look.seen, found))
    }

    fn deadline(&self) -> Instant {
        Instant::now() + self.target.timing.page_timeout()
    }
}

/// One closer look, on a connection of its own.
struct Look<'a> {
    watch: &'a Watch<'a>,
    connection: Connection,
    buffer: &'a mut ScanBuffer,
    /// What is assigned and what is hosted, as far as it was looked at.
    seen: [Digest; 2],
}

impl Look<'_> {
    async fn slice(&mut self, slice: Sieve, found: &mut Difference) -> Result<(), WireError> {
        let hosted = whole(self.hosted(slice.clone()).await?)?.into_hashes();
        let assigned = whole(self.assigned(slice).await?)?.into_hashes();
        for (seen, side) in self.seen.iter_mut().zip([&assigned, &hosted]) {
            for hash in side {
                seen.add(*hash);
            }
        }
        let (absent, extra) = (minus(&assigned, &hosted), minus(&hosted, &assigned));
        if absent.is_empty() && extra.is_empty() {
            return Ok(());
        }
        // What is assigned still, and not offline; and what has come into the log dirs meanwhile.
        let still = self.assigned(Sieve::wanted([absent.as_slice(), extra.as_slice()].concat())).await?;
        let come = self.hosted(Sieve::wanted(absent.clone())).await?.into_hashes();
        let key = self.watch.target.key;
        let hash = |name: &PartitionName| key.topic(name.topic.as_bytes()).partition(name.partition);
        let assigned = still.clone().into_hashes();
        let missing: Vec<u64> =
            minus(&absent, &come).into_iter().filter(|one| assigned.binary_search(one).is_ok()).collect();
        found.missing += u64::try_from(missing.len()).unwrap_or(u64::MAX);
        let names = still.partitions().filter(|name| missing.binary_search(&hash(name)).is_ok());
        found.missing_named.extend(names.cloned());
        let extra = self.hosted(Sieve::wanted(minus(&extra, &assigned))).await?;
        self.hidden(&extra, found).await
    }

    /// Asks for the topics of what is hosted and not described.
    async fn hidden(&mut self, extra: &Sieve, found: &mut Difference) -> Result<(), WireError> {
        let topics: Vec<String> =
            extra.topics().filter(|topic| !found.hidden_named.contains(topic)).cloned().collect();
        let (versions, deadline) = (&self.watch.life.versions, || self.watch.deadline());
        let tally = scan_topics(&mut self.connection, versions, &topics, self.buffer, deadline).await?;
        found.hidden += tally.unauthorized_topics;
        let room = NAMED.saturating_sub(found.hidden_named.len());
        found.hidden_named.extend(tally.unauthorized_named.into_iter().take(room));
        if extra.overflowed() {
            // There are more than were asked for: none of them is vouched for.
            found.hidden += 1;
        }
        Ok(())
    }

    async fn hosted(&mut self, sieve: Sieve) -> Result<Sieve, WireError> {
        let Watch { target, life, .. } = self.watch;
        let deadline = Instant::now() + target.timing.log_dir_timeout();
        let told = describe_log_dirs(
            &mut self.connection,
            &life.versions,
            target.key,
            Some(&sieve),
            self.buffer,
            deadline,
        )
        .await?;
        Ok(told.sieve.unwrap_or(sieve))
    }

    async fn assigned(&mut self, sieve: Sieve) -> Result<Sieve, WireError> {
        let Watch { target, life, desk, .. } = self.watch;
        let mut kept = sieve.clone();
        let scan = Scan { key: target.key, sieve: Some(sieve), ..Scan::pick(&life.versions, target.id)? };
        let each = |_: BootTime, page: &Page| {
            if let Some(sieve) = &page.sieve {
                kept.absorb(sieve);
            }
        };
        let page_timeout = target.timing.page_timeout();
        scan_round(&mut self.connection, &scan, self.buffer, page_timeout, || desk.now(), each).await?;
        Ok(kept)
    }
}

/// A slice of which nothing was left out.
fn whole(sieve: Sieve) -> Result<Sieve, WireError> {
    if sieve.overflowed() {
        return Err(WireError::Malformed { what: "a set of replicas that grew beyond its slices" });
    }
    Ok(sieve)
}
