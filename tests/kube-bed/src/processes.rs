//! The processes of a container, as its node sees them: to be stopped and killed from outside of it.

use std::fs;

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::kubectl::Kubectl;

/// A process in a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Its id inside of the bed.
    pub pid: i32,
    /// Its name, such as `java`: the first 15 bytes of its program's.
    pub name: String,
}

impl Process {
    /// SIGSTOP: it stands still.
    pub fn pause(&self) -> Result<()> {
        self.signal(Signal::STOP)
    }

    /// SIGCONT.
    pub fn resume(&self) -> Result<()> {
        self.signal(Signal::CONT)
    }

    /// SIGKILL.
    pub fn kill(&self) -> Result<()> {
        self.signal(Signal::KILL)
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        let pid = Pid::from_raw(self.pid).with_context(|| format!("{} is no process id", self.pid))?;
        kill_process(pid, signal).with_context(|| format!("failed to signal {} ({})", self.name, self.pid))
    }
}

/// All processes of a container that runs, those of probes included.
pub(crate) fn of(kubectl: &Kubectl, namespace: &str, pod: &str, container: &str) -> Result<Vec<Process>> {
    let found = kubectl.get(&format!("-n {namespace} pod {pod}"))?;
    let id = container_id(&found, container)
        .with_context(|| format!("container {container} of {namespace}/{pod} has not run yet"))?;
    let mut processes = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let Ok(pid) = entry?.file_name().to_string_lossy().parse() else { continue };
        // It may have ended since.
        let read = |file: &str| fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap_or_default();
        if read("cgroup").contains(id) {
            processes.push(Process { pid, name: read("comm").trim().to_owned() });
        }
    }
    if processes.is_empty() {
        bail!("container {container} of {namespace}/{pod} has no process: it does not run now");
    }
    processes.sort_by_key(|process| process.pid);
    Ok(processes)
}

/// The id of a container's present or last life, without the `containerd://` before it.
fn container_id<'a>(pod: &'a Value, container: &str) -> Option<&'a str> {
    let lists = ["containerStatuses", "initContainerStatuses"].map(|list| pod["status"][list].as_array());
    let status = lists.into_iter().flatten().flatten().find(|status| status["name"] == container)?;
    status["containerID"].as_str()?.split_once("://").map(|(_, id)| id)
}
