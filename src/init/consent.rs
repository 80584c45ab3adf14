//! Asks the cluster before an empty volume is formatted that may have taken the place of a lost one.

use super::{
    AskCluster, Prepared, ReplacementAnswer,
    error::{Exit, InitError},
};
use crate::{
    config::{self, Config},
    problem::Problem,
    storage::Ask,
};

/// What is said about a replacement where topics may have been hidden.
const AS_SEEN: &str = "the brokers have an authorizer: topics that this node may not describe may have been left out of \
                       what it was told; it needs DESCRIBE on all topics";

/// Asks if that is called for; returns what a person should know about the answer.
pub(super) fn ask(
    config: &Config,
    prepared: &Prepared,
    ask: &AskCluster,
) -> Result<Option<String>, InitError> {
    let first_start = match prepared.plan.ask() {
        Ask::No => return Ok(None),
        Ask::IfItAnswers if config.cluster.bootstrap.is_empty() => return Ok(None),
        Ask::IfItAnswers => true,
        Ask::Must => false,
    };
    let place = format!("node {}", prepared.identity.id);
    let (lead, tail) =
        if first_start { ("this is no first start: ", "; and take storage.bootstrap out") } else { ("", "") };
    let (exit, what, remedy): (Exit, String, String) = match ask(config, &prepared.identity) {
        ReplacementAnswer::Safe => return Ok(None),
        ReplacementAnswer::SafeAsSeen => return Ok(Some(AS_SEEN.to_owned())),
        ReplacementAnswer::CannotAsk { why, .. } if first_start => {
            return Ok(Some(format!(
                "no broker of the cluster could be asked, as at its first start: {why}"
            )));
        }
        ReplacementAnswer::OnlyCopy { partitions } => (
            Exit::Usage,
            format!("{lead}it may hold the only copy of {}", partitions.join(", ")),
            format!(
                "restore the old volume. Only if it is gone for good: elect a leader for these partitions or delete \
                 them, knowing what is lost, then replace{tail}"
            ),
        ),
        ReplacementAnswer::Alive { why } => {
            let session = config::show_duration(config.sidecar.timing.session_timeout);
            let remedy = format!(
                "stop the broker that runs under this id, or correct broker.idBase and the ordinal; if it has just \
                 died, wait {session} (sessionTimeout) and run init again{tail}"
            );
            (Exit::Usage, format!("{lead}{why}"), remedy)
        }
        ReplacementAnswer::CannotAsk { why, remedy } => (
            Exit::Unavailable,
            format!("the cluster cannot be asked whether a replacement is safe: {why}"),
            remedy,
        ),
    };
    Err(InitError::one(exit, Problem::new(place, what, remedy)))
}
