//! What cannot be: a user's setting that contradicts a computed one, and settings that only the user can know.

use super::{own, place};
use crate::{
    config::Config,
    problem::Problem,
    properties::{Layers, Setting, connect, shown, template},
};

/// A user's setting that contradicts a computed one.
pub(in crate::init) fn contradicted(config: &Config, layers: &Layers, id: i32) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut against = |theirs: &Setting, key: &str, computed: &str| {
        // That one could not be filled in, and was told.
        if theirs.template.is_none() && template::is_template(&theirs.value) {
            return;
        }
        let what = format!("it says {:?}, and pillion computes {computed:?}", shown(key, theirs));
        let remedy = format!("take it out; it is decided by {}", own::decided_by(key));
        problems.push(Problem::new(theirs.spot(), what, remedy));
    };
    for contradiction in layers.contradictions() {
        against(&contradiction.theirs, &contradiction.key, &contradiction.computed);
    }
    // Other names for what is computed.
    let aliases = [
        ("broker.id", Some(id.to_string())),
        ("node.id", Some(id.to_string())),
        ("log.dir", layers.computed("log.dirs").map(str::to_owned)),
        ("broker.rack", layers.computed("broker.rack").map(str::to_owned)),
    ];
    for (key, computed) in aliases {
        // The zone is asked for only when everything else is right.
        if key == "broker.rack" && config.broker.zone.is_open() {
            continue;
        }
        let computed = computed.unwrap_or_default();
        let theirs = layers.user(key).filter(|theirs| theirs.value.trim() != computed);
        if let (None, Some(theirs)) = (layers.computed(key), theirs) {
            against(theirs, key, &computed);
        }
    }
    problems
}

/// A user's setting that contradicts a computed one, and a setting that only the user can know.
pub(in crate::init) fn check(config: &Config, layers: &Layers, id: i32) -> Vec<Problem> {
    let mut problems = contradicted(config, layers, id);
    let mut missing = |key: &str, remedy: &str| {
        problems.push(Problem::new(place(config, layers, key), "it is required", remedy));
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
        let what = format!("{:?} is no address of ZooKeeper", layers.part("zookeeper.connect", &part));
        problems.push(Problem::new(
            place(config, layers, "zookeeper.connect"),
            what,
            "as in zk-0:2181,zk-1:2181,zk-2:2181/kafka",
        ));
    }
    problems.extend(migration(config, layers));
    if !config.broker.mode.is_kraft() {
        problems.extend(quorum_settings(layers));
        return problems;
    }
    let mut missing = |key: &str, remedy: &str| {
        problems.push(Problem::new(place(config, layers, key), "it is required", remedy));
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
    on.then(|| Problem::new(place(config, layers, key), what, remedy))
}

/// Settings of a quorum, of which a broker in `ZooKeeper` mode has none: Kafka 3.9 does not start there with
/// `controller.listener.names` (`KafkaConfig.validateValues`).
fn quorum_settings(layers: &Layers) -> Vec<Problem> {
    let quorum = |key: &&str| {
        ["process.roles", "controller.listener.names"].contains(key) || key.starts_with("controller.quorum.")
    };
    let problem = |theirs: &Setting| {
        let what = "it belongs to KRaft, and broker.mode is zookeeper";
        Problem::new(theirs.spot(), what, "take it out, or correct broker.mode")
    };
    layers.keys().into_iter().filter(quorum).filter_map(|key| layers.user(key)).map(problem).collect()
}
