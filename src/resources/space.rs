//! A file system: how large, how full, how fast it takes a write.

use std::{
    fs::OpenOptions,
    io,
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::Path,
    time::{Duration, Instant},
};

use pillion_probes::resources::Space;
use rustix::fs::{OFlags, StatVfsMountFlags, statvfs};

use crate::files::TEMP_PREFIX;

/// What is written, and to which file: one that counts as none when it is asked whether a directory is empty.
const PROBE: &[u8] = b"written by pillion to see how long it takes\n";
/// The end of its name, behind [`TEMP_PREFIX`].
pub const PROBE_NAME: &str = "write-probe";

/// The file system that `dir` lies on (`statvfs`). One on a disk of this machine mostly answers from memory, even when the
/// disk hangs; one over the network or in user space does not.
pub fn space(dir: &Path) -> io::Result<Space> {
    let told = statvfs(dir)?;
    // Where inodes are made as they are needed there are 0.
    let some = |inodes: u64| (told.f_files > 0).then_some(inodes);
    Ok(Space {
        size: told.f_blocks.saturating_mul(told.f_frsize),
        available: told.f_bavail.saturating_mul(told.f_frsize),
        inodes: some(told.f_files),
        available_inodes: some(told.f_favail),
        read_only: told.f_flag.contains(StatVfsMountFlags::RDONLY) && for_all(dir),
    })
}

/// The file system itself is read-only, and not only its mount for this process, which a pod may well give to its sidecar.
/// Where that cannot be told, it is taken for the worse.
fn for_all(dir: &Path) -> bool {
    let mounts = procfs::process::Process::myself().and_then(|me| me.mountinfo());
    let (Ok(mounts), Ok(dir)) = (mounts, dir.canonicalize()) else { return true };
    let around = mounts.into_iter().filter(|mount| dir.starts_with(&mount.mount_point));
    // Of several at the same place the last one covers the others.
    let nearest = around.max_by_key(|mount| mount.mount_point.components().count());
    nearest.is_none_or(|mount| mount.super_options.contains_key("ro"))
}

/// Writes a few bytes to a file in `dir`, always the same one, and says how long it took until they were on the disk.
pub fn write(dir: &Path) -> io::Result<Duration> {
    let no_link = OFlags::NOFOLLOW.bits().cast_signed();
    let mut open = OpenOptions::new();
    let file = open.write(true).create(true).mode(0o600).custom_flags(no_link);
    let began = Instant::now();
    let file = file.open(dir.join(format!("{TEMP_PREFIX}{PROBE_NAME}")))?;
    file.write_all_at(PROBE, 0)?;
    file.sync_all()?;
    Ok(began.elapsed())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step should stop the test where it stands")]
    use super::*;

    #[test]
    fn it_is_the_file_system_that_df_sees() {
        let dir = tempfile::tempdir().unwrap();
        let df = std::process::Command::new("df")
            .args(["--block-size=1", "--output=size,itotal"])
            .arg(dir.path())
            .output()
            .unwrap();
        let text = String::from_utf8(df.stdout).unwrap();
        let words: Vec<u64> = text.split_whitespace().filter_map(|word| word.parse().ok()).collect();
        let space = space(dir.path()).unwrap();
        assert_eq!(words, [space.size, space.inodes.unwrap_or(0)]);
        assert!(space.available > 0 && space.available <= space.size && !space.read_only);
        assert!(super::space(&dir.path().join("none")).is_err());
    }

    #[test]
    fn a_probe_leaves_one_small_file_and_follows_no_link() {
        let dir = tempfile::tempdir().unwrap();
        assert!(write(dir.path()).unwrap() > Duration::ZERO);
        write(dir.path()).unwrap();
        let path = dir.path().join(format!("{TEMP_PREFIX}{PROBE_NAME}"));
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
        assert_eq!(std::fs::read(&path).unwrap(), PROBE);
        std::fs::remove_file(&path).unwrap();
        let other = dir.path().join("other");
        std::fs::write(&other, "precious and longer than a probe, by far: it must stay as it is").unwrap();
        std::os::unix::fs::symlink(&other, &path).unwrap();
        assert!(write(dir.path()).is_err());
        assert!(std::fs::read_to_string(&other).unwrap().starts_with("precious"));
    }
}
