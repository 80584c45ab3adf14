//! The listeners, who comes there, and how they are secured.

use std::collections::{BTreeMap, BTreeSet};

use super::endpoint::{Endpoint, endpoint, same_port};
use crate::properties::lint::{
    Finding, rules, v,
    view::{View, csv},
};

pub(super) const LISTENERS: &str = "listeners";
pub(super) const ADVERTISED: &str = "advertised.listeners";
pub(super) const MAP: &str = "listener.security.protocol.map";
pub(super) const CONTROLLERS: &str = "controller.listener.names";

/// `SecurityProtocol.forName`.
pub(super) fn protocol(word: &str) -> Option<&'static str> {
    let all = ["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"];
    all.into_iter().find(|known| known.eq_ignore_ascii_case(word))
}

/// What the settings of listeners say, each by itself being well formed.
pub(super) struct Names<'a> {
    pub listeners: Vec<Endpoint>,
    /// What is advertised, whoever it is for; `None` where that is the listeners.
    pub advertised: Option<Vec<Endpoint>>,
    /// As they are written: Kafka compares them with names in upper case.
    pub controllers: Vec<&'a str>,
    /// The protocol of each name (`KafkaConfig.effectiveListenerSecurityProtocolMap`).
    pub map: BTreeMap<String, &'static str>,
}

impl<'a> Names<'a> {
    /// `Err`: what is malformed, which leaves nothing to say of the rest. Empty where it is not known.
    pub fn of(view: &View<'a>) -> Result<Self, Vec<Finding>> {
        if !view.tells(&[LISTENERS, ADVERTISED, MAP, CONTROLLERS, "process.roles", "host.name", "port"]) {
            return Err(Vec::new());
        }
        // No list to Kafka until 4.2, and read like one since 4.1.
        let controllers = match view.text(CONTROLLERS) {
            Some(text) if view.release >= v(4, 1) => {
                csv(text).into_iter().filter(|name| !name.is_empty()).collect()
            }
            _ => view.list(CONTROLLERS),
        };
        let map = map(view, &controllers).map_err(|one| vec![one])?;
        let listeners = endpoints(view, LISTENERS, &map);
        let advertised = view.text(ADVERTISED).map(|_| endpoints(view, ADVERTISED, &map)).transpose();
        match (listeners, advertised) {
            (Ok(listeners), Ok(advertised)) => Ok(Self { listeners, advertised, controllers, map }),
            (listeners, advertised) => {
                Err([listeners.err(), advertised.err()].into_iter().flatten().collect())
            }
        }
    }

    /// Whether controllers come there.
    pub fn is_controllers(&self, name: &str) -> bool {
        self.controllers.contains(&name)
    }

    /// The names that brokers advertise.
    pub fn of_brokers(&self, view: &View<'_>) -> BTreeSet<&str> {
        let all = self.advertised.as_ref().unwrap_or(&self.listeners);
        // What is advertised in so many words was not looked through before.
        let any = self.advertised.is_some() && view.release < v(3, 9);
        all.iter().map(|one| one.name.as_str()).filter(|name| any || !self.is_controllers(name)).collect()
    }
}

/// `Csv.parseCsvMap`, and what is added to the default in `KRaft` mode (KIP-631).
fn map(view: &View<'_>, controllers: &[&str]) -> Result<BTreeMap<String, &'static str>, Finding> {
    let text = view.text(MAP).unwrap_or_default();
    let (mut all, mut written) = (BTreeMap::new(), BTreeMap::new());
    for pair in csv(text) {
        let wrong = |what: String, remedy: &str| Err(view.finding(&rules::MAP, MAP, what, remedy));
        let Some((name, word)) = pair.rsplit_once(':').map(|(name, word)| (name.trim(), word.trim())) else {
            return wrong(format!("{pair:?} is no pair"), "NAME:PROTOCOL, with commas between them");
        };
        let Some(protocol) = protocol(word) else {
            return wrong(format!("{name:?} speaks {word:?}"), "PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL");
        };
        if name.is_empty() && view.release >= v(3, 1) {
            return wrong(format!("{pair:?} has no name"), "NAME:PROTOCOL");
        }
        let other = written.insert(name.to_uppercase(), name).is_some_and(|before| before != name);
        if other && view.release >= v(4, 1) {
            return wrong(format!("{name:?} is there twice"), "once each: upper and lower case are alike");
        }
        all.insert(name.to_uppercase(), protocol);
    }
    if view.release >= v(3, 1) && view.is_kraft() && !view.is_set(MAP) {
        let secured = |name: &str| ["SSL", "SASL_SSL", "SASL_PLAINTEXT"].contains(&name);
        let head = |listener: &str| listener.split(':').next().unwrap_or_default().to_uppercase();
        let listeners = csv(view.text(LISTENERS).unwrap_or_default());
        if !controllers.iter().any(|name| secured(name)) && !listeners.iter().any(|one| secured(&head(one))) {
            all.extend(controllers.iter().map(|name| ((*name).to_owned(), "PLAINTEXT")));
        }
    }
    Ok(all)
}

fn endpoints(
    view: &View<'_>,
    key: &str,
    map: &BTreeMap<String, &'static str>,
) -> Result<Vec<Endpoint>, Finding> {
    let wrong = |what: String, remedy: &str| Err(view.finding(&rules::LISTENER, key, what, remedy));
    let mut all: Vec<Endpoint> = Vec::new();
    // Before 3.0 the default was put together of two other settings.
    let written = view.text(key);
    let text = written.unwrap_or("PLAINTEXT://:9092");
    let parts = csv(text);
    for (at, part) in parts.iter().enumerate().filter(|(_, part)| !part.is_empty()) {
        // A list of Kafka's forgets what it has already.
        if view.release >= v(4, 2) && parts.iter().take(at).any(|before| before == part) {
            continue;
        }
        let Some(one) = endpoint(part) else {
            return wrong(
                format!("{part:?} is no listener"),
                "NAME://HOST:PORT, with commas between them; the host may be empty",
            );
        };
        if all.iter().any(|other| other.name == one.name) {
            return wrong(format!("{} is there twice", one.name), "give each its own name");
        }
        if !map.contains_key(&one.name) {
            return wrong(
                format!("{} has no protocol in {MAP}", one.name),
                &format!("add {}:SSL there, or what else it speaks", one.name),
            );
        }
        all.push(one);
    }
    match same_port(&all, view.release).filter(|_| key == LISTENERS) {
        Some(port) => wrong(format!("two of them are at port {port}"), "give each its own port"),
        None => Ok(all),
    }
}
