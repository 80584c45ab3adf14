//! The settings alone: nothing is written, no volume is looked at, nobody is asked.

use super::{
    error::{Exit, InitError},
    identity::Identity,
    server::{self, Files},
    settings,
};
use crate::{
    config::{self, Config, Sources, Zone, variable},
    problem::Problem,
    properties::{Layers, Style},
};

/// The settings of one node.
pub struct Rendered {
    /// The configuration.
    pub config: Config,
    /// Who this node is; its log directories were not looked at.
    pub identity: Identity,
    /// The settings in their layers.
    pub layers: Layers,
    /// What a person should know, although it is no mistake.
    pub notices: Vec<String>,
}

impl Rendered {
    /// The file, for people: secrets are masked.
    pub fn text(&self, comments: bool) -> String {
        server::render(&self.layers, Style { comments, masked: true })
    }
}

/// The settings of the node that `sources` describe, as init would write them. Files of `file("...")` need not be here.
///
/// # Errors
/// Every mistake at once.
pub fn render(sources: &Sources, host_name: Option<&str>) -> Result<Rendered, InitError> {
    let loaded = config::load(sources).map_err(InitError::usage)?;
    let mut config = loaded.config;
    if let Some(zone) = asked_before(&config) {
        config.broker.zone = zone;
    }
    let (mut problems, mut notices) = (Vec::new(), loaded.notices);
    let settings = settings::decide(&config, host_name, Files::Elsewhere, &mut problems, &mut notices);
    if config.broker.zone.is_open() {
        let what = "the zone is that of the Kubernetes node, which is not asked here";
        let remedy = format!("say one: --zone ZONE, or {}", variable("broker.zone.value"));
        problems.push(Problem::new(config.places.of("kubernetes.zoneFromNode"), what, remedy));
    }
    match settings.identity(&config, Vec::new()) {
        Some(identity) if problems.is_empty() => {
            Ok(Rendered { config, identity, layers: settings.layers, notices })
        }
        _ if problems.is_empty() => {
            // Every part that is missing was told; this is for a mistake of ours.
            let problem = Problem::new("kafka.properties", "the settings are not complete", "report this");
            Err(InitError::one(Exit::Failed, problem))
        }
        _ => Err(InitError::usage(problems)),
    }
}

/// The zone of the Kubernetes node, where init has asked for it before; `None` where it has not.
fn asked_before(config: &Config) -> Option<Zone> {
    let identity = config.broker.zone.is_open().then(|| Identity::read(&config.run_dir).ok()).flatten()?;
    (identity.cluster_id == config.cluster.id).then_some(Zone::Known(identity.zone))
}
