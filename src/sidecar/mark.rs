//! The mark "was once in sync with everything assigned to it", on the volumes themselves.
//!
//! A broker that was so once is given further replicas by reassignments, and goes on to serve meanwhile; one that was
//! never so has proven nothing. The mark repeats whose the log dir is, so that it means nothing on another volume. It
//! must stand in every log dir: a new one beside the others begins anew. Kafka passes over plain files in a log dir
//! (`LogManager.loadLogs` takes directories only).

use std::{fmt::Write, path::Path};

use crate::{
    files::{Disk, DiskError, read_capped},
    properties,
    storage::{META_MAX_BYTES, META_PROPERTIES, MetaProperties},
};

/// Its name in every log dir.
pub const NAME: &str = ".pillion-in-sync";
/// Anybody may read it.
const MODE: u32 = 0o644;

/// Whose a log dir is; `None` when that cannot be read.
pub fn owner(dir: &Path) -> Option<MetaProperties> {
    read(&dir.join(META_PROPERTIES))
}

/// The mark stands in a log dir of `owner`.
pub fn stands(dir: &Path, owner: &MetaProperties) -> bool {
    read(&dir.join(NAME)).as_ref() == Some(owner)
}

/// Leaves the mark in a log dir of `owner`.
pub fn leave(disk: &Disk, dir: &Path, owner: &MetaProperties) -> Result<(), DiskError> {
    let node = if owner.version == 0 { "broker.id" } else { "node.id" };
    let entries = [
        ("version", Some(owner.version.to_string())),
        ("cluster.id", owner.cluster_id.clone()),
        (node, owner.node_id.map(|id| id.to_string())),
        ("directory.id", owner.directory_id.clone()),
    ];
    let mut text =
        "# This broker was in sync with every replica assigned to it. Written by pillion.\n".to_owned();
    for (key, value) in entries {
        if let Some(value) = value {
            // Writing into a String cannot fail.
            let _ = writeln!(text, "{key}={value}");
        }
    }
    disk.write(&dir.join(NAME), text.as_bytes(), MODE).map(drop)
}

fn read(path: &Path) -> Option<MetaProperties> {
    let bytes = read_capped(path, META_MAX_BYTES).ok()?;
    MetaProperties::from_entries(&properties::parse(&bytes).ok()?).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step should stop the test where it stands")]
    use std::fs;

    use super::*;

    #[test]
    fn the_mark_belongs_to_one_log_dir() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
        assert_eq!(owner(dir.path()), None);
        let id = crate::storage::fresh_directory_id();
        write(META_PROPERTIES, &MetaProperties::render("abc", 7, &id));
        let own = owner(dir.path()).unwrap();
        assert!(!stands(dir.path(), &own));
        leave(&Disk::default(), dir.path(), &own).unwrap();
        assert!(stands(dir.path(), &own));
        for other in [
            MetaProperties { node_id: Some(8), ..own.clone() },
            MetaProperties { cluster_id: Some("abd".into()), ..own.clone() },
            MetaProperties { directory_id: Some(crate::storage::fresh_directory_id()), ..own.clone() },
            MetaProperties { directory_id: None, ..own.clone() },
        ] {
            assert!(!stands(dir.path(), &other), "{other:?}");
        }
        write(NAME, "version=1\ncluster.id=abc\n");
        assert!(!stands(dir.path(), &own), "cut off");
        let old = MetaProperties {
            version: 0,
            node_id: Some(3),
            cluster_id: Some("abc".into()),
            directory_id: None,
        };
        leave(&Disk::default(), dir.path(), &old).unwrap();
        assert!(stands(dir.path(), &old));
    }
}
