//! The reassignments under way that concern one broker.

use kafka_protocol::messages::ListPartitionReassignmentsRequest;
use tokio::time::Instant;

use crate::kafka::requests::ApiVersions;
use crate::kafka::{Call, Connection, WireError, codes};

/// How long the controller may take, in milliseconds; our own deadline counts.
const TIMEOUT_MS: i32 = 5_000;

/// A partition whose replica on one broker comes or goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reassignment {
    /// Name of the topic.
    pub topic: String,
    /// Index of the partition.
    pub partition: i32,
    /// The replica is being added; otherwise it is being removed.
    pub adding: bool,
}

/// `ListPartitionReassignments` (KIP-455), all topics, those of broker `own_id` kept. Needs `DESCRIBE` on
/// `CLUSTER`. A list beyond the connection's cap is [`WireError::FrameTooLarge`]: then all replicas count.
pub async fn list_partition_reassignments(
    connection: &mut Connection,
    versions: &ApiVersions,
    own_id: i32,
    deadline: Instant,
) -> Result<Vec<Reassignment>, WireError> {
    let version = versions.pick_for::<ListPartitionReassignmentsRequest>(0, 0)?;
    let request = ListPartitionReassignmentsRequest::default().with_timeout_ms(TIMEOUT_MS).with_topics(None);
    let answer = connection.call(version, &request, deadline).await?.message;
    if answer.error_code != codes::NONE {
        return Err(WireError::Answered {
            api: ListPartitionReassignmentsRequest::NAME,
            code: answer.error_code,
        });
    }
    let mut own = Vec::new();
    for topic in &answer.topics {
        for partition in &topic.partitions {
            let adding = partition.adding_replicas.iter().any(|id| id.0 == own_id);
            if adding || partition.removing_replicas.iter().any(|id| id.0 == own_id) {
                let topic = topic.name.to_string();
                own.push(Reassignment { topic, partition: partition.partition_index, adding });
            }
        }
    }
    Ok(own)
}
