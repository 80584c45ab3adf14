//! Wall time of `pillion lint` on a file of 300 lines, cold, the whole process.

use std::{
    fmt::Write,
    fs,
    path::Path,
    process::{Command, Stdio},
    time::Instant,
};

use anyhow::{Context, Result, ensure};
use pillion::properties::{catalogue::catalogue, line};

use crate::row::Row;

/// Runs, of which the median counts.
const RUNS: usize = 101;
const LINES: usize = 300;
/// What is allowed, in milliseconds.
const ALLOWED: f64 = 10.0;

/// Beside the same binary that only says its version.
pub fn rows(binary: &Path) -> Result<Vec<Row>> {
    let all = catalogue();
    let newest = *all.releases().last().context("a release")?;
    let settings = all.settings(newest).filter_map(|(key, setting)| Some((key, setting.default?)));
    let text = settings.filter(|(_, value)| *value != "null").take(LINES).fold(
        String::new(),
        |mut text, (key, value)| {
            let _ = write!(text, "{}", line(key, value));
            text
        },
    );
    let dir = tempfile::tempdir()?;
    let file = dir.path().join("server.properties");
    // Comments make up for the settings that have no default.
    let missing = LINES.saturating_sub(text.lines().count());
    fs::write(&file, text + &"# a comment\n".repeat(missing))?;
    let (mut ours, mut nothing) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        ours.push(timed(Command::new(binary).arg("lint").arg(&file))?);
        nothing.push(timed(Command::new(binary).arg("--version"))?);
    }
    let name = "pillion lint, 300 lines (baseline: pillion --version)";
    Ok(vec![Row::at_most(name, median(ours), "ms", ALLOWED, Some(median(nothing)))])
}

fn timed(command: &mut Command) -> Result<f64> {
    let began = Instant::now();
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status()?;
    // Settings at their defaults are no whole file: lint says so, with 1.
    ensure!(matches!(status.code(), Some(0 | 1)), "{command:?}: {status}");
    Ok(began.elapsed().as_secs_f64() * 1000.0)
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or_default()
}
