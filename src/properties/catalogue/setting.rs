//! One setting, as a release has it.

/// The type of a setting (`ConfigDef.Type`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `true` or `false`.
    Boolean,
    /// Text.
    String,
    /// A whole number of 16 bits.
    Short,
    /// Of 32 bits.
    Int,
    /// Of 64 bits.
    Long,
    /// A number.
    Double,
    /// Texts between commas.
    List,
    /// The name of a class.
    Class,
    /// A secret.
    Password,
}

impl Kind {
    fn read(word: &str) -> Option<Self> {
        Some(match word {
            "boolean" => Self::Boolean,
            "string" => Self::String,
            "short" => Self::Short,
            "int" => Self::Int,
            "long" => Self::Long,
            "double" => Self::Double,
            "list" => Self::List,
            "class" => Self::Class,
            "password" => Self::Password,
            _ => return None,
        })
    }
}

/// What a list may look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Anything.
    Any,
    /// Nothing empty between commas; what is there twice counts once.
    Distinct,
    /// The same, and at least one.
    DistinctNotEmpty,
}

/// Which values are taken (`ConfigDef.Validator`).
#[derive(Debug, Clone, PartialEq)]
pub enum Validator {
    /// Each one of the type.
    None,
    /// From the first to the last.
    Range(Option<f64>, Option<f64>),
    /// One of these; upper and lower case may be alike.
    OneOf(Vec<&'static str>, bool),
    /// A list of these, or of anything when there are none.
    ListOf(Vec<&'static str>, Shape),
    /// Anything but an empty text.
    NotEmpty,
    /// Kafka's own code decides.
    Other,
}

impl Validator {
    fn read(text: &'static str) -> Self {
        let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
        let words = || rest.split(',').filter(|one| !one.is_empty()).collect();
        match word {
            "-" => Self::None,
            "range" => {
                let (min, max) = rest.split_once(' ').unwrap_or_default();
                Self::Range(min.parse().ok(), max.parse().ok())
            }
            "one-of" => Self::OneOf(words(), false),
            "one-of-any-case" => Self::OneOf(words(), true),
            "list-of" => Self::ListOf(words(), Shape::Any),
            "distinct-list-of" => Self::ListOf(words(), Shape::Distinct),
            "distinct-not-empty-list-of" => Self::ListOf(words(), Shape::DistinctNotEmpty),
            "other" if rest == "NonEmptyString" => Self::NotEmpty,
            _ => Self::Other,
        }
    }
}

/// When a change takes effect (`DynamicBrokerConfig`, KIP-226).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Update {
    /// At the next start.
    ReadOnly,
    /// While the broker runs, set for it alone.
    PerBroker,
    /// While the broker runs, set for it or for the whole cluster.
    ClusterWide,
}

/// One setting.
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    /// Its type.
    pub kind: Kind,
    /// Its default; `None`: there is none, and it has to be set.
    pub default: Option<&'static str>,
    /// Which values are taken.
    pub validator: Validator,
    /// How much it matters, in Kafka's word.
    pub importance: &'static str,
    /// When a change takes effect.
    pub update: Update,
    /// Its documentation says so.
    pub deprecated: bool,
    /// Not meant for users.
    pub internal: bool,
    /// Kafka's documentation, without markup.
    pub doc: &'static str,
    /// The row as it is written.
    pub row: &'static str,
}

impl Setting {
    /// The first sentence of the documentation.
    pub fn summary(&self) -> &'static str {
        self.doc.find(". ").map_or(self.doc, |end| self.doc.get(..=end).unwrap_or(self.doc))
    }

    /// Reads what stands behind the releases.
    pub(super) fn read(row: &'static str) -> Option<Self> {
        let mut parts = row.splitn(7, '\t');
        let mut next = || parts.next();
        let (kind, default, validator) = (next()?, next()?, next()?);
        let (importance, update, flags, doc) = (next()?, next()?, next()?, next()?);
        let update = match update {
            "read-only" => Update::ReadOnly,
            "per-broker" => Update::PerBroker,
            "cluster-wide" => Update::ClusterWide,
            _ => return None,
        };
        Some(Self {
            kind: Kind::read(kind)?,
            default: default.strip_prefix('='),
            validator: Validator::read(validator),
            importance,
            update,
            deprecated: flags.contains('d'),
            internal: flags.contains('i'),
            doc,
            row,
        })
    }
}
