//! Whether a log directory lies on a volume of its own.

use std::path::{Path, PathBuf};

/// Whether `dir` is a mount point, or lies directly in one that is not `/`. The second is how a volume with
/// `lost+found` is used: Kafka refuses a log directory that holds it.
///
/// # Errors
/// When the kernel's list of mounts cannot be read.
pub fn is_mounted(dir: &Path) -> Result<bool, String> {
    let me = procfs::process::Process::myself().map_err(|e| e.to_string())?;
    let mounts = me.mountinfo().map_err(|e| e.to_string())?;
    let dir = real(dir);
    let points: Vec<PathBuf> = mounts.into_iter().map(|mount| mount.mount_point).collect();
    Ok(on_mount(&dir, &points))
}

fn on_mount(dir: &Path, points: &[PathBuf]) -> bool {
    let is_point = |path: &Path| path != Path::new("/") && points.iter().any(|point| point == path);
    is_point(dir) || dir.parent().is_some_and(is_point)
}

/// With symbolic links followed as far as the path exists.
fn real(path: &Path) -> PathBuf {
    match (path.canonicalize(), path.parent(), path.file_name()) {
        (Ok(real), ..) => real,
        (Err(_), Some(parent), Some(name)) => real(parent).join(name),
        _ => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_point_itself_or_directly_in_it() {
        let points = ["/", "/data/0"].map(PathBuf::from);
        for (dir, mounted) in [
            ("/data/0", true),
            ("/data/0/kafka", true),
            ("/data/0/a/b", false),
            ("/data/1", false),
            ("/x", false),
        ] {
            assert_eq!(on_mount(Path::new(dir), &points), mounted, "{dir}");
        }
    }

    #[test]
    fn this_machine_has_proc_and_no_mount_at_a_made_up_path() {
        assert_eq!(is_mounted(Path::new("/proc")), Ok(true));
        assert_eq!(is_mounted(Path::new("/no-such/directory/here")), Ok(false));
    }
}
