//! What a configuration is read from: a file, the environment over it, flags over both.

use std::path::PathBuf;

use super::{place::Place, yaml::Node};
use crate::problem::Problem;
use crate::suggest::nearest;

/// Where the settings come from.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// The config file, when there is one.
    pub file: Option<PathBuf>,
    /// The environment. Only `PILLION_*` is looked at.
    pub env: Vec<(String, String)>,
    /// Flags, the last one first in rank: the flag as typed, the setting's path, the value.
    pub flags: Vec<Flag>,
}

/// A setting given by a flag.
#[derive(Debug, Clone)]
pub struct Flag {
    /// As typed, such as `--zone`.
    pub name: String,
    /// The path of the setting, such as `broker.zone.value`.
    pub path: String,
    /// Its value.
    pub value: String,
}

impl Sources {
    /// The file and this process's environment. Variables that are not UTF-8 are none of ours.
    pub fn of_process(file: Option<PathBuf>) -> Self {
        let env = std::env::vars_os()
            .filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?)))
            .filter(|(k, _)| k.starts_with("PILLION_"))
            .collect();
        Self { file, env, flags: Vec::new() }
    }

    /// Adds a flag.
    pub fn flag(&mut self, name: &str, path: &str, value: impl Into<String>) {
        self.flags.push(Flag { name: name.to_owned(), path: path.to_owned(), value: value.into() });
    }

    /// Adds what was typed behind `--set`: `PATH=VALUE`.
    ///
    /// # Errors
    /// Without `=`: what is wrong, in one sentence.
    pub fn set(&mut self, pair: &str) -> Result<(), String> {
        let (path, value) =
            pair.split_once('=').ok_or_else(|| format!("--set {pair}: write it as PATH=VALUE"))?;
        self.flag("--set", path, value);
        Ok(())
    }
}

/// The variable of a setting: `broker.idBase` is `PILLION_BROKER_ID_BASE`.
pub fn variable(path: &str) -> String {
    let mut name = String::from("PILLION_");
    for c in path.chars() {
        match c {
            '.' => name.push('_'),
            c if c.is_ascii_uppercase() => name.extend(['_', c]),
            c => name.push(c.to_ascii_uppercase()),
        }
    }
    name
}

/// Lays environment and flags over the file's tree. An empty variable counts as one that is not set: the downward API
/// gives one for a label that the pod does not have. Names that nearly fit are noticed, not refused: the kubelet
/// invents variables of its own for a Service called pillion.
pub(super) fn overlay(
    root: &mut Node,
    sources: &Sources,
    leaves: &[String],
    problems: &mut Vec<Problem>,
) -> Vec<String> {
    let variables: Vec<(String, &String)> = leaves.iter().map(|path| (variable(path), path)).collect();
    let mut notices = Vec::new();
    for (name, value) in &sources.env {
        if let Some((_, path)) = variables.iter().find(|(variable, _)| variable == name) {
            if !value.is_empty() {
                set(root, path, value, &Place::Env(name.as_str().into()));
            }
        } else if name.starts_with("PILLION_")
            && let Some(near) = nearest(name, variables.iter().map(|(variable, _)| variable.as_str()))
        {
            notices.push(format!("environment {name} is not looked at; did you mean {near}?"));
        }
    }
    for flag in &sources.flags {
        let free = free(&flag.path).is_some_and(|(_, key)| !key.is_empty());
        if free || leaves.contains(&flag.path) {
            set(root, &flag.path, &flag.value, &Place::Flag(flag.name.as_str().into()));
        } else {
            let near = nearest(&flag.path, leaves.iter().map(String::as_str));
            let remedy = near.map_or_else(|| "see the schema".into(), |n| format!("did you mean {n}?"));
            let place = format!("flag {}", flag.name);
            problems.push(Problem::new(place, format!("there is no setting {}", flag.path), remedy));
        }
    }
    notices
}

fn set(root: &mut Node, path: &str, value: &str, place: &Place) {
    let parts: Vec<&str> = match free(path) {
        Some((map, key)) => map.chain([key]).collect(),
        None => path.split('.').collect(),
    };
    root.set(&parts, value, place);
}

/// The mapping whose keys are the user's own, and the key, which may have dots of its own.
fn free(path: &str) -> Option<(impl Iterator<Item = &str>, &str)> {
    let behind = |map: &str| path.strip_prefix(map)?.strip_prefix('.');
    let (map, key) = if let Some(rest) = behind("kafka.overrides") {
        let (ordinal, key) = rest.split_once('.')?;
        (path.get(..path.len() - key.len() - 1)?, Some(key).filter(|_| !ordinal.is_empty())?)
    } else {
        ["kafka.properties", "broker.advertised"].iter().find_map(|map| Some((*map, behind(map)?)))?
    };
    Some((map.split('.'), key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_for_every_setting() {
        assert_eq!(variable("broker.idBase"), "PILLION_BROKER_ID_BASE");
        assert_eq!(variable("sidecar.timing.sessionTimeout"), "PILLION_SIDECAR_TIMING_SESSION_TIMEOUT");
    }
}
