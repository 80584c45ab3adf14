//! The override's annotation, as the kubelet projects it into a file of a downward API volume.

use std::path::Path;

use pillion_probes::forced::MAX_BYTES;

use super::file::Look;
use crate::files::read_if_present;

/// Name of its file in the directory of the volume.
pub const ANNOTATION_FILE: &str = "override";

/// Reads the annotation; a pod without one has an empty file. The kubelet alone writes there: its symbolic links
/// (`override` leads through `..data` to a directory that is swapped as a whole) are followed.
pub fn annotation(pod_info: &Path) -> Look {
    let path = pod_info.join(ANNOTATION_FILE);
    let read = || read_if_present(&path, MAX_BYTES as u64);
    // The old directory may vanish between the link and the file in it: that is no annotation that was taken away.
    let found = match read() {
        Ok(None) => read(),
        found => found,
    };
    match found {
        Ok(None) => Look::Absent,
        Ok(Some(bytes)) if bytes.trim_ascii().is_empty() => Look::Absent,
        Ok(Some(bytes)) => Look::Found(bytes),
        Err(error) => Look::Unusable(format!("{error}; {}", error.remedy())),
    }
}
