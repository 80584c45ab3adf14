//! The one thing of a run that lies outside of its namespaces: a cgroup for each node, below one of ours.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::node;

const ROOT: &str = "/sys/fs/cgroup";
/// Ours. One bed at a time, so one name is enough.
const NAME: &str = "pillion-kube-bed";
/// So many processes of the machine the pods all together count as, when CPU is short. As one, which is the default,
/// six JVMs would starve beside a compiler: controllers that miss their timeouts by seconds are no cluster at all.
const WEIGHT: u32 = 4;
/// How long the kernel may take to see that the last process in there is gone.
const EMPTYING: Duration = Duration::from_secs(20);

/// The cgroup of a node, as the kubelet is told.
pub fn of(node: &str) -> String {
    format!("/{NAME}/{node}")
}

/// Makes the cgroups of all nodes.
pub fn make() -> Result<()> {
    for hierarchy in hierarchies()? {
        let ours = hierarchy.join(NAME);
        child(&hierarchy, &ours)?;
        weigh(&ours)?;
        for name in node::NAMES {
            child(&ours, &ours.join(name))?;
        }
    }
    Ok(())
}

/// Version 1 has a hierarchy for each controller, version 2 only one.
fn hierarchies() -> Result<Vec<PathBuf>> {
    let root = Path::new(ROOT);
    if root.join("cgroup.controllers").exists() {
        return Ok(vec![root.to_owned()]);
    }
    let mut found = Vec::new();
    for entry in fs::read_dir(root).with_context(|| format!("failed to read {ROOT}"))? {
        let entry = entry?;
        // Links are second names, such as `cpu` for `cpu,cpuacct`.
        if entry.file_type()?.is_dir() && entry.path().join("cgroup.procs").exists() {
            found.push(entry.path());
        }
    }
    Ok(found)
}

fn child(parent: &Path, child: &Path) -> Result<()> {
    fs::create_dir_all(child).with_context(|| format!("failed to create {}", child.display()))?;
    // Version 1: a cpuset without these takes no process.
    for file in ["cpuset.cpus", "cpuset.mems"] {
        if parent.join("cgroup.controllers").exists() || !parent.join(file).exists() {
            continue;
        }
        fs::write(child.join(file), fs::read(parent.join(file))?)?;
    }
    // Version 2: the controllers of the children.
    if let Ok(controllers) = fs::read_to_string(parent.join("cgroup.controllers")) {
        let all: Vec<_> = controllers.split_whitespace().map(|name| format!("+{name}")).collect();
        fs::write(parent.join("cgroup.subtree_control"), all.join(" "))?;
    }
    Ok(())
}

/// The share of the CPU, in the units of version 1 or of version 2.
fn weigh(ours: &Path) -> Result<()> {
    for (file, one) in [("cpu.shares", 1024), ("cpu.weight", 100)] {
        let path = ours.join(file);
        if path.exists() {
            fs::write(&path, (one * WEIGHT).to_string())
                .with_context(|| format!("failed to write {}", path.display()))?;
        }
    }
    Ok(())
}

/// Removes them, with all below. To be called when no process of the bed is left.
pub fn remove() -> Result<()> {
    let started = Instant::now();
    for hierarchy in hierarchies()? {
        let ours = hierarchy.join(NAME);
        while let Err(error) = remove_tree(&ours) {
            if started.elapsed() > EMPTYING {
                bail!("failed to remove {}: {error}; is a process left in it?", ours.display());
            }
            thread::sleep(Duration::from_millis(100));
        }
    }
    Ok(())
}

/// Directories only: the files of a cgroup go with it.
fn remove_tree(dir: &Path) -> std::io::Result<()> {
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            remove_tree(&entry.path())?;
        }
    }
    fs::remove_dir(dir)
}
