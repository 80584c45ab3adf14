//! Numbers that Kafka compares with each other.

use crate::properties::lint::{Finding, rules, v, view::View};

/// What the first of two has to be to the second.
#[derive(Clone, Copy)]
enum Is {
    Below,
    AtMost,
}

/// `KafkaConfig.validateValues`, and `GroupCoordinatorConfig` and `ShareGroupConfig` from 3.8 on.
const ORDERED: &[(&str, Is, &str)] = &[
    ("replica.fetch.wait.max.ms", Is::AtMost, "replica.socket.timeout.ms"),
    ("replica.fetch.wait.max.ms", Is::AtMost, "replica.lag.time.max.ms"),
    ("offsets.commit.required.acks", Is::AtMost, "offsets.topic.replication.factor"),
    ("group.consumer.min.heartbeat.interval.ms", Is::AtMost, "group.consumer.max.heartbeat.interval.ms"),
    ("group.consumer.min.heartbeat.interval.ms", Is::AtMost, "group.consumer.heartbeat.interval.ms"),
    ("group.consumer.heartbeat.interval.ms", Is::AtMost, "group.consumer.max.heartbeat.interval.ms"),
    ("group.consumer.min.session.timeout.ms", Is::AtMost, "group.consumer.max.session.timeout.ms"),
    ("group.consumer.min.session.timeout.ms", Is::AtMost, "group.consumer.session.timeout.ms"),
    ("group.consumer.session.timeout.ms", Is::AtMost, "group.consumer.max.session.timeout.ms"),
    ("group.share.min.heartbeat.interval.ms", Is::AtMost, "group.share.max.heartbeat.interval.ms"),
    ("group.share.min.heartbeat.interval.ms", Is::AtMost, "group.share.heartbeat.interval.ms"),
    ("group.share.heartbeat.interval.ms", Is::AtMost, "group.share.max.heartbeat.interval.ms"),
    ("group.share.min.session.timeout.ms", Is::AtMost, "group.share.max.session.timeout.ms"),
    ("group.share.min.session.timeout.ms", Is::AtMost, "group.share.session.timeout.ms"),
    ("group.share.session.timeout.ms", Is::AtMost, "group.share.max.session.timeout.ms"),
    ("group.share.heartbeat.interval.ms", Is::Below, "group.share.session.timeout.ms"),
    ("group.streams.min.heartbeat.interval.ms", Is::AtMost, "group.streams.max.heartbeat.interval.ms"),
    ("group.streams.min.heartbeat.interval.ms", Is::AtMost, "group.streams.heartbeat.interval.ms"),
    ("group.streams.heartbeat.interval.ms", Is::AtMost, "group.streams.max.heartbeat.interval.ms"),
    ("group.streams.min.session.timeout.ms", Is::AtMost, "group.streams.max.session.timeout.ms"),
    ("group.streams.min.session.timeout.ms", Is::AtMost, "group.streams.session.timeout.ms"),
    ("group.streams.session.timeout.ms", Is::AtMost, "group.streams.max.session.timeout.ms"),
    ("group.streams.heartbeat.interval.ms", Is::Below, "group.streams.session.timeout.ms"),
    ("group.streams.num.standby.replicas", Is::AtMost, "group.streams.max.standby.replicas"),
    ("group.consumer.min.assignment.interval.ms", Is::AtMost, "group.consumer.max.assignment.interval.ms"),
    ("group.consumer.min.assignment.interval.ms", Is::AtMost, "group.consumer.assignment.interval.ms"),
    ("group.consumer.assignment.interval.ms", Is::AtMost, "group.consumer.max.assignment.interval.ms"),
    ("group.share.min.assignment.interval.ms", Is::AtMost, "group.share.max.assignment.interval.ms"),
    ("group.share.min.assignment.interval.ms", Is::AtMost, "group.share.assignment.interval.ms"),
    ("group.share.assignment.interval.ms", Is::AtMost, "group.share.max.assignment.interval.ms"),
    ("group.streams.min.assignment.interval.ms", Is::AtMost, "group.streams.max.assignment.interval.ms"),
    ("group.streams.min.assignment.interval.ms", Is::AtMost, "group.streams.assignment.interval.ms"),
    ("group.streams.assignment.interval.ms", Is::AtMost, "group.streams.max.assignment.interval.ms"),
    ("group.streams.min.task.offset.interval.ms", Is::AtMost, "group.streams.task.offset.interval.ms"),
    ("group.streams.num.warmup.replicas", Is::AtMost, "group.streams.max.warmup.replicas"),
    ("group.share.max.size", Is::AtMost, "group.share.max.share.sessions"),
    ("group.share.min.record.lock.duration.ms", Is::AtMost, "group.share.record.lock.duration.ms"),
    ("group.share.record.lock.duration.ms", Is::AtMost, "group.share.max.record.lock.duration.ms"),
];

pub(super) fn find(view: &View<'_>) -> Vec<Finding> {
    let mut found: Vec<Finding> =
        ORDERED.iter().filter_map(|(low, is, high)| ordered(view, low, *is, high)).collect();
    if view.release >= v(3, 8) {
        found.extend(ordered(
            view,
            "group.consumer.heartbeat.interval.ms",
            Is::Below,
            "group.consumer.session.timeout.ms",
        ));
    }
    found.extend(locks(view));
    found.extend(idle(view));
    found.extend(queued(view));
    found.extend(cleaner(view));
    found.extend(time(view, &["log.roll.ms", "log.roll.hours"], 1));
    found.extend(time(view, &["log.roll.jitter.ms", "log.roll.jitter.hours"], 0));
    found.extend(retention(view));
    found.extend(acks(view));
    found.extend(snapshots(view));
    found.extend(cordoned(view));
    found.extend(connections(view));
    found.extend(directories(view));
    found
}

/// Both, where they are known and numbers.
fn two(view: &View<'_>, one: &str, other: &str) -> Option<(i64, i64)> {
    view.tells(&[one, other]).then_some(())?;
    Some((view.number(one)?, view.number(other)?))
}

fn ordered(view: &View<'_>, low: &str, is: Is, high: &str) -> Option<Finding> {
    let (one, other) = two(view, low, high)?;
    let (good, word) = match is {
        Is::Below => (one < other, "below"),
        Is::AtMost => (one <= other, "at most"),
    };
    (!good).then(|| {
        let key = if view.is_set(low) { low } else { high };
        let what = format!("{low} is {one}, and {high} {other}");
        view.finding(&rules::NUMBERS, key, what, format!("{low} has to be {word} {high}"))
    })
}

/// The default gives way to the limits.
fn locks(view: &View<'_>) -> Vec<Finding> {
    let [low, locks, high] = ["group.share.min.", "group.share.", "group.share.max."]
        .map(|start| format!("{start}partition.max.record.locks"));
    if !view.is_set(&locks) {
        return Vec::new();
    }
    let all = [ordered(view, &low, Is::AtMost, &locks), ordered(view, &locks, Is::AtMost, &high)];
    all.into_iter().flatten().collect()
}

fn idle(view: &View<'_>) -> Option<Finding> {
    let (late, idle) = ("connection.failed.authentication.delay.ms", "connections.max.idle.ms");
    let (_, most) = two(view, late, idle)?;
    if most < 0 { None } else { ordered(view, late, Is::Below, idle) }
}

fn queued(view: &View<'_>) -> Option<Finding> {
    let (queue, request) = ("queued.max.request.bytes", "socket.request.max.bytes");
    let (most, _) = two(view, queue, request)?;
    if most <= 0 { None } else { ordered(view, request, Is::AtMost, queue) }
}

/// A megabyte, and one byte more, for each thread.
fn cleaner(view: &View<'_>) -> Option<Finding> {
    let (buffer, threads) = ("log.cleaner.dedupe.buffer.size", "log.cleaner.threads");
    let (bytes, count) = two(view, buffer, threads)?;
    let each = bytes.checked_div(count).unwrap_or_default();
    (each <= 1_048_576).then(|| {
        let key = if view.is_set(buffer) { buffer } else { threads };
        let what = format!("{bytes} bytes for {count} threads are {each} for each");
        view.finding(
            &rules::NUMBERS,
            key,
            what,
            format!("more than 1048576 bytes of {buffer} for each of {threads}"),
        )
    })
}

/// The first that is set, the last of them having a default.
fn first<'k>(view: &View<'_>, keys: &[&'k str]) -> Option<(&'k str, i64)> {
    view.tells(keys).then_some(())?;
    keys.iter().find_map(|key| Some((*key, view.number(key)?)))
}

fn time(view: &View<'_>, keys: &[&str], least: i64) -> Option<Finding> {
    let (key, value) = first(view, keys)?;
    (value < least)
        .then(|| view.finding(&rules::NUMBERS, key, format!("it is {value}"), format!("at least {least}")))
}

fn retention(view: &View<'_>) -> Option<Finding> {
    let (key, value) = first(view, &["log.retention.ms", "log.retention.minutes", "log.retention.hours"])?;
    (value == 0).then(|| view.finding(&rules::NUMBERS, key, "it is 0", "at least 1, or -1 for ever"))
}

fn acks(view: &View<'_>) -> Option<Finding> {
    let key = "offsets.commit.required.acks";
    let acks = view.number(key).filter(|acks| *acks < -1 && view.tells(&[key]))?;
    Some(view.finding(&rules::NUMBERS, key, format!("it is {acks}"), "-1: all of them"))
}

/// `ShareCoordinatorConfig`.
fn snapshots(view: &View<'_>) -> Option<Finding> {
    let key = "share.coordinator.snapshot.update.records.per.snapshot";
    let count = view.number(key).filter(|count| !(0..=500).contains(count) && view.tells(&[key]))?;
    Some(view.finding(&rules::NUMBERS, key, format!("it is {count}"), "from 0 to 500"))
}

/// Directories that take no new replicas (KIP-1066) are some of those that there are.
fn cordoned(view: &View<'_>) -> Option<Finding> {
    let (key, all) = ("cordoned.log.dirs", "log.dirs");
    let there = view.text(all).or_else(|| view.text("log.dir")).filter(|_| view.has_role("broker"))?;
    let known = |dir: &str| dir == "*" || there.split(',').any(|one| one.trim() == dir);
    let other = view.list(key).into_iter().find(|dir| !known(dir)).filter(|_| view.tells(&[key, all]))?;
    let what = format!("{other:?} is no log directory");
    Some(view.finding(&rules::NUMBERS, key, what, format!("some of {all}, or *")))
}

fn connections(view: &View<'_>) -> Option<Finding> {
    let (most, overrides) = ("max.connections.per.ip", "max.connections.per.ip.overrides");
    let none = view.tells(&[most, overrides]) && view.number(most)? == 0 && view.text(overrides)?.is_empty();
    none.then(|| {
        view.finding(&rules::NUMBERS, most, "nobody may connect", format!("at least 1, or {overrides}"))
    })
}

/// `KafkaConfig.logDirs`, and what tiered storage could not do at first (KIP-405).
fn directories(view: &View<'_>) -> Option<Finding> {
    let (all, tiered) = ("log.dirs", "remote.log.storage.system.enable");
    let is_tiered = view.text(tiered).is_some_and(|is| is.eq_ignore_ascii_case("true"));
    let early = (v(3, 6)..v(3, 8)).contains(&view.release);
    let count = view
        .text(all)
        .or_else(|| view.text("log.dir"))?
        .split(',')
        .filter(|dir| !dir.trim().is_empty())
        .count();
    if count == 0 && view.tells(&[all, "log.dir"]) {
        let key = if view.is_set(all) { all } else { "log.dir" };
        return Some(view.finding(&rules::NUMBERS, key, "there is none", "at least one directory"));
    }
    (early && is_tiered && count > 1 && view.tells(&[all, tiered]))
        .then(|| view.finding(&rules::NUMBERS, all, "tiered storage does not take several", "one directory"))
}
