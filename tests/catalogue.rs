//! The catalogue of Kafka's settings against Kafka's own classes: what it says is what they say now, and the values that it
//! refuses are those that they refuse. `FULL=1` asks every release.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a failed step should stop the test where it stands"
)]

use std::collections::BTreeMap;

use bed::{NEWEST, V2_8, V3_9, catalogue};
use pillion::properties::catalogue::{Kind, Release, Setting, catalogue as ours};

/// Values of every type, in and out of most ranges, and as people mistype them.
const VALUES: &[&str] = &[
    "",
    " ",
    "0",
    "1",
    "-1",
    "-2",
    "-3",
    "+7",
    "5",
    "14",
    "64",
    "100",
    "1024",
    "4096",
    "10000",
    "524288",
    "1048576",
    "2147483647",
    "2147483648",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "1_000",
    "1000 ",
    " 1000",
    "10ms",
    "1GB",
    "1.5",
    "0.5",
    "1e3",
    "1.",
    ".5",
    "0.95f",
    "2d",
    "NaN",
    "-Infinity",
    "inf",
    "0x10",
    "e5",
    "1e",
    "true",
    "TRUE",
    " false",
    "yes",
    "no",
    "truee",
    "null",
    "a",
    "a,b",
    "a,,b",
    "a , b",
    ",",
    "broker",
    "broker,controller",
    "broker, controller",
    "gzip",
    "GZIP",
    "zstd",
    "producer",
    "delete",
    "compact,delete",
    "required",
    "Required",
    "CreateTime",
    "PLAINTEXT",
    "SASL_SSL",
    "classic",
    "classic,consumer",
    "TLSv1.2",
    "java.lang.String",
    "\u{e9}",
    "\u{b2}",
];

fn versions(short: &[&'static str]) -> Vec<&'static str> {
    if std::env::var_os("FULL").is_some() { catalogue::RELEASES.to_vec() } else { short.to_vec() }
}

fn release(version: &str) -> Release {
    version.parse().unwrap()
}

#[test]
fn it_says_what_kafka_says() {
    for version in versions(&[V2_8, NEWEST]) {
        let asked = catalogue::ask(version).unwrap();
        let facts = |row: &str| row.rsplit_once('\t').map(|(facts, _)| facts.to_owned()).unwrap();
        let theirs: BTreeMap<_, _> = asked.iter().map(|(key, row)| (key.as_str(), facts(row))).collect();
        let held: BTreeMap<_, _> =
            ours().settings(release(version)).map(|(key, setting)| (key, facts(setting.row))).collect();
        assert_eq!(held, theirs, "Kafka {version}: run `make catalogue`");
        println!("Kafka {version}: {} settings, as it says itself", theirs.len());
    }
}

/// Kafka's own code decides, or classes that are looked for.
fn is_judged(setting: &Setting) -> bool {
    setting.kind != Kind::Class && setting.validator != pillion::properties::catalogue::Validator::Other
}

#[test]
fn it_refuses_the_values_that_kafka_refuses() {
    for version in versions(&[V2_8, V3_9, NEWEST]) {
        let cases: Vec<(&str, &Setting, &str)> = ours()
            .settings(release(version))
            .filter(|(_, setting)| is_judged(setting))
            .flat_map(|(key, setting)| VALUES.iter().map(move |value| (key, setting, *value)))
            .collect();
        let lines: Vec<_> = cases.iter().map(|(key, _, value)| format!("{key}\t{value}")).collect();
        let theirs = catalogue::judge(version, "values", &lines).unwrap();
        let differ: Vec<String> = cases
            .iter()
            .zip(&theirs)
            .filter(|((_, setting, value), said)| setting.check(value).is_ok() != (*said == "taken"))
            .map(|((key, setting, value), said)| {
                format!("{key}={value:?} ({}): {said}; we: {:?}", setting.row, setting.check(value))
            })
            .collect();
        let refused = theirs.iter().filter(|said| *said != "taken").count();
        println!(
            "Kafka {version}: {} values, {refused} refused by Kafka, {} judged otherwise by us",
            cases.len(),
            differ.len()
        );
        assert!(refused > cases.len() / 10 && refused < cases.len() * 9 / 10, "both are tried");
        assert!(differ.is_empty(), "{}", differ.join("\n"));
    }
}
