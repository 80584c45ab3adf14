//! What the canary asks: one record written and read, and its topic kept right.

use bytes::{Bytes, BytesMut};
use kafka_protocol::indexmap::IndexMap;
use kafka_protocol::messages::alter_partition_reassignments_request::{
    ReassignablePartition, ReassignableTopic,
};
use kafka_protocol::messages::create_partitions_request::{
    CreatePartitionsAssignment, CreatePartitionsTopic,
};
use kafka_protocol::messages::create_topics_request::{
    CreatableReplicaAssignment, CreatableTopic, CreatableTopicConfig,
};
use kafka_protocol::messages::elect_leaders_request::TopicPartitions;
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig};
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::{
    AlterPartitionReassignmentsRequest, BrokerId, CreatePartitionsRequest, CreateTopicsRequest,
    ElectLeadersRequest, FetchRequest, IncrementalAlterConfigsRequest, MetadataRequest, ProduceRequest,
};
use kafka_protocol::protocol::StrBytes;
use kafka_protocol::records::{
    Compression, NO_PARTITION_LEADER_EPOCH, NO_PRODUCER_EPOCH, NO_PRODUCER_ID, NO_SEQUENCE, Record,
    RecordBatchEncoder, RecordEncodeOptions, TimestampType,
};
use pillion_probes::canary::{Partition, Step};
use tokio::time::Instant;

use super::topics::{topic_name, topics};
use crate::kafka::requests::ApiVersions;
use crate::kafka::{Call, Connection, WireError, codes};

/// How long the controller may take, in milliseconds; our own deadline counts.
const TIMEOUT_MS: i32 = 5_000;
/// How long a broker waits for records that are not there yet, in milliseconds.
const WAIT_MS: i32 = 250;
/// How much it answers at the most, in bytes: a few hundred of our records.
const READ_BYTES: i32 = 64 << 10;

/// The partitions of the topic; none where there is no such topic.
pub async fn canary_partitions(
    connection: &mut Connection,
    versions: &ApiVersions,
    topic: &str,
    deadline: Instant,
) -> Result<Vec<Partition>, WireError> {
    let told = topics(connection, versions, [topic], deadline).await?;
    let Some(told) = told.first() else { return Ok(Vec::new()) };
    match told.error_code {
        codes::NONE => {}
        codes::UNKNOWN_TOPIC_OR_PARTITION => return Ok(Vec::new()),
        code => return Err(WireError::Answered { api: MetadataRequest::NAME, code }),
    }
    let one = |one: &kafka_protocol::messages::metadata_response::MetadataResponsePartition| Partition {
        index: one.partition_index,
        replicas: one.replica_nodes.iter().map(|id| id.0).collect(),
        leader: one.leader_id.0,
    };
    let mut all: Vec<Partition> = told.partitions.iter().map(one).collect();
    all.sort_by_key(|one| one.index);
    Ok(all)
}

/// `Produce` of one record with acks=all, to be committed within `within_ms`. Its offset, or Kafka's error code. Needs
/// `WRITE` on the topic.
pub async fn produce_one(
    connection: &mut Connection,
    versions: &ApiVersions,
    (topic, partition): (&str, i32),
    (value, at_ms): (Bytes, i64),
    within_ms: i32,
    deadline: Instant,
) -> Result<Result<i64, i16>, WireError> {
    let version = versions.pick_for::<ProduceRequest>(3, 9)?;
    let data = PartitionProduceData::default().with_index(partition).with_records(Some(batch(value, at_ms)?));
    let topic = TopicProduceData::default().with_name(topic_name(topic)).with_partition_data(vec![data]);
    let request =
        ProduceRequest::default().with_acks(-1).with_timeout_ms(within_ms).with_topic_data(vec![topic]);
    let answer = connection.call(version, &request, deadline).await?.message;
    let told = answer.responses.first().and_then(|topic| topic.partition_responses.first());
    let told = told.ok_or(WireError::Malformed { what: "a Produce without its partition" })?;
    Ok(if told.error_code == codes::NONE { Ok(told.base_offset) } else { Err(told.error_code) })
}

/// A batch of one record, as a producer without transactions or idempotence writes it.
fn batch(value: Bytes, timestamp: i64) -> Result<Bytes, WireError> {
    let record = Record {
        transactional: false,
        control: false,
        delete_horizon: false,
        partition_leader_epoch: NO_PARTITION_LEADER_EPOCH,
        producer_id: NO_PRODUCER_ID,
        producer_epoch: NO_PRODUCER_EPOCH,
        timestamp_type: TimestampType::Creation,
        offset: 0,
        sequence: NO_SEQUENCE,
        timestamp,
        key: None,
        value: Some(value),
        headers: IndexMap::new(),
    };
    let options = RecordEncodeOptions { version: 2, compression: Compression::None };
    let mut buffer = BytesMut::new();
    RecordBatchEncoder::encode(&mut buffer, [&record], &options)
        .map_err(|_| WireError::Unsupported { api: ProduceRequest::NAME })?;
    Ok(buffer.freeze())
}

/// `Fetch` from an offset on, as a consumer: whether the records that came hold `value`. Only what is committed comes. Or
/// Kafka's error code. Needs `READ` on the topic.
pub async fn fetch_has(
    connection: &mut Connection,
    versions: &ApiVersions,
    (topic, partition): (&str, i32),
    from: i64,
    value: &[u8],
    deadline: Instant,
) -> Result<Result<bool, i16>, WireError> {
    let version = versions.pick_for::<FetchRequest>(4, 11)?;
    let one = FetchPartition::default()
        .with_partition(partition)
        .with_fetch_offset(from)
        .with_partition_max_bytes(READ_BYTES);
    let topic = FetchTopic::default().with_topic(topic_name(topic)).with_partitions(vec![one]);
    let request = FetchRequest::default()
        .with_replica_id(BrokerId(-1))
        .with_max_wait_ms(WAIT_MS)
        .with_min_bytes(1)
        .with_max_bytes(READ_BYTES)
        .with_session_epoch(-1)
        .with_topics(vec![topic]);
    let answer = connection.call(version, &request, deadline).await?.message;
    if answer.error_code != codes::NONE {
        return Ok(Err(answer.error_code));
    }
    let told = answer.responses.first().and_then(|topic| topic.partitions.first());
    let told = told.ok_or(WireError::Malformed { what: "a Fetch without its partition" })?;
    if told.error_code != codes::NONE {
        return Ok(Err(told.error_code));
    }
    // What we wrote is not compressed, and no other record holds these bytes: there is no need to take it apart.
    let records = told.records.as_deref().unwrap_or_default();
    let is_there =
        is_compressed(records, from) || records.windows(value.len().max(1)).any(|window| window == value);
    Ok(Ok(told.high_watermark > from && is_there))
}

/// The first batch holds this offset, and the broker has compressed it, as the `compression.type` of a topic that somebody
/// else has made may want it (`DefaultRecordBatch`).
fn is_compressed(records: &[u8], offset: i64) -> bool {
    let number = |at: usize, length: usize| {
        let bytes = records.get(at..at + length)?;
        Some(bytes.iter().fold(0_i64, |number, byte| (number << 8) | i64::from(*byte)))
    };
    let (Some(base), Some(attributes), Some(last)) = (number(0, 8), number(21, 2), number(23, 4)) else {
        return false;
    };
    attributes & 7 != 0 && (base..=base.saturating_add(last)).contains(&offset)
}

/// Does one step for the topic. Kafka's error code where it is refused; who came first is no error.
pub async fn tend(
    connection: &mut Connection,
    versions: &ApiVersions,
    topic: &str,
    step: &Step,
    settings: &[(&str, String)],
    deadline: Instant,
) -> Result<(), WireError> {
    match step {
        Step::Create(rows) => create(connection, versions, topic, rows, settings, deadline).await,
        Step::Add { count, rows } => {
            let version = versions.pick_for::<CreatePartitionsRequest>(0, 1)?;
            let rows =
                rows.iter().map(|row| CreatePartitionsAssignment::default().with_broker_ids(brokers(row)));
            let topic = CreatePartitionsTopic::default()
                .with_name(topic_name(topic))
                .with_count(i32::try_from(*count).unwrap_or(i32::MAX))
                .with_assignments(Some(rows.collect()));
            let request =
                CreatePartitionsRequest::default().with_topics(vec![topic]).with_timeout_ms(TIMEOUT_MS);
            let answer = connection.call(version, &request, deadline).await?.message;
            first_error::<CreatePartitionsRequest>(answer.results.iter().map(|one| one.error_code))
        }
        Step::Move { index, replicas } => {
            let version = versions.pick_for::<AlterPartitionReassignmentsRequest>(0, 0)?;
            let one = ReassignablePartition::default()
                .with_partition_index(*index)
                .with_replicas(Some(brokers(replicas)));
            let topic = ReassignableTopic::default().with_name(topic_name(topic)).with_partitions(vec![one]);
            let request = AlterPartitionReassignmentsRequest::default()
                .with_timeout_ms(TIMEOUT_MS)
                .with_topics(vec![topic]);
            let answer = connection.call(version, &request, deadline).await?.message;
            let inner = answer.responses.iter().flat_map(|topic| &topic.partitions).map(|one| one.error_code);
            first_error::<AlterPartitionReassignmentsRequest>(inner.chain([answer.error_code]))
        }
        Step::Elect(partitions) => {
            let version = versions.pick_for::<ElectLeadersRequest>(1, 1)?;
            let topic =
                TopicPartitions::default().with_topic(topic_name(topic)).with_partitions(partitions.clone());
            let request = ElectLeadersRequest::default()
                .with_topic_partitions(Some(vec![topic]))
                .with_timeout_ms(TIMEOUT_MS);
            let answer = connection.call(version, &request, deadline).await?.message;
            // One that cannot lead yet is asked for again the next time.
            first_error::<ElectLeadersRequest>([answer.error_code].into_iter())
        }
    }
}

async fn create(
    connection: &mut Connection,
    versions: &ApiVersions,
    topic: &str,
    rows: &[Vec<i32>],
    settings: &[(&str, String)],
    deadline: Instant,
) -> Result<(), WireError> {
    let version = versions.pick_for::<CreateTopicsRequest>(2, 4)?;
    let rows = (0..).zip(rows).map(|(index, row)| {
        CreatableReplicaAssignment::default().with_partition_index(index).with_broker_ids(brokers(row))
    });
    let settings = settings.iter().map(|(key, value)| {
        CreatableTopicConfig::default().with_name(text(key)).with_value(Some(text(value)))
    });
    let topic = CreatableTopic::default()
        .with_name(topic_name(topic))
        .with_num_partitions(-1)
        .with_replication_factor(-1)
        .with_assignments(rows.collect())
        .with_configs(settings.collect());
    let request = CreateTopicsRequest::default().with_topics(vec![topic]).with_timeout_ms(TIMEOUT_MS);
    let answer = connection.call(version, &request, deadline).await?.message;
    let codes = answer.topics.iter().map(|one| one.error_code);
    first_error::<CreateTopicsRequest>(codes.filter(|code| *code != codes::TOPIC_ALREADY_EXISTS))
}

/// Sets one setting of the topic, or takes it back, by `IncrementalAlterConfigs`: the others stay as they are.
pub async fn set_on_topic(
    connection: &mut Connection,
    versions: &ApiVersions,
    topic: &str,
    (key, value): (&str, Option<&str>),
    deadline: Instant,
) -> Result<(), WireError> {
    let version = versions.pick_for::<IncrementalAlterConfigsRequest>(0, 1)?;
    let config = AlterableConfig::default()
        .with_name(text(key))
        // `AlterConfigOp.OpType`: 0 sets, 1 deletes.
        .with_config_operation(i8::from(value.is_none()))
        .with_value(value.map(text));
    let resource = AlterConfigsResource::default()
        // `ConfigResource.Type.TOPIC`.
        .with_resource_type(2)
        .with_resource_name(text(topic))
        .with_configs(vec![config]);
    let request = IncrementalAlterConfigsRequest::default().with_resources(vec![resource]);
    let answer = connection.call(version, &request, deadline).await?.message;
    first_error::<IncrementalAlterConfigsRequest>(answer.responses.iter().map(|one| one.error_code))
}

fn first_error<Req: Call>(mut codes: impl Iterator<Item = i16>) -> Result<(), WireError> {
    match codes.find(|code| *code != codes::NONE) {
        None => Ok(()),
        Some(code) => Err(WireError::Answered { api: Req::NAME, code }),
    }
}

fn brokers(ids: &[i32]) -> Vec<BrokerId> {
    ids.iter().copied().map(BrokerId).collect()
}

fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step should stop the test where it stands")]

    use super::*;

    #[test]
    fn a_batch_that_the_broker_has_compressed_is_told_by_its_head() {
        let mut bytes = batch(Bytes::from_static(b"record"), 7).unwrap().to_vec();
        bytes[7] = 40;
        assert!(!is_compressed(&bytes, 40), "it is not");
        bytes[22] = 1;
        assert!(is_compressed(&bytes, 40));
        assert!(!is_compressed(&bytes, 39) && !is_compressed(&bytes, 41), "another one");
        bytes[26] = 2;
        assert!(is_compressed(&bytes, 42) && !is_compressed(&bytes, 43), "one of three");
        assert!(!is_compressed(&bytes[..26], 40) && !is_compressed(&[], 0), "cut off");
    }
}
