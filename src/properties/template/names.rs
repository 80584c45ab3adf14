//! Names that are not known are told before anything is filled in: all of them, with what there is.

use std::collections::HashSet;

use super::{Fault, Scope, Word, lists};

/// Every name that a template may not use.
pub(super) fn check(used: &HashSet<String>, scope: &Scope) -> Vec<Fault> {
    sorted(used).filter_map(|name| misused(name, scope)).collect()
}

/// Every name that a template uses and whose value is not known here. It may have asked for a default.
pub(super) fn unknown(used: &HashSet<String>, scope: &Scope) -> Vec<Fault> {
    sorted(used).filter_map(|name| without_value(name, scope)).collect()
}

fn sorted(used: &HashSet<String>) -> impl Iterator<Item = &str> {
    let mut used: Vec<&str> = used.iter().map(String::as_str).collect();
    used.sort_unstable();
    used.into_iter()
}

fn split(name: &str) -> (&str, Option<&str>) {
    name.split_once('.').map_or((name, None), |(root, rest)| (root, Some(rest)))
}

fn misused(name: &str, scope: &Scope) -> Option<Fault> {
    match split(name) {
        ("env", Some(variable)) if !scope.env.contains_key(variable) => {
            let allowed: Vec<&str> = scope.env.keys().map(String::as_str).collect();
            let allowed = if allowed.is_empty() { "none is".to_owned() } else { allowed.join(", ") };
            let remedy = format!("add {variable} to kafka.env; allowed there: {allowed}");
            Some(Fault { what: format!("{name} is not allowed"), remedy })
        }
        ("resources", Some(what)) if !scope.resources.contains_key(what) => {
            let there: Vec<_> = scope.resources.keys().map(|key| format!("resources.{key}")).collect();
            Some(no_such(name, &there))
        }
        ("env" | "resources", _) => None,
        (root, _) if lists::FUNCTIONS.contains(&root) || scope.words.contains_key(root) => None,
        (root, _) => Some(no_such(root, &names(scope))),
    }
}

fn without_value(name: &str, scope: &Scope) -> Option<Fault> {
    let lacks = |name: &str, word: Option<&Word>| {
        let word = word.filter(|word| word.value.is_none())?;
        Some(Fault { what: format!("{name} is not known here"), remedy: word.remedy.clone() })
    };
    match split(name) {
        ("env", Some(variable)) => {
            scope.env.get(variable).filter(|value| value.is_none())?;
            let what = format!("the environment variable {variable} is not set");
            let remedy = format!("set it, or say what counts then: {name} | default(\"...\")");
            Some(Fault { what, remedy })
        }
        ("resources", Some(what)) => lacks(name, scope.resources.get(what)),
        (root, _) => lacks(root, scope.words.get(root)),
    }
}

fn no_such(name: &str, there: &[String]) -> Fault {
    Fault { what: format!("there is no {name}"), remedy: format!("there are {}", there.join(", ")) }
}

fn names(scope: &Scope) -> Vec<String> {
    let words = scope.words.keys().map(|word| (*word).to_owned());
    let functions = lists::FUNCTIONS.iter().map(|function| format!("{function}()"));
    words.chain(["env.NAME".to_owned(), "resources.NAME".to_owned()]).chain(functions).collect()
}

/// Whether a value is kept under a name: what grows in a loop has no place in a setting.
pub(super) fn assigns(text: &str) -> bool {
    text.split("{%").skip(1).any(|rest| {
        let rest = rest.trim_start_matches(['-', '+']).trim_start();
        rest.strip_prefix("set").is_some_and(|rest| rest.starts_with([' ', '\t', '\n', '\r', '(']))
    })
}
