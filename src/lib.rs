//! pillion: the passenger in every Kafka broker pod.

pub mod clock;
pub mod kafka;
