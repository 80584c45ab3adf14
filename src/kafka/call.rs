//! One kind of request: how it is encoded, and how its answer is checked and decoded.

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::RequestHeader;
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, Message, StrBytes};

use crate::kafka::WireError;
use crate::kafka::guard::Layout;

/// A request whose answer is decoded whole, after it was checked against [`Call::LAYOUT`].
///
/// (`kafka_protocol::protocol::Request` would drag in the broker's half of the protocol, and has no schema to
/// check counts by.)
pub trait Call: Message + Encodable + HeaderVersion {
    /// Kafka's name of the request, for people.
    const NAME: &'static str;
    /// Kafka's number of the request.
    const KEY: i16;
    /// The answer.
    type Response: Decodable + HeaderVersion;
    /// The schema of the answer.
    const LAYOUT: Layout;
}

/// An answer, and what it cost.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer<T> {
    /// The decoded message.
    pub message: T,
    /// Bytes of the frame behind its length.
    pub bytes: u64,
}

/// Encodes one request frame, its length in front.
pub(super) fn encode_request<Req: Message + Encodable + HeaderVersion>(
    api: &'static str,
    key: i16,
    version: i16,
    correlation: i32,
    client_id: &StrBytes,
    request: &Req,
) -> Result<Bytes, WireError> {
    let unsupported = || WireError::Unsupported { api };
    if version < Req::VERSIONS.min || version > Req::VERSIONS.max {
        return Err(unsupported());
    }
    let header = RequestHeader::default()
        .with_request_api_key(key)
        .with_request_api_version(version)
        .with_correlation_id(correlation)
        .with_client_id(Some(client_id.clone()));
    let mut frame = BytesMut::zeroed(4);
    header.encode(&mut frame, Req::header_version(version)).map_err(|_| unsupported())?;
    request.encode(&mut frame, version).map_err(|_| unsupported())?;
    let len = u32::try_from(frame.len() - 4).map_err(|_| unsupported())?;
    frame[..4].copy_from_slice(&len.to_be_bytes());
    Ok(frame.freeze())
}

/// Checks and decodes an answer from `frame`, the bytes behind the correlation id.
pub fn decode_answer<Req: Call>(frame: &Bytes, version: i16) -> Result<Req::Response, WireError> {
    let body = answer_body::<Req>(frame, version)?;
    Req::LAYOUT.check(&body, version)?;
    Req::Response::decode(&mut { body }, version)
        .map_err(|_| WireError::Malformed { what: "a value its field does not allow" })
}

/// The message within `frame`, behind the rest of the response header.
pub(super) fn answer_body<Req: Call>(frame: &Bytes, version: i16) -> Result<Bytes, WireError> {
    if Req::Response::header_version(version) == 0 {
        return Ok(frame.clone());
    }
    let rest = Layout::skip_header_tags(frame)?.len();
    Ok(frame.slice(frame.len() - rest..))
}
