//! What the text of the file is mistaken about.

use super::{Entry, Finding, rules};
use crate::properties::MASK;

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
        // Where this stands, the secret does not.
        if !value.is_empty() && value != MASK {
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
