//! The control group of a process, which is its container: version 1 and version 2.
//!
//! Where it lies depends on who looks. A container runtime gives each container a view of its own group alone, so from
//! beside it the broker's is seen through the broker's own root, `/proc/PID/root/sys/fs/cgroup`: the namespace of
//! processes must be shared (`shareProcessNamespace`), and the user be the same or root. On a machine without containers
//! it is below the agent's own `/sys/fs/cgroup`. A group counts only if it lists the process, and never the root of a
//! hierarchy: that is the machine.

mod v1;
mod v2;

use std::path::{Path, PathBuf};

use pillion_probes::resources::Container;
use procfs::process::Process;

use crate::files::read_capped;

/// Where control groups are mounted, by all runtimes and systemd.
const MOUNT: &str = "sys/fs/cgroup";
/// The longest file that is read. A group's list of processes is the longest.
const CAP: u64 = 1 << 20;

/// The container of a process; `None` where it has none, or it is out of sight.
pub fn container(pid: i32) -> Option<Container> {
    let groups = Process::new(pid).and_then(|process| process.cgroups()).ok()?;
    let groups: Vec<_> = groups.0.into_iter().map(|group| (group.controllers, group.pathname)).collect();
    let roots = [PathBuf::from(format!("/proc/{pid}/root/{MOUNT}")), Path::new("/").join(MOUNT)];
    read(&roots, &groups, pid)
}

/// `groups`: the controllers of each hierarchy, none in version 2, and the process's path in it.
fn read(roots: &[PathBuf], groups: &[(Vec<String>, String)], pid: i32) -> Option<Container> {
    let path = |controller: &str| {
        let has = |controllers: &[String]| match controller {
            "" => controllers.is_empty(),
            _ => controllers.iter().any(|one| one == controller),
        };
        groups.iter().find(|(controllers, _)| has(controllers)).map(|(_, path)| path.as_str())
    };
    let find = |controller: &str| find(roots, controller, path(controller)?, pid);
    if path("memory").is_some() {
        let found = v1::Groups { memory: find("memory"), cpu: find("cpu"), usage: find("cpuacct") };
        return found.read();
    }
    Some(v2::read(&find("")?))
}

/// The group as it is seen below one of `roots`: at its own path, or as the root of what is mounted there.
fn find(roots: &[PathBuf], controller: &str, path: &str, pid: i32) -> Option<PathBuf> {
    roots.iter().find_map(|root| {
        let mounted = root.join(controller);
        // A path out of the namespace begins with `/..`.
        let below = (!path.contains("..")).then(|| mounted.join(path.trim_start_matches('/')));
        let mut all = below.into_iter().chain([mounted]);
        all.find(|group| holds(group, pid) && !is_whole_machine(group))
    })
}

fn holds(group: &Path, pid: i32) -> bool {
    let listed = text(group, "cgroup.procs").unwrap_or_default();
    listed.lines().any(|line| line.trim().parse() == Ok(pid))
}

/// The root of a hierarchy: in version 1 it alone has `cgroup.sane_behavior`, in version 2 it alone lacks `cgroup.type`.
fn is_whole_machine(group: &Path) -> bool {
    let has = |name: &str| group.join(name).exists();
    has("cgroup.sane_behavior") || (has("cgroup.controllers") && !has("cgroup.type"))
}

fn text(group: &Path, name: &str) -> Option<String> {
    String::from_utf8(read_capped(&group.join(name), CAP).ok()?).ok()
}

fn number(group: &Path, name: &str) -> Option<u64> {
    text(group, name)?.trim().parse().ok()
}

/// The value of a key, in a file of lines `key value`.
fn keyed(text: Option<&str>, key: &str) -> Option<u64> {
    text?.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(' ')?.trim().parse().ok())
}

/// Seconds of so many parts of one.
#[expect(clippy::cast_precision_loss, reason = "below 2^53 nothing is lost")]
fn seconds(count: u64, parts: f64) -> f64 {
    count as f64 / parts
}

/// Cores: so much time of so much.
#[expect(clippy::cast_precision_loss, reason = "below 2^53 nothing is lost")]
fn cores(quota: u64, period: u64) -> Option<f64> {
    (quota > 0 && period > 0).then(|| quota as f64 / period as f64)
}

#[cfg(test)]
mod tests;
