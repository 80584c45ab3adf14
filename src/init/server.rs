//! My `server.properties`: defaults that suit the mode, the user's settings on top, identity last.

use std::collections::BTreeMap;

use crate::{
    config::{Config, Mode},
    problem::Problem,
    properties::{Layers, connect},
};

/// What the first lines of the file say.
const HEAD: &str = "# Rendered by `pillion init` at every start; changes belong into the configuration.\n";

/// The settings in their layers.
pub(super) fn layers(config: &Config, id: i32, advertised: Option<String>) -> Layers {
    Layers {
        defaults: defaults(config.broker.mode),
        user: config.kafka.properties.clone(),
        computed: computed(config, id, advertised),
    }
}

/// The file.
pub(super) fn render(layers: &Layers, mode: Mode) -> String {
    let defaults = format!("Defaults of pillion for {}", mode.name());
    HEAD.to_owned()
        + &layers.render([
            &defaults,
            "Yours (kafka.properties)",
            "Computed from identity, zone, volumes and timing",
        ])
}

/// Only what Kafka's own defaults get wrong for a cluster that is meant to survive the loss of a broker.
/// Creation of topics happens on the controller, so both roles are told.
fn defaults(mode: Mode) -> BTreeMap<String, String> {
    let mut all = vec![("default.replication.factor", "3"), ("min.insync.replicas", "2")];
    if mode.is_kraft() {
        all.push(("controller.listener.names", "CONTROLLER"));
    }
    if mode.has_broker() {
        all.push(("auto.create.topics.enable", "false"));
    }
    all.into_iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect()
}

fn computed(config: &Config, id: i32, advertised: Option<String>) -> BTreeMap<String, String> {
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
    all.into_iter().map(|(k, v)| (k.to_owned(), v)).collect()
}

/// Where the computed value of a setting is decided.
fn decided_by(key: &str) -> &'static str {
    match key {
        "node.id" | "broker.id" => "broker.idBase and the ordinal",
        "process.roles" => "broker.mode",
        "broker.rack" => "broker.zone",
        "advertised.listeners" => "broker.advertised",
        "log.dirs" | "log.dir" => "storage.logDirs",
        "metadata.log.dir" => "storage.metadataLogDir",
        "broker.session.timeout.ms" | "zookeeper.session.timeout.ms" => "sidecar.timing.sessionTimeout",
        "broker.id.generation.enable" => "broker.idBase and the ordinal, not by ZooKeeper",
        _ => "sidecar.timing.heartbeatInterval",
    }
}

/// A user's setting that contradicts a computed one, and a setting that only the user can know.
pub(super) fn check(config: &Config, layers: &Layers, id: i32) -> Vec<Problem> {
    let mut problems = Vec::new();
    let place = |key: &str| config.places.of(&format!("kafka.properties.{key}"));
    let mut against = |key: &str, computed: &str| {
        let theirs = layers.user.get(key).map_or("", String::as_str);
        let what = format!("it says {theirs:?}, and pillion computes {computed:?}");
        let remedy = format!("take it out; it is decided by {}", decided_by(key));
        problems.push(Problem::new(place(key), what, remedy));
    };
    for contradiction in layers.contradictions() {
        against(&contradiction.key, &contradiction.computed);
    }
    // Other names for what is computed.
    let aliases = [
        ("broker.id", Some(id.to_string())),
        ("node.id", Some(id.to_string())),
        ("log.dir", layers.computed.get("log.dirs").cloned()),
        ("broker.rack", layers.computed.get("broker.rack").cloned()),
    ];
    for (key, computed) in aliases {
        // The zone is asked for only when everything else is right.
        if key == "broker.rack" && config.broker.zone.is_open() {
            continue;
        }
        let computed = computed.unwrap_or_default();
        let theirs = layers.user.get(key).map(|text| text.trim());
        if !layers.computed.contains_key(key) && theirs.is_some_and(|theirs| theirs != computed) {
            against(key, &computed);
        }
    }
    let mut missing = |key: &str, remedy: &str| {
        problems.push(Problem::new(place(key), "it is required", remedy));
    };
    let has = |key: &str| layers.get(key).is_some_and(|(value, _)| !value.trim().is_empty());
    if !has("listeners") {
        missing("listeners", "say where this node listens, as in PLAINTEXT://0.0.0.0:9092");
    }
    if config.broker.mode.has_broker() && !has("advertised.listeners") && config.broker.advertised.is_empty()
    {
        missing(
            "advertised.listeners",
            "say how clients and brokers reach this one, as in PLAINTEXT://host:9092, or by broker.advertised",
        );
    }
    if !config.broker.mode.is_kraft() && !has("zookeeper.connect") {
        missing("zookeeper.connect", "say where ZooKeeper is, as in zk-0:2181,zk-1:2181,zk-2:2181/kafka");
    } else if !config.broker.mode.is_kraft()
        && let Some((text, _)) = layers.get("zookeeper.connect")
        && let Err(part) = connect::servers(text)
    {
        let what = format!("{part:?} is no address of ZooKeeper");
        problems.push(Problem::new(
            place("zookeeper.connect"),
            what,
            "as in zk-0:2181,zk-1:2181,zk-2:2181/kafka",
        ));
    }
    problems.extend(migration(config, layers));
    if !config.broker.mode.is_kraft() {
        problems.extend(quorum_settings(config, layers));
        return problems;
    }
    let mut missing = |key: &str, remedy: &str| {
        problems.push(Problem::new(place(key), "it is required", remedy));
    };
    let (voters, servers) = ("controller.quorum.voters", "controller.quorum.bootstrap.servers");
    if !has(voters) && !has(servers) {
        let remedy =
            format!("name the controllers: {voters} (1@host:9093,...) or, from Kafka 3.9 on, {servers}");
        missing(voters, &remedy);
    } else if !has(voters) && !config.kafka.version.at_least(3, 9) {
        missing(voters, &format!("Kafka {} has no {servers}", config.kafka.version));
    }
    problems
}

/// A cluster on its way from `ZooKeeper` to `KRaft` (KIP-866) has two sources of truth; neither is judged.
fn migration(config: &Config, layers: &Layers) -> Option<Problem> {
    let key = "zookeeper.metadata.migration.enable";
    let on = layers.get(key).is_some_and(|(value, _)| value.trim().eq_ignore_ascii_case("true"));
    let what = "a cluster that migrates from ZooKeeper to KRaft (KIP-866) is not supported";
    let remedy = "run the migration without pillion, and come back when it is complete";
    on.then(|| Problem::new(config.places.of(&format!("kafka.properties.{key}")), what, remedy))
}

/// Settings of a quorum, of which a broker in `ZooKeeper` mode has none: Kafka 3.9 does not start there with
/// `controller.listener.names` (`KafkaConfig.validateValues`).
fn quorum_settings(config: &Config, layers: &Layers) -> Vec<Problem> {
    let quorum = |key: &&String| {
        ["process.roles", "controller.listener.names"].contains(&key.as_str())
            || key.starts_with("controller.quorum.")
    };
    let problem = |key: &String| {
        let what = "it belongs to KRaft, and broker.mode is zookeeper";
        Problem::new(
            config.places.of(&format!("kafka.properties.{key}")),
            what,
            "take it out, or correct broker.mode",
        )
    };
    layers.user.keys().filter(quorum).map(problem).collect()
}
