//! Values that Kafka asks a config provider for (KIP-297), where the file names the provider.

use super::{Entry, Finding, rules};

/// The providers that `config.providers` names.
pub(super) struct Named<'a>(Vec<&'a str>);

impl<'a> Named<'a> {
    /// Those of the file; the last of two lines counts.
    pub fn of(entries: &'a [(usize, String, String)]) -> Self {
        let entry = entries.iter().rfind(|(_, key, _)| key == "config.providers");
        let names = entry.map_or("", |(_, _, value)| value).split(',').map(str::trim);
        Self(names.filter(|name| !name.is_empty()).collect())
    }

    /// Whether one of them puts something into this value.
    pub fn fill(&self, value: &str) -> bool {
        asked(value).any(|name| self.0.contains(&name))
    }

    /// Somebody is asked whom the file does not name: Kafka takes the words as they stand.
    pub fn unnamed(&self, entry: &Entry<'_>) -> Option<Finding> {
        let other = asked(entry.value).find(|name| !self.0.contains(name))?;
        let remedy = format!("name it: config.providers={other}, and config.providers.{other}.class");
        Some(entry.finding(&rules::PROVIDER, format!("there is no config provider {other}"), remedy))
    }
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
    fn only_providers_that_are_named() {
        let file = [(1, "config.providers".to_owned(), "env, file".to_owned())];
        let named = Named::of(&file);
        assert!(named.fill("${env:A}") && named.fill("x${none:a}${file:/a:b}y"));
        assert!(!named.fill("${vault:a}") && !named.fill("${env:A") && !named.fill("$env:A"));
        assert!(!Named::of(&[]).fill("${env:A}"));
    }
}
