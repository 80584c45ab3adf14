//! YAML as a tree in which every value knows where it was written.

use std::{collections::HashMap, fmt};

use serde_saphyr::granit_parser::{Event, Parser, Placement, ScalarStyle, Span};

use super::place::{Comments, Place};
use crate::problem::Problem;

/// Deeper than any setting: what is nested further is a mistake or an attack.
const MAX_DEPTH: usize = 16;

/// A value and where it was written.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub place: Place,
    pub value: Value,
}

#[derive(Debug, Clone)]
pub(super) enum Value {
    /// Nothing, `~` or `null`.
    Null,
    /// As it stands in the file. `quoted` is text for certain.
    Scalar {
        text: String,
        quoted: bool,
    },
    List(Vec<Node>),
    /// In the order of the file, with the place of each key.
    Map(Vec<(String, Place, Node)>),
}

impl Node {
    pub fn empty(place: Place) -> Self {
        Self { place, value: Value::Null }
    }

    fn text(text: &str, place: Place) -> Self {
        Self { place, value: Value::Scalar { text: text.to_owned(), quoted: false } }
    }

    /// Sets the value at `path`, making the mappings on the way. Whatever stood there before gives way.
    pub fn set(&mut self, path: &[&str], text: &str, place: &Place) {
        let Some((key, rest)) = path.split_first() else {
            *self = Self::text(text, place.clone());
            return;
        };
        let mut entries = match std::mem::replace(&mut self.value, Value::Null) {
            Value::Map(entries) => entries,
            _ => Vec::new(),
        };
        if let Some((.., child)) = entries.iter_mut().find(|(k, ..)| k == key) {
            child.set(rest, text, place);
        } else {
            let mut child = Self::empty(place.clone());
            child.set(rest, text, place);
            entries.push(((*key).to_owned(), place.clone(), child));
        }
        self.value = Value::Map(entries);
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("nothing"),
            Self::Scalar { .. } => f.write_str("a single value"),
            Self::List(_) => f.write_str("a list"),
            Self::Map(_) => f.write_str("a mapping"),
        }
    }
}

/// Reads one document. Aliases are refused: no setting needs them, and they can grow without bound.
pub(super) fn parse(bytes: &[u8], file: &str, problems: &mut Vec<Problem>) -> (Node, Comments) {
    let nothing = Node::empty(Place::file(file, None));
    let Ok(text) = std::str::from_utf8(bytes) else {
        problems.push(Problem::new(file, "it is not UTF-8 text", "write the file as YAML in UTF-8"));
        return (nothing, Comments::new());
    };
    let events = Parser::new_from_str(text);
    let mut composer = Composer { events, file, problems: Vec::new(), comments: Comments::new() };
    let root = match composer.document() {
        Ok(Some(root)) => root,
        Ok(None) => {
            let remedy = "fill it in; the example and the schema show every setting";
            composer.problems.push(Problem::new(file, "it holds no settings", remedy));
            nothing
        }
        Err(problem) => {
            composer.problems.push(problem);
            nothing
        }
    };
    problems.append(&mut composer.problems);
    (root, composer.comments)
}

struct Composer<'a> {
    events: Parser<'a, serde_saphyr::granit_parser::StrInput<'a>>,
    file: &'a str,
    problems: Vec<Problem>,
    comments: Comments,
}

impl<'a> Composer<'a> {
    fn document(&mut self) -> Result<Option<Node>, Problem> {
        let mut root = None;
        while let Some((event, span)) = self.next()? {
            match event {
                Event::StreamStart | Event::DocumentStart(..) | Event::DocumentEnd | Event::StreamEnd => {}
                _ if root.is_some() => {
                    let place = self.place(span).to_string();
                    return Err(Problem::new(place, "a second document begins", "keep one document"));
                }
                event => root = Some(self.node(event, span, 0)?),
            }
        }
        // An empty document parses as a null.
        Ok(root.filter(|node| !matches!(node.value, Value::Null)))
    }

    fn next(&mut self) -> Result<Option<(Event<'a>, Span)>, Problem> {
        loop {
            match self.events.next().transpose() {
                Ok(Some((Event::Comment(text, Placement::Above), span))) => {
                    self.comments.insert(span.start.line(), text.into_owned());
                }
                Ok(Some((Event::Comment(..), _))) => {}
                Ok(event) => return Ok(event),
                Err(error) => {
                    let place = format!("{}:{}", self.file, error.marker().line());
                    let remedy = "mend the YAML; the next mistakes show only after that";
                    return Err(Problem::new(place, format!("it is not YAML: {}", error.info()), remedy));
                }
            }
        }
    }

    fn node(&mut self, event: Event<'a>, span: Span, depth: usize) -> Result<Node, Problem> {
        let place = self.place(span);
        if depth > MAX_DEPTH {
            return Err(Problem::new(place.to_string(), "it is nested too deeply", "see the schema"));
        }
        let value = match event {
            Event::Scalar(text, style, ..) => scalar(&text, style),
            Event::SequenceStart(..) => {
                let mut items = Vec::new();
                while let Some((event, span)) = self.next()? {
                    if matches!(event, Event::SequenceEnd) {
                        break;
                    }
                    items.push(self.node(event, span, depth + 1)?);
                }
                Value::List(items)
            }
            Event::MappingStart(..) => self.mapping(depth)?,
            _ => {
                let what = "anchors and aliases are not taken";
                return Err(Problem::new(place.to_string(), what, "write the value out"));
            }
        };
        Ok(Node { place, value })
    }

    fn mapping(&mut self, depth: usize) -> Result<Value, Problem> {
        let mut entries: Vec<(String, Place, Node)> = Vec::new();
        let mut seen: HashMap<String, Place> = HashMap::new();
        while let Some((event, span)) = self.next()? {
            let place = self.place(span);
            let key = match event {
                Event::MappingEnd => break,
                Event::Scalar(key, ..) => key.into_owned(),
                _ => {
                    return Err(Problem::new(place.to_string(), "a key is not plain text", "see the schema"));
                }
            };
            let Some((event, span)) = self.next()? else { break };
            let node = self.node(event, span, depth + 1)?;
            if let Some(first) = seen.get(&key) {
                let what = format!("{key} is set twice (first at {first})");
                self.problems.push(Problem::new(place.to_string(), what, "keep one of the two"));
            } else {
                seen.insert(key.clone(), place.clone());
                entries.push((key, place, node));
            }
        }
        Ok(Value::Map(entries))
    }

    fn place(&self, span: Span) -> Place {
        Place::file(self.file, Some(span.start.line()))
    }
}

fn scalar(text: &str, style: ScalarStyle) -> Value {
    let quoted = style != ScalarStyle::Plain;
    match text {
        "" | "~" | "null" | "Null" | "NULL" if !quoted => Value::Null,
        _ => Value::Scalar { text: text.to_owned(), quoted },
    }
}
