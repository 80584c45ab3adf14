//! Kafka's jars, fetched once per version from Maven Central into a cache, and what else is fetched like that.

use std::env;
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context, Result, bail};

/// The newest release the bed runs.
pub const NEWEST: &str = "4.3.1";
/// The 4.1 line.
pub const V4_1: &str = "4.1.2";
/// The last line that also speaks `ZooKeeper`.
pub const V3_9: &str = "3.9.2";
/// The oldest release that counts; `ZooKeeper` only, as far as the bed goes.
pub const V2_8: &str = "2.8.2";

/// Jetty in the version that `ZooKeeper` 3.8.4 is built with: Kafka ships that without it, and so without its `AdminServer`.
const JETTY: &str = "9.4.53.v20231009";

const JETTY_POM: &str = include_str!("../kafka/jetty.xml");
const POM: &str = include_str!("../kafka/pom.xml");
const LOG4J: &str = include_str!("../kafka/log4j.properties");
const LOG4J2: &str = include_str!("../kafka/log4j2.properties");

/// One version of Kafka, ready to run.
#[derive(Debug, Clone)]
pub struct Kafka {
    version: String,
    dir: PathBuf,
}

impl Kafka {
    /// The version from the cache, fetched first when it is not there. Processes that ask at the same
    /// time fetch once: the others wait for the first.
    pub fn fetch(version: &str) -> Result<Self> {
        need("java", "-version", "install a JDK, 17 or newer")?;
        let kafka = Self { version: version.to_owned(), dir: cache_dir().join("kafka").join(version) };
        once(&kafka.dir, &format!("Kafka {version}"), |aside| kafka.fill(aside))?;
        Ok(kafka)
    }

    fn fill(&self, aside: &Path) -> Result<()> {
        fs::write(aside.join("pom.xml"), POM)?;
        fs::write(aside.join("log4j.properties"), LOG4J)?;
        fs::write(aside.join("log4j2.properties"), LOG4J2)?;
        let profile = if self.major() >= 4 { "log4j2" } else { "reload4j" };
        let arguments = ["-P", profile, &format!("-Dkafka.version={}", self.version)];
        copy_dependencies(&aside.join("pom.xml"), &arguments, &aside.join("libs"))
    }

    /// The version, such as `4.3.1`.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The first number of the version.
    pub fn major(&self) -> u32 {
        self.version.split('.').next().and_then(|n| n.parse().ok()).unwrap_or(0)
    }

    /// The directory that holds the jars.
    pub fn libs(&self) -> PathBuf {
        self.dir.join("libs")
    }

    /// The arguments for `java` that run one of Kafka's main classes, logging to standard output.
    pub fn java_args(&self, class: &str) -> Vec<String> {
        let logging = if self.major() >= 4 {
            format!("-Dlog4j2.configurationFile={}", self.dir.join("log4j2.properties").display())
        } else {
            format!("-Dlog4j.configuration=file:{}", self.dir.join("log4j.properties").display())
        };
        vec![logging, "-cp".to_owned(), format!("{}/*", self.libs().display()), class.to_owned()]
    }

    /// A command that runs one of Kafka's main classes, such as `kafka.tools.StorageTool`.
    pub fn tool(&self, class: &str) -> Command {
        let mut command = Command::new("java");
        // Small tools: start-up time is all that counts.
        command.args(["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx128m"]);
        command.args(self.java_args(class));
        command
    }
}

/// The directory with the jars that `ZooKeeper` needs for its `AdminServer` beside those of Kafka, fetched as they are.
pub fn jetty() -> Result<PathBuf> {
    let libs = cache_dir().join("jetty").join(JETTY);
    once(&libs, &format!("Jetty {JETTY}"), |aside| {
        let pom = aside.join("pom.xml");
        fs::write(&pom, JETTY_POM)?;
        copy_dependencies(&pom, &[&format!("-Djetty.version={JETTY}")], aside)
    })?;
    Ok(libs)
}

/// Fills a directory of the cache where there is none. It is filled aside and renamed, so what has its name is always complete.
/// Processes that ask at the same time fetch once: the others wait for the first.
fn once(dir: &Path, what: &str, fill: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    if dir.exists() {
        return Ok(());
    }
    let root = dir.parent().context("a directory of the cache")?;
    fs::create_dir_all(root).with_context(|| format!("failed to create {}", root.display()))?;
    let mut lock = dir.as_os_str().to_owned();
    lock.push(".lock");
    let lock = File::create(lock)?;
    lock.lock().with_context(|| format!("failed to lock the cache for {what}"))?;
    if !dir.exists() {
        need("mvn", "--version", "install Maven, or put the jars into the cache")?;
        eprintln!("fetching {what} from Maven Central ...");
        let aside = tempfile::Builder::new().prefix(".fetching-").tempdir_in(root)?;
        fill(aside.path()).with_context(|| format!("failed to fetch {what}"))?;
        fs::rename(aside.keep(), dir)?;
    }
    Ok(())
}

/// Has Maven put what a list names into a directory.
fn copy_dependencies(pom: &Path, arguments: &[&str], to: &Path) -> Result<()> {
    let output = Command::new("mvn")
        .args(["-B", "-q", "-f"])
        .arg(pom)
        .args(arguments)
        .args(["-DincludeScope=runtime", "dependency:copy-dependencies"])
        .arg(format!("-DoutputDirectory={}", to.display()))
        .output()?;
    succeeded(&output)
}

/// Where fetched things are kept: `$PILLION_BED_CACHE`, or `target/bed` of the workspace.
pub fn cache_dir() -> PathBuf {
    env::var_os("PILLION_BED_CACHE")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/bed"), PathBuf::from)
}

fn need(program: &str, argument: &str, remedy: &str) -> Result<()> {
    match Command::new(program).arg(argument).output() {
        Err(error) if error.kind() == ErrorKind::NotFound => bail!("{program} is not on the PATH: {remedy}"),
        other => other.map(drop).map_err(|e: io::Error| e.into()),
    }
}

/// An error with the program's own words when it failed.
pub(crate) fn succeeded(output: &Output) -> Result<()> {
    if output.status.success() {
        return Ok(());
    }
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    bail!("{}: {} {}", output.status, text(&output.stdout), text(&output.stderr))
}
