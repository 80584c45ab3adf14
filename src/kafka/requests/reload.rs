//! Makes a broker read the files of a listener's certificates again.

use kafka_protocol::messages::IncrementalAlterConfigsRequest;
use kafka_protocol::messages::incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig};
use kafka_protocol::protocol::StrBytes;
use tokio::time::Instant;

use crate::kafka::requests::ApiVersions;
use crate::kafka::{Connection, WireError, codes};

/// `ConfigResource.Type.BROKER`.
const BROKER: i8 = 4;
/// `AlterConfigOp.OpType.DELETE`.
const DELETE: i8 = 1;

/// A broker refuses what it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Kafka's error code.
    pub code: i16,
    /// What the broker says.
    pub message: String,
}

impl Refusal {
    /// The words of a peer, as far as they are fit to be repeated.
    pub(super) fn new(code: i16, message: &str) -> Self {
        Self { code, message: message.chars().filter(|c| !c.is_control()).take(500).collect() }
    }
}

/// `IncrementalAlterConfigs` (KIP-339): takes back the dynamic setting of a listener's keystore location, which nobody
/// made. Nothing changes by that, and the broker looks at the files of all its listeners (KAFKA-14136; in `ZooKeeper` mode
/// of this one). Needs `ALTER_CONFIGS` on `CLUSTER`.
///
/// In `KRaft` mode the answer comes before the files are read and says nothing of them: a handshake must show what is
/// served. In `ZooKeeper` mode it comes afterwards, and a refusal may be about the files.
pub async fn reload(
    connection: &mut Connection,
    versions: &ApiVersions,
    node_id: i32,
    listener: &str,
    deadline: Instant,
) -> Result<Option<Refusal>, WireError> {
    let version = versions.pick_for::<IncrementalAlterConfigsRequest>(0, 1)?;
    let name = format!("listener.name.{}.ssl.keystore.location", listener.to_lowercase());
    let config = AlterableConfig::default()
        .with_name(StrBytes::from_string(name))
        .with_config_operation(DELETE)
        .with_value(None);
    let resource = AlterConfigsResource::default()
        .with_resource_type(BROKER)
        .with_resource_name(StrBytes::from_string(node_id.to_string()))
        .with_configs(vec![config]);
    let request = IncrementalAlterConfigsRequest::default().with_resources(vec![resource]);
    let answer = connection.call(version, &request, deadline).await?.message;
    let Some(result) = answer.responses.first() else {
        return Err(WireError::Malformed { what: "no word about what was asked" });
    };
    let message = result.error_message.as_deref().unwrap_or_default();
    Ok((result.error_code != codes::NONE).then(|| Refusal::new(result.error_code, message)))
}
