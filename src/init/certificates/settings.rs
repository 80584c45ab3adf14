//! What the certificates come to in `server.properties`, and what there contradicts them.

use std::collections::BTreeMap;

use super::is_listed;
use crate::{
    certs::{self, KEYSTORE, PASSWORD, TRUSTSTORE},
    config::Config,
    init::{listeners, server},
    problem::Problem,
    properties::Layers,
};

/// Settings that Kafka reads beside a PEM file, and that do not go with it (`DefaultSslEngineFactory`).
const BESIDE: [&str; 6] = [
    "ssl.keystore.password",
    "ssl.keystore.key",
    "ssl.keystore.certificate.chain",
    "ssl.key.password",
    "ssl.truststore.password",
    "ssl.truststore.certificates",
];

fn prefix(listener: &str) -> String {
    format!("listener.name.{}.", listener.to_lowercase())
}

/// Where each listener's files are.
pub(in crate::init) fn computed(config: &Config) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    let certificates = &config.certificates;
    for listener in certificates.listeners.keys() {
        let place = certs::place(&config.run_dir, listener);
        let mut set = |key: &str, value: String| all.insert(prefix(listener) + key, value);
        set("ssl.keystore.type", "PEM".to_owned());
        set("ssl.keystore.location", place.join(KEYSTORE).display().to_string());
        set("ssl.truststore.type", "PEM".to_owned());
        set("ssl.truststore.location", place.join(TRUSTSTORE).display().to_string());
        if encrypts(config) {
            set("ssl.key.password", PASSWORD.to_owned());
        }
        // By listener, for the others may be somebody else's.
        if certificates.allow_dn_changes {
            set("ssl.allow.dn.changes", "true".to_owned());
        }
        if certificates.allow_san_changes {
            set("ssl.allow.san.changes", "true".to_owned());
        }
    }
    all
}

fn encrypts(config: &Config) -> bool {
    certs::encrypts((config.kafka.version.major, config.kafka.version.minor))
}

/// Listeners that are none, or speak no TLS, and settings of the user that do not go with the files.
pub(in crate::init) fn check(config: &Config, layers: &Layers) -> Vec<Problem> {
    let mut problems = Vec::new();
    let value = |key: &str| layers.get(key).map(|(text, _)| text);
    // Where it cannot be read, that is told elsewhere.
    let Ok(bound) = listeners::parse(value("listeners").unwrap_or_default()) else { return problems };
    let controllers = value("controller.listener.names").unwrap_or_default();
    for (listener, source) in &config.certificates.listeners {
        let place = config.places.of(&format!("certificates.listeners.{listener}"));
        let known = bound.iter().any(|bound| bound.name == *listener) || is_listed(controllers, listener);
        let protocol = listeners::protocol(listener, value("listener.security.protocol.map"));
        if !known {
            let names: Vec<_> = bound.iter().map(|bound| bound.name.as_str()).collect();
            let what = format!("kafka.properties.listeners has no listener {listener}");
            let remedy = format!("add it there, or correct the name; there are: {}", names.join(", "));
            problems.push(Problem::new(place, what, remedy));
            continue;
        }
        if !["SSL", "SASL_SSL"].contains(&protocol.as_str()) {
            let what = format!("the protocol of listener {listener} is {protocol}, which has no certificate");
            let remedy = "make it SSL or SASL_SSL in kafka.properties.listener.security.protocol.map, or take it out here";
            problems.push(Problem::new(place, what, remedy));
        }
        let own = prefix(listener);
        for key in BESIDE {
            let computed = key == "ssl.key.password" && encrypts(config);
            let written = [own.clone() + key, key.to_owned()];
            for key in written.iter().filter(|key| !computed && layers.user(key).is_some()) {
                let what = format!(
                    "it does not go with the PEM files of listener {listener} (certificates, {})",
                    source.kind()
                );
                let remedy = format!(
                    "take it out; where another listener needs it, write it for that one alone: \
                     listener.name.OTHER.{}",
                    key.trim_start_matches(&own)
                );
                let place = server::place(config, layers, key);
                if !problems.iter().any(|problem: &Problem| problem.place == place) {
                    problems.push(Problem::new(place, what, remedy));
                }
            }
        }
    }
    problems
}
