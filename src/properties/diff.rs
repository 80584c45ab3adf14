//! What a new file changes, and what has to happen for it.

use std::collections::BTreeMap;

use super::{
    Layers, MASK,
    catalogue::{Release, Update, catalogue},
    lint, secret, shown,
};

/// A setting as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Was {
    /// This was its value.
    Told(String),
    /// It was set; nobody tells to what.
    Untold,
}

/// When a change takes effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// At the next start (`DynamicConfig`: read-only).
    Restart,
    /// While the broker runs, set for this broker (KIP-226).
    OfBroker,
    /// While the broker runs, set for the whole cluster (KIP-226).
    OfCluster,
    /// While the broker runs.
    Running,
}

impl When {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Restart => "needs a restart",
            Self::OfBroker => "dynamic, for each broker",
            Self::OfCluster => "dynamic, for each broker or the whole cluster",
            Self::Running => "dynamic",
        }
    }
}

/// When a change of this setting takes effect in a release that the catalogue knows. What it does not know is of a plugin,
/// which reads it when the broker starts.
pub fn when(key: &str, release: Release) -> When {
    let update = catalogue().setting(release, lint::base(key, release)).map(|setting| setting.update);
    match update {
        None | Some(Update::ReadOnly) => When::Restart,
        Some(Update::PerBroker) => When::OfBroker,
        Some(Update::ClusterWide) => When::OfCluster,
    }
}

/// One setting that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The setting.
    pub key: String,
    /// What it was, as it may be shown.
    pub was: Option<String>,
    /// What it becomes, as it may be shown.
    pub becomes: Option<String>,
    /// When it takes effect, where that is known.
    pub when: Option<When>,
}

/// Every setting that differs, by name, and those that cannot be compared.
pub fn differences(
    was: &BTreeMap<String, Was>,
    becomes: &Layers,
    when: impl Fn(&str) -> Option<When>,
) -> (Vec<Difference>, Vec<String>) {
    let (mut all, mut untold) = (Vec::new(), Vec::new());
    let mut keys = becomes.keys();
    keys.extend(was.keys().map(String::as_str));
    for key in keys {
        let new = becomes.stack(key).next().map(|(_, setting)| setting);
        let old = was.get(key);
        let same = match (old, new) {
            (Some(was), Some(new)) if *was == Was::Untold || new.stand_in => {
                untold.push(key.to_owned());
                true
            }
            // Kafka trims what it reads (`ConfigDef.parseType`).
            (Some(Was::Told(old)), Some(new)) => old.trim() == new.value.trim(),
            (None, None) => true,
            _ => is_other_name(key, old, becomes),
        };
        if !same {
            all.push(Difference {
                key: key.to_owned(),
                was: old.map(|old| match old {
                    Was::Told(old) if new.is_none_or(|new| !new.secret) && !secret::is_secret(key, old) => {
                        old.clone()
                    }
                    _ => MASK.to_owned(),
                }),
                becomes: new.map(|new| shown(key, new).to_owned()),
                when: when(key),
            });
        }
    }
    (all, untold)
}

/// `broker.id` and `node.id` are one setting; a broker tells both where the file has one (`KafkaConfig`).
fn is_other_name(key: &str, old: Option<&Was>, becomes: &Layers) -> bool {
    let other = match key {
        "broker.id" => "node.id",
        "node.id" => "broker.id",
        _ => return false,
    };
    matches!((old, becomes.get(other)), (Some(Was::Told(old)), Some((new, _))) if old.trim() == new.trim())
}

/// For people: a line for each difference, then how many of them need what.
pub fn report(differences: &[Difference]) -> String {
    if differences.is_empty() {
        return "no difference\n".to_owned();
    }
    let lines: String = differences.iter().map(line).collect();
    let count = |restart: bool| {
        differences
            .iter()
            .filter_map(|one| one.when)
            .filter(|when| (*when == When::Restart) == restart)
            .count()
    };
    let sums = match (count(true), count(false)) {
        (0, 0) => String::new(),
        (restarts, running) => format!(": {restarts} by a restart, {running} also while it runs"),
    };
    format!("{lines}{} to change{sums}\n", differences.len())
}

fn line(one: &Difference) -> String {
    let when = one.when.map(When::words);
    let was = one.was.as_ref().filter(|_| one.becomes.is_some()).map(|was| format!("was {was}"));
    let told: Vec<&str> = was.as_deref().into_iter().chain(when).collect();
    let told = if told.is_empty() { String::new() } else { format!("    {}\n", told.join("; ")) };
    let (sign, value) = match (&one.was, &one.becomes) {
        (None, new) => ('+', new),
        (old, None) => ('-', old),
        (_, new) => ('~', new),
    };
    format!("{sign} {}={}\n{told}", one.key, value.as_deref().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::properties::{Layer, Origin, Setting};

    #[test]
    fn what_changes_what_cannot_be_compared_and_no_secret() {
        let setting = |(key, value): (&str, &str)| {
            (key.to_owned(), Setting { value: value.to_owned(), ..Setting::default() })
        };
        let mut settings: BTreeMap<_, _> = [
            ("node.id", "7"),
            ("same", "1 "),
            ("log.retention.ms", "2"),
            ("new", "3"),
            ("ssl.key.password", "geheim"),
            ("plugin.x", "4"),
            ("of.file", "geheim"),
        ]
        .map(setting)
        .into();
        settings.entry("of.file".to_owned()).or_default().secret = true;
        let layers = Layers::new(vec![Layer {
            name: "team".to_owned(),
            heading: String::new(),
            origin: Origin::User,
            settings,
        }]);
        let told = |text: &str| Was::Told(text.to_owned());
        let was: BTreeMap<_, _> = [
            ("broker.id", told("7")),
            ("node.id", told("7")),
            ("same", told("1")),
            ("log.retention.ms", told("1")),
            ("gone", told("0")),
            ("ssl.key.password", told("heimlich")),
            ("plugin.x", Was::Untold),
            ("of.file", told("heimlich")),
        ]
        .map(|(key, was)| (key.to_owned(), was))
        .into();
        let when = |key: &str| Some(if key == "log.retention.ms" { When::OfCluster } else { When::Restart });
        let (all, untold) = differences(&was, &layers, when);
        let text = report(&all);
        assert_eq!(
            text,
            "- gone=0\n    needs a restart\n\
             ~ log.retention.ms=2\n    was 1; dynamic, for each broker or the whole cluster\n\
             + new=3\n    needs a restart\n\
             ~ of.file=[hidden]\n    was [hidden]; needs a restart\n\
             ~ ssl.key.password=[hidden]\n    was [hidden]; needs a restart\n\
             5 to change: 4 by a restart, 1 also while it runs\n"
        );
        assert_eq!(untold, ["plugin.x"]);
        assert_eq!(report(&[]), "no difference\n");
    }
}
