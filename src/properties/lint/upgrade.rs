//! What lies between two releases, in order.

use super::{
    super::catalogue::{Release, catalogue},
    keys, v,
};

/// The first release without `ZooKeeper`.
const KRAFT_ONLY: Release = v(4, 0);
/// The last one that can move from it to `KRaft`.
const BRIDGE: Release = v(3, 9);

/// The steps from one release to another for a broker with these settings, in their order, each with its source.
pub fn steps(settings: &[(String, String)], from: Release, to: Release) -> Vec<String> {
    let has = |key: &str| settings.iter().any(|(set, _)| set == key);
    let crosses = |at: Release| from < at && at <= to;
    let mut steps = Vec::new();
    if to <= from {
        return vec![format!(
            "Kafka {to} is not newer than {from}: metadata.version does not go back (KIP-584)"
        )];
    }
    if crosses(KRAFT_ONLY) && has("zookeeper.connect") {
        if from < BRIDGE {
            steps.push(format!("roll to {BRIDGE} first: 4.0 and newer have no ZooKeeper, and only {BRIDGE} still moves from it"));
        }
        steps.push(
            "move to KRaft: controllers, migration mode on every broker, then without ZooKeeper (KIP-866)"
                .to_owned(),
        );
    }
    if crosses(KRAFT_ONLY) {
        steps.push(
            "run brokers on Java 17 or newer (KIP-1013), and with log4j2's configuration (KIP-653)"
                .to_owned(),
        );
        steps.push("renew clients older than 2.1: their requests are refused (KIP-896)".to_owned());
        steps.push(
            "raise metadata.version to 3.3 or newer before (Kafka's notes on upgrading to 4.0)".to_owned(),
        );
    }
    let gone = settings.iter().map(|(key, _)| key.as_str()).filter(|key| {
        let (all, name) = (catalogue(), keys::base(key, from));
        all.setting(from, name).is_some() && all.setting(to, name).is_none()
    });
    for key in gone {
        let new = keys::instead(key).map_or_else(String::new, |new| format!("; instead: {new}"));
        steps.push(format!("take {key} out: Kafka {to} does not have it{new}"));
    }
    steps.push(format!("roll the brokers to {to}, one after the other"));
    let features = "kafka-features upgrade --release-version";
    if has("inter.broker.protocol.version") && to < KRAFT_ONLY {
        steps.push(format!(
            "when all run {to}: set inter.broker.protocol.version to {to}, and roll once more"
        ));
    } else {
        steps.push(format!(
            "when all run {to} and have proven themselves: {features} {to}; it may not go back (KIP-1022)"
        ));
    }
    steps
}
