//! Fuzz.
pub mod init;
