//! My `server.properties`: defaults that suit the mode, the user's layers on top, identity last.

mod check;
mod fill;
mod own;
mod read;
mod resources;
mod scope;

use std::collections::BTreeMap;

pub(super) use check::{check, contradicted};
pub(super) use resources::size as disk;
pub use scope::Files;

use super::who::Who;
use crate::{
    config::Config,
    problem::Problem,
    properties::{Layer, Layers, Origin, Setting, Style, lint},
};

/// What the first lines of the file say.
const HEAD: &str = "# Rendered by `pillion init` at every start; changes belong into the configuration.\n";

/// Whose settings these are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Whose<'a> {
    pub config: &'a Config,
    /// `None` where a mistake was told already.
    pub who: Option<Who>,
    pub files: Files,
}

impl Whose<'_> {
    /// Without an id the settings can still be checked; no mistake may name the id that stands in for it.
    pub fn id(&self) -> i32 {
        self.who.map_or(self.config.broker.id_base, |who| who.id)
    }

    fn ordinal(&self) -> i32 {
        self.who.map_or(0, |who| who.ordinal)
    }
}

/// The settings in their layers, the lowest first: defaults of the mode, `kafka.layers`, `kafka.properties`,
/// `kafka.overrides`, `--set kafka.properties.KEY=VALUE`, what is computed.
pub(super) fn layers(
    whose: &Whose,
    advertised: Option<String>,
    problems: &mut Vec<Problem>,
    notices: &mut Vec<String>,
) -> Layers {
    let config = whose.config;
    let mode = config.broker.mode;
    let heading = format!("Defaults of pillion for {}", mode.name());
    let defaults = own::defaults(mode);
    let mut all =
        vec![ours("pillion", heading, Origin::Default, defaults, |_| format!("default for {}", mode.name()))];
    let written = read::layers(config, whose.ordinal(), problems);
    let stray = config.places.stray_comments("kafka.", lint::is_permission);
    for place in stray.iter().chain(written.iter().flat_map(|layer| &layer.loose)) {
        notices.push(format!(
            "{place}: this permits nothing, for it stands above no setting of Kafka: put it right above one"
        ));
    }
    all.extend(fill::fill(whose, written, problems, notices));
    let computed = own::computed(config, whose.id(), advertised);
    let heading = "Computed from identity, zone, volumes, timing and certificates".to_owned();
    all.push(ours("pillion", heading, Origin::Computed, computed, |key| {
        format!("computed from {}", own::decided_by(key))
    }));
    Layers::new(all)
}

fn ours(
    name: &str,
    heading: String,
    origin: Origin,
    all: BTreeMap<String, String>,
    decided_by: impl Fn(&str) -> String,
) -> Layer {
    let setting = |(key, value): (String, String)| {
        let setting = Setting { value, path: decided_by(&key), ..Setting::default() };
        (key, setting)
    };
    Layer { name: name.to_owned(), heading, origin, settings: all.into_iter().map(setting).collect() }
}

/// The file.
pub(super) fn render(layers: &Layers, style: Style) -> String {
    HEAD.to_owned() + &layers.render(style)
}

/// Where a person finds the setting; where nobody wrote it, where it belongs.
pub(super) fn place(config: &Config, layers: &Layers, key: &str) -> String {
    layers.user(key).map_or_else(|| config.places.of(&format!("kafka.properties.{key}")), Setting::spot)
}
