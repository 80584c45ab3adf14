//! The one tool the network needs: `ip` from iproute2.

use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use crate::fetch::succeeded;

/// Runs `ip` with the words of `line` and returns what it printed.
pub(super) fn ip(line: &str) -> Result<String> {
    let output = Command::new("ip")
        .args(line.split_whitespace())
        .stdin(Stdio::null())
        .output()
        .context("failed to run `ip`: install iproute2")?;
    succeeded(&output).with_context(|| format!("failed: ip {line}"))?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
