//! The settings as Kafka sees them: what is set, and the default of what is not.

use crate::properties::{
    catalogue::{Kind, Release, catalogue},
    lint::{Entry, Finding, Rule, hazards::Settings, v},
};

/// What has the meaning of another setting, and counts where that is not set.
const ID: (&str, &str) = ("node.id", "broker.id");

pub(super) struct View<'a> {
    settings: &'a Settings<'a>,
    pub release: Release,
}

impl<'a> View<'a> {
    pub fn new(settings: &'a Settings<'a>, release: Release) -> Self {
        Self { settings, release }
    }

    pub fn is_set(&self, key: &str) -> bool {
        self.knows(key) && self.settings.contains_key(key)
    }

    /// Whether this release has it.
    pub fn knows(&self, key: &str) -> bool {
        catalogue().setting(self.release, key).is_some()
    }

    /// Whether it is known what each of them holds.
    pub fn tells(&self, keys: &[&str]) -> bool {
        !keys.iter().filter_map(|key| self.settings.get(key)).any(|entry| entry.provided)
    }

    /// What is set, and otherwise the default; `None` where there is none, or no such setting.
    pub fn text(&self, key: &str) -> Option<&'a str> {
        let setting = catalogue().setting(self.release, key)?;
        let set = self.settings.get(key).map(|entry| entry.value.trim_matches(|c: char| c <= ' '));
        set.or_else(|| setting.default.filter(|default| *default != "null"))
    }

    /// A number that is one.
    pub fn number(&self, key: &str) -> Option<i64> {
        self.text(key)?.parse().ok()
    }

    /// What stands between commas. A setting that is no list to Kafka is split by its code, which leaves blanks where they
    /// are and forgets what is empty at the end (`String.split`).
    pub fn list(&self, key: &str) -> Vec<&'a str> {
        let Some(text) = self.text(key).filter(|text| !text.is_empty()) else { return Vec::new() };
        let is_list =
            catalogue().setting(self.release, key).is_some_and(|setting| setting.kind == Kind::List);
        if is_list {
            return text.split(',').map(str::trim).collect();
        }
        split(text)
    }

    /// The items of an entry by its full name, whether or not Kafka has a setting of this name.
    pub fn raw(&self, key: &str) -> Option<Vec<&'a str>> {
        self.settings.get(key).map(|entry| csv(entry.value))
    }

    /// Whether it is a node of `KRaft`, which all are from 4.0 on.
    pub fn is_kraft(&self) -> bool {
        self.release >= v(4, 0) || !self.list("process.roles").is_empty()
    }

    /// Whether this node is a `broker`, or a `controller`, of `KRaft`.
    pub fn has_role(&self, role: &str) -> bool {
        self.list("process.roles").contains(&role)
    }

    /// The id, by either of its names; `None` where it is not set, or no number.
    pub fn id(&self) -> Option<i64> {
        let set = |key| self.number(key).filter(|_| self.is_set(key));
        if self.release < v(3, 1) {
            let (new, old) = (self.number(ID.0)?, self.number(ID.1)?);
            return Some(if new < 0 { old } else { new });
        }
        set(ID.0).or_else(|| set(ID.1))
    }

    /// A finding at the setting, or about the file as a whole where its default is what is wrong.
    pub fn finding(
        &self,
        rule: &'static Rule,
        key: &str,
        what: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Finding {
        match self.settings.get(key) {
            Some(entry) => entry.finding(rule, what, remedy),
            None => Entry { line: 0, key, value: "", provided: false }.finding(rule, what, remedy),
        }
    }
}

/// `String.split(",")`.
fn split(text: &str) -> Vec<&str> {
    let mut parts: Vec<&str> = text.split(',').collect();
    while parts.last().is_some_and(|last| last.is_empty()) {
        parts.pop();
    }
    parts
}

/// `Csv.parseCsvList` before what is empty is taken out: blanks around a comma do not count.
pub(super) fn csv(text: &str) -> Vec<&str> {
    split(text).into_iter().map(str::trim).collect()
}
