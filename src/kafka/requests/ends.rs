//! Where logs end, and who leads them.

use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::{BrokerId, ListOffsetsRequest};
use tokio::time::Instant;

use super::topics::{self, topic_name};
use crate::kafka::requests::ApiVersions;
use crate::kafka::{Connection, WireError, codes};

/// `ListOffsetsRequest.LATEST_TIMESTAMP`.
const LATEST: i64 = -1;
/// `ListOffsetsRequest.CONSUMER_REPLICA_ID`.
const CONSUMER: i32 = -1;
/// `IsolationLevel.READ_UNCOMMITTED`.
const UNCOMMITTED: i8 = 0;

/// The leader of each partition of a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Led {
    /// Its name.
    pub topic: String,
    /// Partition and the id of its leader, negative where there is none; `None` when there is no such topic, or it may
    /// not be described.
    pub leaders: Option<Vec<(i32, i32)>>,
}

/// `Metadata` of these topics, without making them. Needs `DESCRIBE` on them.
pub async fn leaders(
    connection: &mut Connection,
    versions: &ApiVersions,
    topics: &[String],
    deadline: Instant,
) -> Result<Vec<Led>, WireError> {
    let told = topics::topics(connection, versions, topics.iter().map(String::as_str), deadline).await?;
    let led = told.iter().filter_map(|topic| {
        let known = !matches!(
            topic.error_code,
            codes::UNKNOWN_TOPIC_OR_PARTITION | codes::TOPIC_AUTHORIZATION_FAILED
        );
        let leaders = topic.partitions.iter().map(|one| (one.partition_index, one.leader_id.0));
        Some(Led { topic: topic.name.as_ref()?.to_string(), leaders: known.then(|| leaders.collect()) })
    });
    Ok(led.collect())
}

/// Where the log of one partition ends for who reads what is not committed, too: its high watermark. Or where it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Name of the topic.
    pub topic: String,
    /// Index of the partition.
    pub partition: i32,
    /// The offset of the next record; negative when it was asked where the log ended, and nothing has come since.
    pub end: i64,
}

/// `ListOffsets` of partitions that the broker leads, by topic: where the log ends, or where it ended at an instant, in
/// milliseconds since 1970, that is the first record whose timestamp is not older. Left out is a partition that the broker
/// does not lead (any more).
///
/// Transactions that are open count (`READ_UNCOMMITTED`), as for `kafka-consumer-groups`. Needs `DESCRIBE` on the topics.
pub async fn log_ends(
    connection: &mut Connection,
    versions: &ApiVersions,
    partitions: &[(&str, Vec<i32>)],
    instant: Option<i64>,
    deadline: Instant,
) -> Result<Vec<Ended>, WireError> {
    let version = versions.pick_for::<ListOffsetsRequest>(1, 7)?;
    let topics = partitions.iter().map(|(topic, partitions)| {
        let instant = instant.unwrap_or(LATEST);
        let one = |index: &i32| {
            ListOffsetsPartition::default().with_partition_index(*index).with_timestamp(instant)
        };
        ListOffsetsTopic::default()
            .with_name(topic_name(topic))
            .with_partitions(partitions.iter().map(one).collect())
    });
    let request = ListOffsetsRequest::default()
        .with_replica_id(BrokerId(CONSUMER))
        .with_isolation_level(UNCOMMITTED)
        .with_topics(topics.collect());
    let answer = connection.call(version, &request, deadline).await?.message;
    let mut ends = Vec::new();
    for topic in &answer.topics {
        let told = |offset: i64| offset >= 0 || instant.is_some();
        let good = topic.partitions.iter().filter(|one| one.error_code == codes::NONE && told(one.offset));
        ends.extend(good.map(|one| Ended {
            topic: topic.name.to_string(),
            partition: one.partition_index,
            end: one.offset,
        }));
    }
    Ok(ends)
}
