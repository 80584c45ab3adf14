//! The server.properties of a node.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::node::Place;

/// What a node is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Serves clients.
    Broker,
    /// A voter of the metadata quorum.
    Controller,
    /// Both in one process.
    Combined,
}

impl Role {
    /// Whether clients can be served.
    pub fn is_broker(self) -> bool {
        self != Self::Controller
    }

    /// Whether it votes.
    pub fn is_controller(self) -> bool {
        self != Self::Broker
    }
}

/// Settings by key.
pub(super) type Settings = BTreeMap<String, String>;

/// The settings that make `place` a node of a cluster with these controllers and this many brokers.
pub(super) fn base(place: &Place, controllers: &(&'static str, String), brokers: usize) -> Settings {
    let (ip, role) = (place.ip, place.role);
    let (client, quorum) = (format!("PLAINTEXT://{ip}:9092"), format!("CONTROLLER://{ip}:9093"));
    let (roles, listeners) = match role {
        Role::Broker => ("broker", client.clone()),
        Role::Controller => ("controller", quorum),
        Role::Combined => ("broker,controller", format!("{client},{quorum}")),
    };
    let dirs: Vec<_> = place.data_dirs.iter().map(|dir| dir.display().to_string()).collect();
    let copies = brokers.clamp(1, 3);
    let mut all: Settings = [
        ("process.roles", roles.to_owned()),
        ("node.id", place.id.to_string()),
        (controllers.0, controllers.1.clone()),
        ("controller.listener.names", "CONTROLLER".to_owned()),
        ("listeners", listeners),
        ("listener.security.protocol.map", "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT".to_owned()),
        ("log.dirs", dirs.join(",")),
        ("offsets.topic.replication.factor", copies.to_string()),
        ("offsets.topic.num.partitions", "4".to_owned()),
        ("transaction.state.log.replication.factor", copies.to_string()),
        ("transaction.state.log.min.isr", copies.min(2).to_string()),
        ("transaction.state.log.num.partitions", "4".to_owned()),
        ("group.initial.rebalance.delay.ms", "0".to_owned()),
    ]
    .into_iter()
    .map(|(key, value)| (key.to_owned(), value))
    .collect();
    if role.is_broker() {
        all.insert("advertised.listeners".to_owned(), client);
        all.insert("inter.broker.listener.name".to_owned(), "PLAINTEXT".to_owned());
    }
    all
}

/// The text of a properties file.
pub(super) fn text(settings: &Settings) -> String {
    settings.iter().fold(String::new(), |mut text, (key, value)| {
        let _ = writeln!(text, "{key}={value}");
        text
    })
}
