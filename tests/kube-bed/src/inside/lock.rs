//! One bed at a time on a machine: it takes names in the cgroup tree, and most of a small machine.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, Write};

use anyhow::{Context, Result};

use crate::places;

const PATH: &str = "/run/pillion-kube-bed.lock";

/// Waits for the lock, and says for whom. The kernel drops it when its holder ends, however it ends.
pub(super) fn take() -> Result<File> {
    let open = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(PATH);
    let mut file = open.with_context(|| format!("failed to open {PATH}"))?;
    if file.try_lock().is_err() {
        let mut holder = String::new();
        file.read_to_string(&mut holder)?;
        eprintln!("another bed is up; waiting for it to end ({})", holder.trim());
        file.lock().with_context(|| format!("failed to lock {PATH}"))?;
    }
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "process {}, of {}", std::process::id(), places::workspace().display())?;
    Ok(file)
}
