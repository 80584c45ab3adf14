//! Where a setting was written.

use std::{collections::HashMap, fmt, sync::Arc};

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

/// Where each setting was written, by its path.
#[derive(Debug, Clone, Default)]
pub struct Places {
    pub(super) by_path: HashMap<String, Place>,
    pub(super) file: Option<String>,
}

impl Places {
    /// Whether this setting was written anywhere.
    pub fn is_written(&self, path: &str) -> bool {
        self.by_path.contains_key(path)
    }

    /// `pillion.yaml:12: broker.idBase`; for a setting that was not written, the file and its path.
    pub fn of(&self, path: &str) -> String {
        match (self.by_path.get(path), &self.file) {
            (Some(place), _) => format!("{place}: {path}"),
            (None, Some(file)) => format!("{file}: {path}"),
            (None, None) => path.to_owned(),
        }
    }
}
