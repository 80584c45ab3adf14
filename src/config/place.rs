//! Where a setting was written.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt,
    sync::Arc,
};

/// Where a setting was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A line of the config file, from 1.
    File(Arc<str>, Option<usize>),
    /// An environment variable.
    Env(Arc<str>),
    /// A flag.
    Flag(Arc<str>),
}

impl Place {
    pub(super) fn file(name: &str, line: Option<usize>) -> Self {
        Self::File(name.into(), line)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(name, Some(line)) => write!(f, "{name}:{line}"),
            Self::File(name, None) => f.write_str(name),
            Self::Env(name) => write!(f, "environment {name}"),
            Self::Flag(name) => write!(f, "flag {name}"),
        }
    }
}

/// The comments that stand above something, by their line, without the `#`.
pub(super) type Comments = BTreeMap<usize, String>;

/// Where each setting was written, by its path.
#[derive(Debug, Clone, Default)]
pub struct Places {
    pub(super) by_path: HashMap<String, Place>,
    pub(super) file: Option<String>,
    pub(super) comments: Comments,
}

impl Places {
    /// Whether this setting was written anywhere.
    pub fn is_written(&self, path: &str) -> bool {
        self.by_path.contains_key(path)
    }

    /// Whether this setting was given by a flag.
    pub fn is_flag(&self, path: &str) -> bool {
        matches!(self.by_path.get(path), Some(Place::Flag(_)))
    }

    /// `pillion.yaml:12`, without the path of the setting.
    pub fn line(&self, path: &str) -> String {
        self.by_path.get(path).map_or_else(|| self.file.clone().unwrap_or_default(), Place::to_string)
    }

    /// The comments in the lines right above a setting of the file, without the `#`, from the lowest up.
    pub fn comments(&self, path: &str) -> impl Iterator<Item = &str> {
        let line = match self.by_path.get(path) {
            Some(Place::File(_, Some(line))) => *line,
            _ => 0,
        };
        (0..line).rev().map_while(|above| self.comments.get(&above)).map(String::as_str)
    }

    /// Where comments stand of which `is_meant` is true, and right below which nothing is set whose path begins with `path`.
    pub fn stray_comments(&self, path: &str, is_meant: impl Fn(&str) -> bool) -> Vec<String> {
        let line = |(of, place): (&String, &Place)| match place {
            Place::File(_, line) if of.starts_with(path) => *line,
            _ => None,
        };
        let set: BTreeSet<usize> = self.by_path.iter().filter_map(line).collect();
        let after = self.comments.len() + 1;
        let below = |above: usize| {
            (above + 1..above + after).find(|line| !self.comments.contains_key(line)).unwrap_or(above + after)
        };
        let file = self.file.as_deref().unwrap_or_default();
        let meant = self.comments.iter().filter(|(_, text)| is_meant(text)).map(|(line, _)| *line);
        meant.filter(|line| !set.contains(&below(*line))).map(|line| format!("{file}:{line}")).collect()
    }

    /// `pillion.yaml:12: broker.idBase`; for a setting that was not written, the item of a list that it lies in, or the
    /// file, and its path.
    pub fn of(&self, path: &str) -> String {
        let item = || path.rfind(']').and_then(|end| self.by_path.get(path.get(..=end)?));
        match (self.by_path.get(path).or_else(item), &self.file) {
            (Some(place), _) => format!("{place}: {path}"),
            (None, Some(file)) => format!("{file}: {path}"),
            (None, None) => path.to_owned(),
        }
    }
}
