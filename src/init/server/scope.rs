//! What templates may see: identity, the allowed environment, secrets, what the container has.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use super::{Whose, resources};
use crate::{
    config::{Config, Pattern, Word as PatternWord, variable},
    files::{ReadFault, read_capped},
    properties::template::{Expand, Known, ReadFile, Scope, Unread, Word},
};

/// The largest file whose content stands in a setting, in bytes.
const MAX_SECRET: u64 = 64 << 10;
/// What stands for a secret that is elsewhere.
const STAND_IN: &str = "not-here";
/// What stands for a zone that has yet to be asked for.
const OPEN_ZONE: &str = "zone";

/// Whether the files that templates read must be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Files {
    /// Yes: Kafka is given what they hold.
    Needed,
    /// Where one is not, a stand-in is used: what it holds is not shown anyway.
    Elsewhere,
}

/// The files that were not there, as often as they were asked for.
#[derive(Clone, Default)]
pub(super) struct Missing(Arc<Mutex<Vec<String>>>);

impl Missing {
    pub fn paths(&self) -> BTreeSet<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    pub fn count(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    fn note(&self, path: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(path.to_owned());
    }
}

/// What the templates of this node may see.
pub(super) fn of(whose: &Whose, missing: &Missing) -> Scope {
    let config = whose.config;
    let variable_of = |name: &String| (name.clone(), std::env::var(name).ok());
    Scope {
        words: words(whose),
        env: config.kafka.env.iter().map(variable_of).collect(),
        resources: resources::words(config),
        read: read(whose.files, missing.clone()),
        expand: expand(config),
    }
}

fn words(whose: &Whose) -> BTreeMap<&'static str, Word> {
    let config = whose.config;
    let pod = &config.kubernetes;
    let number = |number: i32| Some(Known::Number(u64::try_from(number).unwrap_or_default()));
    let text = |text: Option<&str>| text.map(|text| Known::Text(text.to_owned()));
    // It is asked for when everything else is right.
    let zone = config.broker.zone.known().or(config.broker.zone.is_open().then_some(OPEN_ZONE));
    let told =
        |path: &str| format!("set {} (on Kubernetes by the downward API), or take it out", variable(path));
    let word = |value, remedy| Word { value, remedy };
    [
        ("id", word(number(whose.id()), String::new())),
        ("ordinal", word(number(whose.ordinal()), String::new())),
        ("cluster", word(text(Some(&config.cluster.name)), String::new())),
        ("mode", word(text(Some(config.broker.mode.name())), String::new())),
        ("zone", word(text(zone), format!("set {}, or take it out", variable("broker.zone.value")))),
        ("pod", word(text(pod.pod.as_deref()), told("kubernetes.pod"))),
        ("namespace", word(text(pod.namespace.as_deref()), told("kubernetes.namespace"))),
        ("node", word(text(pod.node.as_deref()), told("kubernetes.node"))),
    ]
    .into()
}

fn read(files: Files, missing: Missing) -> ReadFile {
    Arc::new(move |path| {
        let unread =
            |what: String, remedy: String| Unread { what: format!("file({path:?}): {what}"), remedy };
        if !Path::new(path).is_absolute() {
            return Err(unread("it is not an absolute path".to_owned(), "write it from / on".to_owned()));
        }
        match read_capped(Path::new(path), MAX_SECRET) {
            Ok(bytes) => {
                let text = String::from_utf8(bytes).map_err(|_| {
                    unread("it is not UTF-8 text".to_owned(), "let Kafka read it by itself".to_owned())
                })?;
                Ok(text.trim_end_matches(['\r', '\n']).to_owned())
            }
            Err(error) if files == Files::Elsewhere && matches!(error.fault, ReadFault::Missing) => {
                missing.note(path);
                Ok(STAND_IN.to_owned())
            }
            Err(error) => Err(unread(error.fault.to_string(), error.remedy())),
        }
    })
}

/// The patterns of `broker.advertised`, for another node of which only ordinal, id and namespace are known.
fn expand(config: &Config) -> Expand {
    let namespace = config.kubernetes.namespace.clone();
    Arc::new(move |text, ordinal, id| {
        let pattern = Pattern::parse(text).map_err(|(what, remedy)| format!("{what}; {remedy}"))?;
        let value = |word: PatternWord| match word {
            PatternWord::Ordinal => Some(ordinal.to_string().into()),
            PatternWord::Id => id.map(|id| id.to_string().into()),
            PatternWord::Namespace => namespace.as_deref().map(Into::into),
            PatternWord::Pod | PatternWord::Zone | PatternWord::Node => None,
        };
        let unknown = |word: PatternWord| format!("{{{}}} is not known of other nodes", word.name());
        pattern.fill(ordinal, value).map_err(unknown)
    })
}
