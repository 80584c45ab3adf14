//! Follows the API server: one watch after the other, as each ends now and then.

use std::process::{ChildStdout, Stdio};
use std::sync::atomic::Ordering;
use std::thread;

use anyhow::{Context, Result};

use super::zone::Event;
use super::{LOOK, Shared, lock};
use crate::kubectl::Kubectl;

/// Until the server ends. While the API server is away, what was known last stands.
pub(super) fn follow(kubectl: &Kubectl, shared: &Shared) {
    while !shared.ending.load(Ordering::Relaxed) {
        // The API server may be down on purpose.
        let _ = watch(kubectl, shared);
        thread::sleep(LOOK);
    }
}

fn watch(kubectl: &Kubectl, shared: &Shared) -> Result<()> {
    let mut command = kubectl.command();
    command.args(["get", "endpointslices", "-A", "--watch", "--output-watch-events", "-o", "json"]);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let output = child.stdout.take().context("a pipe was asked for")?;
    *lock(&shared.watch) = Some(child);
    let ended = take(output, shared);
    if let Some(mut child) = lock(&shared.watch).take() {
        // It ends with its output; this is for one that does not.
        let _ = child.kill();
        child.wait()?;
    }
    ended
}

fn take(output: ChildStdout, shared: &Shared) -> Result<()> {
    let mut first = true;
    for event in serde_json::Deserializer::from_reader(std::io::BufReader::new(output)).into_iter::<Event>() {
        let event = event?;
        let mut zone = lock(&shared.zone);
        if std::mem::take(&mut first) {
            zone.clear();
        }
        zone.apply(&event);
    }
    Ok(())
}
