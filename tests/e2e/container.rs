//! A container as its node sees it: a process, and a cgroup.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::scene::Scene;

/// The period of the scheduler's quota, in microseconds.
const PERIOD: u32 = 100_000;

impl Scene {
    /// The first process of a container of the cluster.
    pub fn pid(&self, pod: &str, container: &str) -> Result<u32> {
        let object = self.kubectl.json(&format!("get pod {pod}"))?;
        let list = |pointer: &str| object.pointer(pointer).and_then(Value::as_array).into_iter().flatten();
        let id = list("/status/initContainerStatuses")
            .chain(list("/status/containerStatuses"))
            .find(|status| status["name"] == container)
            .and_then(|status| status["containerID"].as_str())
            .and_then(|id| id.strip_prefix("containerd://"))
            .with_context(|| format!("{pod} has no container {container} that runs"))?;
        let node = object["spec"]["nodeName"].as_str().context("a node")?;
        let tasks = self.bed.node(node)?.ctr(&["tasks", "ls"])?;
        let task =
            tasks.lines().find(|line| line.starts_with(id)).with_context(|| format!("no task {id}"))?;
        Ok(task.split_whitespace().nth(1).context("a process")?.parse()?)
    }

    /// Sends a signal to that process.
    pub fn signal(&self, pod: &str, container: &str, signal: Signal) -> Result<()> {
        let pid = Pid::from_raw(self.pid(pod, container)?.cast_signed()).context("a process")?;
        Ok(kill_process(pid, signal)?)
    }

    /// So many percent of a core for a container; without, as much as there is.
    pub fn limit_cpu(&self, pod: &str, container: &str, percent: Option<u32>) -> Result<()> {
        let pid = self.pid(pod, container)?;
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
