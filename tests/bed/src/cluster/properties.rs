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
    /// A `ZooKeeper` server, for brokers without a metadata quorum.
    ZooKeeper,
}

impl Role {
    /// Whether clients can be served.
    pub fn is_broker(self) -> bool {
        matches!(self, Self::Broker | Self::Combined)
    }

    /// Whether it votes.
    pub fn is_controller(self) -> bool {
        matches!(self, Self::Controller | Self::Combined)
    }
}

/// Settings by key.
pub(super) type Settings = BTreeMap<String, String>;

/// What holds a cluster together.
#[derive(Debug, Clone)]
pub(super) enum Ties {
    /// The setting that names the controllers, and its value.
    Quorum(&'static str, String),
    /// `zookeeper.connect`.
    ZooKeeper(String),
}

/// The settings that make `place` a node of a cluster with these ties and this many brokers.
pub(super) fn base(place: &Place, ties: &Ties, brokers: usize) -> Settings {
    match (ties, place.role) {
        (Ties::ZooKeeper(_), Role::ZooKeeper) => zookeeper(place),
        (Ties::ZooKeeper(connect), _) => {
            let mut all = common(place, brokers);
            all.insert("broker.id".to_owned(), place.id.to_string());
            // The ids of the bed lie where Kafka would give out its own.
            all.insert("broker.id.generation.enable".to_owned(), "false".to_owned());
            all.insert("zookeeper.connect".to_owned(), connect.clone());
            all.insert("listeners".to_owned(), client(place));
            all
        }
        (Ties::Quorum(key, controllers), role) => kraft(place, role, (key, controllers), brokers),
    }
}

/// One server alone, which keeps the sessions of brokers as long as they ask for.
fn zookeeper(place: &Place) -> Settings {
    let dirs = place.data_dirs.first().map(|dir| dir.display().to_string()).unwrap_or_default();
    settings([
        ("dataDir", dirs),
        ("clientPort", "2181".to_owned()),
        ("clientPortAddress", place.ip.to_string()),
        ("tickTime", "2000".to_owned()),
        ("maxClientCnxns", "0".to_owned()),
        ("admin.enableServer", "false".to_owned()),
    ])
}

fn client(place: &Place) -> String {
    format!("PLAINTEXT://{}:9092", place.ip)
}

fn settings<const N: usize>(pairs: [(&str, String); N]) -> Settings {
    pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

fn kraft(place: &Place, role: Role, controllers: (&str, &str), brokers: usize) -> Settings {
    let (client, quorum) = (client(place), format!("CONTROLLER://{}:9093", place.ip));
    let (roles, listeners) = match role {
        Role::Controller => ("controller", quorum),
        Role::Broker | Role::ZooKeeper => ("broker", client),
        Role::Combined => ("broker,controller", format!("{client},{quorum}")),
    };
    let mut all = common(place, brokers);
    all.extend(settings([
        ("process.roles", roles.to_owned()),
        ("node.id", place.id.to_string()),
        (controllers.0, controllers.1.to_owned()),
        ("controller.listener.names", "CONTROLLER".to_owned()),
        ("listeners", listeners),
        ("listener.security.protocol.map", "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT".to_owned()),
    ]));
    all
}

/// What both kinds of brokers, and controllers, are given.
fn common(place: &Place, brokers: usize) -> Settings {
    let dirs: Vec<_> = place.data_dirs.iter().map(|dir| dir.display().to_string()).collect();
    let copies = brokers.clamp(1, 3);
    let mut all = settings([
        ("log.dirs", dirs.join(",")),
        ("offsets.topic.replication.factor", copies.to_string()),
        ("offsets.topic.num.partitions", "4".to_owned()),
        ("transaction.state.log.replication.factor", copies.to_string()),
        ("transaction.state.log.min.isr", copies.min(2).to_string()),
        ("transaction.state.log.num.partitions", "4".to_owned()),
        ("group.initial.rebalance.delay.ms", "0".to_owned()),
    ]);
    if place.role.is_broker() {
        all.insert("advertised.listeners".to_owned(), client(place));
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
