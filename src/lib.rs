//! pillion.

pub mod kafka;
