//! What each minor release of Kafka says of its broker's settings: key, type, default, validator, update mode, first
//! sentence of the documentation.
//!
//! `kafka.tsv` is asked of Kafka's own classes (`ConfigDef`, `DynamicBrokerConfig`) by `make catalogue`.

mod setting;
mod value;

use std::{collections::BTreeMap, fmt, str::FromStr, sync::OnceLock};

pub use setting::{Kind, Setting, Shape, Update, Validator};
pub use value::Fault;

const TEXT: &str = include_str!("kafka.tsv");

/// A minor release of Kafka.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Release {
    /// The first number.
    pub major: u16,
    /// The second one.
    pub minor: u16,
}

impl FromStr for Release {
    type Err = String;

    /// `3.9`, or `3.9.2`, whose patch does not matter here.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = text.trim().splitn(3, '.').map(str::parse);
        match (parts.next(), parts.next(), parts.next()) {
            (Some(Ok(major)), Some(Ok(minor)), None | Some(Ok(_))) => Ok(Self { major, minor }),
            _ => Err(format!("{text:?} is no release of Kafka; as in 3.9 or 4.3.1")),
        }
    }
}

impl fmt::Display for Release {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}.{}", self.major, self.minor)
    }
}

/// In which releases there is a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct History {
    /// The first one that is known here.
    pub first: Release,
    /// The last one.
    pub last: Release,
}

/// A setting as it is in a span of releases, by their places.
#[derive(Debug)]
struct Span {
    from: usize,
    to: usize,
    setting: Setting,
}

/// All of it.
#[derive(Debug, Default)]
pub struct Catalogue {
    releases: Vec<Release>,
    keys: BTreeMap<&'static str, Vec<Span>>,
}

/// The catalogue, read once.
pub fn catalogue() -> &'static Catalogue {
    static READ: OnceLock<Catalogue> = OnceLock::new();
    READ.get_or_init(|| read(TEXT))
}

impl Catalogue {
    /// The releases that are known, the oldest first.
    pub fn releases(&self) -> &[Release] {
        &self.releases
    }

    /// The newest known release that is not newer than this one; `None` below the oldest.
    pub fn nearest(&self, release: Release) -> Option<Release> {
        self.releases.iter().copied().rfind(|known| *known <= release)
    }

    /// A setting, as it is in a known release.
    pub fn setting(&self, release: Release, key: &str) -> Option<&Setting> {
        let at = self.place(release)?;
        self.keys.get(key)?.iter().find(|span| (span.from..=span.to).contains(&at)).map(|span| &span.setting)
    }

    /// The settings of a known release, by name.
    pub fn settings(&self, release: Release) -> impl Iterator<Item = (&'static str, &Setting)> {
        let at = self.place(release);
        self.keys.iter().filter_map(move |(key, spans)| {
            let span = spans.iter().find(|span| at.is_some_and(|at| (span.from..=span.to).contains(&at)))?;
            Some((*key, &span.setting))
        })
    }

    /// In which releases there is a setting of this name.
    pub fn history(&self, key: &str) -> Option<History> {
        let spans = self.keys.get(key)?;
        let (first, last) = (spans.first()?.from, spans.last()?.to);
        Some(History { first: *self.releases.get(first)?, last: *self.releases.get(last)? })
    }

    fn place(&self, release: Release) -> Option<usize> {
        self.releases.iter().position(|known| *known == release)
    }
}

/// Reads the text; a line that is none of it is passed over, and missed by the test that asks Kafka.
fn read(text: &'static str) -> Catalogue {
    let mut lines = text.lines();
    let releases = lines.next().unwrap_or_default().split(' ').filter_map(|one| one.parse().ok()).collect();
    let mut all = Catalogue { releases, keys: BTreeMap::new() };
    let mut last = "";
    for line in lines {
        let mut parts = line.splitn(4, '\t');
        let (Some(key), Some(from), Some(to), Some(facts)) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            continue;
        };
        if !key.is_empty() {
            last = key;
        }
        if let (Ok(from), Ok(to), Some(setting)) = (from.parse(), to.parse(), Setting::read(facts)) {
            all.keys.entry(last).or_default().push(Span { from, to, setting });
        }
    }
    all
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step should stop the test where it stands")]
    use super::*;

    fn release(text: &str) -> Release {
        text.parse().unwrap()
    }

    #[test]
    fn settings_come_and_go() {
        let all = catalogue();
        assert_eq!(all.releases().first(), Some(&release("2.8")));
        assert_eq!(all.nearest(release("9.9")), all.releases().last().copied());
        assert_eq!(all.nearest(release("2.7")), None);
        let last = all.history("zookeeper.connect").unwrap().last;
        assert_eq!(last, release("3.9"));
        assert!(all.setting(release("4.0"), "zookeeper.connect").is_none());
        assert_eq!(all.setting(release("3.9"), "num.io.threads").unwrap().update, Update::ClusterWide);
        assert!(all.settings(release("4.3")).count() > 300);
        assert!("4".parse::<Release>().is_err() && "4.x".parse::<Release>().is_err());
    }

    #[test]
    fn every_line_is_read() {
        let rows: usize = catalogue().keys.values().map(Vec::len).sum();
        assert_eq!(rows + 1, TEXT.lines().count());
    }
}
