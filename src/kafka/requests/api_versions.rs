//! What a broker can do, and how far its image of the cluster has got.

use bytes::Bytes;
use kafka_protocol::messages::{ApiVersionsRequest, ApiVersionsResponse};
use kafka_protocol::protocol::StrBytes;
use tokio::time::Instant;

use crate::kafka::call::{answer_body, decode_answer};
use crate::kafka::{Call, Connection, WireError, codes};

/// Present on `KRaft` nodes only.
const DESCRIBE_QUORUM: i16 = 55;
/// `LeaderAndIsr`, `UpdateMetadata`: between the brokers of a `ZooKeeper` cluster only. (`ControlledShutdown`, 7, is no
/// sign: a `KRaft` controller of 3.9 has it too.)
const ZOOKEEPER_ONLY: [i16; 2] = [4, 6];
/// `Metadata`: brokers have it, and the listeners of `KRaft` controllers do not.
const METADATA: i16 = 3;
/// `MetadataVersion.FEATURE_NAME`.
const METADATA_VERSION: &str = "metadata.version";
/// The first version with the features epoch.
const VERSION: i16 = 3;

/// The versions of one request that somebody speaks, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VersionRange {
    /// The lowest.
    pub min: i16,
    /// The highest.
    pub max: i16,
}

/// What listens, by the requests that it knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// Neither of these.
    #[default]
    Unknown,
    /// A broker in `KRaft` mode, which may be a controller too.
    KraftBroker,
    /// A listener for controllers.
    KraftController,
    /// A broker in `ZooKeeper` mode.
    ZooKeeper,
}

/// What a broker or controller said about itself (`ApiVersionsResponse`, KIP-35, KIP-584).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ApiVersions {
    keys: Vec<(i16, VersionRange)>,
    /// `FinalizedFeaturesEpoch`: on a `KRaft` broker the offset of the last metadata record in its image. `None`
    /// when the node names none. In `ZooKeeper` mode a znode version, of no use as an offset.
    pub applied: Option<i64>,
    /// What listens there.
    pub kind: Kind,
    /// The level of the feature `metadata.version` that the cluster has agreed on (KIP-584, KIP-778).
    pub metadata_version: Option<i16>,
    /// The node is a controller set up for a migration from `ZooKeeper` (KIP-866).
    pub zk_migration_ready: bool,
}

impl ApiVersions {
    /// The versions that the node has of the request with this key.
    pub fn range(&self, key: i16) -> Option<VersionRange> {
        self.keys.iter().find(|(known, _)| *known == key).map(|(_, range)| *range)
    }

    /// The highest version of a request that the node has too and that lies in `ours`.
    pub fn pick(&self, api: &'static str, key: i16, ours: VersionRange) -> Result<i16, WireError> {
        let theirs = self.range(key).ok_or(WireError::Unsupported { api })?;
        let version = ours.max.min(theirs.max);
        if version < ours.min || version < theirs.min {
            return Err(WireError::Unsupported { api });
        }
        Ok(version)
    }

    pub(super) fn pick_for<Req: Call>(&self, min: i16, max: i16) -> Result<i16, WireError> {
        self.pick(Req::NAME, Req::KEY, VersionRange { min, max })
    }
}

/// `ApiVersions`: needs no authorization, and answers before SASL.
///
/// Asked in v3; a node that does not have it says so in v0's form, and is asked again in v0.
pub async fn api_versions(connection: &mut Connection, deadline: Instant) -> Result<ApiVersions, WireError> {
    let request = ApiVersionsRequest::default()
        .with_client_software_name(StrBytes::from_static_str(env!("CARGO_PKG_NAME")))
        .with_client_software_version(StrBytes::from_static_str(env!("CARGO_PKG_VERSION")));
    let frame = connection.exchange::<ApiVersionsRequest>(VERSION, &request, deadline).await?;
    let decoded = if error_code(&frame)? == codes::UNSUPPORTED_VERSION {
        connection.call(0, &ApiVersionsRequest::default(), deadline).await?.message
    } else {
        decode_answer::<ApiVersionsRequest>(&frame, VERSION).inspect_err(|_| connection.poison())?
    };
    if decoded.error_code != codes::NONE {
        return Err(WireError::Answered { api: ApiVersionsRequest::NAME, code: decoded.error_code });
    }
    Ok(summary(&decoded))
}

/// The error code, which comes first in every version.
fn error_code(frame: &Bytes) -> Result<i16, WireError> {
    let body = answer_body::<ApiVersionsRequest>(frame, VERSION)?;
    let code = body.first_chunk().ok_or(WireError::Malformed { what: "an empty answer" })?;
    Ok(i16::from_be_bytes(*code))
}

fn summary(answer: &ApiVersionsResponse) -> ApiVersions {
    let keys: Vec<_> = answer
        .api_keys
        .iter()
        .map(|api| (api.api_key, VersionRange { min: api.min_version, max: api.max_version }))
        .collect();
    let has = |key: i16| keys.iter().any(|(known, _)| *known == key);
    let epoch = answer.finalized_features_epoch;
    ApiVersions {
        applied: (epoch >= 0).then_some(epoch),
        kind: match (ZOOKEEPER_ONLY.into_iter().any(has), has(DESCRIBE_QUORUM), has(METADATA)) {
            (true, _, _) => Kind::ZooKeeper,
            (false, true, true) => Kind::KraftBroker,
            (false, true, false) => Kind::KraftController,
            (false, false, _) => Kind::Unknown,
        },
        metadata_version: answer
            .finalized_features
            .iter()
            .find(|feature| feature.name.as_str() == METADATA_VERSION)
            .map(|feature| feature.max_version_level),
        zk_migration_ready: answer.zk_migration_ready,
        keys,
    }
}
