//! A container as its node sees it: a process, a network.

use std::process::Command;
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use kube_bed::Process;

use crate::scene::{AGENT, Scene};

impl Scene {
    /// The program that a container is there for: `java` or `pillion`, not the shell or the probe beside it.
    pub fn process(&self, pod: &str, container: &str) -> Result<Process> {
        let program = if container == AGENT { "pillion" } else { "java" };
        let all = self.bed.processes(self.kubectl.namespace(), pod, container)?;
        let found = all.iter().find(|process| process.name == program).cloned();
        found.with_context(|| format!("no {program} among {all:?}"))
    }
}

/// A process that runs for a small part of the time only, until this is dropped.
///
/// A quota of its cgroup would do that, too, and slow down the probes that are run in there as well.
pub struct Slowed {
    process: Process,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Slowed {
    /// Lets it run for one time, and stand for the other, in turn.
    pub fn new(process: Process, runs: Duration, stands: Duration) -> Self {
        let stop = Arc::<AtomicBool>::default();
        let (ended, slowed) = (Arc::clone(&stop), process.clone());
        let thread = std::thread::spawn(move || {
            // Once it is gone there is nothing to slow down.
            while !ended.load(Ordering::Relaxed) && slowed.pause().is_ok() {
                std::thread::sleep(stands);
                if slowed.resume().is_err() {
                    return;
                }
                std::thread::sleep(runs);
            }
        });
        Self { process, stop, thread: Some(thread) }
    }
}

impl Drop for Slowed {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        // It may be gone.
        let _ = self.process.resume();
    }
}

/// A pod that does not reach some addresses any more, until this is dropped.
pub struct Cut {
    pid: i32,
    addresses: Vec<String>,
}

impl Cut {
    /// Takes the way to these addresses from a pod. `inside` is a process of it.
    pub fn new(inside: &Process, addresses: Vec<String>) -> Result<Self> {
        let cut = Self { pid: inside.pid, addresses };
        for address in &cut.addresses {
            route(cut.pid, "add", address)?;
        }
        Ok(cut)
    }
}

impl Drop for Cut {
    fn drop(&mut self) {
        for address in &self.addresses {
            // With the pod its routes have gone, too.
            let _ = route(self.pid, "del", address);
        }
    }
}

fn route(pid: i32, what: &str, address: &str) -> Result<()> {
    let mut command = Command::new("nsenter");
    command.args(["--net", "--target", &pid.to_string(), "ip", "route", what, "blackhole", address]);
    let output = command.output().context("failed to run nsenter: install util-linux")?;
    ensure!(output.status.success(), "ip route {what}: {}", String::from_utf8_lossy(&output.stderr).trim());
    Ok(())
}
