//! One log directory as it is found.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

use super::meta_properties::{FILE_NAME, MAX_BYTES, MetaError, MetaProperties};
use crate::{
    files::{TEMP_PREFIX, read_if_present},
    problem::Problem,
};

/// Stands in a directory while `kafka-storage` formats it: what lies beside it is no data yet.
pub const FORMAT_MARK: &str = ".pillion-format";

/// What `kafka-storage format` may leave when it is stopped half-way.
const FORMATTER_FILES: [&str; 3] = ["bootstrap.checkpoint", "meta.properties", "meta.properties.tmp"];
const METADATA_LOG: &str = "__cluster_metadata-0";
/// The only thing the formatter puts into [`METADATA_LOG`]; a node that ran has more there.
const FIRST_SNAPSHOT: &str = "00000000000000000000-0000000000.checkpoint";

/// How many names a message gives.
const NAMES: usize = 3;

/// A log directory as it is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogDir {
    /// Where it is.
    pub path: PathBuf,
    /// Whose it is.
    pub state: State,
    /// Whether [`FORMAT_MARK`] stands in it.
    pub marked: bool,
    /// Whether `.kafka_cleanshutdown` stands in it: without it the broker recovers its logs.
    pub clean_shutdown: bool,
    /// Directories of partitions, the metadata log not counted.
    pub partitions: usize,
    /// Whether `lost+found` stands in it, at which Kafka would stop.
    pub lost_and_found: bool,
}

/// Whose a log directory is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// There is no such directory.
    Absent,
    /// It is there, and empty.
    Empty,
    /// It has a `meta.properties`.
    Formatted(MetaProperties),
    /// A formatter was stopped half-way, and nothing else is in it.
    Unfinished,
    /// It has no `meta.properties` and is not empty.
    Foreign {
        /// The first few partitions by name.
        partitions: Vec<String>,
        /// The first few other entries by name.
        others: Vec<String>,
    },
}

impl LogDir {
    /// Whether nothing of anybody's lies in it.
    pub fn is_fresh(&self) -> bool {
        matches!(self.state, State::Absent | State::Empty | State::Unfinished)
    }

    /// Its `meta.properties`.
    pub fn meta(&self) -> Option<&MetaProperties> {
        if let State::Formatted(meta) = &self.state { Some(meta) } else { None }
    }
}

/// Looks at a log directory. `parse` reads a `meta.properties`.
///
/// # Errors
/// When it cannot be read, is no directory, or its `meta.properties` cannot be believed.
pub fn survey(
    path: &Path,
    parse: impl Fn(&[u8]) -> Result<MetaProperties, MetaError>,
) -> Result<LogDir, Problem> {
    let mut found = LogDir {
        path: path.to_owned(),
        state: State::Absent,
        marked: false,
        clean_shutdown: false,
        partitions: 0,
        lost_and_found: false,
    };
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(found),
        Err(e) => return Err(unreadable(path, &e)),
    };
    let (mut partitions, mut others) = (Few::default(), Few::default());
    for entry in entries {
        let entry = entry.map_err(|e| unreadable(path, &e))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        match name.as_str() {
            FILE_NAME => {}
            FORMAT_MARK => found.marked = true,
            ".kafka_cleanshutdown" => found.clean_shutdown = true,
            "lost+found" => found.lost_and_found = true,
            _ if name.starts_with(TEMP_PREFIX) => {}
            _ if is_partition(&name) => {
                found.partitions += usize::from(name != METADATA_LOG);
                partitions.add(name);
            }
            _ => others.add(name),
        }
    }
    if found.clean_shutdown {
        others.add(".kafka_cleanshutdown".to_owned());
    }
    let file = path.join(FILE_NAME);
    let bytes = read_if_present(&file, MAX_BYTES).map_err(|e| {
        Problem::new(file.display().to_string(), format!("failed to read it: {}", e.fault), e.remedy())
    })?;
    found.state = if let Some(bytes) = bytes {
        State::Formatted(parse(&bytes).map_err(|e| damaged(&file, &e))?)
    } else if partitions.is_empty() && others.is_empty() {
        State::Empty
    } else if found.marked && leftovers(path).is_some() {
        State::Unfinished
    } else {
        State::Foreign { partitions: partitions.names(), others: others.names() }
    };
    Ok(found)
}

/// What a formatter left in a marked directory, when there is nothing else in it.
pub fn leftovers(dir: &Path) -> Option<Vec<PathBuf>> {
    let mut left = Vec::new();
    for entry in fs::read_dir(dir).ok()? {
        let path = entry.ok()?.path();
        let name = path.file_name()?.to_str()?;
        if name == METADATA_LOG {
            for inner in fs::read_dir(&path).ok()? {
                let inner = inner.ok()?.path();
                if inner.file_name()? != FIRST_SNAPSHOT {
                    return None;
                }
                left.push(inner);
            }
        } else if FORMATTER_FILES.contains(&name) {
            left.push(path);
        } else if name != FORMAT_MARK && name != "lost+found" && !name.starts_with(TEMP_PREFIX) {
            return None;
        }
    }
    Some(left)
}

/// `topic-3`, or one on its way: `topic-3.4f0e-delete`, `-future`, `-stray` (`UnifiedLog`).
fn is_partition(name: &str) -> bool {
    name.rsplit_once('-').is_some_and(|(topic, end)| {
        let number = !end.is_empty() && end.bytes().all(|b| b.is_ascii_digit());
        !topic.is_empty() && (number || matches!(end, "delete" | "future" | "stray"))
    })
}

/// The first few names in their order, however many come.
#[derive(Default)]
struct Few(BTreeSet<String>);

impl Few {
    fn add(&mut self, name: String) {
        self.0.insert(name);
        if self.0.len() > NAMES {
            self.0.pop_last();
        }
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn names(self) -> Vec<String> {
        self.0.into_iter().collect()
    }
}

fn unreadable(path: &Path, error: &io::Error) -> Problem {
    let what = match error.kind() {
        io::ErrorKind::PermissionDenied => "failed to read it: permission denied".to_owned(),
        io::ErrorKind::NotADirectory => "it is not a directory".to_owned(),
        _ => format!("failed to read it: {error}"),
    };
    let remedy = "mount the volume there, and let the user that runs pillion read and write it (fsGroup)";
    Problem::new(path.display().to_string(), what, remedy)
}

fn damaged(file: &Path, error: &MetaError) -> Problem {
    let remedy = "restore the file from another log directory of this node (its directory.id apart), or replace \
                  the volume; it is never written over";
    Problem::new(file.display().to_string(), error.to_string(), remedy)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step should stop the test where it stands")]
    use super::*;

    fn look(dir: &Path) -> Result<LogDir, Problem> {
        survey(dir, |bytes| {
            let text = std::str::from_utf8(bytes).map_err(|e| MetaError::NotProperties(e.to_string()))?;
            let pairs = text.lines().filter_map(|l| l.split_once('='));
            MetaProperties::from_entries(&pairs.map(|(k, v)| (k.into(), v.into())).collect::<Vec<_>>())
        })
    }

    #[test]
    fn what_lies_in_it_decides_whose_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        assert_eq!(look(&at("none")).unwrap().state, State::Absent);
        fs::create_dir(at("lost+found")).unwrap();
        fs::write(at(".pillion-tmp.meta.properties"), "vers").unwrap();
        assert_eq!(look(dir.path()).unwrap().state, State::Empty);
        fs::create_dir(at("orders-0")).unwrap();
        fs::create_dir(at("orders-1.abc-delete")).unwrap();
        let foreign = look(dir.path()).unwrap();
        assert_eq!(foreign.partitions, 2);
        assert!(matches!(foreign.state, State::Foreign { partitions, .. } if partitions[0] == "orders-0"));
        fs::write(at(FILE_NAME), "version=1\ncluster.id=c\nnode.id=1\n").unwrap();
        assert!(look(dir.path()).unwrap().meta().is_some());
        fs::write(at(FILE_NAME), "").unwrap();
        assert!(look(dir.path()).unwrap_err().what.contains("cut off"));
        fs::write(at(FILE_NAME), [0xff, 0]).unwrap();
        assert!(look(dir.path()).unwrap_err().what.contains("damaged"));
        assert!(look(&at(FILE_NAME)).unwrap_err().what.contains("not a directory"));
    }

    #[test]
    fn a_mark_excuses_what_a_formatter_leaves_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::write(at("bootstrap.checkpoint"), "x").unwrap();
        assert!(matches!(look(dir.path()).unwrap().state, State::Foreign { .. }));
        fs::write(at(FORMAT_MARK), "").unwrap();
        fs::create_dir(at(METADATA_LOG)).unwrap();
        fs::write(at(METADATA_LOG).join(FIRST_SNAPSHOT), "x").unwrap();
        assert_eq!(look(dir.path()).unwrap().state, State::Unfinished);
        fs::write(at(METADATA_LOG).join("quorum-state"), "x").unwrap();
        assert!(matches!(look(dir.path()).unwrap().state, State::Foreign { .. }));
    }
}
