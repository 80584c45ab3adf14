//! pillion.
pub mod config;
pub mod files;
pub mod problem;
pub mod properties;
pub mod storage;
