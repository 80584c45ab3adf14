//! Checks a tree by the schema and turns it into JSON: unknown keys, wrong types, bad choices, all at once.

use std::collections::HashSet;

use serde_json::{Map, Value as Json, json};

use super::{
    duration,
    place::{Place, Places},
    yaml::{Node, Value},
};
use crate::{problem::Problem, suggest::nearest};

/// What a walk gathers beside the JSON and the mistakes.
#[derive(Default)]
pub(super) struct Gathered {
    pub places: Places,
    /// Settings that are written, but wrongly.
    spoilt: HashSet<String>,
}

impl Gathered {
    /// Whether this setting, or one it lies in, is written wrongly: it is not missing then.
    pub fn is_spoilt(&self, path: &str) -> bool {
        let dots = path.match_indices('.').filter_map(|(at, _)| path.get(..at));
        dots.chain([path, ""]).any(|part| self.spoilt.contains(part))
    }
}

/// Checks a tree by the schema.
#[derive(Default)]
pub(super) struct Walk {
    pub problems: Vec<Problem>,
    pub gathered: Gathered,
}

impl Walk {
    /// The JSON of `node`, or `None` where it says nothing or something wrong.
    pub fn shape(&mut self, node: &Node, schema: &Json, path: &str) -> Option<Json> {
        let schema = present(schema);
        match &node.value {
            Value::Null => return None,
            Value::Map(entries) if allows(schema, "object") => {
                if path.ends_with(']') {
                    self.remember(path, &node.place);
                }
                return Some(Json::Object(self.mapping(entries, schema, path)));
            }
            Value::List(items) if allows(schema, "array") => {
                let mut shaped = Vec::new();
                for (i, item) in items.iter().enumerate() {
                    shaped.extend(self.shape(item, &schema["items"], &format!("{path}[{i}]")));
                }
                self.remember(path, &node.place);
                return Some(Json::Array(shaped));
            }
            // One value where several may stand: an environment variable and a flag have commas.
            Value::Scalar { text, .. } if allows(schema, "array") && !allows(&schema["items"], "object") => {
                self.remember(path, &node.place);
                return Some(text.split(',').map(str::trim).filter(|t| !t.is_empty()).collect());
            }
            Value::Scalar { text, quoted } if !allows(schema, "object") && !allows(schema, "array") => {
                self.remember(path, &node.place);
                return match scalar(text, *quoted, schema) {
                    Ok(value) => Some(value),
                    Err((what, remedy)) => self.wrong(&node.place, path, what, remedy),
                };
            }
            _ => {}
        }
        let what = format!("it is {}, where {} belongs", node.value, expected(schema));
        self.wrong(&node.place, path, what, "see the schema for its form".to_owned())
    }

    fn mapping(&mut self, entries: &[(String, Place, Node)], schema: &Json, path: &str) -> Map<String, Json> {
        let mut shaped = Map::new();
        let known = schema["properties"].as_object();
        for (key, place, node) in entries {
            let child_path = join(path, key);
            let listed = known.and_then(|known| known.get(key));
            let free = schema.get("additionalProperties").filter(|s| s.is_object());
            match (listed, free) {
                (Some(child), _) => {
                    shaped.extend(self.shape(node, child, &child_path).map(|v| (key.clone(), v)));
                }
                (None, Some(_)) if matches!(node.value, Value::Null) => {
                    let remedy = "give it a value, \"\" for an empty one, or take the line out".to_owned();
                    self.wrong::<()>(place, &child_path, "it has no value".to_owned(), remedy);
                }
                (None, Some(child)) => {
                    shaped.extend(self.shape(node, child, &child_path).map(|v| (key.clone(), v)));
                }
                (None, None) => {
                    let names = || known.into_iter().flat_map(Map::keys).map(String::as_str);
                    let near = nearest(key, names());
                    self.gathered.spoilt.extend(near.map(|near| join(path, near)));
                    let remedy = near.map_or_else(
                        || format!("take it out; known here: {}", names().collect::<Vec<_>>().join(", ")),
                        |near| format!("did you mean {near}?"),
                    );
                    self.wrong::<()>(place, &child_path, "there is no such setting".to_owned(), remedy);
                }
            }
        }
        shaped
    }

    fn remember(&mut self, path: &str, place: &Place) {
        self.gathered.places.by_path.insert(path.to_owned(), place.clone());
    }

    fn wrong<T>(&mut self, place: &Place, path: &str, what: String, remedy: String) -> Option<T> {
        self.gathered.spoilt.insert(path.to_owned());
        let place = if path.is_empty() { place.to_string() } else { format!("{place}: {path}") };
        self.problems.push(Problem { place, what, remedy });
        None
    }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// An optional setting's schema is "this or null": this.
fn present(schema: &Json) -> &Json {
    let options = schema["anyOf"].as_array();
    options.and_then(|all| all.iter().find(|s| s["type"] != "null")).unwrap_or(schema)
}

fn allows(schema: &Json, kind: &str) -> bool {
    match &schema["type"] {
        Json::String(one) => one == kind,
        Json::Array(all) => all.iter().any(|one| one == kind),
        _ => false,
    }
}

fn expected(schema: &Json) -> &'static str {
    match () {
        () if allows(schema, "object") => "a mapping",
        () if allows(schema, "array") => "a list",
        () => "a single value",
    }
}

fn choices(schema: &Json) -> Vec<&str> {
    let described = schema["oneOf"].as_array().into_iter().flatten().filter_map(|s| s["const"].as_str());
    let plain = schema["enum"].as_array().into_iter().flatten().filter_map(Json::as_str);
    described.chain(plain).collect()
}

fn scalar(text: &str, quoted: bool, schema: &Json) -> Result<Json, (String, String)> {
    let shown: String = text.chars().take(60).collect();
    let choices = choices(schema);
    if !choices.is_empty() {
        return if choices.contains(&text) {
            Ok(json!(text))
        } else {
            let near = nearest(text, choices.iter().copied());
            let listed = choices.join(", ");
            let remedy = near.map_or_else(|| format!("one of: {listed}"), |n| format!("did you mean {n}?"));
            Err((format!("{shown:?} is no choice here"), remedy))
        };
    }
    if schema["format"] == duration::FORMAT && duration::parse(text).is_none() {
        let remedy = "write it like 9s, 500ms, 1m30s or 2h: whole milliseconds, at most a week";
        return Err((format!("{shown:?} is not a duration"), remedy.to_owned()));
    }
    if allows(schema, "string") {
        return Ok(json!(text));
    }
    if allows(schema, "boolean") {
        return match text {
            "true" if !quoted => Ok(json!(true)),
            "false" if !quoted => Ok(json!(false)),
            _ => Err((format!("{shown:?} is not true or false"), "write true or false, unquoted".into())),
        };
    }
    let (min, max) = (&schema["minimum"], &schema["maximum"]);
    let fits = |n: &i64| min.as_i64().is_none_or(|m| *n >= m) && max.as_i64().is_none_or(|m| *n <= m);
    match text.parse::<i64>().ok().filter(|n| !quoted && fits(n)) {
        Some(number) => Ok(json!(number)),
        None => {
            Err((format!("{shown:?} is not a whole number from {min} to {max}"), "correct the number".into()))
        }
    }
}
