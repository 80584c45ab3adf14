//! The alerts of `deploy/components/alerts`: what they say, what they rest on, and, played by the real promtool
//! (`tests/alerts/*.yaml`), that each fires in its fault and none in a healthy roll.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed step should stop the test where it stands")]

mod exposition;
mod made_up;

use std::{collections::BTreeSet, fs, path::Path};

use bed::prometheus::promtool;
use serde_json::Value;
use tempfile::TempDir;

/// Series that only faults bring forth.
const ONLY_IN_FAULTS: [&str; 1] = ["pillion_certificate_reason"];

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn yaml(text: &str) -> Value {
    serde_saphyr::from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// The rule file that the operator would make of it.
fn spec() -> Value {
    yaml(&read("deploy/components/alerts/prometheus-rule.yaml"))["spec"].clone()
}

fn rules(spec: &Value) -> Vec<&Value> {
    let groups = spec["groups"].as_array().unwrap().iter();
    groups.flat_map(|group| group["rules"].as_array().unwrap()).collect()
}

fn alerts(spec: &Value) -> Vec<&Value> {
    rules(spec).into_iter().filter(|rule| rule["alert"].is_string()).collect()
}

fn names(spec: &Value) -> BTreeSet<String> {
    alerts(spec).iter().map(|alert| alert["alert"].as_str().unwrap().to_owned()).collect()
}

/// The files that promtool plays, by name and content.
fn plays() -> Vec<(String, String)> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/alerts");
    let files = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut files: Vec<_> = files.map(|name| (name.clone(), read(&format!("tests/alerts/{name}")))).collect();
    files.sort();
    files
}

/// A directory with these rules and the plays beside them.
fn stage(spec: &Value) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("rules.yaml"), spec.to_string()).unwrap();
    for (name, content) in plays() {
        fs::write(dir.path().join(name), content).unwrap();
    }
    dir
}

/// Whether promtool is content, and what it says.
fn run(dir: &TempDir, arguments: &[&str]) -> (bool, String) {
    let output = promtool().unwrap().args(arguments).current_dir(dir.path()).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(said).unwrap())
}

/// The documented ones are those that the product publishes: `tests/metrics` holds that.
#[test]
fn made_up_series_are_real() {
    let documented = exposition::spoken_of(&read("docs/metrics.md"));
    let of_histogram = |name: &str| {
        let base = ["_bucket", "_count", "_sum"].iter().find_map(|end| name.strip_suffix(end));
        base.is_some_and(|base| documented.contains(base))
    };
    let samples: Vec<_> = exposition::BESIDE.lines().filter(|line| !line.starts_with('#')).collect();
    let names = exposition::spoken_of(&samples.join("\n"));
    let strange: Vec<_> =
        names.iter().filter(|name| !documented.contains(*name) && !of_histogram(name)).collect();
    assert!(strange.is_empty(), "{strange:?}");
    assert!(!names.is_empty());
}

#[test]
fn each_alert_says_what_it_means_and_what_to_do() {
    let spec = spec();
    let all = alerts(&spec);
    assert_eq!(all.len(), names(&spec).len(), "two have one name");
    for alert in &all {
        let name = alert["alert"].as_str().unwrap();
        assert!(name.starts_with("Pillion"), "{name}");
        let severity = alert["labels"]["severity"].as_str().unwrap_or_default();
        assert!(["critical", "warning"].contains(&severity), "{name}: {severity}");
        let told = |what: &str| alert["annotations"][what].as_str().unwrap_or_default().to_owned();
        assert!((10..=140).contains(&told("summary").len()), "{name}: {}", told("summary"));
        assert!(told("description").len() > 20, "{name}: {}", told("description"));
        assert_eq!(told("runbook_url"), format!("docs/runbook.md#{}", name.to_lowercase()));
    }
    let runbook = read("docs/runbook.md");
    let sections: Vec<_> = runbook.lines().filter_map(|line| line.strip_prefix("## Pillion")).collect();
    let sections: BTreeSet<_> = sections.iter().map(|rest| format!("Pillion{rest}")).collect();
    assert_eq!(sections, names(&spec), "sections of docs/runbook.md, and alerts");
}

/// Each section of the runbook tells what an on-call wants to know, in the same order.
#[test]
fn each_section_of_the_runbook_is_whole() {
    let runbook = read("docs/runbook.md");
    for section in runbook.split("\n## ").filter(|section| section.starts_with("Pillion")) {
        let name = section.lines().next().unwrap();
        let at = |what: &str| section.find(what).unwrap_or_else(|| panic!("{name}: no {what}"));
        let parts = ["**It means**", "**Look**", "**Do**", "**No worry**"].map(at);
        assert!(parts.is_sorted(), "{name}");
    }
}

#[test]
fn what_is_judged_is_published() {
    let spec = spec();
    let text: Vec<_> = rules(&spec).iter().map(|rule| rule.to_string().replace("\\n", " ")).collect();
    let missing: Vec<_> =
        exposition::spoken_of(&text.join("\n")).difference(&exposition::names()).cloned().collect();
    assert!(missing.is_empty(), "no node publishes {missing:?}");
}

#[test]
fn each_fires_in_its_fault_and_none_in_a_healthy_roll() {
    let spec = spec();
    let dir = stage(&spec);
    let (fine, said) = run(&dir, &["check", "rules", "rules.yaml"]);
    assert!(fine, "{said}");
    let plays = plays();
    let files: Vec<_> = plays.iter().map(|(name, _)| name.as_str()).collect();
    let (fine, said) = run(&dir, &[&["test", "rules"], files.as_slice()].concat());
    assert!(fine, "{said}");
    let fired: BTreeSet<_> = plays.iter().flat_map(|(_, content)| expected(&yaml(content))).collect();
    assert_eq!(fired, names(&spec), "alerts that a play expects, and all");
}

/// The alerts that a file of plays expects to fire.
fn expected(file: &Value) -> BTreeSet<String> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let checks = list(&file["tests"]).into_iter().flat_map(|play| list(&play["promql_expr_test"]));
    let samples = checks.flat_map(|check| list(&check["exp_samples"]));
    let name = |sample: Value| {
        let labels = sample["labels"].as_str()?.to_owned();
        Some(labels.split_once("alertname=\"")?.1.split('"').next()?.to_owned())
    };
    samples.filter_map(name).collect()
}

/// The roll has every series that rules rest on, and it is their patience that keeps them silent: without, many call.
#[test]
fn the_roll_is_no_empty_play() {
    let mut spec = spec();
    let roll = read("tests/alerts/roll.yaml");
    let wanted =
        exposition::spoken_of(&rules(&spec).iter().map(|rule| rule["expr"].to_string()).collect::<String>());
    let played = exposition::spoken_of(&roll);
    let missing: Vec<_> =
        wanted.difference(&played).filter(|name| !ONLY_IN_FAULTS.contains(&name.as_str())).collect();
    assert!(missing.is_empty(), "the roll has no {missing:?}");
    for group in spec["groups"].as_array_mut().unwrap() {
        for rule in group["rules"].as_array_mut().unwrap() {
            rule.as_object_mut().unwrap().remove("for");
        }
    }
    let (fine, said) = run(&stage(&spec), &["test", "rules", "roll.yaml"]);
    assert!(!fine, "{said}");
    for name in [
        "NodeNotReady",
        "BrokersNotReady",
        "NodeMissing",
        "AgentDown",
        "Leaderless",
        "CanaryFails",
        "TurnHeld",
        "ZooKeeperNoSpare",
        "ZooKeeperBacklog",
    ] {
        assert!(said.contains(&format!("Pillion{name}\"")), "{name} would not call: {said}");
    }
}
