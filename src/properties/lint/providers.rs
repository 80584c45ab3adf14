//! Values that Kafka asks a config provider for (KIP-297). It takes the names of `config.providers` with the blanks around them,
//! and leaves out a provider that has no class (`AbstractConfig.instantiateConfigProviders`, from 2.8 to 4.3 alike).

use std::collections::BTreeMap;

use super::{Entry, Finding, rules, v};
use crate::properties::catalogue::Release;

const NAMES: &str = "config.providers";
/// Those that Kafka brings, by what people call them, and since when (KIP-297, KIP-632, KIP-887).
const KAFKAS: [(&str, &str, Release); 3] =
    [("file", "File", v(2, 0)), ("dir", "Directory", v(2, 7)), ("env", "EnvVar", v(3, 5))];

/// The providers of a file.
pub(super) struct Providers<'a> {
    /// As `config.providers` names them.
    names: Vec<&'a str>,
    /// Their classes, and those of others, by name.
    classes: BTreeMap<&'a str, &'a str>,
    release: Release,
}

impl<'a> Providers<'a> {
    /// Those of the file; the last of two lines counts.
    pub fn of(entries: &'a [(usize, String, String)], release: Release) -> Self {
        let list = entries.iter().rfind(|(_, key, _)| key == NAMES).map_or("", |(_, _, value)| value);
        let names = list.split(',').filter(|name| !name.is_empty()).collect();
        let class = |(_, key, value): &'a (usize, String, String)| Some((of_class(key)?, value.as_str()));
        Self { names, classes: entries.iter().filter_map(class).collect(), release }
    }

    /// Whether one of them puts something into this value.
    pub fn fill(&self, value: &str) -> bool {
        asked(value).any(|name| self.is_there(name))
    }

    fn is_there(&self, name: &str) -> bool {
        self.names.contains(&name) && self.classes.contains_key(name)
    }

    /// Providers that are named and not there, a class that is none, and values that ask somebody who is not there.
    pub fn find(&self, entry: &Entry<'_>) -> Vec<Finding> {
        let missing = |name: &str| {
            let (what, remedy) = self.missing(name);
            entry.finding(&rules::PROVIDER, what, remedy)
        };
        if entry.key == NAMES {
            return self.names.iter().filter(|name| !self.is_there(name)).map(|name| missing(name)).collect();
        }
        if let Some(name) = of_class(entry.key) {
            let blanks = entry.value.is_empty() || entry.value != entry.value.trim();
            let what = format!("{:?} is no name of a class", entry.shown());
            let is_bad = blanks && self.names.contains(&name);
            let found = is_bad.then(|| entry.finding(&rules::VALUE, what, "the class alone, without blanks"));
            return found.into_iter().collect();
        }
        asked(entry.value).find(|name| !self.is_there(name)).map(missing).into_iter().collect()
    }

    /// Why there is no such provider, and what to do.
    fn missing(&self, name: &str) -> (String, String) {
        let bare = name.trim();
        let mut names: Vec<&str> = self.names.iter().map(|one| one.trim()).collect();
        if name != bare || (names.contains(&bare) && !self.names.contains(&bare)) {
            let what = format!("the blank beside {bare} in {NAMES} is a part of its name to Kafka");
            return (what, format!("{NAMES}={}", names.join(",")));
        }
        let known = KAFKAS.iter().find(|(start, _, since)| bare.starts_with(start) && self.release >= *since);
        let class = known.map_or_else(
            || "CLASS".to_owned(),
            |(_, of, _)| format!("org.apache.kafka.common.config.provider.{of}ConfigProvider"),
        );
        let class = format!("{NAMES}.{bare}.class={class}");
        if names.contains(&bare) {
            return (format!("the config provider {bare} has no class"), format!("add {class}"));
        }
        names.push(bare);
        let class = if self.classes.contains_key(bare) { String::new() } else { format!(", and {class}") };
        (
            format!("there is no config provider {bare}"),
            format!("name it: {NAMES}={}{class}", names.join(",")),
        )
    }
}

/// The provider whose class a setting says.
fn of_class(key: &str) -> Option<&str> {
    key.strip_prefix(NAMES)?.strip_prefix('.')?.strip_suffix(".class").filter(|name| !name.contains('.'))
}

/// The providers that a value asks, as in `${file:/path:key}`.
fn asked(value: &str) -> impl Iterator<Item = &str> {
    let inside = value.split("${").skip(1).filter_map(|rest| rest.split_once('}'));
    inside.filter_map(|(inside, _)| inside.split_once(':')).map(|(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_providers_that_are_named_and_have_a_class() {
        let line = |key: &str, value: &str| (1, key.to_owned(), value.to_owned());
        let file = [
            line(NAMES, "env,file,bare, blank"),
            line("config.providers.env.class", "x"),
            line("config.providers.file.class", "x"),
            line("config.providers.blank.class", "x"),
        ];
        let all = Providers::of(&file, v(3, 4));
        assert!(all.fill("${env:A}") && all.fill("x${none:a}${file:/a:b}y"));
        for value in ["${vault:a}", "${env:A", "$env:A", "${bare:A}", "${blank:A}"] {
            assert!(!all.fill(value), "{value}");
        }
        assert!(!Providers::of(&[], v(3, 4)).fill("${env:A}"));
        assert!(all.missing("bare").0.ends_with("bare has no class"));
        assert_eq!(all.missing("blank").1, "config.providers=env,file,bare,blank");
        assert!(all.missing("envs").1.ends_with("class=CLASS"), "3.4 has none that reads the environment");
        let missing = all.missing("dir").1;
        assert!(
            missing.contains("config.providers.dir.class=org.apache.kafka.common.config.provider.Directory")
        );
    }
}
