#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed step should stop the test where it stands")]

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages as m;
use kafka_protocol::messages::api_versions_response::{ApiVersion, FinalizedFeatureKey, SupportedFeatureKey};
use kafka_protocol::messages::consumer_group_describe_response as consumers;
use kafka_protocol::messages::describe_acls_response as acls;
use kafka_protocol::messages::describe_configs_response as configs;
use kafka_protocol::messages::describe_groups_response as described;
use kafka_protocol::messages::describe_quorum_response as quorum;
use kafka_protocol::messages::list_groups_response as listed;
use kafka_protocol::messages::list_offsets_response as ends;
use kafka_protocol::messages::list_partition_reassignments_response as reassigned;
use kafka_protocol::messages::metadata_response as metadata;
use kafka_protocol::messages::offset_fetch_response as committed;
use kafka_protocol::messages::{BrokerId, GroupId, TopicName};
use kafka_protocol::protocol::{Encodable, HeaderVersion, StrBytes};

use crate::kafka::{Call, decode_answer};

fn text(text: &'static str) -> StrBytes {
    StrBytes::from_static_str(text)
}

fn frame<T: Encodable + HeaderVersion>(message: &T, version: i16) -> Bytes {
    let mut frame = BytesMut::new();
    if T::header_version(version) > 0 {
        frame.extend_from_slice(&[0]);
    }
    message.encode(&mut frame, version).unwrap();
    frame.freeze()
}

/// The layout accepts what the encoder of `kafka-protocol` makes, and nothing shorter or longer.
fn agrees<Req: Call>(message: &Req::Response, version: i16)
where
    Req::Response: Encodable + PartialEq + std::fmt::Debug,
{
    let frame = frame(message, version);
    assert_eq!(&decode_answer::<Req>(&frame, version).unwrap(), message, "version {version}");
    for len in 0..frame.len() {
        let cut = frame.slice(..len);
        assert!(decode_answer::<Req>(&cut, version).is_err(), "version {version} cut to {len} bytes");
    }
    let mut longer = BytesMut::from(&frame[..]);
    longer.extend_from_slice(&[0]);
    assert!(decode_answer::<Req>(&longer.freeze(), version).is_err(), "version {version} with a byte more");
}

#[test]
fn api_versions_agree() {
    for version in 0..=4 {
        let mut message = m::ApiVersionsResponse::default().with_api_keys(vec![
            ApiVersion::default()
                .with_api_key(3)
                .with_max_version(12);
            3
        ]);
        if version >= 1 {
            message = message.with_throttle_time_ms(7);
        }
        if version >= 3 {
            message = message
                .with_finalized_features_epoch(42)
                .with_zk_migration_ready(true)
                .with_supported_features(vec![
                    SupportedFeatureKey::default().with_name(text("metadata.version")),
                ])
                .with_finalized_features(vec![
                    FinalizedFeatureKey::default().with_name(text("metadata.version")),
                ]);
        }
        agrees::<m::ApiVersionsRequest>(&message, version);
    }
}

#[test]
fn describe_quorum_agrees() {
    for version in 0..=2 {
        let mut state = quorum::ReplicaState::default().with_replica_id(BrokerId(1)).with_log_end_offset(9);
        if version >= 1 {
            state = state.with_last_fetch_timestamp(5).with_last_caught_up_timestamp(6);
        }
        let partition = quorum::PartitionData::default()
            .with_high_watermark(99)
            .with_current_voters(vec![state.clone(), state.clone()])
            .with_observers(vec![state]);
        let topic = quorum::TopicData::default()
            .with_topic_name(TopicName(text("__cluster_metadata")))
            .with_partitions(vec![partition]);
        let mut message = m::DescribeQuorumResponse::default().with_topics(vec![topic]);
        if version >= 2 {
            let listener = quorum::Listener::default().with_host(text("h")).with_port(9093);
            let node = quorum::Node::default().with_listeners(vec![listener]);
            message = message.with_nodes(vec![node]).with_error_message(None);
        }
        agrees::<m::DescribeQuorumRequest>(&message, version);
    }
}

#[test]
fn metadata_agrees() {
    for version in 0..=13 {
        let partition = metadata::MetadataResponsePartition::default()
            .with_replica_nodes(vec![BrokerId(1), BrokerId(2)])
            .with_isr_nodes(vec![BrokerId(1)]);
        let topic = metadata::MetadataResponseTopic::default()
            .with_name(Some(TopicName(text("t"))))
            .with_partitions(vec![partition]);
        let broker =
            metadata::MetadataResponseBroker::default().with_node_id(BrokerId(1)).with_host(text("h"));
        let message = m::MetadataResponse::default().with_brokers(vec![broker; 2]).with_topics(vec![topic]);
        agrees::<m::MetadataRequest>(&message, version);
    }
}

#[test]
fn list_partition_reassignments_agrees() {
    let partition = reassigned::OngoingPartitionReassignment::default()
        .with_replicas(vec![BrokerId(1); 3])
        .with_adding_replicas(vec![BrokerId(1)]);
    let topic = reassigned::OngoingTopicReassignment::default()
        .with_name(TopicName(text("t")))
        .with_partitions(vec![partition]);
    let message = m::ListPartitionReassignmentsResponse::default().with_topics(vec![topic]);
    agrees::<m::ListPartitionReassignmentsRequest>(&message, 0);
}

#[test]
fn unregister_broker_agrees() {
    let message =
        m::UnregisterBrokerResponse::default().with_error_code(102).with_error_message(Some(text("no")));
    agrees::<m::UnregisterBrokerRequest>(&message, 0);
}

#[test]
fn describe_cluster_agrees() {
    let broker = m::describe_cluster_response::DescribeClusterBroker::default()
        .with_broker_id(BrokerId(1))
        .with_host(text("h"))
        .with_rack(Some(text("r")));
    for (version, fenced) in [(0, false), (1, false), (2, true)] {
        let broker = broker.clone().with_is_fenced(fenced);
        let message =
            m::DescribeClusterResponse::default().with_cluster_id(text("c")).with_brokers(vec![broker; 2]);
        agrees::<m::DescribeClusterRequest>(&message, version);
    }
}

#[test]
fn describe_acls_agrees() {
    let acl = acls::AclDescription::default().with_principal(text("User:a")).with_host(text("*"));
    let resource =
        acls::DescribeAclsResource::default().with_resource_name(text("t")).with_acls(vec![acl.clone(), acl]);
    let message = m::DescribeAclsResponse::default().with_resources(vec![resource; 2]);
    for version in 1..=3 {
        agrees::<m::DescribeAclsRequest>(&message, version);
    }
}

#[test]
fn describe_configs_agrees() {
    let synonym = configs::DescribeConfigsSynonym::default().with_name(text("a")).with_value(Some(text("1")));
    let config = configs::DescribeConfigsResourceResult::default()
        .with_name(text("a"))
        .with_synonyms(vec![synonym.clone(), synonym]);
    let result = configs::DescribeConfigsResult::default()
        .with_resource_name(text("1"))
        .with_configs(vec![config.clone(), config]);
    let message = m::DescribeConfigsResponse::default().with_results(vec![result; 2]);
    for version in 1..=4 {
        agrees::<m::DescribeConfigsRequest>(&message, version);
    }
}

#[test]
fn list_groups_agrees() {
    for version in 0..=5 {
        let mut group = listed::ListedGroup::default()
            .with_group_id(GroupId(text("g")))
            .with_protocol_type(text("consumer"));
        if version >= 4 {
            group = group.with_group_state(text("Stable"));
        }
        if version >= 5 {
            group = group.with_group_type(text("classic"));
        }
        let message = m::ListGroupsResponse::default().with_groups(vec![group; 2]);
        agrees::<m::ListGroupsRequest>(&message, version);
    }
}

#[test]
fn offset_fetch_agrees() {
    for version in 2..=7 {
        let mut partition =
            committed::OffsetFetchResponsePartition::default().with_committed_offset(7).with_metadata(None);
        if version >= 5 {
            partition = partition.with_committed_leader_epoch(3);
        }
        let topic = committed::OffsetFetchResponseTopic::default()
            .with_name(TopicName(text("t")))
            .with_partitions(vec![partition; 2]);
        let message = m::OffsetFetchResponse::default().with_topics(vec![topic; 2]).with_error_code(16);
        agrees::<m::OffsetFetchRequest>(&message, version);
    }
    for version in 8..=9 {
        let partition = committed::OffsetFetchResponsePartitions::default()
            .with_committed_offset(7)
            .with_committed_leader_epoch(3)
            .with_metadata(Some(text("m")));
        let topic = committed::OffsetFetchResponseTopics::default()
            .with_name(TopicName(text("t")))
            .with_partitions(vec![partition; 2]);
        let group = committed::OffsetFetchResponseGroup::default()
            .with_group_id(GroupId(text("g")))
            .with_topics(vec![topic]);
        let message = m::OffsetFetchResponse::default().with_groups(vec![group; 2]);
        agrees::<m::OffsetFetchRequest>(&message, version);
    }
}

#[test]
fn describe_groups_agrees() {
    for version in 0..=6 {
        let mut member = described::DescribedGroupMember::default()
            .with_member_id(text("m"))
            .with_member_metadata(Bytes::from_static(b"what"))
            .with_member_assignment(Bytes::from_static(b"which"));
        if version >= 4 {
            member = member.with_group_instance_id(Some(text("i")));
        }
        let mut group = described::DescribedGroup::default()
            .with_group_id(GroupId(text("g")))
            .with_members(vec![member; 2]);
        if version >= 6 {
            group = group.with_error_message(Some(text("no")));
        }
        let message = m::DescribeGroupsResponse::default().with_groups(vec![group; 2]);
        agrees::<m::DescribeGroupsRequest>(&message, version);
    }
}

#[test]
fn consumer_group_describe_agrees() {
    for version in 0..=1 {
        let owned = consumers::TopicPartitions::default()
            .with_topic_name(TopicName(text("t")))
            .with_partitions(vec![0, 1, 2]);
        let assignment = consumers::Assignment::default().with_topic_partitions(vec![owned; 2]);
        let mut member = consumers::Member::default()
            .with_member_id(text("m"))
            .with_instance_id(None)
            .with_subscribed_topic_names(vec![TopicName(text("t")), TopicName(text("u"))])
            .with_subscribed_topic_regex(Some(text("t.*")))
            .with_assignment(assignment.clone())
            .with_target_assignment(assignment);
        if version >= 1 {
            member = member.with_member_type(1);
        }
        let group = consumers::DescribedGroup::default()
            .with_group_id(GroupId(text("g")))
            .with_members(vec![member; 2]);
        let message = m::ConsumerGroupDescribeResponse::default().with_groups(vec![group; 2]);
        agrees::<m::ConsumerGroupDescribeRequest>(&message, version);
    }
}

#[test]
fn list_offsets_agrees() {
    for version in 1..=7 {
        let mut partition = ends::ListOffsetsPartitionResponse::default().with_offset(7).with_timestamp(9);
        if version >= 4 {
            partition = partition.with_leader_epoch(3);
        }
        let topic = ends::ListOffsetsTopicResponse::default()
            .with_name(TopicName(text("t")))
            .with_partitions(vec![partition; 2]);
        let message = m::ListOffsetsResponse::default().with_topics(vec![topic; 2]);
        agrees::<m::ListOffsetsRequest>(&message, version);
    }
}

#[test]
fn what_the_canary_asks_agrees() {
    let name = || TopicName(text("t"));
    for version in 3..=9 {
        let mut partition = m::produce_response::PartitionProduceResponse::default().with_base_offset(7);
        if version >= 5 {
            partition = partition.with_log_start_offset(3);
        }
        if version >= 8 {
            let error = m::produce_response::BatchIndexAndErrorMessage::default()
                .with_batch_index_error_message(Some(text("no")));
            partition = partition.with_record_errors(vec![error; 2]).with_error_message(Some(text("no")));
        }
        let topic = m::produce_response::TopicProduceResponse::default()
            .with_name(name())
            .with_partition_responses(vec![partition; 2]);
        agrees::<m::ProduceRequest>(&m::ProduceResponse::default().with_responses(vec![topic; 2]), version);
    }
    for version in 4..=11 {
        let aborted = m::fetch_response::AbortedTransaction::default().with_first_offset(3);
        let partition = m::fetch_response::PartitionData::default()
            .with_high_watermark(9)
            .with_aborted_transactions(Some(vec![aborted; 2]))
            .with_records(Some(Bytes::from_static(b"records")));
        let topic = m::fetch_response::FetchableTopicResponse::default()
            .with_topic(name())
            .with_partitions(vec![partition; 2]);
        agrees::<m::FetchRequest>(&m::FetchResponse::default().with_responses(vec![topic; 2]), version);
    }
    for version in 2..=4 {
        let topic = m::create_topics_response::CreatableTopicResult::default()
            .with_name(name())
            .with_error_message(Some(text("no")));
        let message = m::CreateTopicsResponse::default().with_topics(vec![topic; 2]);
        agrees::<m::CreateTopicsRequest>(&message, version);
    }
    for version in 0..=1 {
        let topic = m::create_partitions_response::CreatePartitionsTopicResult::default().with_name(name());
        let message = m::CreatePartitionsResponse::default().with_results(vec![topic; 2]);
        agrees::<m::CreatePartitionsRequest>(&message, version);
    }
    let partition = m::alter_partition_reassignments_response::ReassignablePartitionResponse::default();
    let topic = m::alter_partition_reassignments_response::ReassignableTopicResponse::default()
        .with_name(name())
        .with_partitions(vec![partition; 2]);
    let message = m::AlterPartitionReassignmentsResponse::default().with_responses(vec![topic; 2]);
    agrees::<m::AlterPartitionReassignmentsRequest>(&message, 0);
    let partition = m::elect_leaders_response::PartitionResult::default();
    let result = m::elect_leaders_response::ReplicaElectionResult::default()
        .with_topic(name())
        .with_partition_result(vec![partition; 2]);
    let message = m::ElectLeadersResponse::default().with_replica_election_results(vec![result; 2]);
    agrees::<m::ElectLeadersRequest>(&message, 1);
}

#[test]
fn a_hostile_count_is_refused_before_memory_is_reserved() {
    // Without the guard each of these asks the decoder for tens of gigabytes at once.
    let compact = [0xff, 0xff, 0xff, 0xff, 0x0f];
    let api_versions_v3: Vec<u8> = [&[0, 0][..], &compact].concat();
    assert!(decode_answer::<m::ApiVersionsRequest>(&api_versions_v3.into(), 3).is_err());
    let api_versions_v0: &[u8] = &[0, 0, 0x7f, 0xff, 0xff, 0xff];
    assert!(decode_answer::<m::ApiVersionsRequest>(&Bytes::from_static(api_versions_v0), 0).is_err());
    let metadata: Vec<u8> = [&[0, 0, 0, 0, 0][..], &compact].concat();
    assert!(decode_answer::<m::MetadataRequest>(&metadata.into(), 12).is_err());
    let in_a_tag: Vec<u8> = [&[0, 0, 1, 0, 0, 0, 0, 1, 0, 5][..], &compact].concat();
    assert!(decode_answer::<m::ApiVersionsRequest>(&in_a_tag.into(), 3).is_err());
    let header_tags = Bytes::from_static(&[0xff, 0xff, 0xff, 0xff, 0x0f]);
    assert!(decode_answer::<m::MetadataRequest>(&header_tags, 12).is_err());
}
