//! The config file and what lies over it. Every mistake is collected, then all are told at once.

mod check;
mod duration;
mod file;
mod model;
mod pattern;
mod place;
mod schema;
mod shape;
mod sources;
mod timing;
mod yaml;

use serde_json::Value as Json;

pub use self::{
    check::{bytes, host_port},
    duration::{parse as parse_duration, show as show_duration},
    file::Mode,
    model::{
        Broker, Canary, Certificates, Cluster, Config, Endpoint, InitialControllers, Kafka, KafkaVersion,
        Kubernetes, Lag, Layer, LayerSource, Listener, Override, Resources, Sidecar, Storage, Turn,
        TurnKeeper, Zone, certificates, client,
    },
    pattern::{Pattern, Word},
    place::{Place, Places},
    schema::{published as published_schema, schema},
    sources::{Flag, Sources, variable},
    timing::Timing,
};
use self::{place::Comments, shape::Walk, yaml::Node};
use crate::{files::read_capped, problem::Problem};

/// The largest config file that is read, in bytes.
pub const MAX_BYTES: u64 = 1 << 20;

/// A configuration without mistakes.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// What a person should know, although it is no mistake.
    pub notices: Vec<String>,
}

/// Reads the file, lays the environment and the flags over it, and checks it all.
///
/// # Errors
/// Every mistake there is, in the order of the file.
pub fn load(sources: &Sources) -> Result<Loaded, Vec<Problem>> {
    let Some(path) = &sources.file else {
        let nothing = Node::empty(Place::Env("".into()));
        return load_tree((nothing, Comments::new()), None, sources, Vec::new());
    };
    let bytes = read_capped(path, MAX_BYTES).map_err(|e| {
        vec![Problem::new(path.display().to_string(), format!("failed to read it: {}", e.fault), e.remedy())]
    })?;
    load_bytes(&bytes, &path.display().to_string(), sources)
}

/// As [`load`], from bytes that were read already; `name` is what the mistakes call the file.
pub fn load_bytes(bytes: &[u8], name: &str, sources: &Sources) -> Result<Loaded, Vec<Problem>> {
    if bytes.len() as u64 > MAX_BYTES {
        let what = format!("it is larger than {MAX_BYTES} bytes");
        return Err(vec![Problem::new(name, what, "check that it is the file that is meant")]);
    }
    let mut problems = Vec::new();
    let tree = yaml::parse(bytes, name, &mut problems);
    if root_unreadable(&tree.0, &problems) {
        return Err(problems);
    }
    load_tree(tree, Some(name), sources, problems)
}

/// The shape of a file alone: what an editor with the published schema would say.
pub fn check_shape(bytes: &[u8], name: &str) -> Vec<Problem> {
    let mut problems = Vec::new();
    let (root, _) = yaml::parse(bytes, name, &mut problems);
    if !root_unreadable(&root, &problems) {
        let mut walk = Walk::default();
        walk.shape(&root, &schema::schema(), "");
        problems.append(&mut walk.problems);
    }
    problems
}

/// Nothing could be made of the bytes: mistakes about missing settings would only be noise.
fn root_unreadable(root: &Node, problems: &[Problem]) -> bool {
    matches!(root.value, yaml::Value::Null) && !problems.is_empty()
}

fn load_tree(
    (mut root, comments): (Node, Comments),
    name: Option<&str>,
    sources: &Sources,
    mut problems: Vec<Problem>,
) -> Result<Loaded, Vec<Problem>> {
    let schema = schema::schema();
    let notices = sources::overlay(&mut root, sources, &schema::leaves(&schema), &mut problems);
    let mut walk = Walk::default();
    walk.gathered.places.file = name.map(str::to_owned);
    walk.gathered.places.comments = comments;
    let json = walk.shape(&root, &schema, "").unwrap_or_else(|| Json::Object(serde_json::Map::new()));
    problems.append(&mut walk.problems);
    match serde_json::from_value::<file::File>(json) {
        Ok(file) => {
            let config = check::check(file, walk.gathered, &mut problems);
            match config {
                Some(config) if problems.is_empty() => Ok(Loaded { config, notices }),
                _ => Err(problems),
            }
        }
        Err(error) => {
            let place = name.unwrap_or("settings");
            problems.push(Problem::new(place, error.to_string(), "see the schema"));
            Err(problems)
        }
    }
}

#[cfg(test)]
mod tests;
