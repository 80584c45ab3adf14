//! What `Metadata` tells of topics, for those who ask for a few by their names.

use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::metadata_response::MetadataResponseTopic;
use kafka_protocol::messages::{MetadataRequest, TopicName};
use kafka_protocol::protocol::StrBytes;
use tokio::time::Instant;

use crate::kafka::requests::ApiVersions;
use crate::kafka::{Connection, WireError};

/// `Metadata` of these topics, without making them. Needs `DESCRIBE` on them.
pub(super) async fn topics(
    connection: &mut Connection,
    versions: &ApiVersions,
    names: impl IntoIterator<Item = &str>,
    deadline: Instant,
) -> Result<Vec<MetadataResponseTopic>, WireError> {
    let version = versions.pick_for::<MetadataRequest>(4, 12)?;
    let asked =
        names.into_iter().map(|name| MetadataRequestTopic::default().with_name(Some(topic_name(name))));
    let request =
        MetadataRequest::default().with_topics(Some(asked.collect())).with_allow_auto_topic_creation(false);
    Ok(connection.call(version, &request, deadline).await?.message.topics)
}

/// A topic's name, as requests have it.
pub(super) fn topic_name(name: &str) -> TopicName {
    TopicName(StrBytes::from_string(name.to_owned()))
}
