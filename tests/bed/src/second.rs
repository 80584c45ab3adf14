//! A second sidecar beside a node, with settings of its own.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::process::{Child, Stdio};
use std::time::Instant;

use anyhow::{Context, Result};

use crate::fleet::Fleet;
use crate::process;
use crate::watch::Watch;

/// Where the first one answers is the fleet's own business.
const PORT: u16 = 9441;

/// Stops when dropped.
#[derive(Debug)]
pub struct Second {
    child: Child,
    address: SocketAddr,
    ready: Watch,
}

impl Second {
    /// Starts one beside node `id`, with the settings `set` beside those of the first (as in `sidecar.ledger=false`).
    pub fn start(fleet: &Fleet, id: i32, set: &[&str]) -> Result<Self> {
        let node = fleet.cluster.node(id);
        let run_dir = node.dir().join("run-second");
        fs::create_dir_all(&run_dir)?;
        for name in ["identity.json", "server.properties"] {
            fs::copy(fleet.run_dir(id).join(name), run_dir.join(name)).with_context(|| name.to_owned())?;
        }
        let log = File::options().create(true).append(true).open(node.dir().join("pillion-second.log"))?;
        let mut command = node.in_netns_tied(fleet.binary());
        command.args(["sidecar", "--config"]).arg(fleet.config(id));
        command.arg("--set").arg(format!("runDir={}", run_dir.display()));
        command.arg("--set").arg(format!("sidecar.listen=0.0.0.0:{PORT}"));
        for set in set {
            command.args(["--set", set]);
        }
        command.env("PILLION_LOG", "pillion=debug").stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let child = process::spawn(command).context("failed to start a second sidecar")?;
        let address = (node.ip(), PORT).into();
        Ok(Self { child, address, ready: Watch::http(address, "/readyz") })
    }

    /// Where it answers.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Polls of `/readyz`, as (when answered, ready).
    pub fn timeline(&self) -> Vec<(Instant, bool)> {
        self.ready.timeline()
    }
}

impl Drop for Second {
    fn drop(&mut self) {
        // It may have ended by itself; either way it must be gone.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
