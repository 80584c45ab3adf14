//! My settings and what follows from them, without a look at the volumes.

use super::{
    advertised, certificates,
    identity::{self, Controller, Identity, ListenerAddress, ListenerName, LogDirFacts, PodFacts},
    lint, listeners, security,
    server::{self, Files, Whose},
    who::{self, Who},
};
use crate::{
    config::{Config, Listener},
    problem::{Problem, SettingFinding},
    properties::{Layers, Style},
};

/// The settings of this node, and what follows from them.
pub(super) struct Settings {
    /// `None` where a mistake was told.
    pub who: Option<Who>,
    pub layers: Layers,
    pub quorum: Vec<Controller>,
    /// Whether this node is a static voter of the quorum.
    pub static_voter: bool,
    /// `None` where a mistake was told.
    pub listener: Option<ListenerAddress>,
    controller_listener: Option<ListenerName>,
    /// The text of `server.properties`.
    pub text: String,
    /// What a person should know of the settings.
    pub findings: Vec<SettingFinding>,
}

/// Lays the layers on each other and checks what comes of it.
pub(super) fn decide(
    config: &Config,
    host_name: Option<&str>,
    files: Files,
    problems: &mut Vec<Problem>,
    notices: &mut Vec<String>,
) -> Settings {
    notices.extend(lint::unknown_release(config));
    let who = who::who(config, host_name).map_err(|problem| problems.push(problem)).ok();
    let whose = Whose { config, who, files };
    let id = whose.id();
    let advertised = advertised::value(config, who, problems);
    let before = problems.len();
    let layers = server::layers(&whose, advertised, problems, notices);
    // What is missing may stand in a layer that could not be read.
    if problems.len() > before {
        problems.extend(server::contradicted(config, &layers, id));
        return Settings {
            who,
            layers,
            quorum: Vec::new(),
            static_voter: false,
            listener: None,
            controller_listener: None,
            text: String::new(),
            findings: Vec::new(),
        };
    }
    problems.extend(server::check(config, &layers, id));
    let quorum = quorum(config, &layers, problems);
    let static_voter = who.is_some() && quorum.iter().any(|c| c.id == Some(id));
    if who.is_some() && quorum.iter().any(|c| c.id.is_some()) {
        problems.extend(voter(config, &layers, id, static_voter));
    }
    let listener = listener(config, &layers, problems);
    let controller_listener = security::controller_listener(&layers);
    if let Some(listener) = &listener {
        security::check(config, listener, controller_listener.as_ref(), problems, notices);
    }
    problems.extend(advertised::unknown(config, &layers));
    problems.extend(certificates::check(config, &layers));
    let text = server::render(&layers, Style::default());
    let mut findings = Vec::new();
    // With mistakes it would only tell the same in other words; while the zone is open, something is still missing.
    if problems.len() == before && who.is_some() && !config.broker.zone.is_open() {
        findings = lint::judge(config, &layers, &text, problems);
    }
    Settings { who, layers, quorum, static_voter, listener, controller_listener, text, findings }
}

impl Settings {
    /// Who this node is; `None` where a mistake was told.
    pub fn identity(&self, config: &Config, log_dirs: Vec<LogDirFacts>) -> Option<Identity> {
        let Who { ordinal, id } = self.who?;
        let layers = &self.layers;
        Some(Identity {
            format: Identity::FORMAT,
            id,
            ordinal,
            zone: config.broker.zone.known().map(str::to_owned),
            cluster: config.cluster.name.clone(),
            cluster_id: config.cluster.id.clone(),
            mode: config.broker.mode,
            listener: self.listener.clone()?,
            listeners: security::listeners_of_brokers(layers),
            controller_listener: self.controller_listener.clone(),
            controllers: self.quorum.clone(),
            log_dirs,
            metadata_log_dir: config.storage.metadata_dir().to_owned(),
            kafka_version: config.kafka.version.to_string(),
            pillion_version: env!("CARGO_PKG_VERSION").to_owned(),
            settings_digest: identity::digest(&self.text),
            override_cap_seconds: Some(config.sidecar.override_.max_duration.as_secs()),
            advertised: layers.get("advertised.listeners").map(|(text, _)| text.to_owned()),
            pod: PodFacts::of(config),
            certificates: certificates::wanted(config, layers, id),
            findings: self.findings.clone(),
        })
    }
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
                let place = server::place(config, layers, key);
                problems.push(Problem::new(
                    place,
                    format!("{:?} is no controller", layers.part(key, &part)),
                    format!("as in {form}"),
                ));
            }
        }
    }
    all
}

/// Kafka demands both (`KafkaConfig.validateValues`): say it before Kafka does.
fn voter(config: &Config, layers: &Layers, id: i32, is_voter: bool) -> Option<Problem> {
    let place = server::place(config, layers, "controller.quorum.voters");
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
    let place = server::place(config, layers, "listeners");
    let all = match listeners::parse(value("listeners").unwrap_or_default()) {
        Ok(all) => all,
        Err(part) => {
            let what = format!("{:?} is no listener", layers.part("listeners", &part));
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
