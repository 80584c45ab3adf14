//! pillion.
pub mod config;
pub mod files;
pub mod init;
pub mod problem;
pub mod properties;
pub mod storage;

/// The commands.
pub mod cli {
    pub mod init;
}
