//! Topics that this node may not describe: the other brokers leave them out of their answer, and do not say so.
//!
//! Without an authorizer nothing is hidden. With one, what the broker that is asked hosts itself gives hidden topics
//! away: `DescribeLogDirs` names them, and asked for by name they are refused. A hidden topic of which that broker has
//! no replica cannot be seen; that limit is told.

use pillion_probes::set::{Key, Sieve};
use tokio::time::Instant;

use crate::kafka::{
    Connection, WireError,
    requests::{ApiVersions, describe_log_dirs, has_authorizer},
    scan::{ScanBuffer, scan_topics},
};

/// What is known of topics that this node may not describe.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Sight {
    /// Everything is seen.
    Clear,
    /// Nothing is known to be hidden, and some may be.
    Limited,
    /// Some are hidden.
    Hidden {
        /// How many, at the least.
        count: u64,
        /// The first of them.
        named: Vec<String>,
    },
}

/// Looks for hidden topics through one broker.
pub(super) async fn look(
    connection: &mut Connection,
    versions: &ApiVersions,
    buffer: &mut ScanBuffer,
    deadline: Instant,
) -> Result<Sight, WireError> {
    if !has_authorizer(connection, versions, deadline).await? {
        return Ok(Sight::Clear);
    }
    let topics = hosted(connection, versions, buffer, deadline).await?;
    let tally = scan_topics(connection, versions, &topics, buffer, || deadline).await?;
    Ok(match tally.unauthorized_topics {
        0 => Sight::Limited,
        count => Sight::Hidden { count, named: tally.unauthorized_named },
    })
}

/// The topics that the broker hosts, the first few thousand.
async fn hosted(
    connection: &mut Connection,
    versions: &ApiVersions,
    buffer: &mut ScanBuffer,
    deadline: Instant,
) -> Result<Vec<String>, WireError> {
    let key = Key::default();
    let all = Some(Sieve::slice(0, 1));
    let told = describe_log_dirs(connection, versions, key, all.as_ref(), buffer, deadline).await?;
    let wanted = told.sieve.map(|sieve| Sieve::wanted(sieve.into_hashes()));
    let told = describe_log_dirs(connection, versions, key, wanted.as_ref(), buffer, deadline).await?;
    Ok(told.sieve.iter().flat_map(Sieve::topics).cloned().collect())
}
