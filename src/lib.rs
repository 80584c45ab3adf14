//! pillion: the passenger in every Kafka broker pod.

pub mod board;
pub mod cli;
pub mod clock;
pub mod files;
pub mod http;
pub mod overrides;
pub mod problem;
pub mod properties;
pub mod stamp;
