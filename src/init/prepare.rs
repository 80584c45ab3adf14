//! Looks and decides. Nothing here writes.

use std::path::Path;

use super::{
    certificates,
    error::InitError,
    format_tool,
    identity::{Identity, LogDirFacts},
    server::Files,
    settings, volumes,
    who::Who,
};
use crate::{
    config::Config,
    storage::{LogDir, Plan},
};

/// Everything that is decided before anything is written.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// Who this node is.
    pub identity: Identity,
    /// The text of `server.properties`.
    pub settings: String,
    /// What is to be formatted.
    pub plan: Plan,
    /// Whether this node is a static voter of the quorum.
    pub static_voter: bool,
    /// What a person should know, although it is no mistake.
    pub notices: Vec<String>,
}

/// Looks at everything and collects every mistake.
pub(super) fn prepare(
    config: &Config,
    replace: bool,
    host_name: Option<&str>,
) -> Result<Prepared, InitError> {
    let (mut problems, mut notices) = (Vec::new(), Vec::new());
    let settings = settings::decide(config, host_name, Files::Needed, &mut problems, &mut notices);
    let found = volumes::survey(config).map_err(|more| problems.extend(more)).ok();
    let plan = match (&found, settings.who) {
        (Some(found), Some(Who { id, .. })) => {
            let plan = volumes::plan(config, id, settings.static_voter, replace, found);
            let plan = plan.and_then(|plan| volumes::remembered(config, found, plan, replace));
            plan.map_err(|more| problems.extend(more)).ok()
        }
        _ => None,
    };
    let (Some(found), Some(plan)) = (found, plan) else { return Err(InitError::usage(problems)) };
    let Some(identity) = settings.identity(config, facts(&found, &config.storage.log_dirs)) else {
        return Err(InitError::usage(problems));
    };
    problems.extend(format_tool::check(config, &plan, settings.static_voter));
    if !problems.is_empty() {
        return Err(InitError::usage(problems));
    }
    notices.extend(volumes::notices(config, &found, &plan));
    notices.extend(certificates::marked(config));
    let (settings, static_voter) = (settings.text, settings.static_voter);
    Ok(Prepared { identity, settings, plan, static_voter, notices })
}

/// The facts of the log directories; the metadata directory counts only where it is one of them.
pub(super) fn facts(found: &[LogDir], log_dirs: &[std::path::PathBuf]) -> Vec<LogDirFacts> {
    let of = |dir: &LogDir| LogDirFacts {
        path: dir.path.clone(),
        directory_id: dir.meta().and_then(|meta| meta.directory_id.clone()),
        clean_shutdown: dir.clean_shutdown,
        partitions: dir.partitions,
    };
    let is_log_dir = |path: &Path| log_dirs.iter().any(|dir| dir == path);
    found.iter().filter(|dir| is_log_dir(&dir.path)).map(of).collect()
}
