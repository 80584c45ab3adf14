//! What Kafka refuses in the file as a whole, each setting being one that it takes: `KafkaConfig.validateValues`, release by
//! release. Where a config provider holds a value, nothing is said of it.

mod controllers;
mod endpoint;
mod listeners;
mod migration;
mod names;
mod numbers;
mod quorum;
mod versions;

use super::{Finding, hazards::Settings, view::View};
use crate::properties::catalogue::Release;
use names::Names;

/// The listeners that this node has or comes to, as their settings begin; `None` where none are named, or in no known form.
pub(super) fn listeners(settings: &Settings<'_>, release: Release) -> Option<Vec<String>> {
    settings.get(names::LISTENERS)?;
    let names = Names::of(&View::new(settings, release)).ok()?;
    let all = names.listeners.iter().map(|one| one.name.as_str()).chain(names.controllers);
    Some(all.map(str::to_lowercase).collect())
}

pub(super) fn find(settings: &Settings<'_>, release: Release) -> Vec<Finding> {
    let view = View::new(settings, release);
    let mut found = numbers::find(&view);
    found.extend(versions::find(&view));
    found.extend(quorum::find(&view));
    found.extend(migration::find(&view));
    match Names::of(&view) {
        Ok(names) => {
            found.extend(controllers::find(&view, &names));
            found.extend(listeners::find(&view, &names));
        }
        Err(malformed) => found.extend(malformed),
    }
    found.extend(listeners::overrides_of_addresses(&view));
    found
}
