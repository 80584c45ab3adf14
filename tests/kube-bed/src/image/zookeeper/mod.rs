//! A stand-in for the image `zookeeper`, with the real server in it.
//!
//! As in the original: user 1000, the entry point that writes `ZOO_MY_ID` into an empty volume, `zkServer.sh
//! start-foreground` and the variables that both heed, /conf, /data, /datalog and /logs.
//!
//! Not as in the original: what is not as in Kafka's (see there); the server's jars are those that Kafka brings, without
//! the `AdminServer`'s; nothing makes a zoo.cfg out of variables; the log goes to standard output, by log4j.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use bed::{Kafka, V3_9};

use super::archive::{self, Config, digest};
use super::layer::{Layer, TEXT};
use super::system::{self, OWN};

/// The jar that says which release it is.
const SERVER: &str = "zookeeper-";
/// The other jars that the server needs, as their names begin.
const OTHERS: [&str; 10] = [
    "audience-annotations",
    "commons-cli",
    "commons-io",
    "metrics-core",
    "netty-",
    "reload4j",
    "slf4j-api",
    "slf4j-reload4j",
    "snappy-java",
    "zookeeper-jute",
];
const ENTRY_POINT: &str = include_str!("docker-entrypoint.sh");
const START: &str = include_str!("zkServer.sh");

/// Its archive, made when it is not there.
pub(super) fn make(dir: &Path) -> Result<PathBuf> {
    let kafka = Kafka::fetch(V3_9)?;
    let jars = jars(&kafka)?;
    let parts = [include_str!("mod.rs"), &system::key()?, ENTRY_POINT, START, &jars.join(" ")].concat();
    let version = jars.iter().find_map(|jar| version(jar)).context("no ZooKeeper among Kafka's jars")?;
    let path = dir.join(format!("zookeeper-{version}-{}.tar", &digest(parts.as_bytes())[..16]));
    if path.exists() {
        return Ok(path);
    }
    let tag = format!("docker.io/library/zookeeper:{version}");
    eprintln!("making the image {tag} out of jars that Kafka brings and this machine's Java ...");
    let mut layer = Layer::default();
    system::put(&mut layer, dir, "zookeeper")?;
    for dir in ["/conf", "/data", "/datalog", "/logs", "/apache-zookeeper", "/apache-zookeeper/lib"] {
        layer.dir(dir, OWN)?;
    }
    for jar in &jars {
        layer.copy(&format!("/apache-zookeeper/lib/{jar}"), TEXT, &kafka.libs().join(jar))?;
    }
    layer.copy("/conf/log4j.properties", TEXT, &kafka.libs().with_file_name("log4j.properties"))?;
    layer.dir("/apache-zookeeper/bin", OWN)?;
    layer.file("/apache-zookeeper/bin/zkServer.sh", OWN, START.as_bytes())?;
    layer.file("/docker-entrypoint.sh", OWN, ENTRY_POINT.as_bytes())?;
    let mut env = system::variables(&["/apache-zookeeper/bin"]);
    env.extend(
        ["ZOO_CONF_DIR=/conf", "ZOO_DATA_DIR=/data", "ZOO_DATA_LOG_DIR=/datalog", "ZOO_LOG_DIR=/logs"]
            .map(str::to_owned),
    );
    let config = Config {
        entrypoint: vec!["/docker-entrypoint.sh".to_owned()],
        cmd: vec!["zkServer.sh".to_owned(), "start-foreground".to_owned()],
        env,
        working_dir: "/apache-zookeeper".to_owned(),
        ..Config::default()
    };
    archive::write(&path, &tag, &config, layer)?;
    Ok(path)
}

/// Names of the jars, in order.
fn jars(kafka: &Kafka) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(kafka.libs())? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if version(&name).is_some() || OTHERS.iter().any(|other| name.starts_with(other)) {
            found.push(name);
        }
    }
    found.sort();
    Ok(found)
}

/// The release, where it is the jar of the server itself.
fn version(jar: &str) -> Option<&str> {
    let version = jar.strip_prefix(SERVER)?.strip_suffix(".jar")?;
    version.starts_with(|first: char| first.is_ascii_digit()).then_some(version)
}
