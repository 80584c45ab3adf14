//! Writes the decoder of the metadata log's records from the schemas that every release of Kafka brings.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

use crate::catalogue::RELEASES;
use crate::fetch::{Kafka, succeeded};

const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../java/Records.java");
/// The first release whose metadata log counts: before it `KRaft` was not for production.
const FIRST: &str = "3.3.2";
/// The records that are read, and the fields that are kept; of all others only the versions are known.
const WANTED: [(&str, &[&str]); 15] = [
    ("RegisterBrokerRecord", &["BrokerId", "Fenced", "LogDirs"]),
    ("UnregisterBrokerRecord", &["BrokerId"]),
    ("TopicRecord", &["Name", "TopicId"]),
    (
        "PartitionRecord",
        &[
            "PartitionId",
            "TopicId",
            "Replicas",
            "Isr",
            "RemovingReplicas",
            "AddingReplicas",
            "Leader",
            "Directories",
            "EligibleLeaderReplicas",
        ],
    ),
    ("ConfigRecord", &["ResourceType", "ResourceName", "Name", "Value"]),
    (
        "PartitionChangeRecord",
        &[
            "PartitionId",
            "TopicId",
            "Isr",
            "Leader",
            "Replicas",
            "RemovingReplicas",
            "AddingReplicas",
            "Directories",
            "EligibleLeaderReplicas",
        ],
    ),
    ("FenceBrokerRecord", &["Id"]),
    ("UnfenceBrokerRecord", &["Id"]),
    ("RemoveTopicRecord", &["TopicId"]),
    ("FeatureLevelRecord", &["Name", "FeatureLevel"]),
    ("BrokerRegistrationChangeRecord", &["BrokerId", "Fenced", "LogDirs"]),
    ("BeginTransactionRecord", &[]),
    ("EndTransactionRecord", &[]),
    ("AbortTransactionRecord", &[]),
    ("ClearElrRecord", &["TopicName"]),
];

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Schema {
    api_key: u16,
    name: String,
    valid_versions: String,
    flexible_versions: String,
    fields: Vec<Field>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Field {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    versions: String,
    #[serde(default)]
    nullable_versions: Option<String>,
    #[serde(default)]
    tagged_versions: Option<String>,
    #[serde(default, deserialize_with = "number")]
    tag: Option<u32>,
    #[serde(default)]
    default: Option<serde_json::Value>,
    #[serde(default)]
    fields: Vec<Field>,
}

/// One release has a tag in quotes.
fn number<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<u32>, D::Error> {
    let told = serde_json::Value::deserialize(from)?;
    let number = told.as_u64().and_then(|told| u32::try_from(told).ok());
    let number = number.or_else(|| told.as_str()?.parse().ok());
    number.map(Some).ok_or_else(|| serde::de::Error::custom(format!("{told} is no tag")))
}

/// `0-2`, `1+` or `3`, as a first and a last version.
fn span(text: &str) -> Result<(u16, u16)> {
    let number = |text: &str| text.trim().parse::<u16>().with_context(|| format!("{text:?} is no version"));
    Ok(match (text.strip_suffix('+'), text.split_once('-')) {
        (Some(first), _) => (number(first)?, u16::MAX),
        (None, Some((first, last))) => (number(first)?, number(last)?),
        (None, None) => (number(text)?, number(text)?),
    })
}

impl Field {
    fn is_in(&self, version: u16) -> Result<bool> {
        let (first, last) = span(&self.versions)?;
        Ok((first..=last).contains(&version))
    }

    /// How it lies in a version: what a reader of that version must know.
    fn layout(&self, version: u16) -> Result<String> {
        let is = |versions: &Option<String>| -> Result<bool> {
            let Some(text) = versions.as_deref().filter(|text| *text != "none") else { return Ok(false) };
            let (first, last) = span(text)?;
            Ok((first..=last).contains(&version))
        };
        let (nullable, tagged) = (is(&self.nullable_versions)?, is(&self.tagged_versions)?);
        let inner = self.fields.iter().map(|field| field.layout(version)).collect::<Result<Vec<_>>>()?;
        // One was renamed, in the case of its letters.
        let name = self.name.to_lowercase();
        Ok(format!("{name} {} {nullable} {:?} {inner:?}", self.kind, self.tag.filter(|_| tagged)))
    }

    fn is_tagged(&self) -> bool {
        self.tag.is_some()
    }
}

impl Schema {
    fn layout(&self, version: u16) -> Result<Vec<String>> {
        let there = self.fields.iter().map(|field| Ok(field.is_in(version)?.then_some(field)));
        let there = there.collect::<Result<Vec<_>>>()?;
        there.into_iter().flatten().map(|field| field.layout(version)).collect()
    }
}

/// Records by key, each with its first and its last version.
type Union = BTreeMap<u16, (Schema, u16, u16)>;

/// Every record that any release has, as the last release has it that knows it, with all versions that there ever were.
fn union() -> Result<(Union, i32, Vec<&'static str>)> {
    let releases: Vec<_> = RELEASES.iter().copied().skip_while(|version| *version != FIRST).collect();
    let mut all = Union::new();
    let mut layouts: BTreeMap<(u16, u16), Vec<String>> = BTreeMap::new();
    let mut level = 0;
    for version in &releases {
        eprintln!("asking Kafka {version} ...");
        for line in ask(version)?.lines() {
            let (name, text) = line.split_once('\t').context("a line without a tab")?;
            if name == "metadata.version" {
                level = level.max(text.parse()?);
                continue;
            }
            let schema: Schema = serde_json::from_str(text).with_context(|| format!("{version}: {name}"))?;
            ensure!(span(&schema.flexible_versions)?.0 == 0, "{name} has versions that are not flexible");
            let (first, last) = span(&schema.valid_versions)?;
            // What is not read may have changed before anybody used it.
            let read = WANTED.iter().any(|(wanted, _)| *wanted == schema.name);
            for number in (first..=last).filter(|_| read) {
                let layout = schema.layout(number)?;
                let known = layouts.entry((schema.api_key, number)).or_insert_with(|| layout.clone());
                ensure!(*known == layout, "Kafka {version} has another version {number} of {name}");
            }
            match all.get_mut(&schema.api_key) {
                Some((known, from, to)) => {
                    (*from, *to) = (first.min(*from), last.max(*to));
                    *known = schema;
                }
                None => drop(all.insert(schema.api_key, (schema, first, last))),
            }
        }
    }
    Ok((all, level, releases))
}

fn ask(version: &str) -> Result<String> {
    let kafka = Kafka::fetch(version)?;
    let mut java = Command::new("java");
    java.args(["-XX:TieredStopAtLevel=1", "-cp"]).arg(format!("{}/*", kafka.libs().display())).arg(SOURCE);
    let output = java.output().context("java 17 or newer is needed")?;
    succeeded(&output).with_context(|| format!("Kafka {version} was not understood"))?;
    Ok(String::from_utf8(output.stdout)?)
}

/// Asks every release, and writes the decoder.
pub fn write(path: &Path) -> Result<()> {
    let (all, level, releases) = union()?;
    let text = text(&all, level, &releases)?;
    std::fs::write(path, text).with_context(|| format!("failed to write {}", path.display()))?;
    succeeded(&Command::new("rustfmt").args(["--edition", "2024"]).arg(path).output()?)
}

fn text(all: &Union, level: i32, releases: &[&str]) -> Result<String> {
    let (first, last) = (releases.first().context("no release")?, releases.last().context("no release")?);
    let mut out = format!(
        "//! The records of the metadata log, as far as they are read. Written by `make records` from the schemas of Kafka {first} to\n\
         //! {last}, all versions that any of these has; do not change it by hand.\n\n\
         use super::bytes::{{Bytes, Ids, Malformed, Uuids}};\n\n\
         /// The highest level of `metadata.version` that these releases know.\n\
         pub const HIGHEST_METADATA_VERSION: i16 = {level};\n\n\
         /// Every record that there is: its key, its name, its first and its last version.\n\
         const KNOWN: &[(u32, &str, u32, u32)] = &[\n"
    );
    for (key, (schema, from, to)) in all {
        writeln!(out, "({key}, \"{}\", {from}, {to}),", schema.name)?;
    }
    out.push_str(ERRORS);
    out.push_str("/// A record, as far as it is read.\n#[derive(Clone, Copy, Debug, PartialEq, Eq)]\npub enum Record<'a> {\n");
    let wanted: Vec<(&Schema, &[&str])> = (WANTED.iter())
        .map(|(name, fields)| {
            let schema = all.values().find(|(schema, ..)| schema.name == *name);
            Ok((&schema.with_context(|| format!("no release has {name}"))?.0, *fields))
        })
        .collect::<Result<_>>()?;
    for (schema, fields) in &wanted {
        let variant = variant(&schema.name);
        let what = if fields.is_empty() {
            String::new()
        } else {
            format!("({}{})", schema.name, borrows(schema, fields)?)
        };
        writeln!(out, "/// `{}`.\n{variant}{what},", schema.name)?;
    }
    out.push_str("/// One that is not read.\nOther,\n}\n\n");
    out.push_str(DECODE);
    for (schema, fields) in &wanted {
        let (key, variant, name) = (schema.api_key, variant(&schema.name), &schema.name);
        let read = if fields.is_empty() {
            String::new()
        } else {
            format!("({name}::read(&mut bytes, version).map_err(malformed)?)")
        };
        writeln!(out, "{key} => Record::{variant}{read},")?;
    }
    out.push_str("_ => Record::Other,\n})\n}\n");
    for (schema, fields) in &wanted {
        if !fields.is_empty() {
            record(&mut out, schema, fields)?;
        }
    }
    Ok(out)
}

const ERRORS: &str = "];

/// Why a record is not read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// No release has such records.
    #[error(\"a record with the key {0}\")]
    Unknown(u32),
    /// No release has this version of it.
    #[error(\"version {version} of {name}\")]
    Version {
        /// Its name.
        name: &'static str,
        /// Its version.
        version: u32,
    },
    /// A frame around the record that no release has.
    #[error(\"frame version {0}\")]
    Frame(u32),
    /// It does not hold what its version should.
    #[error(\"{name}: {what}\")]
    Malformed {
        /// Its name.
        name: &'static str,
        /// What is wrong.
        what: Malformed,
    },
}

";

const DECODE: &str = "/// Reads a record (`MetadataRecordSerde`): the version of its frame, its key, its version, and what it says.
pub fn decode(value: &[u8]) -> Result<Record<'_>, RecordError> {
    let mut bytes = Bytes::new(value);
    let framing = |what| RecordError::Malformed { name: \"the frame of a record\", what };
    let frame = bytes.uvarint().map_err(framing)?;
    if frame != 1 {
        return Err(RecordError::Frame(frame));
    }
    let key = bytes.uvarint().map_err(framing)?;
    let version = bytes.uvarint().map_err(framing)?;
    let known = KNOWN.iter().find(|(known, ..)| *known == key);
    let (_, name, first, last) = known.ok_or(RecordError::Unknown(key))?;
    if !(*first..=*last).contains(&version) {
        return Err(RecordError::Version { name, version });
    }
    let malformed = |what| RecordError::Malformed { name, what };
    Ok(match key {
";

fn variant(name: &str) -> &str {
    name.strip_suffix("Record").unwrap_or(name)
}

fn snake(name: &str) -> String {
    name.chars().fold(String::new(), |mut out, c| {
        if c.is_uppercase() && !out.is_empty() {
            out.push('_');
        }
        out.extend(c.to_lowercase());
        out
    })
}

/// How a field is kept and read: its type, what it is where a version lacks it, and the reader's method.
fn kept(field: &Field) -> Result<(&'static str, String, &'static str)> {
    let nullable = field.nullable_versions.is_some();
    let (first, _) = span(&field.versions)?;
    let lacking = first > 0 || field.is_tagged();
    let number = match &field.default {
        Some(serde_json::Value::String(text)) if text != "null" => text.clone(),
        _ => "0".to_owned(),
    };
    Ok(match (field.kind.as_str(), nullable) {
        ("int8", false) => ("i8", number, "int8"),
        ("int16", false) => ("i16", number, "int16"),
        ("int32", false) => ("i32", number, "int32"),
        ("bool", false) => {
            ("bool", field.default.as_ref().is_some_and(|told| told == "true").to_string(), "boolean")
        }
        ("uuid", false) if !lacking => ("[u8; 16]", String::new(), "uuid"),
        ("string", false) if !lacking => ("&'a str", String::new(), "text"),
        ("string", true) => ("Option<&'a str>", "None".into(), "nullable_text"),
        ("[]int32", false) => ("Ids<'a>", "Ids::default()".into(), "ids"),
        ("[]int32", true) => ("Option<Ids<'a>>", "None".into(), "nullable_ids"),
        ("[]uuid", false) => ("Uuids<'a>", "Uuids::default()".into(), "uuids"),
        ("[]uuid", true) => ("Option<Uuids<'a>>", "None".into(), "nullable_uuids"),
        (kind, _) => bail!("{}: {kind} is not known to be kept", field.name),
    })
}

/// A statement that passes over a field that is not kept.
fn passed(field: &Field) -> Result<String> {
    Ok(match field.kind.as_str() {
        "int8" | "bool" => "bytes.int8()?;".into(),
        "int16" | "uint16" => "bytes.int16()?;".into(),
        "int32" => "bytes.int32()?;".into(),
        "int64" => "bytes.int64()?;".into(),
        "uuid" => "bytes.uuid()?;".into(),
        "string" => "bytes.nullable_text()?;".into(),
        kind if kind.starts_with("[]") && !field.fields.is_empty() => {
            let mut inner = String::new();
            for field in &field.fields {
                ensure!(
                    !field.is_tagged() && span(&field.versions)? == (0, u16::MAX),
                    "{} varies",
                    field.name
                );
                inner.push_str(&passed(field)?);
            }
            format!("for _ in 0..bytes.count()? {{ {inner} bytes.tags(|_, _| Ok(()))?; }}")
        }
        kind => bail!("{}: {kind} is not known to be passed over", field.name),
    })
}

fn borrows(schema: &Schema, fields: &[&str]) -> Result<&'static str> {
    let kept: Vec<_> = fields.iter().map(|name| kept(find(schema, name)?)).collect::<Result<_>>()?;
    Ok(if kept.iter().any(|(kind, ..)| kind.contains("'a")) { "<'a>" } else { "" })
}

fn find<'a>(schema: &'a Schema, name: &str) -> Result<&'a Field> {
    let field = schema.fields.iter().find(|field| field.name == name);
    field.with_context(|| format!("{} has no {name}", schema.name))
}

fn record(out: &mut String, schema: &Schema, fields: &[&str]) -> Result<()> {
    let borrows = borrows(schema, fields)?;
    let name = &schema.name;
    writeln!(
        out,
        "\n/// `{name}`.\n#[derive(Clone, Copy, Debug, PartialEq, Eq)]\npub struct {name}{borrows} {{"
    )?;
    for field in &schema.fields {
        if fields.contains(&field.name.as_str()) {
            writeln!(
                out,
                "/// `{}`: {}.\npub {}: {},",
                field.name,
                field.kind,
                snake(&field.name),
                kept(field)?.0
            )?;
        }
    }
    let (parameter, lifetime) = if borrows.is_empty() { ("", "'_") } else { (borrows, "'a") };
    let varies = schema.fields.iter().any(|field| !field.is_tagged() && !field.versions.starts_with('0'));
    let version = if varies { "version" } else { "_version" };
    writeln!(
        out,
        "}}\n\nimpl{parameter} {name}{borrows} {{\nfn read(bytes: &mut Bytes<{lifetime}>, {version}: u32) -> Result<Self, Malformed> {{"
    )?;
    for field in schema.fields.iter().filter(|field| !field.is_tagged()) {
        let (first, last) = span(&field.versions)?;
        ensure!(last == u16::MAX, "{} ends with version {last}", field.name);
        if fields.contains(&field.name.as_str()) {
            let (_, lacking, read) = kept(field)?;
            let own = snake(&field.name);
            match first {
                0 => writeln!(out, "let {own} = bytes.{read}()?;")?,
                _ => writeln!(
                    out,
                    "let {own} = if version >= {first} {{ bytes.{read}()? }} else {{ {lacking} }};"
                )?,
            }
        } else {
            let passed = passed(field)?;
            match first {
                0 => writeln!(out, "{passed}")?,
                _ => writeln!(out, "if version >= {first} {{ {passed} }}")?,
            }
        }
    }
    let tagged: Vec<&Field> = schema
        .fields
        .iter()
        .filter(|field| field.is_tagged() && fields.contains(&field.name.as_str()))
        .collect();
    for field in &tagged {
        writeln!(out, "let mut {} = {};", snake(&field.name), kept(field)?.1)?;
    }
    if !tagged.is_empty() {
        let arms = tagged.iter().map(|field| {
            let tag = field.tag.context("a tag")?;
            Ok(format!("{tag} => {} = field.{}()?,\n", snake(&field.name), kept(field)?.2))
        });
        let arms: String = arms.collect::<Result<_>>()?;
        // Two arms and more are a match.
        let fields = match tagged.as_slice() {
            [_] => format!("if tag == {};\n", arms.trim_end_matches(",\n").replacen(" => ", " {", 1))
                .replace(';', "; }"),
            _ => format!("match tag {{\n{arms}_ => {{}}\n}}\n"),
        };
        writeln!(out, "bytes.tags(|tag, field| {{\n{fields}Ok(())\n}})?;")?;
    }
    let names: Vec<String> = (schema.fields.iter())
        .filter(|field| fields.contains(&field.name.as_str()))
        .map(|field| snake(&field.name))
        .collect();
    writeln!(out, "Ok(Self {{ {} }})\n}}\n}}", names.join(", "))?;
    Ok(())
}
