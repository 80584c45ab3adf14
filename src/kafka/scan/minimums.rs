//! What every topic needs, in two steps a page: which topics there are, and what their settings say.

use std::collections::HashMap;
use std::time::Duration;

use pillion_probes::set::Key;
use pillion_probes::stops::{Minimums, OTHERS_MAX};
use pillion_probes::time::BootTime;
use tokio::time::Instant;

use super::{Cursor, Scan, ScanBuffer, scan_page};
use crate::kafka::requests::{ApiVersions, Kind, Needed, needed};
use crate::kafka::{Connection, WireError};

/// Topics asked about at a time.
const ASKED: usize = 500;
/// With `ZooKeeper` a broker asks it for each of them, one after the other, on a thread that serves requests.
const ASKED_OF_ZOOKEEPER: usize = 20;
/// `min.insync.replicas` where nobody says anything.
const KAFKAS: i32 = 1;
/// The level of `metadata.version` that only brokers from 3.7 on have (`MetadataVersion.IBP_3_7_IV0`).
const CAPPED_SINCE: i16 = 15;

/// Why it is not known.
#[derive(Debug, thiserror::Error)]
pub enum MinimumsError {
    /// The wire.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// More topics than are kept.
    #[error("there are more topics than can be kept")]
    TooMany,
}

/// A broker that is asked.
#[derive(Debug)]
pub struct Asked<'a> {
    /// A connection to it.
    pub connection: &'a mut Connection,
    /// What it can do.
    pub versions: &'a ApiVersions,
}

/// Asks what the topics need that those that leave have replicas of: `own` for the topics, and for their settings
/// `other`, where there is one. `timeout` is for each request.
pub async fn minimums(
    own: Asked<'_>,
    scan: &Scan,
    mut other: Option<Asked<'_>>,
    buffer: &mut ScanBuffer,
    timeout: Duration,
    now: impl Fn() -> BootTime,
) -> Result<Minimums, MinimumsError> {
    let asked = now();
    let scan = Scan { names: true, minimums: None, sieve: None, ..scan.clone() };
    let versions = other.as_ref().map_or(own.versions, |other| other.versions);
    let chunk = if versions.kind == Kind::ZooKeeper { ASKED_OF_ZOOKEEPER } else { ASKED };
    let mut gathered = Gathered::default();
    let mut cursor: Option<Cursor> = None;
    loop {
        let page =
            scan_page(own.connection, &scan, cursor.as_ref(), buffer, Instant::now() + timeout).await?;
        if page.topics.overflow {
            return Err(MinimumsError::TooMany);
        }
        for topics in page.topics.names.chunks(chunk) {
            let deadline = Instant::now() + timeout;
            let connection = other.as_mut().map_or(&mut *own.connection, |other| &mut *other.connection);
            let told = needed(connection, versions, topics, deadline).await?;
            gathered.add(scan.key, &told)?;
        }
        match page.next_cursor {
            // Without progress it would never end.
            Some(next) if cursor.as_ref().is_none_or(|cursor| next > *cursor) => cursor = Some(next),
            Some(_) => return Err(WireError::from(super::ScanError::Cursor).into()),
            None => break,
        }
    }
    let capped = versions.metadata_version.is_some_and(|level| level >= CAPPED_SINCE);
    Ok(gathered.minimums(asked, capped))
}

/// What is known so far: all topics that have the usual value need no place of their own.
#[derive(Default)]
struct Gathered {
    usual: Option<i32>,
    others: HashMap<pillion_probes::set::TopicHash, i32>,
    highest: i32,
}

impl Gathered {
    fn add(&mut self, key: Key, told: &[Needed]) -> Result<(), MinimumsError> {
        for topic in told {
            self.highest = self.highest.max(topic.least);
            if !topic.own {
                self.usual.get_or_insert(topic.least);
            }
            // Brokers may differ in what they say of topics that say nothing.
            if topic.own || self.usual != Some(topic.least) {
                self.others.insert(key.topic(topic.topic.as_bytes()), topic.least);
            }
        }
        if self.others.len() > OTHERS_MAX { Err(MinimumsError::TooMany) } else { Ok(()) }
    }

    /// A topic that came since is taken for one of the usual ones; where none is seen, for one of the strictest.
    fn minimums(mut self, asked: BootTime, capped: bool) -> Minimums {
        let usual = self.usual.unwrap_or(self.highest.max(KAFKAS));
        self.others.retain(|_, least| *least != usual);
        Minimums { asked, usual, others: self.others, capped }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step should stop the test where it stands")]
    use super::*;

    fn topic(name: &str, least: i32, own: bool) -> Needed {
        Needed { topic: name.to_owned(), least, own }
    }

    #[test]
    fn only_what_is_not_usual_is_kept() {
        let key = Key::new(1);
        let mut gathered = Gathered::default();
        gathered.add(key, &[topic("strict", 3, true), topic("a", 2, false), topic("same", 2, true)]).unwrap();
        let known = gathered.minimums(BootTime::default(), true);
        assert_eq!((known.usual, known.others.len()), (2, 1));
        assert_eq!((known.of(key.topic(b"strict"), 3), known.of(key.topic(b"new"), 3)), (3, 2));
    }

    #[test]
    fn what_is_not_known_is_taken_for_strict() {
        let mut gathered = Gathered::default();
        assert_eq!(Gathered::default().minimums(BootTime::default(), false).usual, 1);
        gathered.add(Key::new(1), &[topic("a", 1, true), topic("b", 3, true)]).unwrap();
        assert_eq!(gathered.minimums(BootTime::default(), false).usual, 3);
    }

    #[test]
    fn a_topic_too_many() {
        let mut gathered = Gathered::default();
        let all: Vec<_> = (0..=OTHERS_MAX).map(|number| topic(&number.to_string(), 3, true)).collect();
        assert!(matches!(gathered.add(Key::new(1), &all), Err(MinimumsError::TooMany)));
    }
}
