//! A stand-in for the image `apache/kafka`, with the real Kafka in it.
//!
//! As in the original: the layout below /opt/kafka, Java at /opt/java/openjdk, `appuser` (1000), the command lines of
//! `kafka-server-start.sh`, `kafka-storage.sh` and `kafka-run-class.sh` and the variables that they heed, a log of
//! garbage collection below /opt/kafka/logs (which must be writable, therefore), bash, and busybox for the rest.
//!
//! Not as in the original: glibc, bash and Java are this machine's; the log goes to standard output only
//! (config/log4j2.properties rather than log4j2.yaml); there is no entry point that makes a configuration out of
//! variables (/etc/kafka/docker/run), and no other tool, because their classes are not among the broker's jars.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use bed::{Kafka, NEWEST};

use super::archive::{self, Config, digest};
use super::layer::{Layer, TEXT};
use super::system::{self, OWN};

const SCRIPTS: [(&str, &str); 3] = [
    ("kafka-run-class.sh", include_str!("kafka-run-class.sh")),
    ("kafka-server-start.sh", include_str!("kafka-server-start.sh")),
    ("kafka-storage.sh", include_str!("kafka-storage.sh")),
];

/// Its name.
pub fn tag() -> String {
    format!("docker.io/apache/kafka:{NEWEST}")
}

/// Its archive, made when it is not there.
pub(super) fn make(dir: &Path) -> Result<PathBuf> {
    let kafka = Kafka::fetch(NEWEST)?;
    let path = dir.join(format!("kafka-{NEWEST}-{}.tar", &key(&kafka)?[..16]));
    if path.exists() {
        return Ok(path);
    }
    eprintln!("making the image {} out of Kafka's jars and this machine's Java ...", tag());
    let mut layer = Layer::default();
    system::put(&mut layer, dir, "appuser")?;
    kafka_files(&mut layer, &kafka)?;
    let config = Config {
        cmd: vec![
            "/opt/kafka/bin/kafka-server-start.sh".to_owned(),
            "/opt/kafka/config/server.properties".to_owned(),
        ],
        env: system::variables(&[]),
        user: "appuser".to_owned(),
        working_dir: "/".to_owned(),
        ..Config::default()
    };
    archive::write(&path, &tag(), &config, layer)?;
    Ok(path)
}

/// What the image is made of, this code included.
fn key(kafka: &Kafka) -> Result<String> {
    let mut parts = vec![include_str!("mod.rs").to_owned(), system::key()?];
    parts.extend(SCRIPTS.map(|(_, text)| text.to_owned()));
    for entry in fs::read_dir(kafka.libs())? {
        let entry = entry?;
        parts.push(format!("{} {}", entry.file_name().display(), entry.metadata()?.len()));
    }
    parts.sort();
    Ok(digest(parts.join("\n").as_bytes()))
}

fn kafka_files(layer: &mut Layer, kafka: &Kafka) -> Result<()> {
    for dir in ["/opt/kafka", "/opt/kafka/bin", "/opt/kafka/config", "/opt/kafka/logs"] {
        layer.dir(dir, OWN)?;
    }
    layer.tree("/opt/kafka/libs", &kafka.libs())?;
    for (name, text) in SCRIPTS {
        layer.file(&format!("/opt/kafka/bin/{name}"), OWN, text.as_bytes())?;
    }
    layer.copy(
        "/opt/kafka/config/log4j2.properties",
        TEXT,
        &kafka.libs().with_file_name("log4j2.properties"),
    )?;
    for dir in
        ["/var/lib/kafka", "/var/lib/kafka/data", "/etc/kafka", "/etc/kafka/secrets", "/mnt/shared/config"]
    {
        layer.dir(dir, OWN)?;
    }
    Ok(())
}
