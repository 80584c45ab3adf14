//! Process 1 of the new namespaces.

use std::env;
use std::process::{Command, exit};

use anyhow::{Context, Result};
use rustix::process::{WaitOptions, wait};

use super::{INSIDE, STAGE, mounts, ways};
use crate::network;

/// Never returns but with an error. Nobody stops process 1 but its parent: signals without a handler do nothing to it.
pub(super) fn run<T>() -> Result<T> {
    mounts::prepare().context("failed to prepare the mounts")?;
    network::prepare().context("failed to prepare the network")?;
    let mut command = Command::new(env::current_exe()?);
    command.args(env::args_os().skip(1)).env(STAGE, INSIDE).envs(ways::variables());
    let child = command.spawn().context("failed to start this program inside")?.id();
    loop {
        // Orphans, such as containerd's shims, end up here.
        let Some((pid, status)) = wait(WaitOptions::empty())? else { continue };
        if pid.as_raw_nonzero().get().cast_unsigned() == child {
            let killed = || 128 + status.terminating_signal().unwrap_or(0);
            exit(status.exit_status().unwrap_or_else(killed))
        }
    }
}
