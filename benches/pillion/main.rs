//! Every figure that pillion promises, beside its baseline, in one run: `make bench`.
//!
//! Prints one table and writes `target/bench/bench.json`. A goal that is missed is told as missed; the exit code is
//! not 0 only where a part could not be measured. Names of parts as arguments run those alone.

#[path = "../../tests/ledger/encode.rs"]
#[allow(dead_code, clippy::unwrap_used, missing_docs, reason = "what tests write the log with")]
mod encode;
mod http;
mod idle;
mod init;
mod ledger;
mod lint;
mod load;
mod relay;
mod row;
mod scan;
mod stops;

use std::{
    env, fs,
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context, Result};
use peak_alloc::PeakAlloc;
use row::{Row, Table};

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

/// The agent as cargo builds it for benches: optimised, but not quite as it is released (it unwinds on panic).
const BUILT: &str = env!("CARGO_BIN_EXE_pillion");
/// Names the released binary, to be measured instead.
const RELEASED: &str = "PILLION_BENCH_BINARY";

type Part = (&'static str, &'static str, fn() -> Result<Vec<Row>>);

const PARTS: &[Part] = &[
    ("scan", "the scanner at 10k, 100k and 1M partitions", || Ok(scan::rows(&peak_of))),
    ("ledger", "the metadata log at 10k, 100k and 1M partitions, two minutes", || ledger::rows(&peak_of)),
    ("stops", "what a stop would hurt, at 100k and 1M partitions", || stops::rows(&peak_of)),
    ("readyz", "/readyz at 1,000 requests a second, 20 s", || Ok(http::readyz(Duration::from_secs(20))?)),
    ("metrics", "a scrape of /metrics, 2,000 times", || Ok(http::scrape(2000)?)),
    ("probe", "`pillion probe ready` as an exec", || Ok(vec![http::exec(&binary(), 200)?])),
    ("init", "`pillion init`, first start and rerun", || init::rows(&binary())),
    ("lint", "`pillion lint` on 300 lines", || lint::rows(&binary())),
    ("idle", "the sidecar beside a real broker of a cluster with 10,000 partitions, 4 minutes", || {
        idle::rows(&binary())
    }),
    ("load", "what three sidecars ask of three real brokers with 3,000 partitions, 4 minutes", || {
        load::rows(&binary())
    }),
];

/// The binary to measure, by its whole path: parts run it elsewhere.
fn binary() -> PathBuf {
    let named = env::var_os(RELEASED).map_or_else(|| BUILT.into(), PathBuf::from);
    fs::canonicalize(&named).unwrap_or(named)
}

/// Bytes of heap that `work` needed at its peak, beyond what was in use before.
fn peak_of(work: &mut dyn FnMut()) -> usize {
    HEAP.reset_peak_usage();
    let before = HEAP.current_usage();
    work();
    HEAP.peak_usage().saturating_sub(before)
}

fn main() -> Result<ExitCode> {
    // Cargo itself adds `--bench`.
    let only: Vec<String> = env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let chosen: Vec<&Part> =
        PARTS.iter().filter(|(name, ..)| only.is_empty() || only.iter().any(|one| one == name)).collect();
    let cores = std::thread::available_parallelism()?;
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or("unknown");
    writeln!(io::stderr(), "load {load} on {cores} cores: the higher, the less the times are worth")?;
    let mut rows = Vec::new();
    let mut failed = false;
    for (at, (name, what, measure)) in chosen.iter().enumerate() {
        writeln!(io::stderr(), "[{}/{}] {name}: {what}", at + 1, chosen.len())?;
        match measure() {
            Ok(more) => rows.extend(more),
            Err(error) => {
                failed = true;
                writeln!(io::stderr(), "    failed to measure {name}: {error:#}")?;
            }
        }
    }
    let file = target().join("bench/bench.json");
    fs::create_dir_all(file.with_file_name("")).context("failed to make the directory of the results")?;
    fs::write(&file, serde_json::to_vec_pretty(&rows)?).context("failed to write the results")?;
    let missed = rows.iter().filter(|row| !row.met).count();
    let mut out = io::stdout().lock();
    write!(out, "{}", Table(&rows))?;
    writeln!(out, "{} figures, {missed} goals missed; also in {}", rows.len(), file.display())?;
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Cargo's target directory: the binary lies in a profile's directory in it.
fn target() -> PathBuf {
    Path::new(BUILT).ancestors().nth(2).map_or_else(|| "target".into(), Path::to_owned)
}
