//! What Kafka takes, and people regret.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use super::{Entry, Finding, rules, view::View};
use crate::properties::catalogue::Release;

/// Internal topics whose loss is the loss of more than themselves.
const COPIES: [&str; 4] = [
    "default.replication.factor",
    "offsets.topic.replication.factor",
    "transaction.state.log.replication.factor",
    "share.coordinator.state.topic.replication.factor",
];
/// Words in the name of a listener that say who comes there.
const OUTSIDE: [&str; 3] = ["EXTERNAL", "OUTSIDE", "PUBLIC"];

pub(super) type Settings<'a> = BTreeMap<&'a str, &'a Entry<'a>>;

pub(super) fn find(settings: &Settings<'_>, release: Release) -> Vec<Finding> {
    let mut found: Vec<Finding> = COPIES.iter().filter_map(|key| single(settings.get(key)?)).collect();
    found.extend(slack(settings, release));
    found.extend(settings.get("unclean.leader.election.enable").and_then(|entry| unclean(entry)));
    found.extend(settings.get("auto.create.topics.enable").and_then(|entry| create(entry)));
    for key in ["log.dirs", "log.dir", "metadata.log.dir"] {
        found.extend(settings.get(key).and_then(|entry| volatile(entry)));
    }
    found.extend(settings.get("log.dirs").and_then(|entry| twice(entry)));
    if let Some(entry) = settings.get("advertised.listeners") {
        found.extend(advertised(entry));
    }
    if let Some(entry) = settings.get("listener.security.protocol.map") {
        found.extend(plain(entry));
    }
    found
}

fn is(entry: &Entry<'_>, value: &str) -> bool {
    entry.value.trim().eq_ignore_ascii_case(value)
}

fn single(entry: &Entry<'_>) -> Option<Finding> {
    is(entry, "1").then(|| {
        entry.finding(&rules::SINGLE, format!("{} is 1", entry.key), "3, with three brokers or more")
    })
}

fn slack(settings: &Settings<'_>, release: Release) -> Option<Finding> {
    let entry = settings.get("min.insync.replicas")?;
    let view = View::new(settings, release);
    let (least, copies) = (view.number("min.insync.replicas")?, view.number("default.replication.factor")?);
    (least > 1 && least >= copies).then(|| {
        let what = format!("min.insync.replicas is {least}, and default.replication.factor {copies}");
        entry.finding(&rules::SLACK, what, "one less than the copies, as in 2 of 3")
    })
}

/// The same path written in two ways counts; two ways to one directory (links) cannot be seen here.
fn twice(entry: &Entry<'_>) -> Option<Finding> {
    let mut seen: Vec<PathBuf> = Vec::new();
    for dir in entry.value.split(',').map(str::trim).filter(|dir| !dir.is_empty() && !entry.provided) {
        let path: PathBuf = Path::new(dir).components().collect();
        if seen.contains(&path) {
            let what = format!("{} is named twice", path.display());
            return Some(entry.finding(&rules::SAME_DIR, what, "name each directory once"));
        }
        seen.push(path);
    }
    None
}

fn unclean(entry: &Entry<'_>) -> Option<Finding> {
    is(entry, "true").then(|| {
        entry.finding(
            &rules::UNCLEAN,
            "unclean.leader.election.enable is true",
            "false; set it for the topics that may lose records",
        )
    })
}

fn create(entry: &Entry<'_>) -> Option<Finding> {
    is(entry, "true").then(|| entry.finding(&rules::CREATE, "auto.create.topics.enable is true", "false"))
}

fn volatile(entry: &Entry<'_>) -> Option<Finding> {
    let dir = entry.value.split(',').map(str::trim).find(|dir| *dir == "/tmp" || dir.starts_with("/tmp/"))?;
    Some(entry.finding(
        &rules::VOLATILE,
        format!("{dir} does not outlive the machine's restart"),
        "a directory on a volume of its own",
    ))
}

fn advertised(entry: &Entry<'_>) -> Option<Finding> {
    // Kafka takes all of these, and refuses 0.0.0.0.
    let near = |listener: &&str| {
        let host = listener.split_once("://").and_then(|(_, address)| address.rsplit_once(':'));
        host.is_some_and(|(host, _)| ["localhost", "127.0.0.1", "[::1]", "[::]"].contains(&host))
    };
    let all: Vec<&str> = entry.value.split(',').map(str::trim).filter(near).collect();
    let verb = if all.len() > 1 { "are" } else { "is" };
    let what = format!("{} {verb} advertised", all.join(", "));
    let remedy = "the name or address by which clients reach this broker";
    (!all.is_empty()).then(|| entry.finding(&rules::LOOPBACK, what, remedy))
}

fn plain(entry: &Entry<'_>) -> Vec<Finding> {
    let of = |pair: &str| {
        let (name, protocol) = pair.trim().split_once(':')?;
        let outside = OUTSIDE.iter().any(|word| name.to_uppercase().contains(word));
        (outside && protocol.trim().to_uppercase().ends_with("PLAINTEXT")).then(|| {
            entry.finding(
                &rules::PLAIN,
                format!("the listener {name} speaks {}", protocol.trim()),
                "SSL, or SASL_SSL",
            )
        })
    };
    entry.value.split(',').filter_map(of).collect()
}
