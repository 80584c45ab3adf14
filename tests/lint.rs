//! `pillion lint` as people and machines read it. `PILLION_BLESS=1` writes the goldens and docs/lint.md anew.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed step should stop the test where it stands"
)]

use std::{fs, path::Path, process::Output};

use assert_cmd::Command;

const DIR: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/lint");

fn lint(arguments: &[&str]) -> Output {
    let mut command = Command::cargo_bin("pillion").unwrap();
    command.current_dir(DIR).arg("lint").args(arguments).env("NO_COLOR", "1").output().unwrap()
}

fn golden(name: &str, said: &str) {
    same(&Path::new(DIR).join(name), said);
}

fn same(path: &Path, said: &str) {
    if std::env::var_os("PILLION_BLESS").is_some() {
        fs::write(path, said).unwrap();
    }
    let held = fs::read_to_string(path).unwrap_or_default();
    assert_eq!(held, said, "{} (PILLION_BLESS=1 writes it anew)", path.display());
}

#[test]
fn what_is_wrong_is_told_in_every_format() {
    for format in ["human", "json", "sarif", "github"] {
        let output = lint(&["bad.properties", "--kafka", "4.3", "--format", format]);
        assert_eq!(output.status.code(), Some(1), "{format}");
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(!said.contains("hunter2"), "{format} shows a secret");
        golden(&format!("bad.{format}"), &said);
    }
}

#[test]
fn what_is_right_is_not_complained_about() {
    for release in ["4.3", "3.9"] {
        let output = lint(&["good.properties", "--kafka", release]);
        let said = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(0), "{said}");
        assert!(
            said.ends_with("0 error(s), 0 warning(s), 0 note(s)\n") && said.lines().count() == 1,
            "{said}"
        );
    }
}

#[test]
fn a_setting_is_explained_as_the_releases_have_it() {
    for (key, name) in [("log.segment.bytes", "setting.human"), ("zookeeper.connect", "setting-gone.human")] {
        let output = lint(&["--explain", key, "--kafka", "4.3"]);
        assert_eq!(output.status.code(), Some(0));
        golden(name, &String::from_utf8(output.stdout).unwrap());
    }
    let output = lint(&["--explain", "log.segment.byte"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(said.contains("did you mean log.segment.bytes?"), "{said}");
}

#[test]
fn the_way_up_is_told_in_order() {
    let file =
        "zookeeper.connect=zk:2181\nbroker.id=1\ninter.broker.protocol.version=2.8\nlog.segment.bytes=100\n";
    let mut command = Command::cargo_bin("pillion").unwrap();
    let output = command
        .args(["lint", "-", "--kafka", "2.8", "--upgrade-to", "4.3"])
        .env("NO_COLOR", "1")
        .write_stdin(file)
        .output()
        .unwrap();
    golden("upgrade.human", &String::from_utf8(output.stdout).unwrap());
    assert_eq!(output.status.code(), Some(1), "4.3 refuses a segment of 100 bytes");
}

/// Of SARIF what scanners rest on: the version, the rules, and results that name one of them and a line.
#[test]
fn the_sarif_is_sarif() {
    let output = lint(&["bad.properties", "--format", "sarif"]);
    let all: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(all["version"], "2.1.0");
    let run = &all["runs"][0];
    let rules: Vec<_> =
        run["tool"]["driver"]["rules"].as_array().unwrap().iter().map(|rule| &rule["id"]).collect();
    let results = run["results"].as_array().unwrap();
    assert!(results.len() > 10);
    for result in results {
        assert!(rules.contains(&&result["ruleId"]), "{result}");
        assert!(["note", "warning", "error"].contains(&result["level"].as_str().unwrap()));
        assert!(result["locations"][0]["physicalLocation"]["region"]["startLine"].as_u64().unwrap() > 0);
        assert!(!result["message"]["text"].as_str().unwrap().is_empty());
    }
}

#[test]
fn directories_and_what_cannot_be_read() {
    let output = lint(&[".", "--kafka", "4.3"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stdout).unwrap().contains("2 file(s)"));
    for (arguments, word) in [
        (&["gone.properties"][..], "create gone.properties, or correct the path"),
        (&["bad.properties", "--kafka", "2.0"], "Kafka 2.0 is older than all that is known here"),
        (&["bad.properties", "--kafka", "new"], "as in 3.9 or 4.3.1"),
        (&[], "FILE|DIR|-"),
    ] {
        let output = lint(arguments);
        assert_eq!(output.status.code(), Some(64), "{arguments:?}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains(word), "{arguments:?}: {said}");
    }
}

#[test]
fn a_release_that_came_later_is_said_to_be_unknown() {
    let output = lint(&["good.properties", "--kafka", "9.9"]);
    assert_eq!(output.status.code(), Some(0));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("Kafka 9.9 is not known here; what "), "{said}");
}

#[test]
fn every_rule_is_in_the_docs() {
    let output = lint(&["--rules"]);
    let page = String::from_utf8(output.stdout).unwrap();
    same(&Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/lint.md"), &page);
}
