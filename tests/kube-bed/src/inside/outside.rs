//! The outer half: what must be done before, and after, and from where there is a way to the Internet.

use std::env;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus, exit};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use super::{FIRST, STAGE, lock, mounts, ways};
use crate::{cgroups, parts, places};

const LOOK: Duration = Duration::from_millis(50);
/// How long the inside has for its own last words after Ctrl-C.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// Never returns but with an error.
pub(super) fn run<T>() -> Result<T> {
    if !rustix::process::geteuid().is_root() {
        bail!("the bed needs root, for namespaces and cgroups: run it with sudo");
    }
    let lock = lock::take()?;
    let asked = signals()?;
    sweep().context("failed to remove what an earlier run left")?;
    parts::make()?;
    fresh()?;
    cgroups::make()?;
    let made = mounts::places()?;
    let ended = begin().and_then(|mut child| wait(&mut child, &asked));
    ways::close();
    sweep()?;
    // Empty: what was written there was written to what covered them.
    made.iter().try_for_each(fs::remove_dir)?;
    drop(lock);
    let status = ended?;
    exit(status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0)))
}

/// New namespaces that end with us: killed, we take `unshare` with us, and that its child, process 1 of the
/// namespace of pids; with process 1 the kernel ends all the others.
fn begin() -> Result<Child> {
    let mut child = Command::new("setpriv")
        .args(["--pdeathsig", "KILL", "unshare", "--mount", "--net", "--pid", "--fork", "--kill-child"])
        .args(["--mount-proc", "--"])
        .arg(env::current_exe()?)
        .args(env::args_os().skip(1))
        .env(STAGE, FIRST)
        .spawn()
        .context("failed to run setpriv and unshare: install util-linux")?;
    if let Err(error) = ways::open(child.id()) {
        child.kill()?;
        child.wait()?;
        return Err(error.context("failed to write the ways in"));
    }
    Ok(child)
}

fn wait(child: &mut Child, asked: &AtomicBool) -> Result<ExitStatus> {
    let mut patience = LAST_WORDS;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        if asked.load(Ordering::Relaxed) {
            if patience.is_zero() {
                child.kill()?;
            }
            patience = patience.saturating_sub(LOOK);
        }
        thread::sleep(LOOK);
    }
}

fn signals() -> Result<Arc<AtomicBool>> {
    let asked = Arc::new(AtomicBool::new(false));
    for signal in [SIGHUP, SIGINT, SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&asked))?;
    }
    Ok(asked)
}

/// Directories for a new run: its data, and its logs.
fn fresh() -> Result<()> {
    for dir in [places::run_outside(), places::logs()] {
        if dir.exists() {
            fs::remove_dir_all(&dir).with_context(|| format!("failed to remove {}", dir.display()))?;
        }
        fs::create_dir_all(&dir).with_context(|| format!("failed to create {}", dir.display()))?;
    }
    Ok(())
}

/// Removes what outlives the namespaces.
fn sweep() -> Result<()> {
    cgroups::remove()?;
    let data = places::run_outside();
    if data.exists() {
        fs::remove_dir_all(&data).with_context(|| format!("failed to remove {}", data.display()))?;
    }
    Ok(())
}
