//! pillion: the passenger in every Kafka broker pod.

pub mod clock;
pub mod config;
pub mod files;
pub mod kafka;
pub mod problem;
pub mod properties;
pub mod storage;
