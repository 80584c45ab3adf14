//! My volumes are mine: looks at every log directory and decides what may be formatted.

use crate::{
    config::Config,
    problem::Problem,
    properties,
    storage::{self, Intent, LogDir, MetaError, MetaProperties, Plan, Wanted},
};

/// Kafka versions whose layout of a broker's directory is known: from 3.7 (KIP-858) to before 4.4 (KIP-1170).
fn native(config: &Config) -> bool {
    let version = config.kafka.version;
    version.at_least(3, 7) && !version.at_least(4, 4)
}

/// Reads a `meta.properties`.
///
/// # Errors
/// When it is damaged, empty, cut off, or of an unknown version.
pub fn parse_meta(bytes: &[u8]) -> Result<MetaProperties, MetaError> {
    let entries = properties::parse(bytes).map_err(|e| MetaError::NotProperties(e.to_string()))?;
    MetaProperties::from_entries(&entries)
}

/// Looks at every directory; every mistake is told.
pub(super) fn survey(config: &Config) -> Result<Vec<LogDir>, Vec<Problem>> {
    let mut problems = Vec::new();
    let mut found = Vec::new();
    for dir in config.storage.all_dirs() {
        if config.storage.must_be_mount {
            problems.extend(unmounted(&dir));
        }
        match storage::survey(&dir, parse_meta) {
            Ok(facts) => found.push(facts),
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() { Ok(found) } else { Err(problems) }
}

fn unmounted(dir: &std::path::Path) -> Option<Problem> {
    let (what, remedy) = match storage::is_mounted(dir) {
        Ok(true) => return None,
        Ok(false) => (
            "neither it nor the directory it lies in is a mount point".to_owned(),
            "mount the volume, or take storage.mustBeMount out",
        ),
        Err(why) => (
            format!("failed to read the list of mounts: {why}"),
            "mount /proc, or take storage.mustBeMount out",
        ),
    };
    Some(Problem::new(dir.display().to_string(), what, remedy))
}

/// Decides what may be formatted.
pub(super) fn plan(
    config: &Config,
    id: i32,
    static_voter: bool,
    replace: bool,
    found: &[LogDir],
) -> Result<Plan, Vec<Problem>> {
    let intent = match (config.storage.bootstrap, replace) {
        (true, true) => {
            let what = "--replace and bootstrap exclude each other";
            let remedy = "a replacement is not the first start: take storage.bootstrap out";
            return Err(vec![Problem::new(config.places.of("storage.bootstrap"), what, remedy)]);
        }
        (true, false) => Intent::Bootstrap,
        (false, true) => Intent::Replace,
        (false, false) => Intent::Start,
    };
    let wanted = Wanted {
        node_id: id,
        cluster_id: config.cluster.id.clone(),
        metadata_dir: config.storage.metadata_dir().to_owned(),
        controller: config.broker.mode.has_controller(),
        static_voter,
        native: native(config),
    };
    storage::plan(found, &wanted, intent)
}

/// What a person should know about the directories, although it is no mistake.
pub(super) fn notices(config: &Config, found: &[LogDir], plan: &Plan) -> Vec<String> {
    let mut notices = Vec::new();
    for dir in found.iter().filter(|dir| dir.lost_and_found) {
        let path = dir.path.display();
        notices.push(format!(
            "{path} holds lost+found, at which Kafka stops: let log.dirs name a directory below the mount point"
        ));
    }
    if config.storage.bootstrap && matches!(plan, Plan::Ready { .. }) {
        let place = config.places.of("storage.bootstrap");
        notices
            .push(format!("{place} is still set: take it out, or a lost volume will be taken for a new one"));
    }
    notices
}
