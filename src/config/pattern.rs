//! Patterns for what a listener advertises: `{pod}.kafka.{namespace}.svc.cluster.local:9092`, `{node}:{31000+ordinal}`.

use std::fmt;

use crate::suggest::nearest;

/// What may stand in braces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// The node's id.
    Id,
    /// Its place in its map.
    Ordinal,
    /// The pod's name.
    Pod,
    /// The pod's namespace.
    Namespace,
    /// The zone.
    Zone,
    /// The Kubernetes node that it runs on.
    Node,
}

impl Word {
    const ALL: [Self; 6] = [Self::Id, Self::Ordinal, Self::Pod, Self::Namespace, Self::Zone, Self::Node];

    /// As it is written, without the braces.
    pub fn name(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Ordinal => "ordinal",
            Self::Pod => "pod",
            Self::Namespace => "namespace",
            Self::Zone => "zone",
            Self::Node => "node",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Word(Word),
    /// This and the ordinal.
    Sum(u16),
}

/// An address with words in braces, which differ from broker to broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern(Vec<Part>);

impl Pattern {
    /// Takes a pattern apart.
    ///
    /// # Errors
    /// What is wrong, and what to do about it.
    pub fn parse(text: &str) -> Result<Self, (String, String)> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let Some((word, behind)) = after.split_once('}') else {
                return Err((format!("{text:?} has a brace that is not closed"), "close it".to_owned()));
            };
            parts.push(Part::Text(before.to_owned()));
            parts.push(part(word)?);
            rest = behind;
        }
        parts.push(Part::Text(rest.to_owned()));
        parts.retain(|part| !matches!(part, Part::Text(text) if text.is_empty()));
        Ok(Self(parts))
    }

    /// Whether this word stands in it.
    pub fn has(&self, word: Word) -> bool {
        self.0.contains(&Part::Word(word))
    }

    /// The address of one broker.
    ///
    /// # Errors
    /// The word whose value is not known.
    pub fn fill<'a>(
        &self,
        ordinal: i32,
        value: impl Fn(Word) -> Option<std::borrow::Cow<'a, str>>,
    ) -> Result<String, Word> {
        let mut out = String::new();
        for part in &self.0 {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Word(word) => out.push_str(&value(*word).ok_or(*word)?),
                Part::Sum(base) => out.push_str(&(i64::from(*base) + i64::from(ordinal)).to_string()),
            }
        }
        Ok(out)
    }
}

fn part(word: &str) -> Result<Part, (String, String)> {
    if let Some(known) = Word::ALL.into_iter().find(|known| known.name() == word) {
        return Ok(Part::Word(known));
    }
    let sum = word.split_once('+').filter(|(_, added)| *added == Word::Ordinal.name());
    if let Some(base) = sum.and_then(|(base, _)| base.parse().ok()) {
        return Ok(Part::Sum(base));
    }
    let near = nearest(word, Word::ALL.into_iter().map(Word::name));
    let known =
        "known are {id} {ordinal} {pod} {namespace} {zone} {node} and {N+ordinal}, as in {31000+ordinal}";
    let remedy = near.map_or_else(|| known.to_owned(), |near| format!("did you mean {{{near}}}?"));
    Err((format!("{{{word}}} is not known here"), remedy))
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|part| match part {
            Part::Text(text) => f.write_str(text),
            Part::Word(word) => write!(f, "{{{}}}", word.name()),
            Part::Sum(base) => write!(f, "{{{base}+ordinal}}"),
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step should stop the test where it stands")]
    use super::*;

    #[test]
    fn words_are_filled_in_and_the_rest_stays() {
        let text = "{pod}.kafka.{namespace}.svc:{31000+ordinal}";
        let pattern = Pattern::parse(text).unwrap();
        assert_eq!(pattern.to_string(), text);
        let value = |word: Word| (word != Word::Node).then(|| format!("<{}>", word.name()).into());
        assert_eq!(pattern.fill(2, value).unwrap(), "<pod>.kafka.<namespace>.svc:31002");
        let all = Pattern::parse("{id}{ordinal}{zone}").unwrap();
        assert_eq!(all.fill(2, value).unwrap(), "<id><ordinal><zone>");
        assert_eq!(Pattern::parse("{node}:1").unwrap().fill(2, value), Err(Word::Node));
        assert!(pattern.has(Word::Pod) && !pattern.has(Word::Zone));
    }

    #[test]
    fn what_is_not_known_is_refused() {
        for (text, says) in [
            ("{pod:9092", "not closed"),
            ("{podd}:1", "{podd} is not known"),
            ("{}:1", "{} is not known"),
            ("{x+ordinal}", "{x+ordinal} is not known"),
            ("{99999+ordinal}", "not known"),
            ("{1+id}", "not known"),
        ] {
            let (what, _) = Pattern::parse(text).unwrap_err();
            assert!(what.contains(says), "{text}: {what}");
        }
        assert_eq!(Pattern::parse("{podd}:1").unwrap_err().1, "did you mean {pod}?");
    }
}
