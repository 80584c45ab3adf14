//! Looks and decides. Nothing here writes.

use std::path::Path;

use super::{
    advertised,
    error::InitError,
    format_tool,
    identity::{self, Controller, Identity, ListenerAddress, LogDirFacts, PodFacts},
    listeners, server, volumes,
    who::{self, Who},
};
use crate::{
    config::{Config, Listener},
    problem::Problem,
    properties::Layers,
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
    let mut problems = Vec::new();
    let who = who::who(config, host_name).map_err(|problem| problems.push(problem)).ok();
    // Without an id the settings can still be checked; no mistake may name the id that stands in for it.
    let id = who.map_or(config.broker.id_base, |who| who.id);
    let advertised = advertised::value(config, who, &mut problems);
    let layers = server::layers(config, id, advertised);
    problems.extend(server::check(config, &layers, id));
    let quorum = quorum(config, &layers, &mut problems);
    let static_voter = who.is_some() && quorum.iter().any(|c| c.id == Some(id));
    if who.is_some() && quorum.iter().any(|c| c.id.is_some()) {
        problems.extend(voter(config, id, static_voter));
    }
    let listener = listener(config, &layers, &mut problems);
    problems.extend(advertised::unknown(config, &layers));
    let found = volumes::survey(config).map_err(|more| problems.extend(more)).ok();
    let plan = match (&found, who) {
        (Some(found), Some(_)) => {
            let plan = volumes::plan(config, id, static_voter, replace, found);
            plan.map_err(|more| problems.extend(more)).ok()
        }
        _ => None,
    };
    let plan = match (plan, &found, who) {
        (Some(plan), Some(found), Some(_)) => {
            volumes::remembered(config, found, plan, replace).map_err(|more| problems.extend(more)).ok()
        }
        (plan, ..) => plan,
    };
    let (Some(Who { ordinal, .. }), Some(listener), Some(found), Some(plan)) = (who, listener, found, plan)
    else {
        return Err(InitError::usage(problems));
    };
    problems.extend(format_tool::check(config, &plan, static_voter));
    if !problems.is_empty() {
        return Err(InitError::usage(problems));
    }
    let settings = server::render(&layers, config.broker.mode);
    let identity = Identity {
        format: Identity::FORMAT,
        id,
        ordinal,
        zone: config.broker.zone.known().map(str::to_owned),
        cluster: config.cluster.name.clone(),
        cluster_id: config.cluster.id.clone(),
        mode: config.broker.mode,
        listener,
        controllers: quorum,
        log_dirs: facts(&found, &config.storage.log_dirs),
        metadata_log_dir: config.storage.metadata_dir().to_owned(),
        kafka_version: config.kafka.version.to_string(),
        pillion_version: env!("CARGO_PKG_VERSION").to_owned(),
        settings_digest: identity::digest(&settings),
        override_cap_seconds: Some(config.sidecar.override_.max_duration.as_secs()),
        advertised: layers.get("advertised.listeners").map(|(text, _)| text.to_owned()),
        pod: PodFacts::of(config),
    };
    let notices = volumes::notices(config, &found, &plan);
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

fn quorum(config: &Config, layers: &Layers, problems: &mut Vec<Problem>) -> Vec<Controller> {
    let mut all = Vec::new();
    for (key, voters) in [("controller.quorum.voters", true), ("controller.quorum.bootstrap.servers", false)]
    {
        let text = layers.get(key).map_or("", |(text, _)| text);
        match listeners::controllers(text, voters) {
            // Voters have ids; the same endpoints without them would say less.
            Ok(more) if all.is_empty() => all = more,
            Ok(_) => {}
            Err(part) => {
                let form = if voters { "1@host:9093,..." } else { "host:9093,..." };
                let place = config.places.of(&format!("kafka.properties.{key}"));
                problems.push(Problem::new(
                    place,
                    format!("{part:?} is no controller"),
                    format!("as in {form}"),
                ));
            }
        }
    }
    all
}

/// Kafka demands both (`KafkaConfig.validateValues`): say it before Kafka does.
fn voter(config: &Config, id: i32, is_voter: bool) -> Option<Problem> {
    let place = config.places.of("kafka.properties.controller.quorum.voters");
    let controller = config.broker.mode.has_controller();
    match (controller, is_voter) {
        (true, false) => {
            let remedy = "name it, or correct broker.idBase and the ordinal";
            Some(Problem::new(place, format!("it does not name this controller, {id}"), remedy))
        }
        (false, true) => {
            let remedy = "give brokers and controllers different ids";
            Some(Problem::new(place, format!("it names {id}, which is a broker only"), remedy))
        }
        _ => None,
    }
}

fn listener(config: &Config, layers: &Layers, problems: &mut Vec<Problem>) -> Option<ListenerAddress> {
    let value = |key: &str| layers.get(key).map(|(text, _)| text);
    let place = config.places.of("kafka.properties.listeners");
    let all = match listeners::parse(value("listeners").unwrap_or_default()) {
        Ok(all) => all,
        Err(part) => {
            let what = format!("{part:?} is no listener");
            problems.push(Problem::new(place, what, "as in PLAINTEXT://0.0.0.0:9092"));
            return None;
        }
    };
    let names: Vec<&str> =
        value("controller.listener.names").unwrap_or_default().split(',').map(str::trim).collect();
    let controllers = |name: &str| names.iter().any(|n| n.eq_ignore_ascii_case(name));
    let broker = config.broker.mode.has_broker();
    let (mine, other): (Vec<_>, Vec<_>) = all.into_iter().partition(|b| controllers(&b.name) != broker);
    if config.broker.mode.has_controller() && broker && other.is_empty() && value("listeners").is_some() {
        let what = format!("none of them is a controller's ({})", names.join(", "));
        problems.push(Problem::new(place.clone(), what, "add one, as in CONTROLLER://0.0.0.0:9093"));
    }
    let map = value("listener.security.protocol.map");
    let found = listeners::to_ask(&mine, map, value("inter.broker.listener.name"));
    if let Listener::At { host, port } = &config.broker.listener {
        let known = mine.iter().find(|b| b.port == *port);
        let name = known.map_or_else(|| "PLAINTEXT".to_owned(), |b| b.name.clone());
        let protocol = listeners::protocol(&name, map);
        return Some(ListenerAddress { name, host: host.clone(), port: *port, protocol });
    }
    if found.is_none() && value("listeners").is_some() {
        let what = format!("none of them is one for {}", config.broker.mode.name());
        problems.push(Problem::new(place, what, "add one, or correct controller.listener.names"));
    }
    found
}
