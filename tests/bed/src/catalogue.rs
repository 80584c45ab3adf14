//! What each release of Kafka says of its broker's settings, asked of its own classes.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, anyhow, ensure};

use crate::fetch::{Kafka, succeeded};

/// The newest patch of each minor release.
pub const RELEASES: [&str; 16] = [
    "2.8.2", "3.0.2", "3.1.2", "3.2.3", "3.3.2", "3.4.1", "3.5.2", "3.6.2", "3.7.2", "3.8.1", "3.9.2",
    "4.0.2", "4.1.2", "4.2.2", "4.3.1", "4.4.0",
];
const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../java/Settings.java");
/// Columns of a row beside the key and the documentation.
const FACTS: usize = 6;

/// The rows of one release, by key; each is what `Settings.java` prints after the key.
pub fn ask(version: &str) -> Result<BTreeMap<String, String>> {
    let text = run(version, "catalogue", String::new())?;
    let rows: BTreeMap<_, _> = text.lines().filter_map(|line| line.split_once('\t')).map(owned).collect();
    ensure!(rows.len() > 200, "Kafka {version} has {} settings only", rows.len());
    Ok(rows)
}

/// For each line of `questions`, which are `values` or `files`: what one release says of it, `taken` or `refused` and why.
pub fn judge(version: &str, questions: &str, lines: &[String]) -> Result<Vec<String>> {
    let text = run(version, questions, lines.join("\n") + "\n")?;
    let said: Vec<_> = text.lines().map(str::to_owned).collect();
    ensure!(said.len() == lines.len(), "{} answers to {} questions", said.len(), lines.len());
    Ok(said)
}

/// Runs `Settings.java` with the jars of one release.
fn run(version: &str, word: &str, input: String) -> Result<String> {
    let kafka = Kafka::fetch(version)?;
    let mut java = Command::new("java");
    java.args(["-XX:TieredStopAtLevel=1", "-Dfile.encoding=UTF-8", "-cp"]);
    java.arg(format!("{}/*", kafka.libs().display())).args([SOURCE, word]);
    java.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = java.spawn().context("java 17 or newer is needed")?;
    let mut stdin = child.stdin.take().context("no standard input")?;
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output()?;
    succeeded(&output).with_context(|| format!("Kafka {version} was not understood"))?;
    writer.join().map_err(|_| anyhow!("the writer panicked"))??;
    Ok(String::from_utf8(output.stdout)?)
}

fn owned((key, rest): (&str, &str)) -> (String, String) {
    (key.to_owned(), rest.to_owned())
}

/// Asks every release and writes the catalogue: the releases, then for each key a row for each span of releases in which it
/// is the same, the key on the first of them alone.
pub fn write(path: &Path) -> Result<()> {
    let mut releases = Vec::new();
    for version in RELEASES {
        eprintln!("asking Kafka {version} ...");
        releases.push(ask(version)?);
    }
    std::fs::write(path, text(&releases)).with_context(|| format!("failed to write {}", path.display()))
}

fn text(releases: &[BTreeMap<String, String>]) -> String {
    let minor = |version: &&str| version.rsplit_once('.').map_or(*version, |(minor, _)| minor).to_owned();
    let mut out = RELEASES.iter().map(minor).collect::<Vec<_>>().join(" ") + "\n";
    let mut keys: Vec<&String> = releases.iter().flat_map(BTreeMap::keys).collect();
    keys.sort();
    keys.dedup();
    for key in keys {
        let mut shown = key.as_str();
        let mut from = 0;
        while from < releases.len() {
            let facts = |at: usize| releases[at].get(key).map(|row| facts(row));
            let mut to = from;
            while to + 1 < releases.len() && facts(to + 1) == facts(from) {
                to += 1;
            }
            if let Some(row) = releases[to].get(key) {
                let _ = writeln!(out, "{shown}\t{from}\t{to}\t{row}");
                shown = "";
            }
            from = to + 1;
        }
    }
    out
}

/// A row without its documentation, whose wording changes more often than what it says.
fn facts(row: &str) -> Vec<&str> {
    row.split('\t').take(FACTS).collect()
}
