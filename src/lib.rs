//! pillion.
pub mod files;
pub mod problem;
pub mod properties;
