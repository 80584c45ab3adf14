//! The Kafka protocol by hand: one connection to one given node. A client library would choose for itself
//! whom to ask.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::add_raft_voter_request::Listener;
use kafka_protocol::messages::describe_quorum_request::{PartitionData, TopicData};
use kafka_protocol::messages::{
    AddRaftVoterRequest, ApiVersionsRequest, ApiVersionsResponse, DescribeQuorumRequest,
    RemoveRaftVoterRequest, RequestHeader, ResponseHeader, TopicName,
};
use kafka_protocol::protocol::{
    Decodable, HeaderVersion, Request, StrBytes, encode_request_header_into_buffer,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// A change of the voters is committed by the old and the new ones: it takes a few fetches.
const CHANGE: Duration = Duration::from_secs(20);
/// No answer of a test cluster is larger.
const FRAME: usize = 256 << 20;
/// `UNSUPPORTED_VERSION`, answered in the form of version 0.
const UNSUPPORTED: i16 = 35;

/// A connection, with what the node said it supports.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    correlation: i32,
    ranges: HashMap<i16, (i16, i16)>,
    patience: Duration,
    /// The node's answer to `ApiVersions` when the connection was opened.
    pub versions: ApiVersionsResponse,
}

impl Connection {
    /// Connects and asks for the versions. `patience` bounds the connect and each later request.
    pub async fn open(addr: SocketAddr, patience: Duration) -> Result<Self> {
        let stream = timeout(patience, TcpStream::connect(addr))
            .await
            .with_context(|| format!("{addr}: connect timed out"))?
            .with_context(|| format!("{addr}: connect failed"))?;
        stream.set_nodelay(true)?;
        let versions = ApiVersionsResponse::default();
        let mut new = Self { stream, correlation: 0, ranges: HashMap::new(), patience, versions };
        new.versions = new.api_versions().await.with_context(|| format!("{addr}: no versions"))?;
        new.ranges =
            new.versions.api_keys.iter().map(|k| (k.api_key, (k.min_version, k.max_version))).collect();
        Ok(new)
    }

    /// Asks for the versions (and the epoch of the finalized features) anew.
    pub async fn api_versions(&mut self) -> Result<ApiVersionsResponse> {
        let name = || StrBytes::from_static_str("bed");
        let request = ApiVersionsRequest::default()
            .with_client_software_name(name())
            .with_client_software_version(StrBytes::from_static_str("1"));
        let mut body = self.exchange(&request, 3).await?;
        if body.starts_with(&UNSUPPORTED.to_be_bytes()) {
            body = self.exchange(&ApiVersionsRequest::default(), 0).await?;
            return ApiVersionsResponse::decode(&mut body, 0);
        }
        ApiVersionsResponse::decode(&mut body, 3)
    }

    /// The highest version of `R` that both sides speak.
    pub fn version_of<R: Request>(&self) -> Result<i16> {
        let Some(&(min, max)) = self.ranges.get(&R::KEY) else {
            bail!("request {} is not supported", R::KEY)
        };
        let version = max.min(R::VERSIONS.max);
        ensure!(version >= min.max(R::VERSIONS.min), "no common version of request {}", R::KEY);
        Ok(version)
    }

    /// Sends a request at the highest common version and returns its answer.
    pub async fn call<R: Request>(&mut self, request: &R) -> Result<R::Response> {
        let version = self.version_of::<R>()?;
        let mut body = self.exchange(request, version).await?;
        R::Response::decode(&mut body, version)
    }

    async fn exchange<R: Request>(&mut self, request: &R, version: i16) -> Result<Bytes> {
        self.correlation += 1;
        let header = RequestHeader::default()
            .with_request_api_key(R::KEY)
            .with_request_api_version(version)
            .with_correlation_id(self.correlation)
            .with_client_id(Some(StrBytes::from_static_str("bed")));
        let mut frame = BytesMut::zeroed(4);
        encode_request_header_into_buffer(&mut frame, &header)?;
        request.encode(&mut frame, version)?;
        let length = u32::try_from(frame.len() - 4)?;
        frame[..4].copy_from_slice(&length.to_be_bytes());
        let mut answer = timeout(self.patience, self.round_trip(&frame))
            .await
            .with_context(|| format!("request {} timed out", R::KEY))??;
        let header = ResponseHeader::decode(&mut answer, R::Response::header_version(version))?;
        ensure!(header.correlation_id == self.correlation, "an answer to another request");
        Ok(answer)
    }

    async fn round_trip(&mut self, frame: &[u8]) -> Result<Bytes> {
        self.stream.write_all(frame).await?;
        let length = usize::try_from(self.stream.read_u32().await?)?;
        ensure!(length <= FRAME, "an answer of {length} bytes");
        let mut answer = vec![0; length];
        self.stream.read_exact(&mut answer).await?;
        Ok(answer.into())
    }
}

/// A member of the metadata quorum, or an observer of it. Times are the leader's wall clock, in
/// milliseconds; -1 is unknown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The node.
    pub id: i32,
    /// The end of its log.
    pub log_end: i64,
    /// When it last fetched.
    pub last_fetch: i64,
    /// When it was last known to have everything; on the leader's own entry, the leader's now.
    pub last_caught_up: i64,
}

/// What `DescribeQuorum` says.
#[derive(Debug, Clone)]
pub struct Quorum {
    /// The active controller, or -1.
    pub leader: i32,
    /// Its epoch.
    pub epoch: i32,
    /// The committed end of the metadata log.
    pub high_watermark: i64,
    /// The voters.
    pub voters: Vec<Member>,
    /// Who else follows: dedicated brokers.
    pub observers: Vec<Member>,
    /// The version of the request that was used.
    pub request_version: i16,
}

/// Asks one node: a broker (which forwards) or a controller's own listener (which answers if it leads).
pub async fn describe_quorum(addr: SocketAddr, patience: Duration) -> Result<Quorum> {
    let mut connection = Connection::open(addr, patience).await?;
    let name = TopicName(StrBytes::from_static_str("__cluster_metadata"));
    let topic = TopicData::default().with_topic_name(name).with_partitions(vec![PartitionData::default()]);
    let request = DescribeQuorumRequest::default().with_topics(vec![topic]);
    let request_version = connection.version_of::<DescribeQuorumRequest>()?;
    let answer = connection.call(&request).await?;
    ensure!(answer.error_code == 0, "DescribeQuorum: error {}", answer.error_code);
    let partition = answer.topics.into_iter().flat_map(|t| t.partitions).next().context("no partition")?;
    ensure!(partition.error_code == 0, "DescribeQuorum: partition error {}", partition.error_code);
    let member = |m: &kafka_protocol::messages::describe_quorum_response::ReplicaState| Member {
        id: *m.replica_id,
        log_end: m.log_end_offset,
        last_fetch: m.last_fetch_timestamp,
        last_caught_up: m.last_caught_up_timestamp,
    };
    Ok(Quorum {
        leader: *partition.leader_id,
        epoch: partition.leader_epoch,
        high_watermark: partition.high_watermark,
        voters: partition.current_voters.iter().map(member).collect(),
        observers: partition.observers.iter().map(member).collect(),
        request_version,
    })
}

/// Asks the leader of a dynamic quorum to make this node a voter (`AddRaftVoter`, KIP-853).
pub async fn add_voter(
    leader: SocketAddr,
    cluster: &str,
    id: i32,
    directory: String,
    listens: SocketAddr,
) -> Result<()> {
    let host = StrBytes::from_string(listens.ip().to_string());
    let name = StrBytes::from_static_str("CONTROLLER");
    let listener = Listener::default().with_name(name).with_host(host).with_port(listens.port());
    let request = AddRaftVoterRequest::default()
        .with_cluster_id(Some(StrBytes::from_string(cluster.to_owned())))
        .with_timeout_ms(i32::try_from(CHANGE.as_millis())?)
        .with_voter_id(id)
        .with_voter_directory_id(uuid(&directory)?)
        .with_listeners(vec![listener]);
    let answer = Connection::open(leader, CHANGE).await?.call(&request).await?;
    ensure!(answer.error_code == 0, "AddRaftVoter: error {}, {:?}", answer.error_code, answer.error_message);
    Ok(())
}

/// Asks the leader of a dynamic quorum to take this voter out (`RemoveRaftVoter`, KIP-853).
pub async fn remove_voter(leader: SocketAddr, cluster: &str, id: i32, directory: String) -> Result<()> {
    let request = RemoveRaftVoterRequest::default()
        .with_cluster_id(Some(StrBytes::from_string(cluster.to_owned())))
        .with_voter_id(id)
        .with_voter_directory_id(uuid(&directory)?);
    let answer = Connection::open(leader, CHANGE).await?.call(&request).await?;
    ensure!(
        answer.error_code == 0,
        "RemoveRaftVoter: error {}, {:?}",
        answer.error_code,
        answer.error_message
    );
    Ok(())
}

/// Kafka writes the 16 bytes of an id as URL-safe base64.
fn uuid(text: &str) -> Result<uuid::Uuid> {
    let bytes = URL_SAFE_NO_PAD.decode(text).with_context(|| format!("{text:?} is no id"))?;
    Ok(uuid::Uuid::from_slice(&bytes)?)
}
