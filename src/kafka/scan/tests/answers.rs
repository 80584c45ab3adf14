//! Answers of brokers, made up and encoded as they encode them.

use kafka_protocol::messages::describe_topic_partitions_response as described;
use kafka_protocol::messages::metadata_response as metadata;
use kafka_protocol::messages::{BrokerId, DescribeTopicPartitionsResponse, MetadataResponse, TopicName};
use kafka_protocol::protocol::{Encodable, StrBytes};
use proptest::prelude::*;
use std::collections::BTreeMap;

use super::Cursor;

pub const OWN: i32 = 2;

#[derive(Clone, Debug)]
pub struct Part {
    pub error: i16,
    pub leader: i32,
    pub replicas: Vec<i32>,
    pub isr: Vec<i32>,
    pub elr: Option<Vec<i32>>,
    pub last_elr: Option<Vec<i32>>,
    pub offline: Vec<i32>,
    pub tags: Tags,
}

impl Part {
    /// Assigned to this broker and another; nobody leads it.
    pub fn leaderless(isr: &[i32], elr: Option<&[i32]>, last_elr: Option<&[i32]>) -> Self {
        Self {
            error: 5,
            leader: -1,
            replicas: vec![1, OWN],
            isr: isr.to_vec(),
            elr: elr.map(<[i32]>::to_vec),
            last_elr: last_elr.map(<[i32]>::to_vec),
            offline: vec![],
            tags: Tags::new(),
        }
    }

    /// Another broker has no complete copy, as far as an answer with or without an ELR says.
    pub fn only_copy(&self, with_elr: bool) -> bool {
        let list = |ids: &Option<Vec<i32>>| ids.clone().filter(|_| with_elr).unwrap_or_default();
        let complete = [self.isr.clone(), list(&self.elr)].concat();
        if complete.is_empty() {
            list(&self.last_elr).contains(&OWN)
        } else {
            complete.iter().all(|id| *id == OWN)
        }
    }
}

#[derive(Clone, Debug)]
pub struct Topic {
    pub error: i16,
    pub name: String,
    pub parts: Vec<Part>,
    pub tags: Tags,
}

pub type Tags = BTreeMap<i32, bytes::Bytes>;

pub fn tags() -> impl Strategy<Value = Tags> {
    let content = prop::collection::vec(any::<u8>(), 0..300).prop_map(bytes::Bytes::from);
    prop_oneof![
        6 => Just(Tags::new()),
        1 => prop::collection::btree_map(100..200_000, content, 1..4),
    ]
}

pub fn ids() -> impl Strategy<Value = Vec<i32>> {
    prop_oneof![8 => prop::collection::vec(0..5, 0..4), 2 => Just(vec![OWN]), 1 => prop::collection::vec(0..200, 120..140)]
}

pub fn topics() -> impl Strategy<Value = Vec<Topic>> {
    let elr = || prop::option::of(ids());
    let lists = (ids(), ids(), elr(), elr(), ids());
    let part = (prop_oneof![Just(0), Just(5), Just(9), Just(72)], -2..4, lists, tags()).prop_map(
        |(error, leader, (replicas, isr, elr, last_elr, offline), tags)| Part {
            error,
            leader,
            replicas,
            isr,
            elr,
            last_elr,
            offline,
            tags,
        },
    );
    let error = prop_oneof![8 => Just(0), 1 => Just(3), 1 => Just(29), 1 => Just(5)];
    let topic = (error, "[a-z._-]{1,200}", prop::collection::vec(part, 0..20), tags())
        .prop_map(|(error, name, parts, tags)| Topic { error, name, parts, tags });
    prop::collection::vec(topic, 0..12)
}

pub fn broker_ids(ids: &[i32]) -> Vec<BrokerId> {
    ids.iter().copied().map(BrokerId).collect()
}

pub fn name(text: &str) -> TopicName {
    TopicName(StrBytes::from_string(text.to_owned()))
}

pub fn encode(message: &impl Encodable, version: i16) -> Vec<u8> {
    let mut bytes = vec![0];
    message.encode(&mut bytes, version).unwrap();
    bytes
}

pub fn metadata_bytes(topics: &[Topic], brokers: &[i32], version: i16) -> Vec<u8> {
    let topics = topics.iter().map(|topic| {
        let parts = (0..).zip(&topic.parts).map(|(index, part)| {
            metadata::MetadataResponsePartition::default()
                .with_error_code(part.error)
                .with_partition_index(index)
                .with_leader_id(BrokerId(part.leader))
                .with_replica_nodes(broker_ids(&part.replicas))
                .with_isr_nodes(broker_ids(&part.isr))
                .with_offline_replicas(broker_ids(&part.offline))
                .with_unknown_tagged_fields(part.tags.clone())
        });
        metadata::MetadataResponseTopic::default()
            .with_error_code(topic.error)
            .with_name(Some(name(&topic.name)))
            .with_partitions(parts.collect())
            .with_unknown_tagged_fields(topic.tags.clone())
    });
    let brokers = brokers.iter().map(|id| {
        metadata::MetadataResponseBroker::default()
            .with_node_id(BrokerId(*id))
            .with_host(StrBytes::from_static_str("broker.example"))
            .with_rack(Some(StrBytes::from_static_str("a")))
    });
    let response = MetadataResponse::default()
        .with_topics(topics.collect())
        .with_brokers(brokers.collect())
        .with_cluster_id(Some(StrBytes::from_static_str("cluster")))
        .with_controller_id(BrokerId(7));
    encode(&response, version)
}

pub fn described_bytes(topics: &[Topic], next: Option<&Cursor>) -> Vec<u8> {
    let topics = topics.iter().map(|topic| {
        let parts = (0..).zip(&topic.parts).map(|(index, part)| {
            described::DescribeTopicPartitionsResponsePartition::default()
                .with_error_code(part.error)
                .with_partition_index(index)
                .with_leader_id(BrokerId(part.leader))
                .with_replica_nodes(broker_ids(&part.replicas))
                .with_isr_nodes(broker_ids(&part.isr))
                .with_eligible_leader_replicas(part.elr.as_deref().map(broker_ids))
                .with_last_known_elr(part.last_elr.as_deref().map(broker_ids))
                .with_offline_replicas(broker_ids(&part.offline))
                .with_unknown_tagged_fields(part.tags.clone())
        });
        described::DescribeTopicPartitionsResponseTopic::default()
            .with_error_code(topic.error)
            .with_name(Some(name(&topic.name)))
            .with_partitions(parts.collect())
            .with_unknown_tagged_fields(topic.tags.clone())
    });
    let cursor = next.map(|next| {
        described::Cursor::default()
            .with_topic_name(name(&next.topic))
            .with_partition_index(next.partition)
            .with_unknown_tagged_fields(Tags::from([(9, bytes::Bytes::from_static(b"tag"))]))
    });
    let response = DescribeTopicPartitionsResponse::default()
        .with_throttle_time_ms(11)
        .with_topics(topics.collect())
        .with_next_cursor(cursor);
    encode(&response, 0)
}
