//! What is wrong, or dangerous, in a `server.properties`, as a release of Kafka would take it.

mod hazards;
mod keys;
mod permission;
mod providers;
mod retention;
mod rules;
mod text;
mod upgrade;
mod view;
mod whole;

use std::collections::BTreeMap;

pub use keys::{base, instead, is_of_plugin};
pub use permission::{is_permission, permissions, permits};
pub use rules::{ALL, IDLE_PERMISSION, Mark, Rule, SECRET, Severity, TWICE, page};
pub use upgrade::steps;

use super::{MASK, ParseProblem, catalogue::Release, parse_lines, secret};

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

impl Finding {
    /// What is wrong, with the setting that it is about.
    pub fn sentence(&self) -> String {
        if self.what.contains(&self.key) { self.what.clone() } else { format!("{}: {}", self.key, self.what) }
    }
}

/// What is found in a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Findings {
    /// By line.
    pub found: Vec<Finding>,
    /// What comments permit.
    pub permitted: Vec<Permitted>,
}

/// A finding that a comment permits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permitted {
    /// What is permitted.
    pub finding: Finding,
    /// Why.
    pub reason: String,
    /// The line of the comment, from 1.
    pub line: usize,
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
    /// A config provider puts something in (KIP-297), or it was hidden; what that is, is not known here.
    provided: bool,
}

impl Entry<'_> {
    fn finding(&self, rule: &'static Rule, what: impl Into<String>, remedy: impl Into<String>) -> Finding {
        Finding { rule, line: self.line, key: self.key.to_owned(), what: what.into(), remedy: remedy.into() }
    }

    /// The value, where it may be shown.
    fn shown(&self) -> &str {
        if secret::is_secret(self.key, self.value) { MASK } else { self.value }
    }
}

/// Everything that is found, by line, and apart from it what comments permit. `disk`: the size of all log directories together, in
/// bytes, where that is known.
pub fn lint(source: &[u8], release: Release, disk: Option<u64>) -> Findings {
    let parsed = match parse_lines(source) {
        Ok(parsed) => parsed,
        Err(problem) => return Findings { found: vec![malformed(&problem)], permitted: Vec::new() },
    };
    let providers = providers::Providers::of(&parsed, release);
    let entries: Vec<Entry<'_>> = parsed
        .iter()
        .map(|(line, key, value)| Entry {
            line: *line,
            key,
            value,
            provided: providers.fill(value) || value.trim() == MASK,
        })
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
        found.extend(providers.find(entry));
    }
    // Each of the two stands for the other (`KafkaConfig.populateSynonyms`).
    let is_set =
        |key: &str| settings.contains_key(key) || (key == "node.id" && settings.contains_key("broker.id"));
    found.extend(keys::missing(is_set, release));
    found.extend(hazards::find(&settings, release));
    found.extend(retention::find(&settings, release, disk));
    found.extend(whole::find(&settings, release));
    let keys = entries.iter().map(|entry| (entry.line, entry.key)).collect();
    let can_find = |rule: &Rule| disk.is_some() || rule != &rules::DISK;
    let mut all = permission::apply(&String::from_utf8_lossy(source), &keys, found, can_find);
    all.found.sort_by(|a, b| (a.line, &a.key, a.rule.id).cmp(&(b.line, &b.key, b.rule.id)));
    all
}

fn malformed(problem: &ParseProblem) -> Finding {
    let (line, remedy) = match problem {
        ParseProblem::TooLarge => (0, "check that this file is meant"),
        ParseProblem::MalformedUnicode { line } => {
            (*line, "write a backslash as \\\\, and other characters than ISO-8859-1 as \\uXXXX")
        }
        ParseProblem::LoneSurrogate { line } => (*line, "write both halves, or the character that is meant"),
    };
    let text = problem.to_string();
    let what = text.strip_prefix(&format!("line {line}: ")).unwrap_or(&text).to_owned();
    Finding { rule: &rules::MALFORMED, line, key: String::new(), what, remedy: remedy.to_owned() }
}

#[cfg(test)]
mod tests;
