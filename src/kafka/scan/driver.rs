//! Feeds scanners from a connection.

use std::fmt;
use std::sync::Arc;

use kafka_protocol::messages::describe_topic_partitions_request::Cursor as RequestCursor;
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::{DescribeTopicPartitionsRequest, MetadataRequest, TopicName};
use kafka_protocol::protocol::StrBytes;
use pillion_probes::moves::Moves;
use pillion_probes::replicas::Tally;
use pillion_probes::set::{Key, Sieve};
use pillion_probes::stops::Minimums;
use tokio::time::Instant;

use crate::kafka::requests::{ApiVersions, VersionRange};
use crate::kafka::scan::{Cursor, LogDirs, LogDirsScanner, Page, ScanError, ScanKind, Scanner, Step, add};
use crate::kafka::{Connection, WireError, codes};

const METADATA: (&str, i16) = ("Metadata", 3);
/// Topics asked for by name at a time.
const TOPICS_ASKED: usize = 64;
const METADATA_VERSIONS: VersionRange = VersionRange { min: 9, max: 12 };
const DESCRIBE_TOPIC_PARTITIONS: (&str, i16) = ("DescribeTopicPartitions", 75);

/// The buffer between socket and scanner, to be reused from scan to scan.
pub struct ScanBuffer(Box<[u8]>);

impl ScanBuffer {
    /// Bytes of the buffer.
    pub const BYTES: usize = 64 << 10;
}

impl Default for ScanBuffer {
    fn default() -> Self {
        Self(vec![0; Self::BYTES].into_boxed_slice())
    }
}

impl fmt::Debug for ScanBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScanBuffer").finish_non_exhaustive()
    }
}

/// What to ask for, and about whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scan {
    /// Which request.
    pub kind: ScanKind,
    /// The broker whose replicas are picked out.
    pub own_id: i32,
    /// Largest answer accepted, in bytes. It is streamed: nothing of this size is held. A million partitions
    /// take about 47 MB.
    pub cap: u64,
    /// Partitions a page; brokers allow 2000 (`max.request.partition.size.limit`). For pages only.
    pub page_limit: i32,
    /// Keys the digests of the own partitions.
    pub key: Key,
    /// The reassignments that replicas are told apart by.
    pub moves: Option<Arc<Moves>>,
    /// A closer look at the own partitions; each page comes with its own.
    pub sieve: Option<Sieve>,
    /// How many in-sync replicas topics need, to tell what a stop would hurt.
    pub minimums: Option<Arc<Minimums>>,
    /// Who would stop: this broker, or others in its place.
    pub leaving: Vec<i32>,
    /// Keep the names of the topics that those that leave have replicas of.
    pub names: bool,
    /// Keep the own partitions that are not in sync.
    pub behind: bool,
}

impl Scan {
    /// The usual cap on an answer, in bytes.
    pub const DEFAULT_CAP: u64 = 256 << 20;

    /// A scan of this kind for broker `own_id`, with the usual bounds.
    pub fn new(kind: ScanKind, own_id: i32) -> Self {
        Self {
            kind,
            own_id,
            cap: Self::DEFAULT_CAP,
            page_limit: 2000,
            key: Key::new(0),
            moves: None,
            sieve: None,
            minimums: None,
            leaving: vec![own_id],
            names: false,
            behind: false,
        }
    }

    /// A scan for broker `own_id`: in pages where the broker has them (3.8, `KRaft`), which spares it one huge
    /// answer; else by `Metadata`, whose v9 every broker from 2.4 on has.
    pub fn pick(versions: &ApiVersions, own_id: i32) -> Result<Self, WireError> {
        let (api, key) = DESCRIBE_TOPIC_PARTITIONS;
        let kind = if versions.pick(api, key, VersionRange { min: 0, max: 0 }).is_ok() {
            ScanKind::DescribeTopicPartitions
        } else {
            let (api, key) = METADATA;
            ScanKind::Metadata { version: versions.pick(api, key, METADATA_VERSIONS)? }
        };
        Ok(Self::new(kind, own_id))
    }
}

/// Sends one request of the scan and decodes its answer, both before `deadline`.
///
/// `cursor` is where the page starts; `None` for the first, and for `Metadata`. A call that is dropped or fails
/// poisons the connection.
pub async fn scan_page(
    connection: &mut Connection,
    scan: &Scan,
    cursor: Option<&Cursor>,
    buffer: &mut ScanBuffer,
    deadline: Instant,
) -> Result<Page, WireError> {
    let api = match scan.kind {
        ScanKind::Metadata { version } => {
            let (api, key) = METADATA;
            // Null topics: all of them. Creation by asking is off.
            let request = MetadataRequest::default().with_topics(None).with_allow_auto_topic_creation(false);
            connection.send(api, key, version, &request, deadline).await?;
            api
        }
        ScanKind::DescribeTopicPartitions => {
            let (api, key) = DESCRIBE_TOPIC_PARTITIONS;
            let cursor = cursor.map(|cursor| {
                RequestCursor::default()
                    .with_topic_name(TopicName(StrBytes::from_string(cursor.topic.clone())))
                    .with_partition_index(cursor.partition)
            });
            // No topic named: all of them.
            let request = DescribeTopicPartitionsRequest::default()
                .with_response_partition_limit(scan.page_limit)
                .with_cursor(cursor);
            connection.send(api, key, 0, &request, deadline).await?;
            api
        }
    };
    read_page(connection, scan, api, cursor, buffer, deadline).await
}

/// Asks for these topics by name, some at a time: only then are those that may not be described said to be such, and not
/// left out. They are in [`Tally::unauthorized_topics`] of what is returned.
pub async fn scan_topics(
    connection: &mut Connection,
    versions: &ApiVersions,
    topics: &[String],
    buffer: &mut ScanBuffer,
    deadline: impl Fn() -> Instant,
) -> Result<Tally, WireError> {
    let mut found = Tally::default();
    for some in topics.chunks(TOPICS_ASKED) {
        let page = scan_some_topics(connection, versions, some, buffer, deadline()).await?;
        add(&mut found, &page.tally);
    }
    Ok(found)
}

/// Nothing of their partitions is kept but the counts.
async fn scan_some_topics(
    connection: &mut Connection,
    versions: &ApiVersions,
    topics: &[String],
    buffer: &mut ScanBuffer,
    deadline: Instant,
) -> Result<Page, WireError> {
    let (api, key) = METADATA;
    let version = versions.pick(api, key, METADATA_VERSIONS)?;
    let named = |name: &String| {
        let name = TopicName(StrBytes::from_string(name.clone()));
        MetadataRequestTopic::default().with_name(Some(name))
    };
    let request = MetadataRequest::default()
        .with_topics(Some(topics.iter().map(named).collect()))
        .with_allow_auto_topic_creation(false);
    connection.send(api, key, version, &request, deadline).await?;
    // No broker has this id.
    let scan = Scan::new(ScanKind::Metadata { version }, -1);
    read_page(connection, &scan, api, None, buffer, deadline).await
}

async fn read_page(
    connection: &mut Connection,
    scan: &Scan,
    api: &'static str,
    cursor: Option<&Cursor>,
    buffer: &mut ScanBuffer,
    deadline: Instant,
) -> Result<Page, WireError> {
    let make = |bytes| {
        let scanner = Scanner::new(scan.kind, scan.own_id, bytes, cursor)?.keyed(scan.key);
        let scanner = scanner.with_moves(scan.moves.clone()).with_sieve(scan.sieve.clone());
        Ok(scanner
            .leaving(&scan.leaving, scan.minimums.clone())
            .with_names(scan.names)
            .with_behind(scan.behind))
    };
    let page = stream_answer(connection, scan.cap, buffer, deadline, make).await?;
    if page.error_code != codes::NONE {
        return Err(WireError::Answered { api, code: page.error_code });
    }
    Ok(page)
}

/// A decoder that is fed one frame.
pub(in crate::kafka) trait Streamed {
    type Outcome;
    fn feed(&mut self, bytes: &[u8]) -> Result<Step, ScanError>;
    fn finish(self) -> Self::Outcome;
}

impl Streamed for Scanner {
    type Outcome = Page;

    fn feed(&mut self, bytes: &[u8]) -> Result<Step, ScanError> {
        Self::feed(self, bytes)
    }

    fn finish(self) -> Page {
        Self::finish(self)
    }
}

impl Streamed for LogDirsScanner {
    type Outcome = LogDirs;

    fn feed(&mut self, bytes: &[u8]) -> Result<Step, ScanError> {
        Self::feed(self, bytes)
    }

    fn finish(self) -> LogDirs {
        Self::finish(self)
    }
}

/// Reads the answer that is due on `connection` through the decoder that `make` builds for its length.
pub(in crate::kafka) async fn stream_answer<D: Streamed>(
    connection: &mut Connection,
    cap: u64,
    buffer: &mut ScanBuffer,
    deadline: Instant,
    make: impl FnOnce(u64) -> Result<D, ScanError>,
) -> Result<D::Outcome, WireError> {
    let outcome = stream(connection, cap, buffer, deadline, make).await;
    match outcome {
        Ok(_) => connection.finish(),
        Err(_) => connection.poison(),
    }
    outcome
}

async fn stream<D: Streamed>(
    connection: &mut Connection,
    cap: u64,
    buffer: &mut ScanBuffer,
    deadline: Instant,
    make: impl FnOnce(u64) -> Result<D, ScanError>,
) -> Result<D::Outcome, WireError> {
    let mut left = connection.receive_head(cap, deadline).await?;
    let mut decoder = make(left)?;
    let mut step = decoder.feed(&[])?;
    while let Step::More(more) = step {
        left = left.min(more);
        let room = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.0.len());
        let chunk = buffer.0.get_mut(..room).unwrap_or_default();
        let read = connection.receive_chunk(chunk, deadline).await?;
        step = decoder.feed(buffer.0.get(..read).unwrap_or_default())?;
    }
    Ok(decoder.finish())
}
