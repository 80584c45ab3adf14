//! Settings in layers: defaults of the mode, the user's on top, what is computed last.

mod explain;
mod show;

use std::collections::{BTreeMap, BTreeSet};

pub use show::{MASK, Style, shown};

/// Who decides a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// pillion, where the user says nothing: what suits the mode.
    Default,
    /// The user.
    User,
    /// Computed from identity, zone, volumes, timing and certificates; never overridden.
    Computed,
}

/// One setting, and where it comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Setting {
    /// What Kafka is given.
    pub value: String,
    /// Where it is written, as in `base.properties:12`; empty where nobody wrote it.
    pub place: String,
    /// Its name there, as in `kafka.properties.log.dirs`; for what is computed, what decides it.
    pub path: String,
    /// As it is written, where that is a template.
    pub template: Option<String>,
    /// Comments over it by which findings of lint are permitted.
    pub permissions: Vec<String>,
    /// Where the same file sets it before, which does not count.
    pub again: Vec<String>,
    /// It is never shown.
    pub secret: bool,
    /// What it holds is elsewhere, and this stands for it.
    pub stand_in: bool,
}

impl Setting {
    /// Where a person finds it, and by which name.
    pub fn spot(&self) -> String {
        let gap = if self.place.is_empty() || self.path.is_empty() { "" } else { ": " };
        format!("{}{gap}{}", self.place, self.path)
    }

    /// The same beside its key.
    fn origin(&self, key: &str) -> String {
        if self.path == key { self.place.clone() } else { self.spot() }
    }

    /// The same in a word.
    fn brief(&self) -> &str {
        if self.place.is_empty() { &self.path } else { &self.place }
    }
}

/// Settings that come from one place.
#[derive(Debug, Clone)]
pub struct Layer {
    /// What people call it, as in `team`.
    pub name: String,
    /// What stands over it in the rendered file.
    pub heading: String,
    /// Who decides it.
    pub origin: Origin,
    /// The settings, sorted by key so that the same settings give the same file.
    pub settings: BTreeMap<String, Setting>,
}

/// A setting of the user that says something else than the computed one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contradiction {
    /// The setting.
    pub key: String,
    /// What the user says, and where.
    pub theirs: Setting,
    /// What is computed.
    pub computed: String,
}

/// The layers, the lowest first: each wins over the ones before it.
#[derive(Debug, Clone, Default)]
pub struct Layers(Vec<Layer>);

impl Layers {
    /// Layers in this order.
    pub fn new(layers: Vec<Layer>) -> Self {
        Self(layers)
    }

    /// Every setting of this name, the one that counts first.
    pub fn stack<'a, 'k>(
        &'a self,
        key: &'k str,
    ) -> impl Iterator<Item = (&'a Layer, &'a Setting)> + use<'a, 'k> {
        self.0.iter().rev().filter_map(move |layer| Some((layer, layer.settings.get(key)?)))
    }

    /// The value that counts, and who decides it.
    pub fn get(&self, key: &str) -> Option<(&str, Origin)> {
        self.stack(key).next().map(|(layer, setting)| (setting.value.as_str(), layer.origin))
    }

    /// A part of the value that counts, as people may see it.
    pub fn part<'a>(&self, key: &str, part: &'a str) -> &'a str {
        let setting = self.stack(key).next().map(|(_, setting)| setting);
        if setting.is_some_and(|setting| shown(key, setting) == MASK) { MASK } else { part }
    }

    /// What the user says, whatever is computed.
    pub fn user(&self, key: &str) -> Option<&Setting> {
        let mut users = self.0.iter().rev().filter(|layer| layer.origin == Origin::User);
        users.find_map(|layer| layer.settings.get(key))
    }

    /// What is computed.
    pub fn computed(&self, key: &str) -> Option<&str> {
        let mut computed = self.0.iter().filter(|layer| layer.origin == Origin::Computed);
        computed.find_map(|layer| Some(layer.settings.get(key)?.value.as_str()))
    }

    /// Every key, sorted.
    pub fn keys(&self) -> BTreeSet<&str> {
        self.0.iter().flat_map(|layer| layer.settings.keys()).map(String::as_str).collect()
    }

    /// Every setting of the user that says something else than the computed one. Saying the same is fine.
    pub fn contradictions(&self) -> Vec<Contradiction> {
        let computed = self.0.iter().filter(|layer| layer.origin == Origin::Computed);
        let differs = |(key, computed): (&String, &Setting)| {
            let users = self.0.iter().filter(|layer| layer.origin == Origin::User);
            let theirs = users.filter_map(|layer| layer.settings.get(key));
            let wrong = theirs.filter(|theirs| theirs.value.trim() != computed.value);
            let found = |theirs: &Setting| Contradiction {
                key: key.clone(),
                theirs: theirs.clone(),
                computed: computed.value.clone(),
            };
            wrong.map(found).collect::<Vec<_>>()
        };
        computed.flat_map(|layer| &layer.settings).flat_map(differs).collect()
    }
}

#[cfg(test)]
mod tests;
