//! How many in-sync replicas topics need.

use kafka_protocol::messages::DescribeConfigsRequest;
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::protocol::StrBytes;
use tokio::time::Instant;

use super::configs::of_broker;
use crate::kafka::requests::ApiVersions;
use crate::kafka::{Call, Connection, WireError, codes};

/// `ConfigResource.Type.TOPIC`.
const TOPIC: i8 = 2;
/// `DescribeConfigsResponse.ConfigSource.TOPIC_CONFIG`.
const OF_TOPIC: i8 = 1;
const NEEDED: &str = "min.insync.replicas";

/// What one topic needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Needed {
    /// Its name.
    pub topic: String,
    /// Its `min.insync.replicas`, as it counts.
    pub least: i32,
    /// The topic says so itself; otherwise its broker does, or Kafka.
    pub own: bool,
}

/// `min.insync.replicas` of these topics; those that are gone are left out. Needs `DESCRIBE_CONFIGS` on the topics.
pub async fn needed(
    connection: &mut Connection,
    versions: &ApiVersions,
    topics: &[String],
    deadline: Instant,
) -> Result<Vec<Needed>, WireError> {
    let version = versions.pick_for::<DescribeConfigsRequest>(1, 4)?;
    let resource = |topic: &String| {
        DescribeConfigsResource::default()
            .with_resource_type(TOPIC)
            .with_resource_name(StrBytes::from_string(topic.clone()))
            .with_configuration_keys(Some(vec![StrBytes::from_static_str(NEEDED)]))
    };
    let request = DescribeConfigsRequest::default().with_resources(topics.iter().map(resource).collect());
    let answer = connection.call(version, &request, deadline).await?.message;
    let mut all = Vec::with_capacity(answer.results.len());
    for result in &answer.results {
        match result.error_code {
            codes::NONE => {}
            codes::UNKNOWN_TOPIC_OR_PARTITION => continue,
            code => return Err(WireError::Answered { api: DescribeConfigsRequest::NAME, code }),
        }
        let told = result.configs.iter().find(|config| config.name.as_str() == NEEDED);
        let value =
            told.and_then(|config| Some((config.value.as_ref()?.parse().ok()?, config.config_source)));
        let Some((least, source)) = value else {
            return Err(WireError::Malformed { what: "a topic without min.insync.replicas" });
        };
        all.push(Needed { topic: result.resource_name.to_string(), least, own: source == OF_TOPIC });
    }
    Ok(all)
}

/// What topics need that do not say it themselves, by the broker that is asked; `None` where it does not tell. Needs
/// `DESCRIBE_CONFIGS` on `CLUSTER`.
pub async fn usual_minimum(
    connection: &mut Connection,
    versions: &ApiVersions,
    node_id: i32,
    deadline: Instant,
) -> Result<Option<i32>, WireError> {
    let result = of_broker(connection, versions, node_id, Some(NEEDED), deadline).await?;
    let told = result.configs.iter().find(|config| config.name.as_str() == NEEDED);
    Ok(told.and_then(|config| config.value.as_ref()?.parse().ok()))
}
