//! Which brokers a broker lists.

use kafka_protocol::messages::MetadataRequest;
use kafka_protocol::messages::metadata_response::MetadataResponseBroker;
use tokio::time::Instant;

use crate::kafka::requests::ApiVersions;
use crate::kafka::{Address, Connection, WireError};

/// The head of a `MetadataResponse`, without topics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedBrokers {
    /// Cluster id; `None` where the broker has none yet.
    pub cluster_id: Option<String>,
    /// The controller in `ZooKeeper` mode; in `KRaft` mode a random live broker. -1 when unknown.
    pub controller_id: i32,
    /// The brokers that are registered and not fenced, in the answer's order.
    pub brokers: Vec<ListedBroker>,
}

/// A broker, as others list it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedBroker {
    /// Its id.
    pub id: i32,
    /// What it advertises for the listener that was asked.
    pub address: Address,
    /// Its zone (`broker.rack`), where it has one.
    pub rack: Option<String>,
}

impl ListedBrokers {
    /// Whether this broker is listed.
    pub fn lists(&self, id: i32) -> bool {
        self.brokers.iter().any(|broker| broker.id == id)
    }
}

/// `Metadata` for no topic at all. Needs no authorization.
///
/// The list of topics is empty, not null, which would mean all topics; and creation by asking is off.
pub async fn listed_brokers(
    connection: &mut Connection,
    versions: &ApiVersions,
    deadline: Instant,
) -> Result<ListedBrokers, WireError> {
    let version = versions.pick_for::<MetadataRequest>(4, 12)?;
    let request =
        MetadataRequest::default().with_topics(Some(Vec::new())).with_allow_auto_topic_creation(false);
    let answer = connection.call(version, &request, deadline).await?.message;
    Ok(ListedBrokers {
        cluster_id: answer.cluster_id.map(|id| id.to_string()),
        controller_id: answer.controller_id.0,
        brokers: answer.brokers.iter().map(listed).collect(),
    })
}

fn listed(broker: &MetadataResponseBroker) -> ListedBroker {
    // No port is 0: what is none cannot be reached either.
    let port = u16::try_from(broker.port).unwrap_or(0);
    ListedBroker {
        id: broker.node_id.0,
        address: Address { host: broker.host.to_string(), port },
        rack: broker.rack.as_ref().map(ToString::to_string),
    }
}
