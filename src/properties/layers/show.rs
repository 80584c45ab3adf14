//! The rendered file, and what of it may be shown.

use std::fmt::Write;

use super::{Layer, Layers, Setting};
use crate::properties::{line, secret};

/// What stands for a value that is not shown.
pub const MASK: &str = "[hidden]";

/// How the file is written.
#[derive(Debug, Clone, Copy, Default)]
pub struct Style {
    /// Over each setting, where it comes from.
    pub comments: bool,
    /// Secrets are masked: this is for people, not for Kafka.
    pub masked: bool,
}

/// The value as people may see it.
pub fn shown<'a>(key: &str, setting: &'a Setting) -> &'a str {
    if setting.secret || secret::is_secret(key, &setting.value) { MASK } else { &setting.value }
}

impl Layers {
    /// The file: each layer under its heading, what is computed last, every key once.
    pub fn render(&self, style: Style) -> String {
        let mut out = String::new();
        for (at, layer) in self.0.iter().enumerate() {
            let above = self.0.get(at + 1..).unwrap_or_default();
            let counts = |key: &String| !above.iter().any(|layer| layer.settings.contains_key(key));
            let mut entries = layer.settings.iter().filter(|(key, _)| counts(key)).peekable();
            if entries.peek().is_some() {
                // Writing to a string cannot fail.
                let _ = write!(out, "\n# {}\n", plain(&layer.heading));
            }
            entries.for_each(|(key, setting)| entry(&mut out, layer, key, setting, style));
        }
        out
    }
}

fn entry(out: &mut String, layer: &Layer, key: &str, setting: &Setting, style: Style) {
    if style.comments {
        let _ = writeln!(out, "# {}: {}", plain(&layer.name), plain(setting.brief()));
    }
    for permission in &setting.permissions {
        let _ = writeln!(out, "{}", plain(permission));
    }
    let value = if style.masked { shown(key, setting) } else { &setting.value };
    out.push_str(&line(key, value));
}

/// A comment ends with its line, and Kafka reads ISO-8859-1.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '?' }).collect()
}
