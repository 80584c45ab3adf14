//! Findings for scripts, code scanning and GitHub. No value that is a secret is shown.

use std::fmt::Write;

use serde_json::{Value, json};

use super::{Answer, Linted};
use crate::properties::lint::{ALL, Finding, Permitted, Severity};

/// One object for scripts.
pub(super) fn json(answer: &Answer) -> String {
    let file = |one: &Linted| {
        let found: Vec<Value> = one.findings.found.iter().map(object).collect();
        let permitted = one.findings.permitted.iter().map(|one| {
            let mut object = object(&one.finding);
            object["permitted"] = json!({ "line": one.line, "reason": one.reason });
            object
        });
        let permitted: Vec<Value> = permitted.collect();
        json!({ "file": one.name, "findings": found, "permitted": permitted, "upgrade": one.steps })
    };
    pretty(&json!({
        "kafka": answer.release.to_string(), "files": answer.files.iter().map(file).collect::<Vec<_>>(),
        "unread": answer.unread,
    }))
}

fn object(found: &Finding) -> Value {
    // Null where it is about no line, or no setting.
    let (line, key) =
        ((found.line > 0).then_some(found.line), Some(&found.key).filter(|key| !key.is_empty()));
    json!({
        "rule": found.rule.id, "severity": found.rule.severity.word(), "line": line, "key": key, "what": found.what,
        "why": found.rule.why, "remedy": found.remedy,
    })
}

/// SARIF 2.1.0 (OASIS). Steps of an upgrade, and files that could not be read, are notifications of the run.
pub(super) fn sarif(answer: &Answer) -> String {
    let rules: Vec<Value> = ALL
        .iter()
        .map(|rule| {
            json!({
                "id": rule.id, "shortDescription": { "text": rule.title }, "fullDescription": { "text": rule.why },
                "defaultConfiguration": { "level": rule.severity.word() },
            })
        })
        .collect();
    let of_file = |one: &Linted| {
        let found = one.findings.found.iter().map(|found| result(one, found, &[]));
        let permitted = one
            .findings
            .permitted
            .iter()
            .map(|one_of| result(one, &one_of.finding, std::slice::from_ref(one_of)));
        found.chain(permitted).collect::<Vec<_>>()
    };
    let results: Vec<Value> = answer.files.iter().flat_map(of_file).collect();
    let step = |one: &Linted, number: usize, step: &str| {
        json!({
            "level": "note", "message": { "text": format!("{number}. {step}") },
            "locations": [{ "physicalLocation": location(one, 0) }],
        })
    };
    let steps = answer
        .files
        .iter()
        .flat_map(|one| (1..).zip(&one.steps).map(move |(number, text)| step(one, number, text)));
    let unread = answer.unread.iter().map(|why| json!({ "level": "error", "message": { "text": why } }));
    let invocation = json!({
        "executionSuccessful": answer.unread.is_empty(),
        "toolExecutionNotifications": unread.chain(steps).collect::<Vec<_>>(),
    });
    let driver = json!({ "name": "pillion", "version": env!("CARGO_PKG_VERSION"), "rules": rules });
    pretty(&json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0",
        "runs": [{ "tool": { "driver": driver }, "invocations": [invocation], "results": results }],
    }))
}

/// `permitted` by what. All results say so, or none may (SARIF 2.1.0, 3.27.23).
fn result(one: &Linted, found: &Finding, permitted: &[Permitted]) -> Value {
    let suppression = |by: &Permitted| {
        json!({ "kind": "inSource", "justification": by.reason, "location": {
            "physicalLocation": location(one, by.line),
        } })
    };
    json!({
        "ruleId": found.rule.id, "level": found.rule.severity.word(),
        "message": { "text": format!("{}. {} Remedy: {}", found.sentence(), found.rule.why, found.remedy) },
        "locations": [{ "physicalLocation": location(one, found.line) }],
        "suppressions": permitted.iter().map(suppression).collect::<Vec<_>>(),
    })
}

/// The file, and the line where it is about one.
fn location(one: &Linted, line: usize) -> Value {
    let mut location = json!({ "artifactLocation": { "uri": uri(&one.name) } });
    if line > 0 {
        location["region"] = json!({ "startLine": line });
    }
    location
}

/// A path as a URI, or a reference to one where it is relative (RFC 3986).
fn uri(path: &str) -> String {
    let mut uri = if path.starts_with('/') { "file://".to_owned() } else { String::new() };
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(uri, "%{byte:02X}");
        }
    }
    uri
}

fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}

/// Workflow commands of GitHub Actions.
pub(super) fn github(answer: &Answer) -> String {
    let mut text = String::new();
    for one in &answer.files {
        let file = property(&one.name);
        for found in &one.findings.found {
            let severity = found.rule.severity;
            let word = if severity == Severity::Note { "notice" } else { severity.word() };
            let line = if found.line > 0 { format!(",line={}", found.line) } else { String::new() };
            let message = format!("{}\nwhy: {}\nremedy: {}", found.sentence(), found.rule.why, found.remedy);
            let _ = writeln!(text, "::{word} file={file}{line},title={}::{}", found.rule.id, data(&message));
        }
        if !one.steps.is_empty() {
            let steps = (1..).zip(&one.steps).map(|(number, step)| format!("{number}. {step}"));
            let steps = data(&steps.collect::<Vec<_>>().join("\n"));
            let _ = writeln!(text, "::notice file={file},title=the way up::{steps}");
        }
    }
    for why in &answer.unread {
        let _ = writeln!(text, "::error title=not read::{}", data(why));
    }
    text
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_a_uri() {
        assert_eq!(uri("a b/#1:ä.properties"), "a%20b/%231%3A%C3%A4.properties");
        assert_eq!(uri("/etc/kafka/100%"), "file:///etc/kafka/100%25");
    }
}
