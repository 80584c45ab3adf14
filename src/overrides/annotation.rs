//! The override's annotation, as the kubelet projects it into a file of a downward API volume.

use std::path::Path;

use pillion_probes::forced::MAX_BYTES;

use super::file::Look;
use crate::files::read_if_present;

/// Name of its file in the directory of the volume.
pub const ANNOTATION_FILE: &str = "override";

/// The link that the kubelet swaps.
const DATA: &str = "..data";
/// A swap takes a moment, and there are few of them.
const ATTEMPTS: usize = 16;

/// Reads the annotation; a pod without one has an empty file. The kubelet alone writes there: its symbolic links
/// (`override` leads through `..data` to a directory that is swapped as a whole) are followed.
pub fn annotation(pod_info: &Path) -> Look {
    let path = pod_info.join(ANNOTATION_FILE);
    for _ in 0..ATTEMPTS {
        let before = std::fs::read_link(pod_info.join(DATA)).ok();
        match read_if_present(&path, MAX_BYTES as u64) {
            // The old directory may vanish between the link and the file in it: no annotation was taken away by that.
            Ok(None) if before != std::fs::read_link(pod_info.join(DATA)).ok() => {}
            Ok(None) => return Look::Absent,
            Ok(Some(bytes)) if bytes.trim_ascii().is_empty() => return Look::Absent,
            Ok(Some(bytes)) => return Look::Found(bytes),
            Err(error) => return Look::Unusable(format!("{error}; {}", error.remedy())),
        }
    }
    Look::Unusable(format!("{} changes whenever it is read", path.display()))
}
