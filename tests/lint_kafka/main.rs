//! `pillion lint` against Kafka itself: whole files that Kafka refuses to start with are those in which lint finds an error.
//! `FULL=1` asks every release, with more files.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a failed step should stop the test where it stands"
)]

mod files;

use std::collections::{BTreeMap, BTreeSet};

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use bed::{NEWEST, V2_8, V3_9, catalogue};
use files::File;
use pillion::properties::{
    catalogue::{Kind, Release, Setting, catalogue as ours},
    line,
    lint::{ALL, Severity, lint},
};

/// Of the files; each release has its own.
const SEED: u64 = 20_261_126;
/// Classes, and what is read by them: whether Kafka has them depends on its class path.
const CLASSES: &[&str] = &[
    "authorizer.class.name",
    "group.consumer.assignors",
    "group.share.assignors",
    "group.streams.assignors",
];

fn text(file: &File) -> String {
    file.iter().map(|(key, value)| line(key, value)).collect()
}

fn is_judged(key: &str, setting: &Setting) -> bool {
    setting.kind != Kind::Class && !CLASSES.contains(&key)
}

/// Kafka refuses it when it opens its logs, and not yet when it reads the file.
const LATER: &str = "duplicate-log-dir";

/// The errors that lint finds: the rule, and what it says.
fn errors(text: &str, release: Release) -> Vec<(&'static str, String)> {
    let found = lint(text.as_bytes(), release, None).found.into_iter();
    let errors = found.filter(|found| found.rule.severity == Severity::Error && found.rule.id != LATER);
    errors.map(|found| (found.rule.id, found.what)).collect()
}

#[test]
fn it_refuses_the_files_that_kafka_refuses() {
    let full = std::env::var_os("FULL").is_some();
    let (versions, count): (&[&str], _) =
        if full { (&catalogue::RELEASES, 20_000) } else { (&[V2_8, V3_9, NEWEST], 4_000) };
    let mut alone = BTreeMap::new();
    for version in versions {
        let differ = judged_otherwise(version, count, &mut alone);
        assert!(differ * 200 <= count, "Kafka {version}: less than 99.5 % of the files are judged alike");
    }
    println!("files that Kafka refuses, and only one rule explains: {alone:?}");
    let errors = ALL.iter().filter(|rule| rule.severity == Severity::Error).map(|rule| rule.id);
    let idle: Vec<_> =
        errors.filter(|id| !["malformed-file", LATER].contains(id) && !alone.contains_key(id)).collect();
    assert!(idle.is_empty(), "nothing shows that Kafka refuses what these find: {idle:?}");
}

/// How many of so many files Kafka and lint do not judge alike; each of them is printed.
/// `alone`: how often each rule was the only one in a file that Kafka refuses.
fn judged_otherwise(version: &str, count: usize, alone: &mut BTreeMap<&'static str, u32>) -> usize {
    let release: Release = version.parse().unwrap();
    let known: Vec<_> = ours().settings(release).filter(|(key, setting)| is_judged(key, setting)).collect();
    let mut rng = fastrand::Rng::with_seed(SEED);
    let files: Vec<String> = (0..count).map(|_| text(&files::file(&mut rng, release, &known))).collect();
    let lines: Vec<_> = files.iter().map(|text| BASE64.encode(text)).collect();
    let said = catalogue::judge(version, "files", &lines).unwrap();
    let refused = said.iter().filter(|said| *said != "taken").count();
    let mut differ = 0;
    for (text, said) in files.iter().zip(&said) {
        let errors = errors(text, release);
        let rules: BTreeSet<_> = errors.iter().map(|(id, _)| *id).collect();
        if let (Some(id), 1, true) = (rules.first(), rules.len(), said != "taken") {
            *alone.entry(*id).or_default() += 1;
        }
        if errors.is_empty() != (said == "taken") {
            differ += 1;
            println!("Kafka {version}: {said}\n  lint: {errors:?}\n{text}");
        }
    }
    println!("Kafka {version}: {count} files, {refused} refused by Kafka, {differ} judged otherwise by lint");
    assert!(refused > count / 4 && refused < count * 7 / 8, "both kinds are tried: {refused}");
    differ
}
