//! Versions that brokers speak with each other (`MetadataVersion.fromVersionString`), and the few values that Kafka judges by
//! code of their own.

use crate::properties::lint::{Finding, rules, v, view::View};

pub(super) const PROTOCOL: &str = "inter.broker.protocol.version";
const FORMAT: &str = "log.message.format.version";
/// The compression of internal topics, by number.
const CODECS: [&str; 2] =
    ["offsets.topic.compression.codec", "share.coordinator.state.topic.compression.codec"];
/// Before 2.0; from then on they are numbered through.
const OLD: [&str; 12] =
    ["0.8.0", "0.8.1", "0.8.2", "0.9.0", "0.10.0", "0.10.1", "0.10.2", "0.11.0", "1.0", "1.1", "2.0", "2.1"];

pub(super) fn find(view: &View<'_>) -> Vec<Finding> {
    let mut found: Vec<Finding> =
        [PROTOCOL, FORMAT].into_iter().filter_map(|key| version(view, key)).collect();
    found.extend(before_kraft(view));
    found.extend(older(view));
    found.extend(codecs(view));
    found.extend(classic(view));
    found.extend(level(view));
    found.extend(["copier", "expiration"].into_iter().filter_map(|kind| threads(view, kind)));
    found
}

/// The version without its draft, as in `3.4` of `3.4-IV0`; a patch number does not count.
fn short(text: &str) -> String {
    let base = text.split('-').next().unwrap_or_default();
    let digits = if base.starts_with("0.") { 3 } else { 2 };
    base.split('.').take(digits).collect::<Vec<_>>().join(".")
}

fn is_known(view: &View<'_>, text: &str) -> bool {
    let short = short(text);
    if OLD.contains(&short.as_str()) {
        return true;
    }
    let release = &view.release;
    let number = short
        .split_once('.')
        .and_then(|(major, minor)| Some((major.parse::<u16>().ok()?, minor.parse::<u16>().ok()?)));
    number.is_some_and(|(major, minor)| {
        let there = major == 2 && minor <= 8 || major == 3 && minor <= 9;
        // 3.8 knows a draft of 3.9.
        let draft = (release.major, release.minor, text) == (3, 8, "3.9-IV0");
        there && (draft || (major, minor) <= (release.major, release.minor))
    })
}

fn version(view: &View<'_>, key: &str) -> Option<Finding> {
    let text = view.text(key).filter(|text| view.tells(&[key]) && !is_known(view, text))?;
    let what = format!("{text:?} is no version that Kafka {} knows", view.release);
    Some(view.finding(&rules::VALUE, key, what, format!("as in {}", view.release)))
}

/// What brokers of `KRaft` speak begins with 3.0 (`MetadataVersion.isKRaftSupported`).
fn before_kraft(view: &View<'_>) -> Option<Finding> {
    let text = view.text(PROTOCOL).filter(|text| view.tells(&[PROTOCOL]) && is_known(view, text))?;
    let old = view.release >= v(3, 3) && view.is_kraft() && !short(text).starts_with("3.");
    let what = || format!("{text} is older than KRaft");
    old.then(|| view.finding(&rules::VALUE, PROTOCOL, what(), "take it out: a feature took its place"))
}

/// The format of records: 0 before 0.10, 1 before 0.11, 2 since.
fn records(text: &str) -> u8 {
    match short(text).as_str() {
        "0.8.0" | "0.8.1" | "0.8.2" | "0.9.0" => 0,
        "0.10.0" | "0.10.1" | "0.10.2" => 1,
        _ => 2,
    }
}

fn older(view: &View<'_>) -> Option<Finding> {
    view.tells(&[PROTOCOL, FORMAT]).then_some(())?;
    let (protocol, format) = (view.text(PROTOCOL)?, view.text(FORMAT)?);
    (records(protocol) < records(format)).then(|| {
        let what = format!("{FORMAT} is {format}, and {PROTOCOL} {protocol}");
        view.finding(&rules::NUMBERS, PROTOCOL, what, "let brokers speak as new a version as that of records")
    })
}

/// `CompressionType.forId`, and `BrokerCompressionCodec.isValid` where the setting had no list of choices yet.
fn codecs(view: &View<'_>) -> Vec<Finding> {
    let codec = |key: &str| view.number(key).filter(|id| !(0..=4).contains(id));
    let unknown = |key: &str| {
        let what = format!("{} is no codec", codec(key)?);
        Some(view.finding(&rules::VALUE, key, what, "from 0 (none) to 4 (zstd)"))
    };
    let mut found: Vec<Finding> = CODECS.into_iter().filter_map(unknown).collect();
    let of_topics = "compression.type";
    let all = ["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"];
    let word = view.text(of_topics).filter(|_| view.release < v(3, 3) && view.tells(&[of_topics]));
    if let Some(word) = word.filter(|word| !all.iter().any(|known| known.eq_ignore_ascii_case(word))) {
        let remedy = format!("one of: {}", all.join(", "));
        found.push(view.finding(
            &rules::VALUE,
            of_topics,
            format!("{word:?} is none of the choices"),
            remedy,
        ));
    }
    found
}

/// The classic protocol of groups cannot be turned off (`KafkaConfig.groupCoordinatorRebalanceProtocols`, KIP-848).
fn classic(view: &View<'_>) -> Option<Finding> {
    let key = "group.coordinator.rebalance.protocols";
    let without = view.knows(key) && view.tells(&[key]) && !view.list(key).contains(&"classic");
    without.then(|| view.finding(&rules::VALUE, key, "classic is not there", "add classic"))
}

/// `GzipCompression.LevelValidator`: zlib's own default, or a level.
fn level(view: &View<'_>) -> Option<Finding> {
    let key = "compression.gzip.level";
    let level = view.number(key).filter(|level| *level != -1 && !(1..=9).contains(level))?;
    Some(view.finding(&rules::VALUE, key, format!("it is {level}"), "from 1 to 9, or -1"))
}

/// `RemoteLogManagerConfig` of 3.9: as many as those of the reader, or a number.
fn threads(view: &View<'_>, kind: &str) -> Option<Finding> {
    let key = format!("remote.log.manager.{kind}.thread.pool.size");
    let count = view.number(&key).filter(|count| *count == 0 || *count < -1)?;
    Some(view.finding(&rules::VALUE, &key, format!("it is {count}"), "at least 1, or -1"))
}
