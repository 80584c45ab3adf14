//! The log directories of a broker.

use kafka_protocol::messages::DescribeLogDirsRequest;
use pillion_probes::set::{Key, Sieve};
use tokio::time::Instant;

use crate::kafka::requests::{ApiVersions, VersionRange};
use crate::kafka::scan::{LogDirs, LogDirsScanner, ScanBuffer, stream_answer};
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
    let version = versions.pick(NAME, KEY, VersionRange { min: 2, max: 4 })?;
    let request = DescribeLogDirsRequest::default().with_topics(None);
    connection.send(NAME, KEY, version, &request, deadline).await?;
    let found = stream_answer(connection, LOG_DIRS_CAP, buffer, deadline, |bytes| {
        Ok(LogDirsScanner::new(version, bytes)?.keyed(key, sieve.cloned()))
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
