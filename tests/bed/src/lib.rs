//! Real Kafka for tests and the demo: fetched from Maven Central, started one network namespace per
//! node (as in pods), stopped, paused, killed and cut off at will, and asked, from elsewhere, what is true.
//!
//! Everything ends with the [`Cluster`]: processes, namespaces, links, directories.

pub mod admin;
pub mod catalogue;
pub mod cluster;
pub mod contenders;
pub mod fetch;
pub mod fleet;
pub mod isr;
pub mod load;
pub mod net;
pub mod openbao;
pub mod pace;
pub mod process;
pub mod prometheus;
pub mod reader;
pub mod records;
pub mod report;
pub mod scene;
pub mod score;
pub mod second;
pub mod slow;
pub mod tls;
pub mod topics;
pub mod truth;
pub mod wait;
pub mod watch;
pub mod wire;
pub mod zk;

pub use admin::{Acl, Hosted};
pub use cluster::{Builder, Cluster, Node};
pub use contenders::{Contender, Contenders};
pub use fetch::{Kafka, NEWEST, V2_8, V3_9, V4_1};
pub use fleet::Fleet;
pub use isr::IsrWatch;
pub use load::{Load, LoadReport};
pub use net::{Links, Net, Peer};
pub use openbao::OpenBao;
pub use prometheus::Prometheus;
pub use rdkafka::{self, ClientConfig};
pub use reader::{ReadReport, Reader};
pub use scene::Staged;
pub use score::{Score, detect, score};
pub use second::Second;
pub use slow::Slow;
pub use tls::{Tls, TlsClients};
pub use truth::{Truth, TruthWatch, View};
pub use wait::eventually;
pub use watch::Watch;
