//! What pillion sets by itself: defaults of the mode below the user's settings, and identity above them.

use std::collections::BTreeMap;

use crate::{
    config::{Config, Mode},
    init::certificates,
};

/// Only what Kafka's own defaults get wrong for a cluster that is meant to survive the loss of a broker.
/// Creation of topics happens on the controller, so both roles are told.
pub(super) fn defaults(mode: Mode) -> BTreeMap<String, String> {
    let mut all = vec![("default.replication.factor", "3"), ("min.insync.replicas", "2")];
    if mode.is_kraft() {
        all.push(("controller.listener.names", "CONTROLLER"));
    }
    if mode.has_broker() {
        all.push(("auto.create.topics.enable", "false"));
    }
    all.into_iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect()
}

pub(super) fn computed(config: &Config, id: i32, advertised: Option<String>) -> BTreeMap<String, String> {
    let mode = config.broker.mode;
    let timing = &config.sidecar.timing;
    let log_dirs: Vec<_> = config.storage.log_dirs.iter().map(|d| d.display().to_string()).collect();
    let session = timing.session_timeout.as_millis().to_string();
    let mut all = vec![("log.dirs", log_dirs.join(","))];
    let roles = match mode {
        Mode::KraftBroker => Some("broker"),
        Mode::KraftController => Some("controller"),
        Mode::KraftCombined => Some("broker,controller"),
        Mode::ZooKeeper => None,
    };
    if let Some(roles) = roles {
        all.extend([
            ("node.id", id.to_string()),
            ("process.roles", roles.to_owned()),
            ("metadata.log.dir", config.storage.metadata_dir().display().to_string()),
            // Both roles: the controllers' own value is the one that counts.
            ("broker.session.timeout.ms", session),
            ("broker.heartbeat.interval.ms", timing.heartbeat_interval.as_millis().to_string()),
        ]);
    } else {
        all.extend([
            ("broker.id", id.to_string()),
            // Otherwise ids above 1000 are refused (`KafkaConfig.validateValues`).
            ("broker.id.generation.enable", "false".to_owned()),
            ("zookeeper.session.timeout.ms", session),
        ]);
    }
    if mode.has_broker() {
        all.extend(config.broker.zone.known().map(|zone| ("broker.rack", zone.to_owned())));
        all.extend(advertised.map(|listeners| ("advertised.listeners", listeners)));
    }
    let tls = certificates::computed(config);
    all.into_iter().map(|(k, v)| (k.to_owned(), v)).chain(tls).collect()
}

/// Where the computed value of a setting is decided.
pub(super) fn decided_by(key: &str) -> &'static str {
    match key {
        "node.id" | "broker.id" => "broker.idBase and the ordinal",
        "process.roles" => "broker.mode",
        "broker.rack" => "broker.zone",
        "advertised.listeners" => "broker.advertised",
        "log.dirs" | "log.dir" => "storage.logDirs",
        "metadata.log.dir" => "storage.metadataLogDir",
        "broker.session.timeout.ms" | "zookeeper.session.timeout.ms" => "sidecar.timing.sessionTimeout",
        "broker.id.generation.enable" => "broker.idBase and the ordinal, not by ZooKeeper",
        _ if key.contains(".ssl.allow.") => "certificates.allowDnChanges and allowSanChanges",
        _ if key.contains(".ssl.") => "certificates.listeners",
        _ => "sidecar.timing.heartbeatInterval",
    }
}
