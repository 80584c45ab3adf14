//! An image as `docker save` writes it: a configuration, its layers, and a manifest, in one tar.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Serialize;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::layer::{Layer, TEXT};

/// How an image's containers run, as in the `config` of an image.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Config {
    /// The program and its first arguments.
    pub entrypoint: Vec<String>,
    /// The arguments after them, unless the container has its own.
    pub cmd: Vec<String>,
    /// Environment, as `NAME=value`.
    pub env: Vec<String>,
    /// The user, as `uid:gid`.
    pub user: String,
    /// Where it runs.
    pub working_dir: String,
    /// Labels.
    pub labels: BTreeMap<String, String>,
}

/// Writes an image of one layer to `path`, at once or not at all.
pub fn write(path: &Path, tag: &str, config: &Config, layer: Layer) -> Result<()> {
    let layer = layer.finish()?;
    let config = serde_json::to_vec(&json!({
        "architecture": if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" },
        "os": "linux",
        "config": config,
        "rootfs": {"type": "layers", "diff_ids": [format!("sha256:{}", digest(&layer))]},
    }))?;
    let name = format!("{}.json", digest(&config));
    let manifest = json!([{"Config": name, "RepoTags": [tag], "Layers": ["layer.tar"]}]);
    let mut archive = Layer::default();
    archive.file(&name, TEXT, &config)?;
    archive.file("layer.tar", TEXT, &layer)?;
    archive.file("manifest.json", TEXT, &serde_json::to_vec(&manifest)?)?;
    let aside = path.with_extension(format!("{}.aside", std::process::id()));
    fs::write(&aside, archive.finish()?).with_context(|| format!("failed to write {}", aside.display()))?;
    fs::rename(&aside, path).with_context(|| format!("failed to write {}", path.display()))
}

/// The SHA-256 of this content, in hex.
pub fn digest(content: &[u8]) -> String {
    Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect()
}
