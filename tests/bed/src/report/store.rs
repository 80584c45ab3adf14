//! The directory that a bench fills.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::{Row, Run, markdown, summary, svg};

/// Holds a file for each run.
const RUNS: &str = "runs";

/// Keeps a run in `dir`, instead of one of the same fault, mode and version, and makes anew what is told of all.
pub fn save(dir: &Path, run: &Run) -> Result<()> {
    fs::create_dir_all(dir.join(RUNS)).with_context(|| format!("failed to create {}", dir.display()))?;
    write(&dir.join(RUNS).join(format!("{}.json", run.key())), &serde_json::to_string(run)?)?;
    let runs = load(dir)?;
    let rows: Vec<Row> = runs.iter().flat_map(Run::rows).collect();
    write(&dir.join("truth.json"), &serde_json::to_string_pretty(&rows)?)?;
    write(&dir.join("truth.md"), &markdown(&runs, ""))?;
    for run in &runs {
        write(&dir.join(format!("{}.svg", run.key())), &svg(run))?;
    }
    Ok(())
}

/// Puts what is kept in `dir` into the documentation of the project at `root`: `docs/truth.md` with its timelines, and the
/// summary into the README, between its marks.
pub fn publish(dir: &Path, root: &Path) -> Result<()> {
    let runs = load(dir)?;
    let pictures = root.join("docs/truth");
    if pictures.exists() {
        fs::remove_dir_all(&pictures)?;
    }
    fs::create_dir_all(&pictures)?;
    for run in &runs {
        write(&pictures.join(format!("{}.svg", run.key())), &svg(run))?;
    }
    write(&root.join("docs/truth.md"), &markdown(&runs, "truth/"))?;
    let readme = root.join("README.md");
    let text = fs::read_to_string(&readme)?;
    write(
        &readme,
        &between(&text, "truth", &summary(&runs)).context("README.md has no marks for the summary")?,
    )
}

/// The text with `new` in the place of what stands between the marks of this name.
pub(super) fn between(text: &str, name: &str, new: &str) -> Option<String> {
    let (begin, end) = (format!("<!-- {name}: begin -->"), format!("<!-- {name}: end -->"));
    let (head, rest) = text.split_once(&begin)?;
    let (_, tail) = rest.split_once(&end)?;
    Some(format!("{head}{begin}\n{new}\n{end}{tail}"))
}

/// All runs that are kept in `dir`, in no particular order.
pub fn load(dir: &Path) -> Result<Vec<Run>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(dir.join(RUNS)).with_context(|| format!("no runs in {}", dir.display()))? {
        paths.push(entry?.path());
    }
    paths.retain(|path| path.extension().is_some_and(|ext| ext == "json"));
    paths.sort();
    let one = |path: &std::path::PathBuf| {
        let text = fs::read_to_string(path)?;
        serde_json::from_str(&text)
            .with_context(|| format!("{} is not a run of this version: remove it", path.display()))
    };
    paths.iter().map(one).collect()
}

/// Aside and renamed: a bench that is stopped leaves whole files.
pub(super) fn write(path: &Path, text: &str) -> Result<()> {
    let aside = path.with_extension("new");
    fs::write(&aside, text).with_context(|| format!("failed to write {}", aside.display()))?;
    Ok(fs::rename(&aside, path)?)
}

#[cfg(test)]
mod tests {
    use super::{load, save};
    use crate::report::sample::run;
    use crate::report::{Row, Run};
    use std::fs;

    #[test]
    fn a_run_replaces_its_like_and_keeps_the_others() {
        let dir = tempfile::tempdir().unwrap();
        let (mut first, mut other) = (run(), run());
        other.about.fault = "paused".to_owned();
        save(dir.path(), &first).unwrap();
        save(dir.path(), &other).unwrap();
        first.about.date = "2026-11-25".to_owned();
        first.subjects[0].lanes[0].wrong.false_ready_s = 0.25;
        save(dir.path(), &first).unwrap();
        assert_eq!(load(dir.path()).unwrap(), [first, other]);
        let text = fs::read_to_string(dir.path().join("truth.json")).unwrap();
        let rows: Vec<Row> = serde_json::from_str(&text).unwrap();
        let ours: Vec<_> = rows.iter().filter(|row| row.contender == "pillion").collect();
        assert_eq!(rows.len(), 12);
        assert_eq!(
            (ours[0].fault.as_str(), ours[0].wrong.false_ready_s, ours[0].date.as_str()),
            ("cut-off", 0.25, "2026-11-25")
        );
        assert_eq!(
            (ours[1].fault.as_str(), ours[1].wrong.false_ready_s, ours[1].date.as_str()),
            ("paused", 0.0, "2026-11-24")
        );
        for name in ["truth.md", "kraft-4.3.1-cut-off.svg", "kraft-4.3.1-paused.svg"] {
            assert!(dir.path().join(name).exists(), "{name}");
        }
    }

    #[test]
    fn the_summary_takes_the_place_of_the_last_one() {
        let old = "a\n<!-- truth: begin -->\nold\n<!-- truth: end -->\nb";
        let new = super::between(old, "truth", "new").unwrap();
        assert_eq!(new, "a\n<!-- truth: begin -->\nnew\n<!-- truth: end -->\nb");
        assert_eq!(super::between("no marks", "truth", "new"), None);
    }

    #[test]
    fn a_file_that_is_no_run_is_named() {
        let dir = tempfile::tempdir().unwrap();
        save(dir.path(), &run()).unwrap();
        fs::write(dir.path().join("runs/bad.json"), "{}").unwrap();
        let error: Result<Vec<Run>, _> = load(dir.path());
        let text = format!("{:#}", error.unwrap_err());
        assert!(text.contains("runs/bad.json") && text.contains("remove it"), "{text}");
    }
}
