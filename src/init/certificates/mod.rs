//! The certificates of the listeners: which are wanted, fetched until they are good, and installed.

mod gather;
mod settings;

use std::{collections::BTreeMap, path::Path};

use serde::{Deserialize, Serialize};

pub use gather::{fetch, files, gather};
pub(super) use settings::{check, computed};

use super::listeners::{self, Bound};
use crate::{
    certs::{self, Checked},
    config::{Config, certificates::Source},
    files::{Disk, DiskError, Outcome},
    properties::Layers,
};

/// A listener whose certificate pillion manages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TlsListener {
    /// Its name, in capitals.
    pub name: String,
    /// Where it is asked from the same machine; none where this node only connects with the certificate, as a broker does
    /// to the controllers.
    pub port: Option<u16>,
    /// The host that it is bound to, without brackets; a loopback address where it is bound to all.
    pub host: String,
    /// The names that its certificate has to cover: those under which others are told to find it.
    pub names: Vec<String>,
    /// Brokers or controllers talk to each other by it.
    pub inter_broker: bool,
}

/// What was checked, by the name of the listener.
pub type Certificates = BTreeMap<String, Checked>;

/// The listeners whose certificates are managed, with the names that these have to cover.
///
/// Only the names that are advertised: nobody connects by another one, and asking for more would refuse good certificates. A
/// pod's own name is among them where `broker.advertised` has it. Controllers are found by `controller.quorum.voters`; a
/// broker that is none only connects to them, and no name is asked for.
pub(super) fn wanted(config: &Config, layers: &Layers, id: i32) -> Vec<TlsListener> {
    let value = |key: &str| layers.get(key).map_or("", |(text, _)| text);
    let bound = listeners::parse(value("listeners")).unwrap_or_default();
    let advertised = listeners::parse(value("advertised.listeners")).unwrap_or_default();
    let voters = listeners::controllers(value("controller.quorum.voters"), true).unwrap_or_default();
    let one = |name: &String| {
        let mine: Option<&Bound> = bound.iter().find(|bound| bound.name == *name);
        let controllers = is_listed(value("controller.listener.names"), name);
        let told = advertised.iter().find(|one| one.name == *name).map(|one| one.host.clone());
        let voter =
            voters.iter().find(|voter| controllers && voter.id == Some(id)).map(|voter| voter.host.clone());
        let own = mine.map(|bound| bound.host.clone());
        let anywhere = |host: &String| ["", "0.0.0.0", "::"].contains(&host.as_str());
        let names = if mine.is_some() {
            told.or(voter).or_else(|| own.clone()).filter(|host| !anywhere(host)).into_iter().collect()
        } else {
            Vec::new()
        };
        TlsListener {
            name: name.clone(),
            port: mine.map(|bound| bound.port),
            host: own.filter(|host| !anywhere(host)).unwrap_or_else(|| "127.0.0.1".to_owned()),
            names,
            inter_broker: controllers || is_inter_broker(layers, name),
        }
    };
    config.certificates.listeners.keys().map(one).collect()
}

fn is_listed(names: &str, name: &str) -> bool {
    names.split(',').any(|one| one.trim().eq_ignore_ascii_case(name))
}

/// By name, or by protocol (`KafkaConfig.interBrokerListenerName`).
fn is_inter_broker(layers: &Layers, name: &str) -> bool {
    let value = |key: &str| layers.get(key).map(|(text, _)| text.trim());
    match value("inter.broker.listener.name") {
        Some(inter) => inter.eq_ignore_ascii_case(name),
        None => value("security.inter.broker.protocol").unwrap_or("PLAINTEXT").eq_ignore_ascii_case(name),
    }
}

/// What a person should know of a source that is not for production.
pub(super) fn marked(config: &Config) -> Vec<String> {
    let of_development = |source: &Source| matches!(source, Source::Development(_));
    let all = config.certificates.listeners.iter().filter(|(_, source)| of_development(source));
    let one = |(listener, _): (&String, &Source)| {
        format!(
            "WARNING: the certificate of listener {listener} is of a development CA, which is NOT FOR PRODUCTION: whoever \
             reads its directory can be any broker"
        )
    };
    all.map(one).collect()
}

/// Puts them where server.properties says that they are.
pub(super) fn install(disk: &Disk, run_dir: &Path, all: &Certificates) -> Result<Vec<String>, DiskError> {
    let mut written = Vec::new();
    for (listener, checked) in all {
        if certs::install(disk, &certs::place(run_dir, listener), checked)? == Outcome::Written {
            written.push(listener.clone());
        }
    }
    Ok(written)
}
