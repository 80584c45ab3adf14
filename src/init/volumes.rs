//! My volumes are mine: looks at every log directory and decides what may be formatted.

use super::identity::Identity;
use crate::{
    config::{Config, Mode},
    problem::Problem,
    properties,
    storage::{self, Intent, LogDir, Marker, MetaError, MetaProperties, Plan, Wanted},
};

/// The layout of a broker's directory in `KRaft` is known from 3.7 (KIP-858) to before 4.4 (KIP-1170).
fn marker(config: &Config) -> Marker {
    let version = config.kafka.version;
    match config.broker.mode {
        Mode::ZooKeeper => Marker::Broker,
        _ if version.at_least(3, 7) && !version.at_least(4, 4) => Marker::Native,
        _ => Marker::Tool,
    }
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
        broker: config.broker.mode.has_broker(),
        controller: config.broker.mode.has_controller(),
        static_voter,
        marker: marker(config),
    };
    storage::plan(found, &wanted, intent)
}

/// Holds the plan against what the last run left in `identity.json`: a directory that held partitions and is empty now
/// was lost or is not mounted. It is formatted only as a replacement, when the cluster says that nothing is lost.
pub(super) fn remembered(
    config: &Config,
    found: &[LogDir],
    plan: Plan,
    replace: bool,
) -> Result<Plan, Vec<Problem>> {
    // No run before this one, or one that left nothing readable: then there is nothing to hold it against.
    let Ok(before) = Identity::read(&config.run_dir) else { return Ok(plan) };
    let held = |dir: &LogDir| {
        before.log_dirs.iter().find(|old| old.path == dir.path).map_or(0, |old| old.partitions)
    };
    let lost: Vec<&LogDir> = found.iter().filter(|dir| dir.is_fresh() && held(dir) > 0).collect();
    if lost.is_empty() {
        return Ok(plan);
    }
    if replace {
        return Ok(plan.asking());
    }
    let problem = |dir: &&LogDir| {
        let what =
            format!("it is empty, and held {} partition(s) when this broker was last prepared", held(dir));
        let remedy = "mount the right volume. If it is lost: --replace, which asks the cluster first. If this is to be \
                      a new cluster: remove identity.json from the run directory";
        Problem::new(dir.path.display().to_string(), what, remedy)
    };
    Err(lost.iter().map(problem).collect())
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
    let fresh = found.iter().all(LogDir::is_fresh);
    if fresh && !config.broker.mode.is_kraft() {
        notices.push(format!(
            "the volumes are left to the broker. The first one of a new cluster invents the cluster's id, unless ZooKeeper \
             has it: before it starts, let zookeeper-shell.sh create /cluster \"\" and create /cluster/id \
             {{\"version\":\"1\",\"id\":\"{}\"}}",
            config.cluster.id
        ));
    }
    if config.storage.bootstrap && !fresh && matches!(plan, Plan::Ready { .. }) {
        let place = config.places.of("storage.bootstrap");
        notices
            .push(format!("{place} is still set: take it out, or a lost volume will be taken for a new one"));
    }
    notices
}
