//! `meta.properties`: whose a log directory is. Versions 0 (`ZooKeeper`) and 1 (`KRaft`), as
//! `org.apache.kafka.metadata.properties.MetaProperties` reads and writes them.

use super::directory_id;

/// Its name in every log directory.
pub const FILE_NAME: &str = "meta.properties";

/// The largest one that is read, in bytes.
pub const MAX_BYTES: u64 = 16 << 10;

/// Whose a log directory is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetaProperties {
    /// 0 or 1.
    pub version: u8,
    /// `cluster.id`; may be missing in version 0.
    pub cluster_id: Option<String>,
    /// `node.id` of version 1, `broker.id` of version 0, where it may be missing.
    pub node_id: Option<i32>,
    /// `directory.id`, from Kafka 3.7 on.
    pub directory_id: Option<String>,
}

/// Why a `meta.properties` cannot be believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MetaError {
    /// It is no `.properties` at all.
    #[error("it is damaged: {0}")]
    NotProperties(String),
    /// A required entry is missing: the file is empty or cut off.
    #[error("it has no {0}: it is empty or cut off")]
    Missing(&'static str),
    /// Its version is neither 0 nor 1.
    #[error("its version {0:?} is not known")]
    Version(String),
    /// An id that is none.
    #[error("its {0} is no valid id")]
    BadId(&'static str),
}

impl MetaProperties {
    /// From the entries of the file; of two entries with one key the last counts.
    pub fn from_entries(entries: &[(String, String)]) -> Result<Self, MetaError> {
        let get = |key| entries.iter().rev().find(|(k, _)| k == key).map(|(_, v)| v.trim());
        let node = |key: &'static str| {
            let id = get(key).map(|text| text.parse::<i32>().ok().filter(|id| *id >= 0));
            id.map(|id| id.ok_or(MetaError::BadId(key))).transpose()
        };
        let version = match get("version").ok_or(MetaError::Missing("version"))? {
            "0" => 0,
            "1" => 1,
            other => return Err(MetaError::Version(other.chars().take(20).collect())),
        };
        let cluster_id = get("cluster.id").filter(|id| !id.is_empty()).map(str::to_owned);
        let directory_id = get("directory.id").map(str::to_owned);
        if directory_id.as_deref().is_some_and(|id| !directory_id::is_valid(id)) {
            return Err(MetaError::BadId("directory.id"));
        }
        if version == 0 {
            return Ok(Self { version, cluster_id, node_id: node("broker.id")?, directory_id });
        }
        let cluster_id = Some(cluster_id.ok_or(MetaError::Missing("cluster.id"))?);
        let node_id = Some(node("node.id")?.ok_or(MetaError::Missing("node.id"))?);
        Ok(Self { version, cluster_id, node_id, directory_id })
    }

    /// A version 1 file. None of its values needs escaping: an id that would is no id.
    pub fn render(cluster_id: &str, node_id: i32, directory_id: &str) -> String {
        format!("#\ncluster.id={cluster_id}\ndirectory.id={directory_id}\nnode.id={node_id}\nversion=1\n")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step should stop the test where it stands")]
    use super::*;

    fn parse(text: &str) -> Result<MetaProperties, MetaError> {
        let entries: Vec<_> =
            text.lines().filter_map(|l| l.split_once('=')).map(|(k, v)| (k.into(), v.into())).collect();
        MetaProperties::from_entries(&entries)
    }

    #[test]
    fn both_versions() {
        let v0 = parse("version=0\nbroker.id=3\ncluster.id=abc").unwrap();
        assert_eq!((v0.version, v0.node_id, v0.cluster_id.as_deref()), (0, Some(3), Some("abc")));
        assert_eq!(parse("version=0").unwrap().node_id, None);
        let id = directory_id::fresh();
        let v1 = parse(&MetaProperties::render("abc", 7, &id)).unwrap();
        assert_eq!((v1.version, v1.node_id, v1.directory_id), (1, Some(7), Some(id)));
    }

    #[test]
    fn half_a_file_is_an_error() {
        for (text, error) in [
            ("", MetaError::Missing("version")),
            ("version=2", MetaError::Version("2".into())),
            ("version=1\ncluster.id=a", MetaError::Missing("node.id")),
            ("version=1\nnode.id=1", MetaError::Missing("cluster.id")),
            ("version=1\nnode.id=-1\ncluster.id=a", MetaError::BadId("node.id")),
            ("version=1\nnode.id=1\ncluster.id=a\ndirectory.id=x", MetaError::BadId("directory.id")),
        ] {
            assert_eq!(parse(text), Err(error));
        }
    }
}
