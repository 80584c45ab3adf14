//! The settings of a broker, as it tells them.

use std::collections::BTreeMap;

use kafka_protocol::messages::DescribeConfigsRequest;
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::describe_configs_response::{
    DescribeConfigsResourceResult, DescribeConfigsResult,
};
use kafka_protocol::protocol::StrBytes;
use tokio::time::Instant;

use crate::kafka::requests::{ApiVersions, Refusal};
use crate::kafka::{Connection, WireError, codes};

/// `ConfigResource.Type.BROKER`.
const BROKER: i8 = 4;
/// `DescribeConfigsResponse.ConfigSource`.
const DYNAMIC_BROKER: i8 = 2;
const DYNAMIC_DEFAULT: i8 = 3;
const STATIC: i8 = 4;

/// A value in the file of a broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// This.
    Value(String),
    /// It is a secret, or of a plugin: the broker does not tell it.
    Hidden,
}

/// One setting of a broker.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BrokerSetting {
    /// As it stands in the file that the broker was started with; `None` where it does not.
    pub file: Option<Told>,
    /// What counts now; `None` where the broker does not tell it.
    pub value: Option<String>,
    /// What counts now was set while it runs: for this broker, or for all.
    pub dynamic: bool,
    /// Only a restart changes it.
    pub read_only: bool,
}

/// `DescribeConfigs` of a broker (KIP-226), which must be the one that is asked. Needs `DESCRIBE_CONFIGS` on `CLUSTER`.
pub async fn broker_configs(
    connection: &mut Connection,
    versions: &ApiVersions,
    node_id: i32,
    deadline: Instant,
) -> Result<Result<BTreeMap<String, BrokerSetting>, Refusal>, WireError> {
    let result = of_broker(connection, versions, node_id, None, deadline).await?;
    if result.error_code != codes::NONE {
        let message = result.error_message.as_deref().unwrap_or_default();
        return Ok(Err(Refusal::new(result.error_code, message)));
    }
    Ok(Ok(result.configs.iter().map(|config| (config.name.to_string(), setting(config))).collect()))
}

/// `DescribeConfigs` of the broker that is asked: all of its settings with what else is set for them, or one alone.
pub(super) async fn of_broker(
    connection: &mut Connection,
    versions: &ApiVersions,
    node_id: i32,
    key: Option<&'static str>,
    deadline: Instant,
) -> Result<DescribeConfigsResult, WireError> {
    let version = versions.pick_for::<DescribeConfigsRequest>(1, 4)?;
    let resource = DescribeConfigsResource::default()
        .with_resource_type(BROKER)
        .with_resource_name(StrBytes::from_string(node_id.to_string()))
        .with_configuration_keys(key.map(|key| vec![StrBytes::from_static_str(key)]));
    let request =
        DescribeConfigsRequest::default().with_resources(vec![resource]).with_include_synonyms(key.is_none());
    let mut answer = connection.call(version, &request, deadline).await?.message;
    answer.results.drain(..).next().ok_or(WireError::Malformed { what: "no word about what was asked" })
}

fn setting(config: &DescribeConfigsResourceResult) -> BrokerSetting {
    // Other settings may stand in for this one, as log.retention.hours for log.retention.ms.
    let own = |source| config.synonyms.iter().find(|one| one.source == source && one.name == config.name);
    let told = |value: &StrBytes| Told::Value(value.to_string());
    BrokerSetting {
        file: own(STATIC).map(|one| one.value.as_ref().map_or(Told::Hidden, told)),
        value: config.value.as_ref().map(ToString::to_string),
        dynamic: [DYNAMIC_BROKER, DYNAMIC_DEFAULT].contains(&config.config_source),
        read_only: config.read_only,
    }
}
