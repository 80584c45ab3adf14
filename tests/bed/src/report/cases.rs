//! What the cases on Kubernetes found: `e2e.json`, a table for the terminal, and one for the documentation.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::store::{between, write};

const FILE: &str = "e2e.json";
const PAGE: &str = "docs/kubernetes.md";

/// Something measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// What.
    pub name: String,
    /// How much.
    pub value: f64,
    /// Of what: "s", or what is counted.
    pub unit: String,
    /// The most that the documentation promises.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<f64>,
    /// It is not above the limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub met: Option<bool>,
}

/// A case as it was played.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Case {
    /// Its name.
    pub case: String,
    /// What it shows, as people read it.
    pub title: String,
    /// Every assertion held.
    pub passed: bool,
    /// Why not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// How long it took.
    pub seconds: f64,
    /// It was played in the short set.
    pub quick: bool,
    /// The day on which it was played, as `2026-11-24`.
    pub date: String,
    /// Kubernetes and Kafka, such as "Kubernetes 1.37.2, Kafka 4.3.1, 2 cores".
    pub on: String,
    /// Its place among the others.
    pub place: usize,
    /// What was measured.
    pub figures: Vec<Figure>,
}

/// Keeps a case in `dir`, instead of its last play.
pub fn save_case(dir: &Path, case: Case) -> Result<()> {
    fs::create_dir_all(dir).with_context(|| format!("failed to create {}", dir.display()))?;
    let mut all = load_cases(dir).unwrap_or_default();
    all.retain(|old| old.case != case.case);
    all.push(case);
    all.sort_by_key(|case| case.place);
    write(&dir.join(FILE), &serde_json::to_string_pretty(&all)?)
}

/// The cases that are kept in `dir`.
pub fn load_cases(dir: &Path) -> Result<Vec<Case>> {
    let path = dir.join(FILE);
    let text = fs::read_to_string(&path).with_context(|| format!("failed to read {}", path.display()))?;
    serde_json::from_str(&text)
        .with_context(|| format!("{} is not of this version: remove it", path.display()))
}

/// For the terminal: a line a case, and one a figure.
pub fn cases_table(cases: &[Case]) -> String {
    let mut text = String::new();
    for case in cases {
        let outcome = if case.passed { "passed" } else { "FAILED" };
        let _ = writeln!(text, "{outcome}  {:<52} {:>6.1} s", case.case, case.seconds);
        for figure in &case.figures {
            let met = match figure.met {
                Some(true) => ", met",
                Some(false) => ", NOT met",
                None => "",
            };
            let limit =
                figure.limit.map(|limit| format!(" (at most {}{met})", number(limit))).unwrap_or_default();
            let _ =
                writeln!(text, "          {}: {} {}{limit}", figure.name, number(figure.value), figure.unit);
        }
    }
    text
}

/// Puts the cases that are kept in `dir` into the documentation of the project at `root`.
pub fn publish_cases(dir: &Path, root: &Path) -> Result<()> {
    let page = root.join(PAGE);
    let text = fs::read_to_string(&page).with_context(|| format!("failed to read {}", page.display()))?;
    let new = between(&text, "e2e", &cases_markdown(&load_cases(dir)?));
    write(&page, &new.with_context(|| format!("{PAGE} has no marks for the cases"))?)
}

/// The table for the documentation.
pub fn cases_markdown(cases: &[Case]) -> String {
    let mut text = String::from("\n| case | held | measured |\n|---|---|---|\n");
    for case in cases {
        let held = if case.passed { "yes" } else { "**no**" };
        let figures: Vec<String> = case
            .figures
            .iter()
            .map(|figure| {
                let limit = figure.limit.map(|limit| format!(" (≤ {})", number(limit))).unwrap_or_default();
                format!("{} {} {}{limit}", figure.name, number(figure.value), figure.unit)
            })
            .collect();
        let _ = writeln!(text, "| {} | {held} | {} |", case.title, figures.join("; ").replace('|', "\\|"));
    }
    let set = |case: &Case| if case.quick { ", in the short set" } else { "" };
    let mut on: Vec<String> =
        cases.iter().map(|case| format!("{} ({}{})", case.on, case.date, set(case))).collect();
    on.sort();
    on.dedup();
    let _ = writeln!(text, "\nMeasured on {}.", on.join("; "));
    text
}

/// Whole numbers as such, all else with two decimals at the most.
fn number(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::{Case, Figure, cases_markdown, cases_table, load_cases, save_case};

    fn case(name: &str, place: usize) -> Case {
        let ready = Figure {
            name: "ready after".to_owned(),
            value: 0.8125,
            unit: "s".to_owned(),
            limit: Some(2.0),
            met: Some(true),
        };
        let lost = Figure {
            name: "lost".to_owned(),
            value: 0.0,
            unit: "records".to_owned(),
            limit: None,
            met: None,
        };
        Case {
            case: name.to_owned(),
            title: format!("The case {name}"),
            passed: place != 2,
            error: None,
            seconds: 12.34,
            quick: false,
            date: "2026-11-24".to_owned(),
            on: "Kubernetes 1.37.2".to_owned(),
            place,
            figures: vec![ready, lost],
        }
    }

    #[test]
    fn a_case_replaces_its_like_and_keeps_its_place() {
        let dir = tempfile::tempdir().unwrap();
        for (name, place) in [("second", 2), ("first", 1), ("second", 2)] {
            save_case(dir.path(), case(name, place)).unwrap();
        }
        let names: Vec<String> = load_cases(dir.path()).unwrap().into_iter().map(|case| case.case).collect();
        assert_eq!(names, ["first", "second"]);
    }

    #[test]
    fn people_read_what_held_and_what_was_measured() {
        let all = [case("first", 1), case("second", 2)];
        let table = cases_table(&all);
        assert!(table.contains("passed  first ") && table.contains("FAILED  second "), "{table}");
        assert!(
            table.contains("ready after: 0.81 s (at most 2, met)\n") && table.contains("lost: 0 records\n")
        );
        let page = cases_markdown(&all);
        assert!(
            page.contains("| The case first | yes | ready after 0.81 s (≤ 2); lost 0 records |\n"),
            "{page}"
        );
        assert!(
            page.contains("| **no** |") && page.ends_with("Measured on Kubernetes 1.37.2 (2026-11-24).\n")
        );
    }
}
