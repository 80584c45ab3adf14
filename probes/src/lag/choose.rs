//! Which consumer groups are looked at.

use serde::{Deserialize, Serialize};

/// Names that are wanted and names that are not: `*` stands for any characters, none included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lists {
    /// Any of these is wanted.
    pub allow: Vec<String>,
    /// Unless it is one of these.
    pub deny: Vec<String>,
}

impl Lists {
    /// A group of this name is wanted.
    pub fn want(&self, name: &str) -> bool {
        let any = |patterns: &[String]| patterns.iter().any(|pattern| fits(pattern, name));
        any(&self.allow) && !any(&self.deny)
    }
}

/// `name` is what `pattern` describes.
fn fits(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = name.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = rest.get(at + part.len()..).unwrap_or_default();
    }
    rest.ends_with(last)
}

/// Why a group is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Excluded {
    /// The lists say so.
    Lists,
    /// There are more groups than may be looked at.
    MaxGroups,
    /// The groups before it have as many partitions as may be looked at.
    MaxPartitions,
    /// What it has committed does not fit into one answer.
    TooLarge,
    /// The agent may not describe it.
    Denied,
}

impl Excluded {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Lists, Self::MaxGroups, Self::MaxPartitions, Self::TooLarge, Self::Denied];

    /// As the metrics name it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Lists => "lists",
            Self::MaxGroups => "max-groups",
            Self::MaxPartitions => "max-partitions",
            Self::TooLarge => "too-large",
            Self::Denied => "denied",
        }
    }
}

/// What comes of the names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    /// Are looked at, in the order of their names.
    pub chosen: Vec<String>,
    /// Are not.
    pub left_out: Vec<(String, Excluded)>,
}

/// Chooses among the groups by the lists, and of those the first `most` in the order of their names: the same ones each time.
pub fn choose(mut names: Vec<String>, lists: &Lists, most: usize) -> Choice {
    names.sort_unstable();
    names.dedup();
    let mut choice = Choice::default();
    for name in names {
        if !lists.want(&name) {
            choice.left_out.push((name, Excluded::Lists));
        } else if choice.chosen.len() >= most {
            choice.left_out.push((name, Excluded::MaxGroups));
        } else {
            choice.chosen.push(name);
        }
    }
    choice
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        for (pattern, name, is) in [
            ("*", "", true),
            ("*", "any", true),
            ("a", "a", true),
            ("a", "ab", false),
            ("", "", true),
            ("", "a", false),
            ("a*", "ab", true),
            ("a*", "ba", false),
            ("*b", "ab", true),
            ("*b", "ba", false),
            ("a*b", "ab", true),
            ("a*b", "axxb", true),
            ("a*a", "a", false),
            ("*a*", "xay", true),
            ("*a*b*", "xbya", false),
            ("*ab*ab", "abab", true),
            ("*ab*ab", "ab", false),
            ("a*b*c", "abbc", true),
            ("a**c", "ac", true),
            ("a.c", "abc", false),
        ] {
            assert_eq!(fits(pattern, name), is, "{pattern} {name}");
        }
    }
}
