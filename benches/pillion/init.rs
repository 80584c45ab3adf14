//! Wall time of `pillion init`: the first start of a broker with two volumes, and the rerun that changes nothing.
//!
//! A first start writes and syncs files, so the disk has a share in it: beside it the same files are written and
//! synced by the plainest code there is, and once everything lies in memory.

use std::{
    fs::{self, File, Permissions},
    io::Write,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use crate::row::Row;

/// Fresh nodes, of which the median counts.
const RUNS: usize = 25;
/// What is allowed, in milliseconds.
const ALLOWED: f64 = 20.0;
/// Where a file system in memory is mounted on every Linux.
const MEMORY: &str = "/dev/shm";

const CONFIG: &str = "\
cluster: { name: bench, id: 5L6g3nShT-eMCtK--X86sw }
broker: { mode: kraft-broker, idBase: 1001, ordinal: 0, zone: { value: zone-a } }
kafka:
  version: \"4.3.1\"
  home: ROOT/kafka
  properties:
    listeners: PLAINTEXT://0.0.0.0:9092
    advertised.listeners: PLAINTEXT://kafka-0:9092
    controller.quorum.voters: 1@c1:9093,2@c2:9093,3@c3:9093
storage: { logDirs: [ROOT/data/0, ROOT/data/1] }
runDir: ROOT/run
";

/// First start and rerun on the disk, and the first start in memory.
pub fn rows(binary: &Path) -> Result<Vec<Row>> {
    let on_disk = measure(binary, &std::env::temp_dir())?;
    let mut rows = vec![
        row(
            "pillion init, first start (baseline: std writes and syncs the same)",
            on_disk.first,
            on_disk.plain,
        ),
        row("pillion init, unchanged rerun (baseline: exec of true)", on_disk.rerun, on_disk.nothing),
    ];
    if Path::new(MEMORY).is_dir() {
        let in_memory = measure(binary, Path::new(MEMORY))?;
        let name = "pillion init, first start in memory (baseline: exec of true)";
        rows.insert(1, row(name, in_memory.first, in_memory.nothing));
    }
    Ok(rows)
}

fn row(name: &str, value: f64, baseline: f64) -> Row {
    Row::at_most(name, value, "ms", ALLOWED, Some(baseline))
}

/// Medians in milliseconds.
struct Times {
    first: f64,
    plain: f64,
    rerun: f64,
    nothing: f64,
}

fn measure(binary: &Path, place: &Path) -> Result<Times> {
    let image = TempDir::with_prefix_in("bench-image-", place)?;
    let ours = image.path().join("pillion");
    fs::copy(binary, &ours).context("failed to copy the binary")?;
    // Not the mode that init wants, so it cannot link it: as in a pod, where image and run directory are two file
    // systems, it has to copy.
    fs::set_permissions(&ours, Permissions::from_mode(0o555))?;
    let (mut first, mut plain, mut rerun, mut nothing) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..RUNS {
        let node = TempDir::with_prefix_in("bench-init-", place)?;
        let config = node.path().join("pillion.yaml");
        fs::write(&config, CONFIG.replace("ROOT", &node.path().display().to_string()))?;
        let init = |flags: &[&str]| timed(Command::new(&ours).args(["init", "-c"]).arg(&config).args(flags));
        first.push(init(&["--bootstrap"])?);
        rerun.push(init(&[])?);
        nothing.push(timed(&mut Command::new("true"))?);
        plain.push(write_again(&written(node.path())?, &node.path().join("again"))?);
    }
    Ok(Times { first: median(first), plain: median(plain), rerun: median(rerun), nothing: median(nothing) })
}

fn timed(command: &mut Command) -> Result<Duration> {
    command.env_clear().stdout(Stdio::null()).stderr(Stdio::piped());
    command.env("PATH", "/usr/bin:/bin");
    let began = Instant::now();
    let output = command.output()?;
    let took = began.elapsed();
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(took)
}

/// The files that init left in its run directory and on the volumes.
fn written(node: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for dir in ["run", "data/0", "data/1"] {
        for entry in fs::read_dir(node.join(dir))? {
            let path = entry?.path();
            if path.metadata()?.len() > 0 {
                files.push(path);
            }
        }
    }
    Ok(files)
}

/// Writes and syncs the same again, without a care for what a kill would leave.
fn write_again(files: &[PathBuf], to: &Path) -> Result<Duration> {
    let contents = files.iter().map(fs::read).collect::<Result<Vec<_>, _>>()?;
    let began = Instant::now();
    fs::create_dir(to)?;
    for (number, content) in contents.iter().enumerate() {
        let mut file = File::create(to.join(number.to_string()))?;
        file.write_all(content)?;
        file.sync_all()?;
    }
    Ok(began.elapsed())
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times.get(times.len() / 2).map_or(f64::NAN, |time| time.as_secs_f64() * 1e3)
}
