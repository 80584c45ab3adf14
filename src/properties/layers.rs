//! Settings in layers: defaults of the mode, the user's on top, what is computed last.

use std::collections::BTreeMap;

use super::line;

/// Where the value of a setting comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// A default that suits the mode.
    Default,
    /// The user's own setting.
    User,
    /// Computed from identity, zone, volumes and timing; never overridden.
    Computed,
}

/// A user's setting that says something else than the computed one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contradiction {
    /// The setting.
    pub key: String,
    /// What is computed.
    pub computed: String,
}

/// The layers, each sorted by key so that the same settings give the same file.
#[derive(Debug, Clone, Default)]
pub struct Layers {
    /// Defaults that suit the mode.
    pub defaults: BTreeMap<String, String>,
    /// The user's settings.
    pub user: BTreeMap<String, String>,
    /// What is computed.
    pub computed: BTreeMap<String, String>,
}

impl Layers {
    /// The value that counts, and where it comes from.
    pub fn get(&self, key: &str) -> Option<(&str, Origin)> {
        let layers = [
            (&self.computed, Origin::Computed),
            (&self.user, Origin::User),
            (&self.defaults, Origin::Default),
        ];
        layers.into_iter().find_map(|(layer, origin)| Some((layer.get(key)?.as_str(), origin)))
    }

    /// Every setting of the user that says something else than the computed one. Saying the same is fine.
    pub fn contradictions(&self) -> Vec<Contradiction> {
        let differs = |(key, computed): (&String, &String)| {
            let user = self.user.get(key)?;
            (user.trim() != computed).then(|| Contradiction { key: key.clone(), computed: computed.clone() })
        };
        self.computed.iter().filter_map(differs).collect()
    }

    /// The file: each layer under its heading, computed identity last, every key once.
    pub fn render(&self, headings: [&str; 3]) -> String {
        let mut out = String::new();
        let layers = [
            (&self.defaults, Origin::Default),
            (&self.user, Origin::User),
            (&self.computed, Origin::Computed),
        ];
        for ((layer, origin), heading) in layers.into_iter().zip(headings) {
            let mut entries =
                layer.iter().filter(|(k, _)| self.get(k).is_some_and(|g| g.1 == origin)).peekable();
            if entries.peek().is_some() {
                out.push_str("\n# ");
                out.push_str(heading);
                out.push('\n');
            }
            entries.for_each(|(key, value)| out.push_str(&line(key, value)));
        }
        out
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step should stop the test where it stands")]
    use super::*;

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn the_upper_layer_counts_and_each_key_stands_once() {
        let layers = Layers {
            defaults: map(&[("a", "1"), ("b", "1")]),
            user: map(&[("b", "2"), ("c", "2"), ("d", "3 ")]),
            computed: map(&[("c", "3"), ("d", "3")]),
        };
        assert_eq!(
            layers.render(["one", "two", "three"]),
            "\n# one\na=1\n\n# two\nb=2\n\n# three\nc=3\nd=3\n"
        );
        assert_eq!(layers.contradictions(), [Contradiction { key: "c".into(), computed: "3".into() }]);
        assert_eq!(layers.get("b"), Some(("2", Origin::User)));
    }
}
