//! The consumer groups that a broker coordinates, what they have committed, and how many members they have.

use std::collections::BTreeMap;

use kafka_protocol::messages::offset_fetch_request::OffsetFetchRequestGroup;
use kafka_protocol::messages::{
    ConsumerGroupDescribeRequest, DescribeGroupsRequest, GroupId, ListGroupsRequest, OffsetFetchRequest,
};
use kafka_protocol::protocol::StrBytes;
use tokio::time::Instant;

use crate::kafka::requests::ApiVersions;
use crate::kafka::{Call, Connection, WireError, codes};

/// The first version of `OffsetFetch` that takes several groups (Kafka 3.0).
const BATCHED: i16 = 8;
/// Groups to one `OffsetFetch` where it takes several.
const BATCH: usize = 20;

/// How a group's members are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupKind {
    /// `DescribeGroups`; members join by `JoinGroup`.
    Classic,
    /// `ConsumerGroupDescribe` (KIP-848).
    Consumer,
    /// There are no members, or they are asked for otherwise.
    Other {
        /// It is known that there are none.
        empty: bool,
    },
}

/// A group that may have committed offsets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedGroup {
    /// Its id.
    pub name: String,
    /// `Stable`, `Empty`, `PreparingRebalance`, ...
    pub state: String,
    /// How its members are asked for.
    pub kind: GroupKind,
}

/// `ListGroups`: the groups that this broker coordinates and the agent may describe. Share groups, which commit
/// nothing of this kind, and groups that are none of consumers (Connect's workers) are left out, as
/// `kafka-consumer-groups` does.
pub async fn listed_groups(
    connection: &mut Connection,
    versions: &ApiVersions,
    deadline: Instant,
) -> Result<Vec<ListedGroup>, WireError> {
    let version = versions.pick_for::<ListGroupsRequest>(4, 5)?;
    let answer = connection.call(version, &ListGroupsRequest::default(), deadline).await?.message;
    if answer.error_code != codes::NONE {
        return Err(WireError::Answered { api: ListGroupsRequest::NAME, code: answer.error_code });
    }
    let of_consumers = |group: &&kafka_protocol::messages::list_groups_response::ListedGroup| {
        matches!(group.protocol_type.as_str(), "" | "consumer" | "streams")
            && !group.group_type.eq_ignore_ascii_case("share")
    };
    let listed = answer.groups.iter().filter(of_consumers).map(|group| ListedGroup {
        name: group.group_id.to_string(),
        state: group.group_state.to_string(),
        kind: match (group.group_state.as_str(), &*group.group_type.to_ascii_lowercase()) {
            ("Empty" | "Dead", _) => GroupKind::Other { empty: true },
            (_, "consumer") => GroupKind::Consumer,
            (_, "" | "classic") => GroupKind::Classic,
            _ => GroupKind::Other { empty: false },
        },
    });
    Ok(listed.collect())
}

/// What a group has committed in one topic.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommittedTopic {
    /// Its name.
    pub topic: String,
    /// Partition and the offset of the record that is consumed next.
    pub partitions: Vec<(i32, i64)>,
}

/// What a group has committed, or why that is not told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommittedGroup {
    /// Its id.
    pub name: String,
    /// By topic, or Kafka's error code.
    pub outcome: Result<Vec<CommittedTopic>, i16>,
}

/// How many groups [`committed`] may be asked for at once.
pub fn committed_batch(versions: &ApiVersions) -> Result<usize, WireError> {
    Ok(if version(versions)? >= BATCHED { BATCH } else { 1 })
}

/// In version 1 a request that names no topic gets none; version 10 names topics by their ids.
fn version(versions: &ApiVersions) -> Result<i16, WireError> {
    versions.pick_for::<OffsetFetchRequest>(2, 9)
}

/// `OffsetFetch` of all partitions of these groups, not more than [`committed_batch`]. Topics that the agent may not
/// describe are left out by the broker. Offsets of open transactions do not matter (`require.stable` is off), as for
/// `kafka-consumer-groups`.
pub async fn committed(
    connection: &mut Connection,
    versions: &ApiVersions,
    groups: &[String],
    deadline: Instant,
) -> Result<Vec<CommittedGroup>, WireError> {
    let version = version(versions)?;
    let id = |name: &String| GroupId(StrBytes::from_string(name.clone()));
    if version >= BATCHED {
        let all = groups.iter().map(|name| {
            OffsetFetchRequestGroup::default().with_group_id(id(name)).with_member_id(None).with_topics(None)
        });
        let request = OffsetFetchRequest::default().with_groups(all.collect());
        let answer = connection.call(version, &request, deadline).await?.message;
        let told = answer.groups.iter().map(|group| {
            let topics = group.topics.iter().map(|topic| {
                let all = topic.partitions.iter();
                let all = all.map(|one| (one.error_code, one.partition_index, one.committed_offset));
                (topic.name.to_string(), all.collect())
            });
            CommittedGroup { name: group.group_id.to_string(), outcome: outcome(group.error_code, topics) }
        });
        return Ok(told.collect());
    }
    let mut told = Vec::new();
    for name in groups {
        let request = OffsetFetchRequest::default().with_group_id(id(name)).with_topics(None);
        let answer = connection.call(version, &request, deadline).await?.message;
        let topics = answer.topics.iter().map(|topic| {
            let all = topic.partitions.iter();
            let all = all.map(|one| (one.error_code, one.partition_index, one.committed_offset));
            (topic.name.to_string(), all.collect())
        });
        told.push(CommittedGroup { name: name.clone(), outcome: outcome(answer.error_code, topics) });
    }
    Ok(told)
}

fn outcome(
    code: i16,
    topics: impl Iterator<Item = (String, Vec<(i16, i32, i64)>)>,
) -> Result<Vec<CommittedTopic>, i16> {
    if code != codes::NONE {
        return Err(code);
    }
    let mut all = Vec::new();
    for (topic, partitions) in topics {
        // A partition without an offset has -1.
        let known = partitions.iter().filter(|(code, _, offset)| *code == codes::NONE && *offset >= 0);
        let partitions: Vec<_> = known.map(|(_, index, offset)| (*index, *offset)).collect();
        if !partitions.is_empty() {
            all.push(CommittedTopic { topic, partitions });
        }
    }
    Ok(all)
}

/// How many members these groups have, all of one kind; one that is not told of is left out. By `DescribeGroups` or
/// `ConsumerGroupDescribe`.
pub async fn members(
    connection: &mut Connection,
    versions: &ApiVersions,
    kind: GroupKind,
    groups: &[String],
    deadline: Instant,
) -> Result<BTreeMap<String, usize>, WireError> {
    let ids = groups.iter().map(|name| GroupId(StrBytes::from_string(name.clone()))).collect();
    let counts: Vec<(i16, String, usize)> = match kind {
        GroupKind::Classic => {
            let version = versions.pick_for::<DescribeGroupsRequest>(0, 6)?;
            let request = DescribeGroupsRequest::default().with_groups(ids);
            let answer = connection.call(version, &request, deadline).await?.message;
            let counts = answer.groups.iter();
            counts.map(|group| (group.error_code, group.group_id.to_string(), group.members.len())).collect()
        }
        GroupKind::Consumer => {
            let version = versions.pick_for::<ConsumerGroupDescribeRequest>(0, 1)?;
            let request = ConsumerGroupDescribeRequest::default().with_group_ids(ids);
            let answer = connection.call(version, &request, deadline).await?.message;
            let counts = answer.groups.iter();
            counts.map(|group| (group.error_code, group.group_id.to_string(), group.members.len())).collect()
        }
        GroupKind::Other { .. } => Vec::new(),
    };
    Ok(counts
        .into_iter()
        .filter(|(code, ..)| *code == codes::NONE)
        .map(|(_, name, count)| (name, count))
        .collect())
}
