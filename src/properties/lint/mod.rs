//! What is wrong, or dangerous, in a `server.properties`, as a release of Kafka would take it.

mod hazards;
mod keys;
mod providers;
mod retention;
mod rules;
mod text;
mod upgrade;
mod view;
mod whole;

use std::collections::BTreeMap;

pub(super) use keys::base;
pub use keys::instead;
pub use rules::{ALL, Mark, Rule, SECRET, Severity, page};
pub use text::PERMISSION;
pub use upgrade::steps;

use super::{ParseProblem, catalogue::Release, parse_lines, secret};

/// Something that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// By which rule.
    pub rule: &'static Rule,
    /// The first line of the entry, from 1; 0: the file as a whole.
    pub line: usize,
    /// The setting; empty where it is about none.
    pub key: String,
    /// What is wrong here, in one sentence without a full stop.
    pub what: String,
    /// What to do.
    pub remedy: String,
}

/// A release, in short.
const fn v(major: u16, minor: u16) -> Release {
    Release { major, minor }
}

/// A setting in the file.
struct Entry<'a> {
    line: usize,
    key: &'a str,
    value: &'a str,
    /// A config provider that the file names puts something in (KIP-297); what that is, is not known here.
    provided: bool,
}

impl Entry<'_> {
    fn finding(&self, rule: &'static Rule, what: impl Into<String>, remedy: impl Into<String>) -> Finding {
        Finding { rule, line: self.line, key: self.key.to_owned(), what: what.into(), remedy: remedy.into() }
    }

    /// The value, where it may be shown.
    fn shown(&self) -> &str {
        if secret::is_secret(self.key, self.value) { super::MASK } else { self.value }
    }
}

/// Everything that is found, by line; what a comment permits is left out. `disk`: the size of all log directories together, in
/// bytes, where that is known.
pub fn lint(source: &[u8], release: Release, disk: Option<u64>) -> Vec<Finding> {
    let parsed = match parse_lines(source) {
        Ok(parsed) => parsed,
        Err(problem) => return vec![malformed(&problem)],
    };
    let named = providers::Named::of(&parsed);
    let entries: Vec<Entry<'_>> = parsed
        .iter()
        .map(|(line, key, value)| Entry { line: *line, key, value, provided: named.fill(value) })
        .collect();
    // The last one counts.
    let settings: BTreeMap<&str, &Entry<'_>> = entries.iter().map(|entry| (entry.key, entry)).collect();
    let listeners = whole::listeners(&settings, release);
    let mut found = Vec::new();
    for entry in &entries {
        if let Some(counts) = settings.get(entry.key).filter(|counts| counts.line != entry.line) {
            let what = format!("{} is set again in line {}, which counts", entry.key, counts.line);
            found.push(entry.finding(&rules::TWICE, what, "take one of them out"));
            continue;
        }
        found.extend(keys::find(entry, release, listeners.as_deref()));
        found.extend(text::find(entry));
        found.extend(named.unnamed(entry));
    }
    // Each of the two stands for the other (`KafkaConfig.populateSynonyms`).
    let is_set =
        |key: &str| settings.contains_key(key) || (key == "node.id" && settings.contains_key("broker.id"));
    found.extend(keys::missing(is_set, release));
    found.extend(hazards::find(&settings, release));
    found.extend(retention::find(&settings, release, disk));
    found.extend(whole::find(&settings, release));
    let mut found = text::permitted(source, found);
    found.sort_by(|a, b| (a.line, &a.key, a.rule.id).cmp(&(b.line, &b.key, b.rule.id)));
    found
}

fn malformed(problem: &ParseProblem) -> Finding {
    let line = match problem {
        ParseProblem::TooLarge => 0,
        ParseProblem::MalformedUnicode { line } | ParseProblem::LoneSurrogate { line } => *line,
    };
    let remedy = "write a backslash as \\\\, and other characters than ISO-8859-1 as \\uXXXX".to_owned();
    Finding { rule: &rules::MALFORMED, line, key: String::new(), what: problem.to_string(), remedy }
}

#[cfg(test)]
mod tests;
