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

fn read_from(text: &str, arguments: &[&str]) -> Output {
    let mut command = Command::cargo_bin("pillion").unwrap();
    command.arg("lint").args(arguments).env("NO_COLOR", "1").write_stdin(text).output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn json(output: &Output) -> serde_json::Value {
    serde_json::from_slice(&output.stdout).unwrap()
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
    for (key, name) in [
        ("log.segment.bytes", "setting.human"),
        ("zookeeper.connect", "setting-gone.human"),
        ("listener.name.outside.ssl.keystore.location", "setting-of-listener.human"),
    ] {
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
    let output = read_from(file, &["-", "--kafka", "2.8", "--upgrade-to", "4.3"]);
    golden("upgrade.human", &String::from_utf8(output.stdout).unwrap());
    assert_eq!(output.status.code(), Some(1), "4.3 refuses a segment of 100 bytes");
    let up = ["-", "--kafka", "2.8", "--upgrade-to", "4.3", "--format"];
    golden("upgrade.github", &stdout(&read_from(file, &[&up[..], &["github"]].concat())));
    let sarif = json(&read_from(file, &[&up[..], &["sarif"]].concat()));
    let notifications = sarif["runs"][0]["invocations"][0]["toolExecutionNotifications"].as_array().unwrap();
    let steps = json(&read_from(file, &[&up[..], &["json"]].concat()))["files"][0]["upgrade"].clone();
    let steps: Vec<_> = steps.as_array().unwrap().iter().map(|step| step.as_str().unwrap()).collect();
    assert_eq!(notifications.len(), steps.len());
    for ((number, step), told) in (1..).zip(steps).zip(notifications) {
        assert_eq!(told["message"]["text"], format!("{number}. {step}"));
    }
}

#[test]
fn a_way_that_does_not_lead_up_is_refused() {
    for (arguments, word) in [
        (&["--upgrade-to", "4.3"][..], "the newest known, which is taken to run; say what runs by --kafka"),
        (&["--kafka", "3.9.1", "--upgrade-to", "3.9.2"], "a patch of the same release needs no steps"),
        (&["--kafka", "4.3", "--upgrade-to", "3.9"], "a downgrade is no upgrade"),
    ] {
        let output = lint(&[&["good.properties"], arguments].concat());
        assert_eq!(output.status.code(), Some(64), "{arguments:?}");
        assert!(stderr(&output).contains(word), "{arguments:?}: {}", stderr(&output));
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn a_setting_over_several_lines_is_marked_where_it_is() {
    let file = "process.roles=broker\nnode.id=1\ncontroller.listener.names=C\ncontroller.quorum.voters=2@c:9093\n\
                log.dirs=/data/1,\\\n         /tmp/2\nnum.io.threads\\\n  =\\\n  many\nssl.key.password=\\\n  hunter2\n\
                listener.security.protocol.map=\\\n  CONTROLLER:SSL,C:SSL,\\\n  OUTSIDE:PLAINTEXT,\\\n  SSL:SSL,PLAINTEXT:PLAINTEXT\n";
    let said = stdout(&read_from(file, &["-", "--kafka", "4.3"]));
    assert!(!said.contains("hunter2"), "{said}");
    golden("lines.human", &said);
}

#[test]
fn a_secret_is_hidden_whatever_stands_before_it() {
    for between in ["=", ":", " ", "\t", "\x0c", " = ", "\\\n =", "=\\\n "] {
        let said =
            stdout(&read_from(&format!("ssl.key.password{between}hunter2\n"), &["-", "--kafka", "4.3"]));
        assert!(said.contains("secret-inline") && !said.contains("hunter2"), "{between:?}: {said}");
    }
}

#[test]
fn what_is_about_no_line_says_so() {
    let all = json(&read_from("node.id=1\n", &["-", "--kafka", "4.3", "--format", "json"]));
    let found = all["files"][0]["findings"].as_array().unwrap();
    let missing = found.iter().find(|one| one["rule"] == "missing-key").unwrap();
    assert!(missing["line"].is_null() && missing["key"].is_string(), "{missing}");
    let sarif = json(&read_from("node.id=1\n", &["-", "--kafka", "4.3", "--format", "sarif"]));
    let result = &sarif["runs"][0]["results"][0];
    assert!(result["locations"][0]["physicalLocation"]["region"].is_null(), "{result}");
    let said = stdout(&read_from("node.id=1\n", &["-", "--kafka", "4.3", "--format", "github"]));
    assert!(said.starts_with("::error file=<stdin>,title=missing-key::"), "{said}");
}

#[test]
fn one_that_cannot_be_read_does_not_hide_the_others() {
    for (format, word) in [
        ("human", "1 file(s) not read"),
        ("json", "\"unread\": [\n    \"failed to read gone"),
        ("github", "::error title=not read::"),
    ] {
        let output = lint(&["good.properties", "gone", "--kafka", "4.3", "--format", format]);
        assert_eq!(output.status.code(), Some(64), "{format}");
        assert!(stdout(&output).contains(word), "{format}: {}", stdout(&output));
        assert!(stderr(&output).contains("failed to read gone: it does not exist"), "{format}");
    }
    let sarif = json(&lint(&["good.properties", "gone", "--kafka", "4.3", "--format", "sarif"]));
    assert_eq!(sarif["runs"][0]["invocations"][0]["executionSuccessful"], false);
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
        let text = result["message"]["text"].as_str().unwrap();
        assert!(text.contains("Remedy: "), "{text}");
        assert!(result["suppressions"].is_array(), "all results say it, or none may: {result}");
    }
    let permitted: Vec<_> =
        results.iter().filter(|result| result["suppressions"][0]["kind"] == "inSource").collect();
    assert_eq!(permitted.len(), 1);
    assert_eq!(permitted[0]["suppressions"][0]["justification"], "records of no value");
}

#[test]
fn directories_and_what_cannot_be_read() {
    let output = lint(&[".", "--kafka", "4.3"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stdout).unwrap().contains("2 file(s)"));
    let root = tempfile::tempdir().unwrap();
    fs::copy(Path::new(DIR).join("good.properties"), root.path().join("good.properties")).unwrap();
    std::os::unix::fs::symlink("gone", root.path().join("link.properties")).unwrap();
    let output = lint(&[root.path().to_str().unwrap(), "--kafka", "4.3"]);
    assert_eq!(output.status.code(), Some(64));
    assert!(stdout(&output).starts_with("1 file(s)"), "{}", stdout(&output));
    assert!(stderr(&output).contains("link.properties: it does not exist"), "{}", stderr(&output));
    for (arguments, word) in [
        (&["gone.properties"][..], "create gone.properties, or correct the path"),
        (&["bad.properties", "--kafka", "2.0"], "Kafka 2.0 is older than all that is known here"),
        (&["bad.properties", "--kafka", "new"], "as in 3.9 or 4.3.1"),
        (&[], "FILE|DIR|-"),
        (&["-", "good.properties", "-"], "standard input can be read once"),
        (&["/dev/null"], "what comes through a pipe is read by -, as in pillion lint - < /dev/null"),
        (&["--explain", ""], "a value is required for '--explain <KEY>'"),
        (&["--explain", "log.dirs", "--format", "json"], "cannot be used with '--format <FORMAT>'"),
        (&["--explain", "log.dirs", "--disk-size", "1Gi"], "cannot be used with"),
        (&["--rules", "--kafka", "4.3"], "'--rules' cannot be used with"),
        (&["--rules", "good.properties"], "'--rules' cannot be used with"),
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
