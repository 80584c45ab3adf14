//! What limits replication on a broker.

use kafka_protocol::messages::DescribeConfigsRequest;
use tokio::time::Instant;

use super::configs::of_broker;
use crate::kafka::requests::ApiVersions;
use crate::kafka::{Call, Connection, WireError, codes};

/// Where nothing is set (`QuotaConfig.QUOTA_BYTES_PER_SECOND_DEFAULT`).
const UNLIMITED: u64 = i64::MAX.unsigned_abs();

/// One of the two settings of a broker that limit replication (KIP-73).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// What its followers may read.
    Leader,
    /// What it reads of its leaders.
    Follower,
}

impl Side {
    /// The setting's name.
    pub fn setting(self) -> &'static str {
        match self {
            Self::Leader => "leader.replication.throttled.rate",
            Self::Follower => "follower.replication.throttled.rate",
        }
    }
}

/// Bytes a second that replication is limited to on the broker that is asked; `None` where it is not. Needs
/// `DESCRIBE_CONFIGS` on `CLUSTER`. A broker answers it from what it knows, with `ZooKeeper` too.
pub async fn throttled_rate(
    connection: &mut Connection,
    versions: &ApiVersions,
    node_id: i32,
    side: Side,
    deadline: Instant,
) -> Result<Option<u64>, WireError> {
    let result = of_broker(connection, versions, node_id, Some(side.setting()), deadline).await?;
    if result.error_code != codes::NONE {
        return Err(WireError::Answered { api: DescribeConfigsRequest::NAME, code: result.error_code });
    }
    let told = result.configs.iter().find(|config| config.name.as_str() == side.setting());
    let rate = told.and_then(|config| config.value.as_ref()?.parse().ok());
    Ok(rate.filter(|rate| *rate < UNLIMITED))
}
