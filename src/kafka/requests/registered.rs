//! Which brokers are registered, those that are fenced included.

use std::collections::BTreeMap;

use kafka_protocol::messages::DescribeClusterRequest;
use tokio::time::Instant;

use crate::kafka::requests::ApiVersions;
use crate::kafka::{Call, Connection, WireError, codes};

/// A broker that is registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registered {
    /// It is away, or not yet let in.
    pub fenced: bool,
    /// Its zone (`broker.rack`), where it has one.
    pub rack: Option<String>,
}

/// `DescribeCluster` with those that are fenced (KIP-1073); `None` where the broker cannot tell of them (before 4.0). Needs
/// no authorization.
pub async fn registered_brokers(
    connection: &mut Connection,
    versions: &ApiVersions,
    deadline: Instant,
) -> Result<Option<BTreeMap<i32, Registered>>, WireError> {
    let Ok(version) = versions.pick_for::<DescribeClusterRequest>(2, 2) else { return Ok(None) };
    let request = DescribeClusterRequest::default().with_include_fenced_brokers(true);
    let answer = connection.call(version, &request, deadline).await?.message;
    if answer.error_code != codes::NONE {
        return Err(WireError::Answered { api: DescribeClusterRequest::NAME, code: answer.error_code });
    }
    let seen = answer.brokers.iter().map(|broker| {
        let rack = broker.rack.as_ref().map(ToString::to_string);
        (broker.broker_id.0, Registered { fenced: broker.is_fenced, rack })
    });
    Ok(Some(seen.collect()))
}
