//! An image as `docker save` writes it: a configuration, its layers, and a manifest, in one tar.

use std::collections::BTreeMap;
use std::fmt::Write;
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
    let mut hex = String::new();
    for byte in Sha256::digest(content) {
        // Writing to a string does not fail.
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fs;
    use std::io::Read;

    use serde_json::Value;

    use super::super::layer::{Layer, Owned, PROGRAM};
    use super::{Config, digest, write};

    /// Entries by name: content, owner, mode.
    fn entries(tar: &[u8]) -> BTreeMap<String, (Vec<u8>, u64, u32)> {
        let mut archive = tar::Archive::new(tar);
        let read = |mut entry: tar::Entry<'_, &[u8]>| {
            let mut content = Vec::new();
            entry.read_to_end(&mut content).unwrap();
            let header = entry.header();
            assert_eq!(header.mtime().unwrap(), 0, "the same content is the same image");
            let (owner, mode) = (header.uid().unwrap(), header.mode().unwrap());
            (entry.path().unwrap().display().to_string(), (content, owner, mode))
        };
        archive.entries().unwrap().map(|entry| read(entry.unwrap())).collect()
    }

    fn layer() -> Layer {
        let mut layer = Layer::default();
        layer.dir("/data", Owned { id: 1000, mode: 0o750 }).unwrap();
        layer.file("/bin/program", PROGRAM, b"runs").unwrap();
        layer.link("/bin/other", "program").unwrap();
        layer
    }

    #[test]
    fn an_image_names_its_parts_by_what_is_in_them() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("image.tar");
        let config = Config {
            user: "1000:1000".to_owned(),
            entrypoint: vec!["/bin/program".into()],
            ..Config::default()
        };
        write(&path, "some/image:1", &config, layer()).unwrap();
        let archive = fs::read(&path).unwrap();
        let parts = entries(&archive);
        let json = |name: &str| serde_json::from_slice::<Value>(&parts[name].0).unwrap();

        let manifest = json("manifest.json");
        assert_eq!(manifest[0]["RepoTags"][0], "some/image:1");
        let name = manifest[0]["Config"].as_str().unwrap();
        assert_eq!(name, format!("{}.json", digest(&parts[name].0)));
        let config = json(name);
        assert_eq!(config["config"]["User"], "1000:1000");
        assert_eq!(config["config"]["Entrypoint"][0], "/bin/program");
        let content = &parts[manifest[0]["Layers"][0].as_str().unwrap()].0;
        assert_eq!(config["rootfs"]["diff_ids"][0], format!("sha256:{}", digest(content)));

        let files = entries(content);
        assert_eq!(files["bin/program"], (b"runs".to_vec(), 0, 0o755));
        assert_eq!((files["data"].1, files["data"].2), (1000, 0o750));
        assert!(files.contains_key("bin/other"));

        write(&path, "some/image:1", &Config { user: "1000:1000".into(), ..Config::default() }, layer())
            .unwrap();
        assert_eq!(entries(&fs::read(&path).unwrap())["layer.tar"], parts["layer.tar"], "twice the same");
    }

    #[test]
    fn a_digest_is_that_of_everybody_else() {
        assert_eq!(digest(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
