//! What the text of the file is mistaken about, and what it permits.

use super::{Entry, Finding, Severity, rules};
use crate::suggest::nearest;

/// Begins a comment that permits a finding of the entry below: a rule, and a reason.
pub const PERMISSION: &str = "pillion:allow";

pub(super) fn find(entry: &Entry<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    let value = entry.value.trim();
    let quoted = |quote: char| value.len() > 1 && value.starts_with(quote) && value.ends_with(quote);
    if quoted('"') || quoted('\'') {
        found.push(entry.finding(
            &rules::QUOTES,
            format!("{} stands in quotes", entry.shown()),
            "take the quotes away",
        ));
    }
    if super::secret::is_secret(entry.key, entry.value) {
        if !value.is_empty() {
            let remedy = "name it by a config provider, as in ${file:/etc/kafka/secrets.properties:key}, or have pillion read \
                          it from a file by a template";
            found.push(entry.finding(
                &rules::SECRET,
                format!("the value of {} stands here", entry.key),
                remedy,
            ));
        }
    } else if let Some((before, _)) = value.split_once(" #") {
        let what = format!("what stands behind {:?} is a part of the value", before.trim());
        found.push(entry.finding(&rules::COMMENT, what, "put the comment into a line of its own"));
    }
    if entry.value.ends_with([' ', '\t']) {
        let what = format!("blanks stand behind the value of {}", entry.key);
        found.push(entry.finding(&rules::BLANKS, what, "take them away"));
    }
    found
}

/// Takes out what a comment in the line above permits, and tells of permissions that are none.
pub(super) fn permitted(source: &[u8], mut found: Vec<Finding>) -> Vec<Finding> {
    let text = String::from_utf8_lossy(source);
    let mut unfit = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let Some(rest) = line
            .trim_start()
            .strip_prefix(['#', '!'])
            .and_then(|rest| rest.trim_start().strip_prefix(PERMISSION))
        else {
            continue;
        };
        let (id, reason) = rest.trim().split_once(char::is_whitespace).unwrap_or((rest.trim(), ""));
        let ids = rules::ALL.iter().map(|rule| rule.id);
        let trouble = |what: String, remedy: String| Finding {
            rule: &rules::ALLOWED,
            line: at + 1,
            key: String::new(),
            what,
            remedy,
        };
        if !ids.clone().any(|one| one == id) {
            let near = nearest(id, ids).map_or_else(
                || "the rules are in `pillion lint --rules`".to_owned(),
                |near| format!("did you mean {near}?"),
            );
            unfit.push(trouble(format!("there is no rule {id:?}"), near));
        } else if reason.trim().is_empty() {
            unfit.push(trouble(
                format!("{id} is permitted without a reason"),
                "say why behind the rule".to_owned(),
            ));
        } else if rules::ALL.iter().any(|rule| rule.id == id && rule.severity == Severity::Error) {
            let what =
                format!("{id} cannot be permitted: Kafka does not start with it, whatever is said here");
            unfit.push(trouble(what, "mend the setting, and take this line out".to_owned()));
        } else {
            // Several may stand above each other.
            let below = text
                .lines()
                .enumerate()
                .skip(at + 1)
                .find(|(_, line)| !line.contains(PERMISSION))
                .map(|(line, _)| line + 1);
            found.retain(|one| one.rule.id != id || Some(one.line) != below);
        }
    }
    found.extend(unfit);
    found
}
