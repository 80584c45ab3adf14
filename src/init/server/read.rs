//! The user's settings as they are written, by layer: from files, directories and the config file.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fs,
    path::{Path, PathBuf},
};

use crate::{
    config::{Config, LayerSource},
    files::{ReadError, ReadFault, read_capped},
    problem::Problem,
    properties::{
        MAX_BYTES, Setting,
        lint::{self, permissions},
        parse_lines,
    },
};

/// More files than a directory of settings has.
const MAX_FILES: usize = 64;
/// More settings than Kafka and its plugins have, in all layers together.
const MAX_SETTINGS: usize = 10_000;
/// A `ConfigMap` that changes while it is read is read again so often.
const AGAIN: usize = 3;

/// A layer of the user, its values as they are written.
pub(super) struct Written {
    pub name: String,
    pub heading: String,
    pub settings: BTreeMap<String, Setting>,
    /// Where permissions stand that no setting stands below.
    pub loose: Vec<String>,
}

/// Every layer of the user, the lowest first.
pub(super) fn layers(config: &Config, ordinal: i32, problems: &mut Vec<Problem>) -> Vec<Written> {
    let kafka = &config.kafka;
    let mut all = Vec::new();
    for (at, layer) in (0..).zip(&kafka.layers) {
        let path = format!("kafka.layers[{at}]");
        match &layer.source {
            LayerSource::File(file) => all.extend(of_file(&layer.name, file, problems)),
            LayerSource::Directory(dir) => all.extend(of_directory(&layer.name, dir, problems)),
            LayerSource::Inline(settings) => {
                let heading = format!("Layer {}", layer.name);
                all.push(inline(
                    config,
                    &layer.name,
                    heading,
                    &format!("{path}.properties"),
                    settings.iter(),
                ));
            }
        }
    }
    let own = "kafka.properties";
    let by_flag = |key: &str| config.places.is_flag(&format!("{own}.{key}"));
    let written = kafka.properties.iter().filter(|(key, _)| !by_flag(key));
    all.push(inline(config, own, format!("Yours ({own})"), own, written));
    if let Some(settings) = kafka.overrides.get(&ordinal) {
        let path = format!("kafka.overrides.{ordinal}");
        all.push(inline(config, &path, format!("Of this broker ({path})"), &path, settings.iter()));
    }
    let flags = kafka.properties.iter().filter(|(key, _)| by_flag(key));
    all.push(inline(config, "flags", "By flags (--set)".to_owned(), own, flags));
    let count: usize = all.iter().map(|layer| layer.settings.len()).sum();
    if count > MAX_SETTINGS {
        let what = format!("the layers hold {count} settings, and {MAX_SETTINGS} are taken");
        problems.push(Problem::new(
            config.places.of("kafka.layers"),
            what,
            "check that these files are meant",
        ));
    }
    all
}

fn inline<'a>(
    config: &Config,
    name: &str,
    heading: String,
    path: &str,
    settings: impl Iterator<Item = (&'a String, &'a String)>,
) -> Written {
    let setting = |(key, value): (&String, &String)| {
        let path = format!("{path}.{key}");
        let permits = config.places.comments(&path).filter(|text| lint::is_permission(text));
        let permissions = permits.map(|text| format!("#{text}")).collect();
        let place = config.places.line(&path);
        (key.clone(), Setting { value: value.clone(), place, path, permissions, ..Setting::default() })
    };
    Written { name: name.to_owned(), heading, settings: settings.map(setting).collect(), loose: Vec::new() }
}

fn of_file(name: &str, path: &Path, problems: &mut Vec<Problem>) -> Option<Written> {
    match read_capped(path, MAX_BYTES as u64) {
        Ok(bytes) => parsed(name, path, &bytes, problems),
        Err(error) => {
            problems.push(told(name, &error));
            None
        }
    }
}

fn told(name: &str, error: &ReadError) -> Problem {
    let what = format!("layer {name} cannot be read: {}", error.fault);
    Problem::new(error.path.display().to_string(), what, error.remedy())
}

fn parsed(name: &str, path: &Path, bytes: &[u8], problems: &mut Vec<Problem>) -> Option<Written> {
    let entries = match parse_lines(bytes) {
        Ok(entries) => entries,
        Err(error) => {
            let what = format!("layer {name} is no .properties: {error}");
            problems.push(Problem::new(
                path.display().to_string(),
                what,
                "mend that line, or correct the path",
            ));
            return None;
        }
    };
    let text = String::from_utf8_lossy(bytes);
    let (mut permissions, loose) = comments(&text);
    let mut settings: BTreeMap<String, Setting> = BTreeMap::new();
    let mut twice_permitted = BTreeSet::new();
    for (line, key, value) in entries {
        let place = format!("{}:{line}", path.display());
        if key.is_empty() {
            problems.push(Problem::new(place, "a setting has no name", "name it or take it out"));
            continue;
        }
        let permissions = permissions.remove(&line).unwrap_or_default();
        if permissions.iter().any(|text| lint::permits(text, &lint::TWICE)) {
            twice_permitted.insert(key.clone());
        }
        // The last one of a name counts, as for Kafka.
        let mut again = Vec::new();
        if let Some(earlier) = settings.remove(&key) {
            again = earlier.again;
            again.push(earlier.place);
        }
        settings.insert(
            key.clone(),
            Setting { value, place, path: key, permissions, again, ..Setting::default() },
        );
    }
    for key in twice_permitted {
        settings.entry(key).and_modify(|setting| setting.again.clear());
    }
    let heading = format!("Layer {name} ({})", path.display());
    let loose = loose.iter().map(|line| format!("{}:{line}", path.display())).collect();
    Some(Written { name: name.to_owned(), heading, settings, loose })
}

/// The comments that permit something of the setting below them, by its line, which go into the rendered file with it; and
/// the lines of those with no setting below.
fn comments(text: &str) -> (HashMap<usize, Vec<String>>, Vec<usize>) {
    let (mut all, mut loose): (HashMap<usize, Vec<String>>, _) = (HashMap::new(), Vec::new());
    for one in permissions(text) {
        match one.below {
            Some(line) => all.entry(line).or_default().push(one.comment.to_owned()),
            None => loose.push(one.line),
        }
    }
    (all, loose)
}

/// All `*.properties` of a directory, in the order of their names. Kubernetes swaps a whole `ConfigMap` by the link
/// `..data`: what is read is one state of it.
fn of_directory(name: &str, dir: &Path, problems: &mut Vec<Problem>) -> Vec<Written> {
    for attempt in 1.. {
        let mut found = Vec::new();
        let read = read_directory(name, dir, &mut found);
        match read {
            Ok(all) => {
                problems.append(&mut found);
                return all;
            }
            Err(error) if attempt < AGAIN && matches!(error.fault, ReadFault::Missing) && dir.exists() => {}
            Err(error) => {
                problems.push(told(name, &error));
                return Vec::new();
            }
        }
    }
    Vec::new()
}

fn read_directory(name: &str, dir: &Path, problems: &mut Vec<Problem>) -> Result<Vec<Written>, ReadError> {
    let failed = |error: std::io::Error| ReadError { path: dir.to_owned(), fault: error.into() };
    let data = dir.join("..data");
    let state = if data.exists() { data.canonicalize().map_err(failed)? } else { dir.to_owned() };
    let mut names: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(&state).map_err(failed)? {
        let file_name = PathBuf::from(entry.map_err(failed)?.file_name());
        let hidden = file_name.to_string_lossy().starts_with('.');
        if !hidden && file_name.extension().is_some_and(|extension| extension == "properties") {
            names.push(file_name);
        }
        if names.len() > MAX_FILES {
            let what = format!("layer {name} has more than {MAX_FILES} files");
            problems.push(Problem::new(
                dir.display().to_string(),
                what,
                "check that this directory is meant",
            ));
            return Ok(Vec::new());
        }
    }
    if names.is_empty() {
        let what = format!("layer {name} has no *.properties");
        problems.push(Problem::new(
            dir.display().to_string(),
            what,
            "mount one there, or take the layer out",
        ));
    }
    names.sort();
    let mut all = Vec::new();
    for file_name in names {
        let bytes = read_capped(&state.join(&file_name), MAX_BYTES as u64)?;
        // By the name that people know, not by that of the state.
        all.extend(parsed(name, &dir.join(&file_name), &bytes, problems));
    }
    Ok(all)
}
