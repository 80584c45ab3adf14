//! What an administrator does to replicas and rights, by requests that a client library lacks.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use kafka_protocol::messages::alter_partition_reassignments_request::{
    ReassignablePartition, ReassignableTopic,
};
use kafka_protocol::messages::alter_replica_log_dirs_request::{AlterReplicaLogDir, AlterReplicaLogDirTopic};
use kafka_protocol::messages::create_acls_request::AclCreation;
use kafka_protocol::messages::delete_acls_request::DeleteAclsFilter;
use kafka_protocol::messages::incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig};
use kafka_protocol::messages::{
    AlterPartitionReassignmentsRequest, AlterReplicaLogDirsRequest, BrokerId, CreateAclsRequest,
    DeleteAclsRequest, DescribeLogDirsRequest, IncrementalAlterConfigsRequest, TopicName,
};
use kafka_protocol::protocol::StrBytes;

use crate::cluster::Cluster;
use crate::truth::View;
use crate::wait::eventually;
use crate::wire::Connection;

const PATIENCE: Duration = Duration::from_secs(20);
/// Everybody whom no one has asked who he is.
const ANONYMOUS: &str = "User:ANONYMOUS";
/// Name of the one resource that stands for the cluster.
const CLUSTER: &str = "kafka-cluster";

/// A rule about what the anonymous user may do (`AclOperation`, `AclPermissionType`).
#[derive(Debug, Clone, Copy)]
pub enum Acl<'a> {
    /// It may not describe this topic.
    HideTopic(&'a str),
    /// It may do everything with this topic.
    AllowTopic(&'a str),
    /// It may not write to this topic.
    DenyWrite(&'a str),
    /// It may do everything with the cluster.
    AllowCluster,
    /// It may not describe the cluster.
    DenyCluster,
}

impl Acl<'_> {
    /// Resource type, name, operation, permission.
    fn parts(&self) -> (i8, &str, i8, i8) {
        const TOPIC_TYPE: i8 = 2;
        const CLUSTER_TYPE: i8 = 4;
        const ALL: i8 = 2;
        const WRITE: i8 = 4;
        const DESCRIBE: i8 = 8;
        const DENY: i8 = 2;
        const ALLOW: i8 = 3;
        match self {
            Self::HideTopic(name) => (TOPIC_TYPE, name, DESCRIBE, DENY),
            Self::AllowTopic(name) => (TOPIC_TYPE, name, ALL, ALLOW),
            Self::DenyWrite(name) => (TOPIC_TYPE, name, WRITE, DENY),
            Self::AllowCluster => (CLUSTER_TYPE, CLUSTER, ALL, ALLOW),
            Self::DenyCluster => (CLUSTER_TYPE, CLUSTER, DESCRIBE, DENY),
        }
    }
}

/// A replica as a broker's log dirs have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hosted {
    /// The log dir.
    pub dir: String,
    /// The topic's name.
    pub topic: String,
    /// The partition's number.
    pub index: i32,
    /// It is on its way in from another dir.
    pub future: bool,
}

impl Cluster {
    /// Adds a rule.
    pub async fn add_acl(&self, acl: Acl<'_>) -> Result<()> {
        let (kind, name, operation, permission) = acl.parts();
        let creation = AclCreation::default()
            .with_resource_type(kind)
            .with_resource_name(text(name))
            .with_resource_pattern_type(3)
            .with_principal(text(ANONYMOUS))
            .with_host(text("*"))
            .with_operation(operation)
            .with_permission_type(permission);
        let request = CreateAclsRequest::default().with_creations(vec![creation]);
        let answer = self.any().await?.call(&request).await?;
        let code = answer.results.first().context("no result")?.error_code;
        ensure!(code == 0, "{acl:?}: error {code}");
        Ok(())
    }

    /// Takes a rule back.
    pub async fn remove_acl(&self, acl: Acl<'_>) -> Result<()> {
        let (kind, name, operation, permission) = acl.parts();
        let filter = DeleteAclsFilter::default()
            .with_resource_type_filter(kind)
            .with_resource_name_filter(Some(text(name)))
            .with_pattern_type_filter(3)
            .with_principal_filter(Some(text(ANONYMOUS)))
            .with_host_filter(Some(text("*")))
            .with_operation(operation)
            .with_permission_type(permission);
        let request = DeleteAclsRequest::default().with_filters(vec![filter]);
        let answer = self.any().await?.call(&request).await?;
        let result = answer.filter_results.first().context("no result")?;
        ensure!(result.error_code == 0 && result.matching_acls.len() == 1, "{acl:?}: {result:?}");
        Ok(())
    }

    /// Gives the partitions of a topic other replicas, each all of `replicas`.
    pub async fn reassign(&self, topic: &str, partitions: i32, replicas: &[i32]) -> Result<()> {
        let one = |index| {
            let replicas = replicas.iter().copied().map(BrokerId).collect();
            ReassignablePartition::default().with_partition_index(index).with_replicas(Some(replicas))
        };
        let topic = ReassignableTopic::default()
            .with_name(TopicName(text(topic)))
            .with_partitions((0..partitions).map(one).collect());
        let request =
            AlterPartitionReassignmentsRequest::default().with_timeout_ms(10_000).with_topics(vec![topic]);
        let answer = self.any().await?.call(&request).await?;
        let partitions = answer.responses.iter().flat_map(|topic| &topic.partitions);
        let bad = partitions.map(|one| one.error_code).chain([answer.error_code]).find(|code| *code != 0);
        ensure!(bad.is_none(), "reassigning: {answer:?}");
        Ok(())
    }

    /// Moves partition 0 of a topic on one broker into another of its log dirs.
    pub async fn move_replica(&self, id: i32, topic: &str, dir: &Path) -> Result<()> {
        let topic =
            AlterReplicaLogDirTopic::default().with_name(TopicName(text(topic))).with_partitions(vec![0]);
        let dir = AlterReplicaLogDir::default()
            .with_path(text(dir.to_str().context("a path")?))
            .with_topics(vec![topic]);
        let request = AlterReplicaLogDirsRequest::default().with_dirs(vec![dir]);
        let answer = open(self.node(id).bootstrap()).await?.call(&request).await?;
        let codes: Vec<i16> =
            answer.results.iter().flat_map(|t| &t.partitions).map(|one| one.error_code).collect();
        ensure!(codes == [0], "moving between log dirs: {codes:?}");
        Ok(())
    }

    /// Waits until a broker has applied all that is committed now, its dynamic settings included. It publishes one
    /// image after the other, so the next one shows that it is done with this.
    pub async fn wait_applied(&self, id: i32) -> Result<()> {
        let committed = self.quorum().await?.high_watermark;
        eventually(&format!("{id} has applied {committed}"), PATIENCE, async || {
            let view = View::ask(self.node(id).bootstrap(), PATIENCE).await?;
            ensure!(view.epoch > committed, "{}", view.epoch);
            Ok(())
        })
        .await
    }

    /// Sets a dynamic setting of one broker, or takes it back.
    pub async fn set_on_broker(&self, id: i32, key: &str, value: Option<&str>) -> Result<()> {
        // Another broker refuses it.
        set(&mut open(self.node(id).bootstrap()).await?, 4, &id.to_string(), key, value).await
    }

    /// Sets a dynamic setting of all brokers, or takes it back.
    pub async fn set_on_brokers(&self, key: &str, value: Option<&str>) -> Result<()> {
        set_on_brokers(&mut self.any().await?, key, value).await
    }

    /// Sets a setting of a topic, or takes it back.
    pub async fn set_on_topic(&self, topic: &str, key: &str, value: Option<&str>) -> Result<()> {
        set_on_topic(&mut self.any().await?, topic, key, value).await
    }

    /// What the log dirs of a broker hold by its own words.
    pub async fn hosted(&self, id: i32) -> Result<Vec<Hosted>> {
        let request = DescribeLogDirsRequest::default().with_topics(None);
        let answer = open(self.node(id).bootstrap()).await?.call(&request).await?;
        let mut all = Vec::new();
        for dir in &answer.results {
            for topic in &dir.topics {
                all.extend(topic.partitions.iter().map(|one| Hosted {
                    dir: dir.log_dir.to_string(),
                    topic: topic.name.to_string(),
                    index: one.partition_index,
                    future: one.is_future_key,
                }));
            }
        }
        Ok(all)
    }

    /// A connection to some broker that runs, which forwards what is the controller's.
    pub(crate) async fn any(&self) -> Result<Connection> {
        let node = self.brokers().find(|node| node.running()).context("no broker runs")?;
        open(node.bootstrap()).await
    }
}

/// Sets a dynamic setting of all brokers through one of them, or takes it back.
pub async fn set_on_brokers(broker: &mut Connection, key: &str, value: Option<&str>) -> Result<()> {
    set(broker, 4, "", key, value).await
}

/// Sets a setting of a topic through one of the brokers, or takes it back.
pub async fn set_on_topic(
    broker: &mut Connection,
    topic: &str,
    key: &str,
    value: Option<&str>,
) -> Result<()> {
    set(broker, 2, topic, key, value).await
}

async fn set(broker: &mut Connection, kind: i8, name: &str, key: &str, value: Option<&str>) -> Result<()> {
    let config = AlterableConfig::default()
        .with_name(text(key))
        .with_config_operation(i8::from(value.is_none()))
        .with_value(value.map(text));
    let resource = AlterConfigsResource::default()
        .with_resource_type(kind)
        .with_resource_name(text(name))
        .with_configs(vec![config]);
    let request = IncrementalAlterConfigsRequest::default().with_resources(vec![resource]);
    let answer = broker.call(&request).await?;
    let code = answer.responses.first().context("no result")?.error_code;
    ensure!(code == 0, "{key} of {name}: error {code}");
    Ok(())
}

async fn open(addr: SocketAddr) -> Result<Connection> {
    Connection::open(addr, PATIENCE).await
}

fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}
