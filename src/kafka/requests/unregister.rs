//! Takes a broker out of the list of those that there are.

use kafka_protocol::messages::{BrokerId, UnregisterBrokerRequest};
use tokio::time::Instant;

use crate::kafka::requests::{ApiVersions, Refusal};
use crate::kafka::{Connection, WireError, codes};

/// `UnregisterBroker` (KIP-631), which the broker forwards to the active controller. Needs `ALTER` on `CLUSTER`.
pub async fn unregister(
    connection: &mut Connection,
    versions: &ApiVersions,
    id: i32,
    deadline: Instant,
) -> Result<Option<Refusal>, WireError> {
    let version = versions.pick_for::<UnregisterBrokerRequest>(0, 0)?;
    let request = UnregisterBrokerRequest::default().with_broker_id(BrokerId(id));
    let answer = connection.call(version, &request, deadline).await?.message;
    let message = answer.error_message.as_deref().unwrap_or_default();
    Ok((answer.error_code != codes::NONE).then(|| Refusal::new(answer.error_code, message)))
}
