//! The zone of the node, by Kubernetes.

use std::time::Duration;

use super::error::{Exit, InitError};
use crate::{
    config::{self, Config},
    kube::{self, Api, Fault, NODES},
    problem::Problem,
};

/// For how long the API server is asked in all.
pub const PATIENCE: Duration = Duration::from_secs(30);

const SETTING: &str = NODES.setting;

/// Asks until it is told, for `patience` at the most; `None`: the node is there and has no zone.
///
/// # Errors
/// Why it cannot be told. What another try may heal is not a mistake of the configuration.
pub async fn of_node(
    api: Result<Api, Fault>,
    config: &Config,
    patience: Duration,
) -> Result<Option<String>, InitError> {
    let node = node(config);
    let asked = match api {
        Ok(api) => kube::within(patience, async || kube::zone(&api, node).await).await,
        Err(fault) => Err(fault),
    };
    asked.map_err(|fault| {
        let what = format!("the zone of node {node} cannot be asked for: {fault}");
        let (exit, what) = if fault.heals() {
            (Exit::Unavailable, format!("{what}; tried for {}", config::show_duration(patience)))
        } else {
            (Exit::Usage, what)
        };
        InitError::one(exit, Problem::new(config.places.of(SETTING), what, NODES.remedy(&fault)))
    })
}

/// The zone, or what the configuration says of a node without one.
pub(super) fn or(
    told: Option<String>,
    missing: Option<&Option<String>>,
    config: &Config,
) -> Result<Option<String>, InitError> {
    match (told, missing) {
        (Some(zone), _) => Ok(Some(zone)),
        (None, Some(missing)) => Ok(missing.clone()),
        (None, None) => {
            let node = node(config);
            let what = format!("the node {node} has no label topology.kubernetes.io/zone");
            let remedy = format!(
                "kubectl label node {node} topology.kubernetes.io/zone=ZONE, or set broker.zone.whenMissing to none or \
                 literal"
            );
            Err(InitError::one(Exit::Usage, Problem::new(config.places.of(SETTING), what, remedy)))
        }
    }
}

/// The checks of the configuration ask for it.
fn node(config: &Config) -> &str {
    config.kubernetes.node.as_deref().unwrap_or_default()
}
