//! Settings that a release does not have, and values that it does not take.

use super::{Entry, Finding, rules};
use crate::{
    properties::catalogue::{Release, Setting, catalogue},
    suggest::nearest,
};

/// Beginnings of settings that plugins read, or parts of Kafka that have no definition of theirs.
const PLUGINS: [&str; 11] = [
    "confluent.",
    "cruise.control.",
    "config.providers",
    "authorizer.",
    "rsm.config.",
    "rlmm.config.",
    "metrics.jmx.",
    "kafka.metrics.",
    "kafka.csv.metrics.",
    "client.quota.callback.",
    "strimzi.",
];
/// The same, whole: those of the authorizers that Kafka brings (`AclAuthorizer`, `StandardAuthorizer`).
const OF_AUTHORIZERS: [&str; 2] = ["super.users", "allow.everyone.if.no.acl.found"];

/// What took the place of a setting that is gone or going.
const INSTEAD: &[(&str, &str)] = &[
    ("zookeeper.connect", "controller.quorum.bootstrap.servers; clusters move by way of 3.9 (KIP-866)"),
    ("broker.id", "node.id"),
    ("control.plane.listener.name", "controller.listener.names"),
    ("inter.broker.protocol.version", "the feature metadata.version (kafka-features)"),
    ("log.message.format.version", "nothing: the newest format is used from 3.0 on (KIP-724)"),
    (
        "log.message.timestamp.difference.max.ms",
        "log.message.timestamp.before.max.ms and log.message.timestamp.after.max.ms",
    ),
    ("delegation.token.master.key", "delegation.token.secret.key"),
    ("leader.imbalance.per.broker.percentage", "nothing: it had no effect in KRaft"),
    ("auto.include.jmx.reporter", "metric.reporters, whose default has JmxReporter"),
    ("offsets.commit.required.acks", "nothing: it is always -1"),
    ("advertised.host.name", "advertised.listeners"),
    ("advertised.port", "advertised.listeners"),
    ("host.name", "listeners"),
    ("port", "listeners"),
    ("quota.producer.default", "dynamic quotas (kafka-configs --entity-type clients --entity-default)"),
    ("quota.consumer.default", "dynamic quotas (kafka-configs --entity-type clients --entity-default)"),
];

/// Whether plugins read a setting of this name.
pub fn is_of_plugin(name: &str) -> bool {
    PLUGINS.iter().any(|start| name.starts_with(start)) || OF_AUTHORIZERS.contains(&name)
}

/// What took the place of a setting.
pub fn instead(key: &str) -> Option<&'static str> {
    INSTEAD.iter().find(|(old, _)| *old == key).map(|(_, new)| *new)
}

/// As Kafka reads it: a file of settings is Latin-1.
const BYTE_ORDER_MARK: &str = "\u{ef}\u{bb}\u{bf}";

/// `listeners` are the names before `.` that are read; `None` where they are not known.
pub(super) fn find(entry: &Entry<'_>, release: Release, listeners: Option<&[String]>) -> Option<Finding> {
    if let (Some((name, _)), Some(listeners)) = (behind(entry.key), listeners)
        && !listeners.iter().any(|one| one == name)
    {
        let what = format!("there is no listener {name} here: Kafka does not read it");
        let remedy = format!("take it out, or correct the name: {}", listeners.join(", "));
        return Some(entry.finding(&rules::NO_LISTENER, what, remedy));
    }
    let all = catalogue();
    let name = base(entry.key, release);
    if let Some(setting) = all.setting(release, name) {
        return of_setting(entry, setting);
    }
    if is_of_plugin(name) {
        return None;
    }
    if let Some(history) = all.history(name) {
        let (rule, what) = if history.first > release {
            (&rules::EARLY, format!("{name} came with Kafka {}", history.first))
        } else {
            (&rules::REMOVED, format!("{name} is gone since Kafka {}", next(history.last)))
        };
        let remedy = instead(name)
            .map_or_else(|| "take it out".to_owned(), |new| format!("take it out; instead: {new}"));
        return Some(entry.finding(rule, what, remedy));
    }
    if let Some(new) = instead(name) {
        let what = format!("{name} is gone since before Kafka {}", all.releases().first()?);
        return Some(entry.finding(&rules::REMOVED, what, format!("take it out; instead: {new}")));
    }
    if let Some(meant) = name.strip_prefix(BYTE_ORDER_MARK) {
        let what = format!("the name of {meant} begins with a byte order mark");
        return Some(entry.finding(
            &rules::BYTE_ORDER,
            what,
            "save the file without one (UTF-8 without BOM)",
        ));
    }
    let known = all.settings(release).map(|(key, _)| key).chain(OF_AUTHORIZERS);
    let remedy = nearest(name, known).map_or_else(
        || "check its name, or keep it for the plugin that reads it".to_owned(),
        |near| format!("did you mean {near}?"),
    );
    Some(entry.finding(&rules::UNKNOWN, format!("Kafka {release} has no setting {name}"), remedy))
}

fn of_setting(entry: &Entry<'_>, setting: &Setting) -> Option<Finding> {
    if !entry.provided
        && let Err(fault) = setting.check(entry.value)
    {
        let what = format!("{:?}: {}", entry.shown(), fault.text);
        return Some(entry.finding(&rules::VALUE, what, fault.remedy));
    }
    if setting.deprecated {
        let remedy =
            instead(entry.key).map_or_else(|| setting.summary().to_owned(), |new| format!("instead: {new}"));
        return Some(entry.finding(&rules::DEPRECATED, format!("{} is deprecated", entry.key), remedy));
    }
    setting.internal.then(|| {
        entry.finding(
            &rules::INTERNAL,
            format!("{} is internal to Kafka", entry.key),
            "take it out, unless you know why",
        )
    })
}

/// Settings that have no default, and are not there (`ConfigDef.parseValue`).
pub(super) fn missing(is_set: impl Fn(&str) -> bool, release: Release) -> Vec<Finding> {
    let needed =
        catalogue().settings(release).filter(|(key, setting)| setting.default.is_none() && !is_set(key));
    let finding = |(key, setting): (&str, &Setting)| Finding {
        rule: &rules::MISSING,
        line: 0,
        key: key.to_owned(),
        what: format!("{key} is not set, and has no default"),
        remedy: format!("set it: {}", setting.summary()),
    };
    needed.map(finding).collect()
}

/// The listener, and what is set for it alone.
fn behind(key: &str) -> Option<(&str, &str)> {
    key.strip_prefix("listener.name.")?.split_once('.')
}

/// The setting behind `listener.name.<listener>.` and, there, `<mechanism>.`.
pub fn base(key: &str, release: Release) -> &str {
    let Some((_, rest)) = behind(key) else { return key };
    if catalogue().setting(release, rest).is_some() {
        return rest;
    }
    let behind = rest.split_once('.').map(|(_, behind)| behind);
    behind.filter(|behind| catalogue().setting(release, behind).is_some()).unwrap_or(rest)
}

fn next(release: Release) -> Release {
    catalogue().releases().iter().copied().find(|one| *one > release).unwrap_or(release)
}
