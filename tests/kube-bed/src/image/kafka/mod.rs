//! A stand-in for the image `apache/kafka`, with the real Kafka in it.
//!
//! As in the original: the layout below /opt/kafka, Java at /opt/java/openjdk, `appuser` (1000), the command lines of
//! `kafka-server-start.sh`, `kafka-storage.sh` and `kafka-run-class.sh` and the variables that they heed, a log of
//! garbage collection below /opt/kafka/logs (which must be writable, therefore), bash, and busybox for the rest.
//!
//! Not as in the original: glibc, bash and Java are this machine's; the log goes to standard output only
//! (config/log4j2.properties rather than log4j2.yaml); there is no entry point that makes a configuration out of
//! variables (/etc/kafka/docker/run), and no other tool, because their classes are not among the broker's jars.

mod java;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use bed::{Kafka, NEWEST};

use super::archive::{self, Config, digest};
use super::layer::{Layer, Owned, PROGRAM, TEXT};
use crate::run;

const SCRIPTS: [(&str, &str); 3] = [
    ("kafka-run-class.sh", include_str!("kafka-run-class.sh")),
    ("kafka-server-start.sh", include_str!("kafka-server-start.sh")),
    ("kafka-storage.sh", include_str!("kafka-storage.sh")),
];
/// `appuser`'s.
const OWN: Owned = Owned { id: 1000, mode: 0o755 };
/// Anybody's, as /tmp is.
const SHARED: Owned = Owned { id: 0, mode: 0o1777 };
const JAVA_HOME: &str = "/opt/java/openjdk";

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
    let aside = tempfile::tempdir_in(dir)?;
    let java = java::runtime(aside.path())?;
    let mut layer = Layer::default();
    system(&mut layer, &java)?;
    layer.tree(JAVA_HOME, &java)?;
    kafka_files(&mut layer, &kafka)?;
    let path_variable =
        format!("PATH={JAVA_HOME}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    let config = Config {
        cmd: vec![
            "/opt/kafka/bin/kafka-server-start.sh".to_owned(),
            "/opt/kafka/config/server.properties".to_owned(),
        ],
        env: vec![path_variable, format!("JAVA_HOME={JAVA_HOME}"), "LANG=C.UTF-8".to_owned()],
        user: "appuser".to_owned(),
        working_dir: "/".to_owned(),
        ..Config::default()
    };
    archive::write(&path, &tag(), &config, layer)?;
    Ok(path)
}

/// What the image is made of, this code included.
fn key(kafka: &Kafka) -> Result<String> {
    let mut parts =
        vec![include_str!("mod.rs").to_owned(), include_str!("java.rs").to_owned(), java::version()?];
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

/// Users, a shell with the usual commands, and the libraries that these and Java need.
fn system(layer: &mut Layer, java: &Path) -> Result<()> {
    layer.file(
        "/etc/passwd",
        TEXT,
        b"root:x:0:0::/root:/bin/sh\nappuser:x:1000:1000::/home/appuser:/bin/bash\n",
    )?;
    layer.file("/etc/group", TEXT, b"root:x:0:\nappuser:x:1000:\n")?;
    layer.file("/etc/nsswitch.conf", TEXT, b"hosts: files dns\n")?;
    layer.dir("/home/appuser", OWN)?;
    layer.dir("/tmp", SHARED)?;
    let (busybox, bash) = (found("busybox")?, found("bash")?);
    layer.copy("/bin/busybox", PROGRAM, &busybox)?;
    layer.copy("/bin/bash", PROGRAM, &bash)?;
    for applet in run::output(Command::new(&busybox).arg("--list"))?.lines().filter(|name| *name != "busybox")
    {
        layer.link(&format!("/bin/{applet}"), "busybox")?;
    }
    let programs =
        [bash, java.join("bin/java"), java.join("lib/server/libjvm.so"), java.join("lib/libzip.so")];
    for library in libraries(&programs)?.iter().filter(|path| !path.starts_with(java)) {
        layer.copy(&library.to_string_lossy(), PROGRAM, library)?;
    }
    Ok(())
}

/// The libraries that these programs load, the loader included, where they expect them.
fn libraries(programs: &[PathBuf]) -> Result<BTreeSet<PathBuf>> {
    let mut found = BTreeSet::new();
    for program in programs {
        let told = run::output(Command::new("ldd").arg(program))?;
        let paths =
            told.lines().filter_map(|line| line.split_whitespace().find(|word| word.starts_with('/')));
        found.extend(paths.map(PathBuf::from));
    }
    Ok(found)
}

fn found(program: &str) -> Result<PathBuf> {
    let path = run::which(program).with_context(|| format!("{program} is not on the PATH"))?;
    fs::canonicalize(&path).with_context(|| format!("failed to follow {}", path.display()))
}
