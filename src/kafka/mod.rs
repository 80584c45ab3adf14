//! Kafka's wire protocol, as far as the verdict needs it.
//!
//! * [`Connection`]: one connection, one request outstanding, every answer capped and checked.
//! * [`Security`]: TLS and SASL around it; [`handshake`] looks which certificate a listener serves, and [`dial`] opens
//!   nothing but the stream.
//! * [`requests`]: the small requests, each answered by a plain struct.
//! * [`alive`]: which brokers give no sign of life.
//! * [`current`]: the proof that a broker's image of the cluster is current.
//! * [`scan`]: the pass over all partitions of the cluster, decoded off the socket in constant memory.
//!
//! Nothing a peer sends may make this code panic, allocate more than a small multiple of a frame's cap, or
//! wait beyond a deadline.

pub mod alive;
mod call;
mod connection;
pub mod current;
mod error;
mod frame;
mod guard;
mod handshake;
mod layouts;
mod pending;
pub mod requests;
pub mod scan;
mod security;
mod session;
mod stream;

pub use call::{Answer, Call, decode_answer};
pub use connection::{Address, Connection, DEFAULT_CAP};
pub use error::WireError;
pub use frame::frame_length;
pub use guard::{Field, Layout, Shape};
pub use handshake::{Served, handshake};
pub use pending::PendingCall;
pub use security::{Login, Mechanism, Sasl, Security, Tls, TlsFault, TlsFiles};
pub use session::dial;

/// Kafka's error codes that are told apart here (`org.apache.kafka.common.protocol.Errors`).
pub mod codes {
    /// No error.
    pub const NONE: i16 = 0;
    /// The topic or partition is not there (any more).
    pub const UNKNOWN_TOPIC_OR_PARTITION: i16 = 3;
    /// The node asked does not lead: what a controller says of the metadata quorum.
    pub const NOT_LEADER_OR_FOLLOWER: i16 = 6;
    /// A request could not be done in its time: the record is not committed yet.
    pub const REQUEST_TIMED_OUT: i16 = 7;
    /// The coordinator of groups still reads what it took over.
    pub const COORDINATOR_LOAD_IN_PROGRESS: i16 = 14;
    /// There is no coordinator to be asked now.
    pub const COORDINATOR_NOT_AVAILABLE: i16 = 15;
    /// The node asked does not coordinate this group (any more).
    pub const NOT_COORDINATOR: i16 = 16;
    /// Fewer replicas are in sync than the topic needs; nothing was written.
    pub const NOT_ENOUGH_REPLICAS: i16 = 19;
    /// The same, and the record was written, and may be committed yet.
    pub const NOT_ENOUGH_REPLICAS_AFTER_APPEND: i16 = 20;
    /// Describing the topic was refused.
    pub const TOPIC_AUTHORIZATION_FAILED: i16 = 29;
    /// Describing the group was refused.
    pub const GROUP_AUTHORIZATION_FAILED: i16 = 30;
    /// A request about the cluster was refused.
    pub const CLUSTER_AUTHORIZATION_FAILED: i16 = 31;
    /// The listener does not speak the SASL mechanism.
    pub const UNSUPPORTED_SASL_MECHANISM: i16 = 33;
    /// The listener wants no SASL, or not now.
    pub const ILLEGAL_SASL_STATE: i16 = 34;
    /// Somebody else has made the topic.
    pub const TOPIC_ALREADY_EXISTS: i16 = 36;
    /// The broker does not speak the version that the request was sent in.
    pub const UNSUPPORTED_VERSION: i16 = 35;
    /// The leader has no listener of the name by which it was asked for.
    pub const LISTENER_NOT_FOUND: i16 = 72;
    /// There is no such group (any more).
    pub const GROUP_ID_NOT_FOUND: i16 = 69;
    /// No broker of this id is registered.
    pub const BROKER_ID_NOT_REGISTERED: i16 = 102;
    /// The broker has no authorizer.
    pub const SECURITY_DISABLED: i16 = 54;
}
