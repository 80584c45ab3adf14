//! How the listeners that the agent asks are secured, and by which files.

use std::{net::IpAddr, sync::Arc};

use super::{
    identity::{Identity, ListenerAddress, ListenerName},
    listeners,
};
use crate::{
    certs::{self, KEYSTORE, TRUSTSTORE},
    config::{
        Config,
        client::{self, Mechanism},
    },
    kafka::{self, Sasl, Security, Tls, TlsFiles},
    problem::Problem,
    properties::Layers,
};

/// How the node's own listener is secured.
pub fn own(config: &Config, identity: &Identity) -> Security {
    let listener = &identity.listener;
    Security { server_name: server_name(config, identity), ..of(config, &listener.name, &listener.protocol) }
}

/// How the controllers' listeners are secured.
pub fn controllers(config: &Config, identity: &Identity) -> Security {
    let unknown = || Security::plain();
    identity.controller_listener.as_ref().map_or_else(unknown, |it| of(config, &it.name, &it.protocol))
}

fn of(config: &Config, listener: &str, protocol: &str) -> Security {
    let client = &config.broker.client;
    let tls = files(config, listener).filter(|_| speaks_tls(protocol)).map(|files| Arc::new(Tls::new(files)));
    let sasl = client.sasl.as_ref().filter(|_| asks(protocol)).map(|sasl| Arc::new(login(sasl)));
    Security { tls, sasl, server_name: None }
}

/// What is given, else what pillion installs for the listener.
fn files(config: &Config, listener: &str) -> Option<TlsFiles> {
    let client = &config.broker.client;
    let managed = config.certificates.listeners.contains_key(listener);
    let place = certs::place(&config.run_dir, listener);
    let authority = client.authority.clone().or_else(|| managed.then(|| place.join(TRUSTSTORE)))?;
    // An installed key that is encrypted is for Kafka alone.
    let readable = managed && !certs::encrypts((config.kafka.version.major, config.kafka.version.minor));
    let own = client.own.clone().or_else(|| readable.then(|| (place.join(KEYSTORE), place.join(KEYSTORE))));
    Some(TlsFiles { authority, own })
}

fn login(sasl: &client::Sasl) -> Sasl {
    let mechanism = match sasl.mechanism {
        Mechanism::Plain => kafka::Mechanism::Plain,
        Mechanism::ScramSha256 => kafka::Mechanism::ScramSha256,
        Mechanism::ScramSha512 => kafka::Mechanism::ScramSha512,
        Mechanism::OauthBearer => kafka::Mechanism::OauthBearer,
    };
    let login = match sasl.login.clone() {
        client::Login::Password { username, password } => kafka::Login::Password { username, password },
        client::Login::Token { token } => kafka::Login::Token { token },
    };
    Sasl { mechanism, login }
}

fn speaks_tls(protocol: &str) -> bool {
    ["SSL", "SASL_SSL"].contains(&protocol)
}

fn asks(protocol: &str) -> bool {
    protocol.starts_with("SASL_")
}

/// The name that the certificate must carry: certificates are for the names that are advertised, not for loopback.
fn server_name(config: &Config, identity: &Identity) -> Option<String> {
    if let Some(name) = &config.broker.client.server_name {
        return Some(name.clone());
    }
    let host = &identity.listener.host;
    let loopback = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    if !loopback {
        return None;
    }
    let advertised = listeners::parse(identity.advertised.as_deref().unwrap_or_default()).unwrap_or_default();
    let told = advertised.into_iter().find(|one| one.name == identity.listener.name).map(|one| one.host);
    let voter =
        || identity.controllers.iter().find(|one| one.id == Some(identity.id)).map(|one| one.host.clone());
    told.filter(|host| !host.is_empty()).or_else(voter)
}

/// The controllers' listener as brokers and controllers come to it: the first that is named (KIP-595).
pub(super) fn controller_listener(layers: &Layers) -> Option<ListenerName> {
    let value = |key: &str| layers.get(key).map(|(text, _)| text);
    let first = value("controller.listener.names")?.split(',').next()?.trim().to_uppercase();
    let protocol = listeners::protocol(&first, value("listener.security.protocol.map"));
    (!first.is_empty()).then_some(ListenerName { name: first, protocol })
}

/// Where brokers are served: listeners that are not the controllers'.
pub(super) fn listeners_of_brokers(layers: &Layers) -> Vec<ListenerAddress> {
    let value = |key: &str| layers.get(key).map(|(text, _)| text);
    let controllers = value("controller.listener.names").unwrap_or_default();
    let own = |name: &str| !controllers.split(',').any(|one| one.trim().eq_ignore_ascii_case(name));
    let bound = listeners::parse(value("listeners").unwrap_or_default()).unwrap_or_default();
    let one = |bound: listeners::Bound| {
        let protocol = listeners::protocol(&bound.name, value("listener.security.protocol.map"));
        ListenerAddress { name: bound.name, host: bound.host, port: bound.port, protocol }
    };
    bound.into_iter().filter(|bound| own(&bound.name)).map(one).collect()
}

/// What the agent lacks for the listener that it is to ask, and what it has for nothing.
pub(super) fn check(
    config: &Config,
    listener: &ListenerAddress,
    controllers: Option<&ListenerName>,
    problems: &mut Vec<Problem>,
    notices: &mut Vec<String>,
) {
    let client = &config.broker.client;
    let mut wrong = |path: &str, what: String, remedy: &str| {
        problems.push(Problem::new(config.places.of(path), what, remedy));
    };
    let ListenerAddress { name, protocol, .. } = listener;
    if speaks_tls(protocol) && files(config, name).is_none() {
        let what = format!("it is required: the agent asks listener {name}, which speaks {protocol}");
        let remedy = "name the PEM file of the CA that issued the listener's certificate, or let pillion manage it \
                      (certificates.listeners), or point broker.listener at a PLAINTEXT listener";
        wrong("broker.client.authority", what, remedy);
    }
    if asks(protocol) && client.sasl.is_none() {
        let what = format!("it is required: the agent asks listener {name}, which speaks {protocol}");
        let remedy = "set mechanism and files of a user that may DESCRIBE the cluster and all topics, or point \
                      broker.listener at a listener without SASL";
        wrong("broker.client.sasl.mechanism", what, remedy);
    }
    if protocol == "SASL_PLAINTEXT" && client.sasl.as_ref().is_some_and(|it| it.mechanism == Mechanism::Plain)
    {
        notices.push(format!(
            "listener {name} speaks {protocol}: the agent's password goes there as it is (PLAIN)"
        ));
    }
    let of_controllers = controllers.map_or("PLAINTEXT", |it| &it.protocol);
    if client.sasl.is_some() && !asks(protocol) && !asks(of_controllers) {
        let what = format!("listener {name} speaks {protocol}, and asks nobody by SASL");
        wrong(
            "broker.client.sasl.mechanism",
            what,
            "take it out, or point broker.listener at the listener that is meant",
        );
    }
    if let Some(ListenerName { name, protocol }) = controllers
        && config.broker.mode.has_broker()
        && ((speaks_tls(protocol) && files(config, name).is_none())
            || (asks(protocol) && client.sasl.is_none()))
    {
        notices.push(format!(
            "the controllers' listener {name} speaks {protocol}, and broker.client has nothing for it: the agent cannot ask \
             them itself, and a broker may be unready for longer when a controller vanishes"
        ));
    }
}

/// Whether the configuration still has what the listener needs that init has found.
pub fn fits(config: &Config, identity: &Identity) -> Result<(), Problem> {
    let mut problems = Vec::new();
    let controllers = identity.controller_listener.as_ref();
    check(config, &identity.listener, controllers, &mut problems, &mut Vec::new());
    problems.into_iter().next().map_or(Ok(()), Err)
}

/// How brokers at this port are secured: the listeners of brokers are alike. Else as the one that is asked.
pub fn of_port(config: &Config, identity: &Identity, port: u16) -> Security {
    let same = identity.listeners.iter().find(|one| one.port == port);
    same.map_or_else(|| own(config, identity).by_host(), |one| of(config, &one.name, &one.protocol))
}
