//! pillion: the passenger in every Kafka broker pod.

pub mod board;
pub mod certs;
pub mod cli;
pub mod clock;
pub mod config;
pub mod files;
pub mod http;
pub mod https;
pub mod init;
pub mod kafka;
pub mod kube;
pub mod ledger;
pub mod overrides;
pub mod problem;
pub mod properties;
pub mod resources;
pub mod sidecar;
pub mod stamp;
pub mod storage;
mod suggest;
pub mod zookeeper;
