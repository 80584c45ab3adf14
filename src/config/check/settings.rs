//! The settings of Kafka in their layers, and what templates in them may see.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use super::Check;
use crate::config::{
    file,
    model::{Layer, LayerSource, Resources},
};

/// More layers than people can keep in mind.
const MAX_LAYERS: usize = 32;

impl Check<'_> {
    pub(super) fn properties(
        &mut self,
        path: &str,
        written: BTreeMap<String, file::Scalar>,
    ) -> Option<BTreeMap<String, String>> {
        if written.contains_key("") {
            return self.wrong(path, "a setting has no name", "name it or take it out");
        }
        Some(written.into_iter().map(|(key, value)| (key, value.0)).collect())
    }

    pub(super) fn layers(&mut self, written: Vec<file::Layer>) -> Option<Vec<Layer>> {
        if written.len() > MAX_LAYERS {
            let what = format!("there are {} layers, and {MAX_LAYERS} are taken", written.len());
            return self.wrong("kafka.layers", what, "put those together that belong together");
        }
        let mut names: Vec<String> = Vec::new();
        // Every one of them is looked at before a wrong one ends the check.
        let all: Vec<_> = (0..).zip(written).map(|(at, layer)| self.layer(at, layer, &mut names)).collect();
        all.into_iter().collect()
    }

    fn layer(&mut self, at: usize, written: file::Layer, names: &mut Vec<String>) -> Option<Layer> {
        let path = format!("kafka.layers[{at}]");
        let of = |part: &str| format!("{path}.{part}");
        let name = match written.name {
            Some(name) if is_name(&name) => {
                let twice = names.contains(&name);
                names.push(name.clone());
                if twice {
                    let what = format!("there is another layer {name}");
                    self.wrong(&of("name"), what, "give each layer a name of its own")
                } else {
                    Some(name)
                }
            }
            Some(name) => {
                let what = format!("{name:?} is no name of a layer");
                self.wrong(&of("name"), what, "up to 63 of A-Z a-z 0-9 - _ .")
            }
            None => self.wrong(&of("name"), "it is required", "say what people call this layer, as in team"),
        };
        let source = match (written.file, written.directory, written.properties) {
            (Some(file), None, None) => self.place_of(&of("file"), file).map(LayerSource::File),
            (None, Some(dir), None) => self.place_of(&of("directory"), dir).map(LayerSource::Directory),
            (None, None, Some(all)) => self.properties(&of("properties"), all).map(LayerSource::Inline),
            (None, None, None) => {
                self.wrong(&path, "it has no settings", "give it one of file, directory and properties")
            }
            _ => self.wrong(&path, "it has settings from several places", "make a layer of each of them"),
        };
        Some(Layer { name: name?, source: source? })
    }

    /// From the config file on, so that a checkout has the same layout as the pod.
    fn place_of(&mut self, path: &str, written: PathBuf) -> Option<PathBuf> {
        if written.is_absolute() {
            return Some(written);
        }
        if written.as_os_str().is_empty() {
            return self.wrong(path, "it is empty", "write the path");
        }
        let file = self.gathered.places.file.as_deref();
        match file.and_then(|file| Path::new(file).parent()) {
            Some(dir) => Some(dir.join(written)),
            None => {
                self.wrong(path, "it is relative, and there is no config file", "write the path from / on")
            }
        }
    }

    pub(super) fn overrides(
        &mut self,
        written: BTreeMap<String, BTreeMap<String, file::Scalar>>,
    ) -> Option<BTreeMap<i32, BTreeMap<String, String>>> {
        let mut all = BTreeMap::new();
        let before = self.problems.len();
        for (ordinal, settings) in written {
            let path = format!("kafka.overrides.{ordinal}");
            let settings = self.properties(&path, settings);
            let number = ordinal.parse::<i32>().ok().filter(|n| *n >= 0 && n.to_string() == ordinal);
            match (number, settings) {
                (Some(number), Some(settings)) => {
                    all.insert(number, settings);
                }
                (None, _) => {
                    let what = format!("{ordinal:?} is no ordinal");
                    self.wrong::<()>(&path, what, "write the ordinal of the broker, as in \"0\"");
                }
                _ => {}
            }
        }
        (self.problems.len() == before).then_some(all)
    }

    pub(super) fn env(&mut self, names: Vec<String>) -> Option<Vec<String>> {
        let good = |name: &String| {
            let inner = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
            inner && name.bytes().next().is_some_and(|b| !b.is_ascii_digit())
        };
        match names.iter().find(|name| !good(name)) {
            None => Some(names),
            Some(name) => {
                let what = format!("{name:?} is no name of an environment variable");
                self.wrong("kafka.env", what, "A-Z a-z 0-9 and _, no digit first")
            }
        }
    }

    pub(super) fn resources(&mut self, written: &file::Resources) -> Option<Resources> {
        let mut of = |name: &str, text: &Option<file::Scalar>, unit: i128, form: &str| {
            let Some(file::Scalar(text)) = text else { return Some(None) };
            match quantity(text).and_then(|milli| u64::try_from(milli.div_euclid(unit)).ok()) {
                Some(amount) if amount > 0 => Some(Some(amount)),
                _ => {
                    let path = format!("kafka.resources.{name}");
                    self.wrong(&path, format!("{text:?} is no amount"), form)
                }
            }
        };
        let memory = of("memory", &written.memory, 1000, "as in 8Gi, or a number of bytes");
        let cpu = of("cpu", &written.cpu, 1, "as in 4 or 2500m");
        let disk = of("disk", &written.disk, 1000, "as in 500Gi, or a number of bytes");
        let cores = |milli: u64| milli.div_ceil(1000);
        Some(Resources { memory: memory?, cpu: cpu?.map(cores), disk: disk? })
    }
}

fn is_name(name: &str) -> bool {
    let good = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    !name.is_empty() && name.len() <= 63 && name.chars().all(good)
}

/// A size as Kubernetes writes it, such as `500Gi`, in bytes; `None` for what is none, or is nothing.
pub fn bytes(text: &str) -> Option<u64> {
    quantity(text).and_then(|milli| u64::try_from(milli.div_euclid(1000)).ok()).filter(|bytes| *bytes > 0)
}

/// An amount as Kubernetes writes it, in thousandths.
fn quantity(text: &str) -> Option<i128> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let unit: i128 = match unit {
        "m" => 1,
        "" => 1000,
        "k" => 1_000_000,
        "M" => 1_000_000_000,
        "G" => 1_000_000_000_000,
        "T" => 1_000_000_000_000_000,
        "Ki" => 1000 << 10,
        "Mi" => 1000 << 20,
        "Gi" => 1000 << 30,
        "Ti" => 1000 << 40,
        _ => return None,
    };
    let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |text: &str| (text.len() <= 18).then(|| text.parse::<u64>().ok()).flatten().map(i128::from);
    let scale = 10_i128.checked_pow(u32::try_from(part.len()).ok()?)?;
    Some(digits(whole)?.checked_mul(unit)? + digits(part)?.checked_mul(unit)? / scale)
}

#[cfg(test)]
mod tests {
    use super::quantity;

    #[test]
    fn amounts_as_kubernetes_writes_them() {
        for (text, milli) in [
            ("2500m", 2500),
            ("4", 4000),
            ("1.5", 1500),
            ("8Gi", 8_589_934_592_000),
            ("500M", 500_000_000_000),
            ("1.5Ki", 1_536_000),
        ] {
            assert_eq!(quantity(text), Some(milli), "{text}");
        }
        for bad in ["", "Gi", "8GB", "-1", "1.2.3", "99999999999999999999", "8 Gi", "1."] {
            assert_eq!(quantity(bad), None, "{bad}");
        }
    }
}
