//! A container as its node sees it: a process, a cgroup, a network.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use kube_bed::Process;

use crate::scene::{AGENT, Scene};

/// The period of the scheduler's quota, in microseconds.
const PERIOD: u32 = 100_000;

impl Scene {
    /// The program that a container is there for: `java` or `pillion`, not the shell or the probe beside it.
    pub fn process(&self, pod: &str, container: &str) -> Result<Process> {
        let program = if container == AGENT { "pillion" } else { "java" };
        let all = self.bed.processes(self.kubectl.namespace(), pod, container)?;
        let found = all.iter().find(|process| process.name == program).cloned();
        found.with_context(|| format!("no {program} among {all:?}"))
    }

    /// So many percent of a core for a container; without, as much as there is.
    pub fn limit_cpu(&self, pod: &str, container: &str, percent: Option<u32>) -> Result<()> {
        let pid = self.process(pod, container)?.pid;
        let groups = fs::read_to_string(format!("/proc/{pid}/cgroup"))?;
        let quota = percent.map(|percent| PERIOD / 100 * percent);
        let (path, value) = match cpu_controller(&groups).context("no cgroup")? {
            (Version::V1, group) => {
                (group.join("cpu.cfs_quota_us"), quota.map_or("-1".to_owned(), |us| us.to_string()))
            }
            (Version::V2, group) => {
                let most = quota.map_or("max".to_owned(), |us| us.to_string());
                (group.join("cpu.max"), format!("{most} {PERIOD}"))
            }
        };
        fs::write(&path, value).with_context(|| format!("failed to write {}", path.display()))
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

enum Version {
    V1,
    V2,
}

/// Where `/proc/PID/cgroup` says that the time on the CPU is dealt out.
fn cpu_controller(groups: &str) -> Option<(Version, PathBuf)> {
    let below = |root: &str, path: &str| Path::new(root).join(path.trim_start_matches('/'));
    groups.lines().find_map(|line| {
        let mut parts = line.splitn(3, ':').skip(1);
        let (controllers, path) = (parts.next()?, parts.next()?);
        if controllers.split(',').any(|one| one == "cpu") {
            return Some((Version::V1, below(&format!("/sys/fs/cgroup/{controllers}"), path)));
        }
        let unified = controllers.is_empty() && Path::new("/sys/fs/cgroup/cgroup.controllers").exists();
        unified.then(|| (Version::V2, below("/sys/fs/cgroup", path)))
    })
}
