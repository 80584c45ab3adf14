//! Comments that permit what is found in the setting below them: `# pillion:allow RULE REASON`.

use std::collections::BTreeMap;

use super::{Finding, Findings, Permitted, Rule, Severity, rules};
use crate::{properties::physical_lines, suggest::nearest};

/// What a permission looks like.
const FORM: &str = "as in `# pillion:allow single-copy a cache, which may lose what it holds`";

/// A comment that permits something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Permission<'a> {
    /// Its line, from 1.
    pub line: usize,
    /// The whole comment.
    pub comment: &'a str,
    /// The first line of the setting below it, blank lines and other comments aside; `None` at the end of the file.
    pub below: Option<usize>,
}

/// Every permission in a file.
pub fn permissions(text: &str) -> Vec<Permission<'_>> {
    let mut all: Vec<Permission<'_>> = Vec::new();
    let mut open = 0;
    for (line, (text, goes_on)) in (1..).zip(physical_lines(text)) {
        let text = text.trim_start();
        if goes_on || text.is_empty() {
            continue;
        }
        if !text.starts_with(['#', '!']) {
            all.iter_mut().skip(open).for_each(|one| one.below = Some(line));
            open = all.len();
        } else if is_permission(text) {
            all.push(Permission { line, comment: text, below: None });
        }
    }
    all
}

/// Whether a comment is meant to permit something.
pub fn is_permission(comment: &str) -> bool {
    behind(comment).is_some()
}

/// Whether a comment permits what this rule finds.
pub fn permits(comment: &str, rule: &Rule) -> bool {
    behind(comment).is_some_and(|rest| {
        let (ids, reason) = split(rest);
        !reason.is_empty() && rule.severity != Severity::Error && ids.contains(&rule.id)
    })
}

/// What stands behind `pillion:allow`.
fn behind(comment: &str) -> Option<&str> {
    let text = comment.trim_start().trim_start_matches(['#', '!']).trim_start();
    text.strip_prefix("pillion:")?.trim_start().strip_prefix("allow")
}

/// The rules, between blanks or commas, and the reason behind them.
fn split(text: &str) -> (Vec<&str>, &str) {
    let ends = |c: char| c == ',' || c == ':' || c.is_whitespace();
    let (mut ids, mut rest) = (Vec::new(), text.trim_start());
    let mut listed = true;
    loop {
        let (word, more) = rest.split_at(rest.find(ends).unwrap_or(rest.len()));
        if word.is_empty() || !(listed || known(word).is_some()) {
            return (ids, rest.trim());
        }
        ids.push(word);
        rest = more.trim_start_matches(ends);
        listed = more.strip_suffix(rest).is_some_and(|between| between.contains(','));
    }
}

fn known(id: &str) -> Option<&'static Rule> {
    rules::ALL.iter().copied().find(|rule| rule.id == id)
}

/// Takes out what is permitted, and tells of permissions that permit nothing. `keys`: the settings, by their first lines;
/// `can_find` says whether a rule was tried at all.
pub(super) fn apply(
    text: &str,
    keys: &BTreeMap<usize, &str>,
    found: Vec<Finding>,
    can_find: impl Fn(&Rule) -> bool,
) -> Findings {
    let mut all = Findings { found, permitted: Vec::new() };
    let mut told = Vec::new();
    for permission in permissions(text) {
        let key = permission.below.and_then(|line| keys.get(&line)).copied().unwrap_or_default();
        let about = |rule, what: String, remedy: String| Finding {
            rule,
            line: permission.line,
            key: key.to_owned(),
            what,
            remedy,
        };
        let rest = behind(permission.comment).unwrap_or_default();
        let (ids, reason) = split(rest);
        if ids.is_empty() || !rest.starts_with(char::is_whitespace) {
            told.push(about(&rules::ALLOWED, "it names no rule".to_owned(), FORM.to_owned()));
            continue;
        }
        for id in ids {
            match fit(id, reason) {
                Err((what, remedy)) => told.push(about(&rules::ALLOWED, what, remedy)),
                Ok(rule) => {
                    let idle = permit(&mut all, rule, reason, permission, key).filter(|_| can_find(rule));
                    told.extend(idle.map(|(what, remedy)| about(&rules::IDLE_PERMISSION, what, remedy)));
                }
            }
        }
    }
    all.found.extend(told);
    all
}

/// The rule, where it can be permitted; otherwise why not, and what to do.
fn fit(id: &str, reason: &str) -> Result<&'static Rule, (String, String)> {
    let Some(rule) = known(id) else {
        let near = nearest(id, rules::ALL.iter().map(|rule| rule.id));
        let remedy = near.map_or_else(
            || format!("{FORM}; the rules are in `pillion lint --rules`"),
            |near| format!("did you mean {near}?"),
        );
        return Err((format!("there is no rule {id:?}"), remedy));
    };
    if rule.severity == Severity::Error {
        let what = format!("{id} cannot be permitted: Kafka does not start with it, whatever is said here");
        return Err((what, "mend the setting, and take this line out".to_owned()));
    }
    if reason.is_empty() {
        return Err((
            format!("{id} is permitted without a reason"),
            format!("say why behind the rule, {FORM}"),
        ));
    }
    Ok(rule)
}

/// Moves what is permitted; where that is nothing, why, and what to do.
fn permit(
    all: &mut Findings,
    rule: &Rule,
    reason: &str,
    permission: Permission<'_>,
    key: &str,
) -> Option<(String, String)> {
    // A setting that is there twice is found at one of its lines, and may be permitted at either.
    let is_meant = |one: &Finding| {
        one.rule == rule && (Some(one.line) == permission.below || (rule == &rules::TWICE && one.key == key))
    };
    let Findings { found, permitted } = all;
    for finding in found.extract_if(.., |one| is_meant(one)) {
        permitted.push(Permitted { finding, reason: reason.to_owned(), line: permission.line });
    }
    if permitted.iter().any(|one| is_meant(&one.finding)) {
        return None;
    }
    let id = rule.id;
    let elsewhere = found.iter().find(|one| one.rule == rule && one.line > 0).map(|one| one.line);
    let what = match (permission.below, elsewhere) {
        (None, _) => format!("no setting stands below, so {id} is permitted nowhere"),
        (Some(_), Some(line)) => {
            format!("{id} is found in line {line}, and not at {key}, which stands below")
        }
        (Some(_), None) => format!("{id} is not found at {key}, which stands below"),
    };
    let remedy = match elsewhere {
        Some(line) => format!("put it above line {line}, or take it out"),
        None => "take it out".to_owned(),
    };
    Some((what, remedy))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_permission_is_for_the_next_setting() {
        let text = "# pillion:allow a x\n\n! other\n#pillion: allow b y\nk=1\\\n# pillion:allow c z\n\rl=2\n# pillion:allow d\n";
        let all: Vec<_> = permissions(text).iter().map(|one| (one.line, one.below)).collect();
        assert_eq!(all, [(1, Some(5)), (4, Some(5)), (9, None)]);
        assert!(!is_permission("# pillion allows it") && !is_permission("# pillion:deny x"));
    }

    #[test]
    fn rules_and_the_reason() {
        for (text, ids, reason) in [
            (" single-copy a cache", &["single-copy"][..], "a cache"),
            (
                " single-copy, secret-inline a cache, it is",
                &["single-copy", "secret-inline"],
                "a cache, it is",
            ),
            (" single-copy,secret-inline a", &["single-copy", "secret-inline"], "a"),
            (" single-copy secret-inline a", &["single-copy", "secret-inline"], "a"),
            (" single-copy: a cache", &["single-copy"], "a cache"),
            (" single-kopy", &["single-kopy"], ""),
            ("  ", &[], ""),
        ] {
            assert_eq!(split(text), (ids.to_vec(), reason), "{text}");
        }
        assert!(permits("# pillion: allow duplicate-key, single-copy on purpose", &rules::TWICE));
        assert!(!permits("# pillion:allow duplicate-key", &rules::TWICE));
        assert!(!permits("# pillion:allow wrong-value x", &rules::VALUE));
    }
}
