//! What Kafka was given: the sidecar reads it back, for layers and templates are init's alone.

use std::{collections::BTreeMap, path::Path};

use super::SERVER_PROPERTIES;
use crate::{files::read_if_present, problem::Problem, properties};

/// The settings that init left in `run_dir`; `None` where it left none.
///
/// # Errors
/// When they are there and cannot be read.
pub fn given(run_dir: &Path) -> Result<Option<BTreeMap<String, String>>, Problem> {
    let path = run_dir.join(SERVER_PROPERTIES);
    let bad = |what: String| {
        Problem::new(
            path.display().to_string(),
            what,
            "run `pillion init` again, as the user that runs the sidecar",
        )
    };
    let bytes =
        read_if_present(&path, properties::MAX_BYTES as u64).map_err(|error| bad(error.fault.to_string()))?;
    let parsed = bytes.map(|bytes| properties::parse(&bytes)).transpose();
    Ok(parsed
        .map_err(|error| bad(format!("it is no .properties: {error}")))?
        .map(|all| all.into_iter().collect()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step should stop the test where it stands")]
    use super::*;

    #[test]
    fn what_init_left_or_nothing_or_why_not() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(given(dir.path()).unwrap(), None);
        std::fs::write(dir.path().join(SERVER_PROPERTIES), "zookeeper.connect=zk\\:2181\n").unwrap();
        assert_eq!(given(dir.path()).unwrap().unwrap()["zookeeper.connect"], "zk:2181");
        std::fs::write(dir.path().join(SERVER_PROPERTIES), "a=\\u12").unwrap();
        assert!(given(dir.path()).unwrap_err().what.contains("no .properties"));
    }
}
