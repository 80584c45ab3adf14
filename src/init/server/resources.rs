//! What the broker's container has: as it is told, else as the cgroup and the file systems say.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use crate::{
    config::{Config, variable},
    files::read_capped,
    properties::template::{Known, Word},
};

const CGROUPS: &str = "/sys/fs/cgroup";
/// A limit of version 1 above this is none (`PAGE_COUNTER_MAX`).
const NO_LIMIT: u64 = 1 << 60;

/// `resources.NAME` for templates.
pub(super) fn words(config: &Config) -> BTreeMap<&'static str, Word> {
    let told = &config.kafka.resources;
    let root = Path::new(CGROUPS);
    let own = own_group();
    let limits = |find: fn(&Path) -> Option<u64>| {
        // Within a namespace of its own the group is the root.
        [root.join(&own), root.to_owned()].iter().find_map(|group| find(group))
    };
    let memory = told.memory.or_else(|| limits(memory));
    let cpu = told.cpu.or_else(|| limits(cpu));
    let disk = size(config);
    let word = |value: Option<u64>, name: &str, lacks: &str| Word {
        value: value.map(Known::Number),
        remedy: format!("{lacks}; set {}", variable(&format!("kafka.resources.{name}"))),
    };
    [
        ("memory", word(memory, "memory", "the cgroup has no limit of memory")),
        ("cpu", word(cpu, "cpu", "the cgroup has no limit of CPU")),
        ("disk", word(disk, "disk", "the log directories are not here")),
    ]
    .into()
}

/// The size of all log directories together, in bytes; `None` where they are not here, and nobody tells it.
pub fn size(config: &Config) -> Option<u64> {
    config.kafka.resources.disk.or_else(|| disk(&config.storage.log_dirs))
}

/// The group of this process in the one hierarchy of version 2, below the root.
fn own_group() -> PathBuf {
    let text = text(Path::new("/proc/self/cgroup")).unwrap_or_default();
    let own = text.lines().find_map(|line| line.strip_prefix("0::/")).unwrap_or_default();
    PathBuf::from(own)
}

fn text(path: &Path) -> Option<String> {
    String::from_utf8(read_capped(path, 64 << 10).ok()?).ok()
}

fn number(path: &Path) -> Option<u64> {
    text(path)?.trim().parse().ok()
}

fn memory(group: &Path) -> Option<u64> {
    let bytes = number(&group.join("memory.max"));
    bytes.or_else(|| number(&group.join("memory/memory.limit_in_bytes")).filter(|bytes| *bytes < NO_LIMIT))
}

/// Whole cores, rounded up: a quota of 2.5 cores keeps three threads busy.
fn cpu(group: &Path) -> Option<u64> {
    let of_two = || {
        let text = text(&group.join("cpu.max"))?;
        let (quota, period) = text.trim().split_once(' ')?;
        Some((quota.parse::<u64>().ok()?, period.parse::<u64>().ok()?))
    };
    let of_one = || {
        let of = |name: &str| number(&group.join("cpu").join(name));
        Some((of("cpu.cfs_quota_us")?, of("cpu.cfs_period_us")?))
    };
    let (quota, period) = of_two().or_else(of_one)?;
    (quota > 0 && period > 0).then(|| quota.div_ceil(period))
}

/// The size of the file systems of all log directories, each counted once. A directory that is not there yet lies where
/// its parent does; `None` when that is not there either.
fn disk(dirs: &[PathBuf]) -> Option<u64> {
    let mut seen = BTreeSet::new();
    let mut bytes = 0;
    for dir in dirs {
        let parent = dir.parent().filter(|parent| *parent != Path::new("/"));
        let there = [Some(dir.as_path()), parent].into_iter().flatten().find(|dir| dir.is_dir())?;
        if seen.insert(fs::metadata(there).ok()?.dev()) {
            let size = rustix::fs::statvfs(there).ok()?;
            bytes += size.f_blocks.saturating_mul(size.f_frsize);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step should stop the test where it stands")]
    use super::*;

    #[test]
    fn limits_of_both_versions_and_none() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str, text: &str| {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let found = || (memory(dir.path()), cpu(dir.path()));
        assert_eq!(found(), (None, None));
        at("memory/memory.limit_in_bytes", "9223372036854771712\n");
        at("cpu/cpu.cfs_quota_us", "-1\n");
        at("cpu/cpu.cfs_period_us", "100000\n");
        assert_eq!(found(), (None, None));
        at("memory/memory.limit_in_bytes", "1073741824\n");
        at("cpu/cpu.cfs_quota_us", "250000\n");
        assert_eq!(found(), (Some(1 << 30), Some(3)));
        at("memory.max", "max\n");
        at("cpu.max", "max 100000\n");
        assert_eq!(found(), (Some(1 << 30), Some(3)));
        at("memory.max", "2147483648\n");
        at("cpu.max", "400000 100000\n");
        assert_eq!(found(), (Some(2 << 30), Some(4)));
    }

    #[test]
    fn a_file_system_counts_once() {
        let dir = tempfile::tempdir().unwrap();
        let one = disk(&[dir.path().to_owned()]).unwrap();
        assert!(one > 0);
        assert_eq!(disk(&[dir.path().join("a"), dir.path().join("b")]), Some(one));
        assert_eq!(disk(&[dir.path().join("a/b")]), None);
    }
}
