//! A node to prepare in a directory of its own.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "shared by several tests, which stop where a step fails"
)]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

pub const CLUSTER: &str = "5L6g3nShT-eMCtK--X86sw";

pub struct Node {
    root: tempfile::TempDir,
}

impl Node {
    /// A broker with two log directories and a metadata directory of its own, none of which exists.
    pub fn broker() -> Self {
        let node = Self { root: tempfile::tempdir().unwrap() };
        node.config(&format!(
            "cluster: {{ name: demo, id: {CLUSTER} }}\n\
             broker:\n  mode: kraft-broker\n  idBase: 1001\n  idRange: \"1001-1006\"\n  ordinal: 1\n  zone: {{ value: zone-b }}\n\
             kafka:\n  version: \"4.3.1\"\n  home: ROOT/kafka\n  properties:\n    \
             listeners: PLAINTEXT://0.0.0.0:9092\n    advertised.listeners: PLAINTEXT://kafka-1:9092\n    \
             controller.quorum.voters: 1@c1:9093,2@c2:9093\n    num.io.threads: 4\n\
             storage:\n  logDirs: [ROOT/data/0, ROOT/data/1]\n  metadataLogDir: ROOT/meta\n\
             runDir: ROOT/run\n"
        ));
        node
    }

    /// A controller of a static quorum.
    pub fn controller() -> Self {
        let node = Self { root: tempfile::tempdir().unwrap() };
        node.config(&format!(
            "cluster: {{ name: demo, id: {CLUSTER} }}\n\
             broker: {{ mode: kraft-controller, idBase: 1, ordinal: 0 }}\n\
             kafka:\n  version: \"4.3.1\"\n  home: ROOT/kafka\n  properties:\n    \
             listeners: CONTROLLER://0.0.0.0:9093\n    controller.quorum.voters: 1@c1:9093,2@c2:9093\n\
             storage:\n  logDirs: [ROOT/data/0, ROOT/data/1]\n\
             runDir: ROOT/run\n"
        ));
        node
    }

    /// A broker in `ZooKeeper` mode with two log directories.
    pub fn zookeeper() -> Self {
        let node = Self { root: tempfile::tempdir().unwrap() };
        node.config(&format!(
            "cluster: {{ name: demo, id: {CLUSTER} }}\n\
             broker: {{ mode: zookeeper, idBase: 1001, ordinal: 1, zone: {{ value: zone-b }} }}\n\
             kafka:\n  version: \"3.9.2\"\n  properties:\n    \
             listeners: PLAINTEXT://0.0.0.0:9092\n    advertised.listeners: PLAINTEXT://kafka-1:9092\n    \
             zookeeper.connect: zk-0:2181,zk-1:2181/kafka\n\
             storage:\n  logDirs: [ROOT/data/0, ROOT/data/1]\n\
             runDir: ROOT/run\n"
        ));
        node
    }

    pub fn at(&self, path: &str) -> PathBuf {
        self.root.path().join(path)
    }

    /// Replaces the config file; `ROOT` stands for the node's own directory.
    pub fn config(&self, text: &str) {
        fs::write(self.at("pillion.yaml"), text.replace("ROOT", self.root.path().to_str().unwrap())).unwrap();
    }

    pub fn edit(&self, from: &str, to: &str) {
        let text = fs::read_to_string(self.at("pillion.yaml")).unwrap();
        assert!(text.contains(from), "{from}");
        fs::write(self.at("pillion.yaml"), text.replace(from, to)).unwrap();
    }

    pub fn init(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pillion"));
        command.arg("init").arg("-c").arg(self.at("pillion.yaml")).args(args);
        command
    }

    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.at(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
    }

    pub fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.at(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Every file below the node's directory but its config, with its content: what was written.
    pub fn files(&self) -> Vec<(String, Vec<u8>)> {
        let mut found = Vec::new();
        collect(self.root.path(), self.root.path(), &mut found);
        found.retain(|(name, _)| name != "pillion.yaml");
        found.sort();
        found
    }

    /// Without what differs from run to run.
    pub fn settle(&self, text: &str) -> String {
        let mut text = text.replace(self.root.path().to_str().unwrap(), "/ROOT");
        for dir in ["data/0", "data/1", "meta"] {
            let meta = fs::read_to_string(self.at(dir).join("meta.properties")).unwrap_or_default();
            if let Some(id) = meta.lines().find_map(|line| line.strip_prefix("directory.id=")) {
                text = text.replace(id, &format!("<id of {dir}>"));
            }
        }
        // The digest is of settings that hold this node's own directory.
        if let Some((head, tail)) = text.split_once("\"settingsDigest\": \"") {
            text = format!("{head}\"settingsDigest\": \"<digest>{}", &tail[16..]);
        }
        text
    }
}

fn collect(root: &Path, dir: &Path, found: &mut Vec<(String, Vec<u8>)>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let name = path.strip_prefix(root).unwrap().display().to_string();
        if path.is_dir() {
            found.push((format!("{name}/"), Vec::new()));
            collect(root, &path, found);
        } else {
            found.push((name, fs::read(&path).unwrap_or_default()));
        }
    }
}

pub fn code(output: &Output) -> i32 {
    output.status.code().unwrap_or(-1)
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Refused with this message, exit code 64 and nothing written.
pub fn refused(node: &Node, args: &[&str], name: &str) {
    let before = node.files();
    let output = node.init(args);
    assert_eq!(code(&output), 64, "{name}: {}", stderr(&output));
    assert_eq!(node.files(), before, "{name}: something was written");
    golden(&format!("fails/{name}.txt"), &node.settle(&stderr(&output)));
}

/// Compares with a file below `tests/golden/init`; `PILLION_BLESS=1` writes it.
pub fn golden(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/init").join(name);
    if std::env::var_os("PILLION_BLESS").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
    }
    let there = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(text, there, "{name}: see the difference, then run with PILLION_BLESS=1");
}
