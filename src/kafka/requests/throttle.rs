//! What limits replication on a broker.

use kafka_protocol::messages::DescribeConfigsRequest;
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::protocol::StrBytes;
use tokio::time::Instant;

use crate::kafka::requests::ApiVersions;
use crate::kafka::{Call, Connection, WireError, codes};

/// `ConfigResource.Type.BROKER`.
const BROKER: i8 = 4;
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
    let version = versions.pick_for::<DescribeConfigsRequest>(1, 4)?;
    let resource = DescribeConfigsResource::default()
        .with_resource_type(BROKER)
        .with_resource_name(StrBytes::from_string(node_id.to_string()))
        .with_configuration_keys(Some(vec![StrBytes::from_static_str(side.setting())]));
    let request = DescribeConfigsRequest::default().with_resources(vec![resource]);
    let answer = connection.call(version, &request, deadline).await?.message;
    let Some(result) = answer.results.first() else {
        return Err(WireError::Malformed { what: "no word about what was asked" });
    };
    if result.error_code != codes::NONE {
        return Err(WireError::Answered { api: DescribeConfigsRequest::NAME, code: result.error_code });
    }
    let told = result.configs.iter().find(|config| config.name.as_str() == side.setting());
    let rate = told.and_then(|config| config.value.as_ref()?.parse().ok());
    Ok(rate.filter(|rate| *rate < UNLIMITED))
}
