//! Findings as people and machines read them. No value that is a secret is shown.

use std::{collections::BTreeSet, fmt::Write};

use serde_json::{Value, json};

use super::Linted;
use crate::{
    cli::out,
    properties::{
        MASK,
        catalogue::Release,
        lint::{ALL, Finding, Mark, Severity},
        parse_lines, secret,
    },
};

/// With the line that it is about, and a mark below it.
pub(super) fn human(all: &[Linted], release: Release, assumed: bool) -> String {
    let mut text = String::new();
    for one in all {
        let (source, open) = (String::from_utf8_lossy(&one.source), open_lines(&one.source));
        for found in &one.findings {
            let rule = found.rule;
            let style = match rule.severity {
                Severity::Error => anstyle::AnsiColor::Red,
                Severity::Warning => anstyle::AnsiColor::Yellow,
                Severity::Note => anstyle::AnsiColor::Cyan,
            };
            let style = style.on_default().bold();
            let _ = writeln!(
                text,
                "{style}{}{style:#}[{}]: {}",
                rule.severity.word(),
                rule.id,
                out::plain(&found.what)
            );
            let line = if found.line == 0 { String::new() } else { format!(":{}", found.line) };
            let _ = writeln!(text, "  --> {}{line}", one.name);
            if let Some(line) = shown(&source, &open, found) {
                let number = found.line.to_string();
                let (blank, at) = (" ".repeat(number.len()), mark(&line, rule.mark));
                let (before, marked) = (" ".repeat(at.0), "^".repeat(at.1));
                let _ = writeln!(
                    text,
                    "{blank} |\n{number} | {line}\n{blank} | {before}{style}{marked}{style:#}"
                );
            }
            let _ = writeln!(text, "  why: {}\n  remedy: {}\n", rule.why, out::plain(&found.remedy));
        }
        if !one.steps.is_empty() {
            let _ = writeln!(text, "{}: the way up", one.name);
            for (number, step) in (1..).zip(&one.steps) {
                let _ = writeln!(text, "  {number}. {}", out::plain(step));
            }
            text.push('\n');
        }
    }
    let count = |severity| {
        all.iter().flat_map(|one| &one.findings).filter(|found| found.rule.severity == severity).count()
    };
    let by = if assumed { ", the newest release known (--kafka for another one)" } else { "" };
    let _ = writeln!(
        text,
        "{} file(s) as Kafka {release} takes them{by}: {} error(s), {} warning(s), {} note(s)",
        all.len(),
        count(Severity::Error),
        count(Severity::Warning),
        count(Severity::Note)
    );
    text
}

/// The line as it stands in the file, without what may not be shown: `open` are the lines that may.
fn shown(text: &str, open: &BTreeSet<usize>, found: &Finding) -> Option<String> {
    let line = text.lines().nth(found.line.checked_sub(1)?)?;
    if open.contains(&found.line) || line.trim_start().starts_with(['#', '!']) {
        return Some(out::plain(line).chars().take(160).collect());
    }
    Some(format!("{}={MASK}", line.split(['=', ':', ' ']).find(|part| !part.is_empty())?))
}

/// Lines whose settings are no secrets. What cannot be read as a whole is not judged, so none of it is known to be open.
fn open_lines(source: &[u8]) -> BTreeSet<usize> {
    let entries = parse_lines(source).unwrap_or_default().into_iter();
    entries.filter(|(_, key, value)| !secret::is_secret(key, value)).map(|(line, _, _)| line).collect()
}

/// Where the mark stands, and how long it is.
fn mark(line: &str, mark: Mark) -> (usize, usize) {
    let all = line.chars().count();
    let name = line.chars().take_while(|c| c.is_whitespace()).count();
    let end = line.chars().skip(name).position(|c| "=: \t".contains(c)).map_or(all, |at| name + at);
    let value = line.chars().skip(end).position(|c| !"=: \t".contains(c)).map_or(end, |at| end + at);
    let trimmed = line.trim_end().chars().count();
    let (from, to) = match mark {
        Mark::Line => (name, trimmed),
        Mark::Name => (name, end),
        Mark::Value => (value, trimmed),
        Mark::ValueAndBlanks => (value, all),
    };
    (from, to.saturating_sub(from).max(1))
}

/// One object for scripts.
pub(super) fn json(all: &[Linted], release: Release) -> String {
    let finding = |found: &Finding| {
        json!({
            "rule": found.rule.id, "severity": found.rule.severity.word(), "line": found.line, "key": found.key,
            "what": found.what, "why": found.rule.why, "remedy": found.remedy,
        })
    };
    let file = |one: &Linted| json!({ "file": one.name, "findings": one.findings.iter().map(finding).collect::<Vec<_>>(), "upgrade": one.steps });
    pretty(&json!({ "kafka": release.to_string(), "files": all.iter().map(file).collect::<Vec<_>>() }))
}

/// SARIF 2.1.0 (OASIS).
pub(super) fn sarif(all: &[Linted]) -> String {
    let rules: Vec<Value> = ALL
        .iter()
        .map(|rule| {
            json!({
                "id": rule.id, "shortDescription": { "text": rule.title }, "fullDescription": { "text": rule.why },
                "defaultConfiguration": { "level": rule.severity.word() },
            })
        })
        .collect();
    let result = |one: &Linted, found: &Finding| {
        json!({
            "ruleId": found.rule.id, "level": found.rule.severity.word(),
            "message": { "text": format!("{}; {}", found.what, found.remedy) },
            "locations": [{ "physicalLocation": {
                "artifactLocation": { "uri": one.name }, "region": { "startLine": found.line.max(1) },
            } }],
        })
    };
    let results: Vec<Value> =
        all.iter().flat_map(|one| one.findings.iter().map(move |found| result(one, found))).collect();
    let driver = json!({ "name": "pillion", "version": env!("CARGO_PKG_VERSION"), "rules": rules });
    pretty(&json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0",
        "runs": [{ "tool": { "driver": driver }, "results": results }],
    }))
}

fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}

/// Workflow commands of GitHub Actions.
pub(super) fn github(all: &[Linted]) -> String {
    let escaped = |text: &str| text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    let mut text = String::new();
    for one in all {
        for found in &one.findings {
            let word =
                if found.rule.severity == Severity::Note { "notice" } else { found.rule.severity.word() };
            let file = escaped(&one.name).replace(':', "%3A").replace(',', "%2C");
            let message = escaped(&format!("{}; {}", found.what, found.remedy));
            let _ = writeln!(
                text,
                "::{word} file={file},line={},title={}::{message}",
                found.line.max(1),
                found.rule.id
            );
        }
    }
    text
}
