//! What lies between two releases, in order.

use super::{
    super::catalogue::{Release, catalogue},
    keys, v,
};

/// The first release without `ZooKeeper`.
const KRAFT_ONLY: Release = v(4, 0);
/// The last one that can move from it to `KRaft`.
const BRIDGE: Release = v(3, 9);

const PROTOCOL: &str = "inter.broker.protocol.version";
const ZOOKEEPER: &str = "zookeeper.connect";

/// The steps from one release to a newer one for a broker with these settings, in their order, each with its source.
pub fn steps(settings: &[(String, String)], from: Release, to: Release) -> Vec<String> {
    let zookeeper = settings.iter().any(|(key, _)| key == ZOOKEEPER) && from < KRAFT_ONLY;
    let last = settings.iter().rfind(|(key, _)| key == PROTOCOL).map(|(_, value)| value.trim());
    let protocol = last.filter(|_| from < KRAFT_ONLY);
    let mut steps = Vec::new();
    if zookeeper && protocol.is_none() && from < BRIDGE {
        steps.push(format!(
            "set {PROTOCOL} to {from}, and roll the brokers: until all of them are new, they speak as before (Kafka's notes on upgrading)"
        ));
    }
    if to < KRAFT_ONLY {
        steps.extend(take_out(settings, from, to));
        steps.push(format!("roll the brokers to {to}, one after the other"));
        steps.push(if zookeeper || protocol.is_some() { raised(to) } else { features(to) });
        return steps;
    }
    if from < KRAFT_ONLY {
        if zookeeper {
            steps.extend(to_kraft(protocol, from));
        } else {
            steps.push(
                "raise metadata.version to 3.3 or newer before (Kafka's notes on upgrading to 4.0)"
                    .to_owned(),
            );
        }
        steps.push(
            "run brokers on Java 17 or newer (KIP-1013), and with log4j2's configuration (KIP-653)"
                .to_owned(),
        );
        steps.push("renew clients older than 2.1: their requests are refused (KIP-896)".to_owned());
    }
    steps.extend(take_out(settings, from, to));
    steps.push(format!("roll the brokers to {to}, one after the other"));
    steps.push(features(to));
    steps
}

/// The move from `ZooKeeper`, which one release can, with brokers that speak as that release does.
fn to_kraft(protocol: Option<&str>, from: Release) -> Vec<String> {
    let mut steps = Vec::new();
    if from < BRIDGE {
        steps.push(format!(
            "roll to {BRIDGE} first: 4.0 and newer have no ZooKeeper, and only {BRIDGE} still moves \
             from it"
        ));
    }
    let speaks =
        protocol.is_some_and(|set| set == BRIDGE.to_string() || set.starts_with(&format!("{BRIDGE}-")));
    if from < BRIDGE || (protocol.is_some() && !speaks) {
        let now = protocol.map_or_else(String::new, |set| format!(" (now {set})"));
        steps.push(format!(
            "when all run {BRIDGE}: set {PROTOCOL} to {BRIDGE}{now}, and roll once more: the move to KRaft asks for it (Kafka's documentation of the move; below 3.4 it refuses)"
        ));
    }
    steps.push(
        "move to KRaft: controllers, migration mode on every broker, then without ZooKeeper (KIP-866)"
            .to_owned(),
    );
    steps
}

/// Settings that the newer release does not have.
fn take_out(settings: &[(String, String)], from: Release, to: Release) -> Vec<String> {
    let mut keys: Vec<&str> = settings.iter().map(|(key, _)| key.as_str()).collect();
    keys.sort_unstable();
    keys.dedup();
    let gone = keys.into_iter().filter(|key| {
        let (all, name) = (catalogue(), keys::base(key, from));
        all.setting(from, name).is_some() && all.setting(to, name).is_none()
    });
    let step = |key: &str| {
        let new = keys::instead(key).map_or_else(String::new, |new| format!("; instead: {new}"));
        format!("take {key} out: Kafka {to} does not have it{new}")
    };
    gone.map(step).collect()
}

fn raised(to: Release) -> String {
    format!("when all run {to} and have proven themselves: set {PROTOCOL} to {to}, and roll once more")
}

/// `--release-version` came with 4.0.
fn features(to: Release) -> String {
    let (flag, source) =
        if to < KRAFT_ONLY { ("--metadata", "KIP-778") } else { ("--release-version", "KIP-1022") };
    format!(
        "when all run {to} and have proven themselves: kafka-features upgrade {flag} {to}; it may not go back ({source})"
    )
}
