//! The state of the metadata quorum.

use kafka_protocol::messages::describe_quorum_request::{PartitionData, TopicData};
use kafka_protocol::messages::describe_quorum_response as answer;
use kafka_protocol::messages::{DescribeQuorumRequest, DescribeQuorumResponse, TopicName};
use kafka_protocol::protocol::StrBytes;
use tokio::time::Instant;
use uuid::Uuid;

use crate::kafka::requests::ApiVersions;
use crate::kafka::{Address, Connection, WireError, codes};

const TOPIC: &str = "__cluster_metadata";

/// One voter or observer, as the quorum's leader sees it (KIP-836).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplicaState {
    /// Node id.
    pub id: i32,
    /// Directory id; `None` before v2 (3.9) and where the leader does not know it.
    pub directory_id: Option<Uuid>,
    /// Milliseconds of the leader's wall clock at this replica's last fetch; in the leader's own entry its
    /// clock now. `None` when the leader has not seen one.
    pub last_fetch_ms: Option<i64>,
    /// The same of the last fetch that had reached the leader's log end of that time.
    pub last_caught_up_ms: Option<i64>,
    /// Log end offset in records; negative when unknown.
    pub log_end_offset: i64,
}

/// The quorum by `DescribeQuorumResponse` (KIP-595, KIP-836).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quorum {
    /// Kafka's error code of the answer, or of its one partition; 0 when the rest means something.
    pub error_code: i16,
    /// Node id of the leader, negative when there is none.
    pub leader_id: i32,
    /// Its epoch.
    pub leader_epoch: i32,
    /// The first offset that is not committed, negative when the leader does not know it yet.
    pub high_watermark: i64,
    /// The voters.
    pub voters: Vec<ReplicaState>,
    /// Brokers and further controllers that follow.
    pub observers: Vec<ReplicaState>,
    /// Where the voters listen to each other; the leader alone says so, from v2 (3.9) on.
    pub endpoints: Vec<Address>,
}

/// The version in which to ask: v1 (3.3) brought the timestamps, without which nothing can be dated.
pub fn describe_quorum_version(versions: &ApiVersions) -> Result<i16, WireError> {
    versions.pick_for::<DescribeQuorumRequest>(1, 2)
}

/// The request itself, for [`Connection::start`] where it may hang: a broker cut off from its controllers
/// answers after 60 s and more, and mutes its connection meanwhile.
pub fn describe_quorum_request() -> DescribeQuorumRequest {
    let topic = TopicData::default()
        .with_topic_name(TopicName(StrBytes::from_static_str(TOPIC)))
        .with_partitions(vec![PartitionData::default()]);
    DescribeQuorumRequest::default().with_topics(vec![topic])
}

/// `DescribeQuorum`: through a broker, which forwards it to the active controller, or to a controller itself
/// (which answers with an error in the partition when it does not lead). Needs `DESCRIBE` on `CLUSTER`.
pub async fn describe_quorum(
    connection: &mut Connection,
    versions: &ApiVersions,
    deadline: Instant,
) -> Result<Quorum, WireError> {
    let version = describe_quorum_version(versions)?;
    let answer = connection.call(version, &describe_quorum_request(), deadline).await?;
    quorum_of(&answer.message)
}

/// What the answer says about partition 0 of the metadata topic.
pub fn quorum_of(message: &DescribeQuorumResponse) -> Result<Quorum, WireError> {
    let found = message
        .topics
        .iter()
        .find(|topic| topic.topic_name.as_str() == TOPIC)
        .and_then(|topic| topic.partitions.iter().find(|partition| partition.partition_index == 0));
    match found {
        None if message.error_code == codes::NONE => {
            Err(WireError::Malformed { what: "a quorum without its partition" })
        }
        None => Ok(Quorum {
            error_code: message.error_code,
            leader_id: -1,
            leader_epoch: -1,
            high_watermark: -1,
            voters: Vec::new(),
            observers: Vec::new(),
            endpoints: Vec::new(),
        }),
        Some(partition) => Ok(Quorum {
            error_code: if message.error_code == codes::NONE {
                partition.error_code
            } else {
                message.error_code
            },
            leader_id: partition.leader_id.0,
            leader_epoch: partition.leader_epoch,
            high_watermark: partition.high_watermark,
            voters: partition.current_voters.iter().map(replica).collect(),
            observers: partition.observers.iter().map(replica).collect(),
            endpoints: message.nodes.iter().filter_map(endpoint).collect(),
        }),
    }
}

/// The quorum uses the first listener of each (KIP-853).
fn endpoint(node: &answer::Node) -> Option<Address> {
    let listener = node.listeners.first()?;
    Some(Address { host: listener.host.to_string(), port: listener.port })
}

fn replica(state: &answer::ReplicaState) -> ReplicaState {
    let known = |millis: i64| (millis >= 0).then_some(millis);
    ReplicaState {
        id: state.replica_id.0,
        directory_id: (!state.replica_directory_id.is_nil()).then_some(state.replica_directory_id),
        last_fetch_ms: known(state.last_fetch_timestamp),
        last_caught_up_ms: known(state.last_caught_up_timestamp),
        log_end_offset: state.log_end_offset,
    }
}
