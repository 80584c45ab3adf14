//! Images, written by ourselves: there is no registry to pull them from, and no daemon to build them with.

pub mod archive;
pub mod dockerfile;
mod java;
pub mod kafka;
pub mod layer;
mod pause;
pub mod pillion;
mod system;
pub mod zookeeper;

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::places;

pub use pause::PAUSE;

/// Makes those that are not in the cache yet.
pub fn make() -> Result<()> {
    all().map(drop)
}

/// The archives of all images, made when they are not there.
pub fn all() -> Result<Vec<PathBuf>> {
    let dir = places::cache().join("images");
    fs::create_dir_all(&dir).with_context(|| format!("failed to create {}", dir.display()))?;
    Ok(vec![pause::make(&dir)?, pillion::make(&dir)?, kafka::make(&dir)?, zookeeper::make(&dir)?])
}
