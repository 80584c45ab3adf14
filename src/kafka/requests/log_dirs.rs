//! The log directories of a broker.

use std::collections::HashMap;

use kafka_protocol::messages::DescribeLogDirsRequest;
use kafka_protocol::messages::describe_log_dirs_request::DescribableLogDirTopic;
use pillion_probes::set::{Key, Sieve};
use tokio::time::Instant;

use super::topics::topic_name;
use crate::kafka::requests::{ApiVersions, VersionRange};
use crate::kafka::scan::{Behind, LogDirs, LogDirsScanner, ScanBuffer, stream_answer};
use crate::kafka::{Connection, WireError, codes};

const NAME: &str = "DescribeLogDirs";
const KEY: i16 = 35;

/// Largest answer accepted, in bytes. It is streamed: nothing of this size is held. About 22 bytes a hosted
/// partition and the name of each topic.
pub const LOG_DIRS_CAP: u64 = 64 << 20;

/// `DescribeLogDirs` of all topics (KIP-113; sizes of the volumes from 3.3, KIP-827). Needs `DESCRIBE` on
/// `CLUSTER`; without it brokers before v3 answer with no directory at all, which is told as the same error here.
///
/// `key` is that of the digest of the hosted replicas, `sieve` takes a closer look at them.
pub async fn describe_log_dirs(
    connection: &mut Connection,
    versions: &ApiVersions,
    key: Key,
    sieve: Option<&Sieve>,
    buffer: &mut ScanBuffer,
    deadline: Instant,
) -> Result<LogDirs, WireError> {
    let request = DescribeLogDirsRequest::default().with_topics(None);
    ask(connection, versions, &request, buffer, deadline, |scanner| scanner.keyed(key, sieve.cloned())).await
}

/// The same of no topic: how the directories are, and not what is in them. That costs the same whatever the broker hosts.
pub async fn log_dir_health(
    connection: &mut Connection,
    versions: &ApiVersions,
    buffer: &mut ScanBuffer,
    deadline: Instant,
) -> Result<LogDirs, WireError> {
    let request = DescribeLogDirsRequest::default().with_topics(Some(Vec::new()));
    ask(connection, versions, &request, buffer, deadline, |scanner| scanner).await
}

/// Bytes of the logs that the broker asked has of these partitions, by their hashes under `key`; `None` of those that it
/// does not have. Needs `DESCRIBE` on `CLUSTER`.
pub async fn log_sizes(
    connection: &mut Connection,
    versions: &ApiVersions,
    key: Key,
    partitions: &[Behind],
    buffer: &mut ScanBuffer,
    deadline: Instant,
) -> Result<HashMap<u64, Option<u64>>, WireError> {
    let mut topics: Vec<DescribableLogDirTopic> = Vec::new();
    let mut wanted = HashMap::with_capacity(partitions.len());
    for one in partitions {
        wanted.insert(one.hash(key), None);
        if topics.last().is_none_or(|last| *last.topic.0 != *one.topic) {
            topics.push(DescribableLogDirTopic::default().with_topic(topic_name(&one.topic)));
        }
        if let Some(topic) = topics.last_mut() {
            topic.partitions.push(one.partition);
        }
    }
    let request = DescribeLogDirsRequest::default().with_topics(Some(topics));
    let measuring = |scanner: LogDirsScanner| scanner.keyed(key, None).measuring(wanted);
    Ok(ask(connection, versions, &request, buffer, deadline, measuring).await?.sizes)
}

async fn ask(
    connection: &mut Connection,
    versions: &ApiVersions,
    request: &DescribeLogDirsRequest,
    buffer: &mut ScanBuffer,
    deadline: Instant,
    with: impl FnOnce(LogDirsScanner) -> LogDirsScanner,
) -> Result<LogDirs, WireError> {
    let version = versions.pick(NAME, KEY, VersionRange { min: 2, max: 4 })?;
    connection.send(NAME, KEY, version, request, deadline).await?;
    let found = stream_answer(connection, LOG_DIRS_CAP, buffer, deadline, |bytes| {
        Ok(with(LogDirsScanner::new(version, bytes)?))
    })
    .await?;
    if found.error_code != codes::NONE {
        return Err(WireError::Answered { api: NAME, code: found.error_code });
    }
    if found.dirs.is_empty() {
        return Err(WireError::Answered { api: NAME, code: codes::CLUSTER_AUTHORIZATION_FAILED });
    }
    Ok(found)
}
