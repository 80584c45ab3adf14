//! The tables for people.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::{Run, Wrong, mode_title, shows, tenths};

use crate::contenders::{ALL, BY_ANSWERS, PILLION};

/// Both the truth and the answers are sampled each 250 ms.
const BLUR_S: f64 = 0.5;

const HEAD: &str = include_str!("head.md");

/// All tables, what pillion said, and who the contenders are. The timelines lie at `pictures`, such as `truth/`.
pub fn markdown(runs: &[Run], pictures: &str) -> String {
    let mut text = HEAD.to_owned();
    for group in groups(runs) {
        let about = &group[0].about;
        let _ = writeln!(text, "\n## {}, Kafka {}\n", mode_title(&about.mode), about.kafka);
        table(&mut text, &group, pictures);
        let _ = writeln!(text, "\n{}.", when(&group));
        for run in group {
            told(&mut text, run, pictures);
        }
    }
    text.push_str("\n## Contenders\n\n| contender | says ready when | who uses it |\n|---|---|---|\n");
    for contender in ALL {
        let _ =
            writeln!(text, "| {} | {} | {} |", contender.name, cell(contender.rule), cell(contender.source));
    }
    text
}

/// The runs by mode and version, in the order of their places.
pub(super) fn groups(runs: &[Run]) -> Vec<Vec<&Run>> {
    let mut all: Vec<&Run> = runs.iter().collect();
    all.sort_by_key(|run| {
        (&run.about.mode, std::cmp::Reverse(&run.about.kafka), run.about.place, &run.about.fault)
    });
    all.chunk_by(|a, b| (&a.about.mode, &a.about.kafka) == (&b.about.mode, &b.about.kafka))
        .map(<[_]>::to_vec)
        .collect()
}

/// The contenders that took part, in the order in which they are always shown.
pub(super) fn contenders(group: &[&Run]) -> Vec<&'static str> {
    let took_part = |name: &str| group.iter().any(|run| run.wrong(name).is_some());
    ALL.iter().map(|contender| contender.name).filter(|name| took_part(name)).collect()
}

fn table(text: &mut String, group: &[&Run], pictures: &str) {
    let names = contenders(group);
    text.push_str("| fault |");
    for name in &names {
        let ours = if *name == PILLION.name { " unknowable | noticed / bound | says |" } else { "" };
        let _ = write!(text, " {name} |{ours}");
    }
    let _ = writeln!(text, "\n|---|{}", "---:|---:|---:|---|".to_owned() + &"---:|".repeat(names.len() - 1));
    for run in group {
        let _ = write!(text, "| [{}]({pictures}{}.svg) |", cell(&run.about.title), run.key());
        for name in &names {
            let wrong = run.wrong(name);
            let _ = write!(text, " {} |", of(run, name));
            if *name == PILLION.name {
                let unknowable = tenths(wrong.map_or(0.0, |wrong| wrong.unknowable_unready_s));
                let bound = tenths(run.about.bound_s);
                let _ = write!(text, " {unknowable} | {} / {bound} | {} |", noticed(run, wrong), codes(run));
            }
        }
        text.push('\n');
    }
}

/// The cell of a contender. False ready is what loses messages: it is set in bold, but for what pillion documents.
fn of(run: &Run, name: &str) -> String {
    let Some(wrong) = run.wrong(name) else { return "–".to_owned() };
    let ready = tenths(wrong.false_ready_s);
    let ours = [PILLION.name, BY_ANSWERS.name].contains(&name);
    let allowed = if ours { run.about.bound_s + BLUR_S } else { 0.0 };
    let ready = if shows(wrong.false_ready_s - allowed) { format!("**{ready}**") } else { ready };
    format!("{ready} / {}", tenths(wrong.false_unready_s))
}

/// The codes of what pillion said; the texts stand below the table.
fn codes(run: &Run) -> String {
    let code = |line: &String| line.split(':').next().map(|code| format!("`{}`", code.trim()));
    let all: Vec<String> = run.said.iter().filter_map(code).collect();
    if all.is_empty() { "ready".to_owned() } else { all.join(", ") }
}

/// What a reader decides by: the newest version of each mode, seconds only.
pub fn summary(runs: &[Run]) -> String {
    let mut text = String::new();
    let mut modes: Vec<String> = Vec::new();
    for group in groups(runs) {
        let about = &group[0].about;
        if modes.contains(&about.mode) {
            continue;
        }
        modes.push(about.mode.clone());
        // Pillion once, beside what others use.
        let names: Vec<_> = contenders(&group).into_iter().filter(|name| *name != BY_ANSWERS.name).collect();
        let _ = writeln!(
            text,
            "\n| {}, Kafka {} | {} |",
            mode_title(&about.mode),
            about.kafka,
            names.join(" | ")
        );
        let _ = writeln!(text, "|---{}|", "|---:".repeat(names.len()));
        for run in &group {
            let cells: Vec<String> = names.iter().map(|name| of(run, name)).collect();
            let _ = writeln!(text, "| {} | {} |", cell(&run.about.title), cells.join(" | "));
        }
        let _ = writeln!(text, "\n{}.", when(&group));
    }
    text
}

fn noticed(run: &Run, wrong: Option<Wrong>) -> String {
    match wrong.and_then(|wrong| wrong.detect_s) {
        Some(seconds) => tenths(seconds),
        None if run.was_out() => "never".to_owned(),
        None => "–".to_owned(),
    }
}

/// On which days and how many cores; a table may have been filled on several.
fn when(group: &[&Run]) -> String {
    let dates: BTreeSet<String> = group.iter().map(|run| run.about.date.clone()).collect();
    let cores: BTreeSet<String> = group.iter().map(|run| run.about.cores.to_string()).collect();
    let join = |set: BTreeSet<String>, with| set.into_iter().collect::<Vec<_>>().join(with);
    format!("Measured on {} with {} cores", join(dates, ", "), join(cores, " and "))
}

fn told(text: &mut String, run: &Run, pictures: &str) {
    let about = &run.about;
    let _ = writeln!(text, "\n### {}\n\n![timeline]({pictures}{}.svg)\n", about.title, run.key());
    let _ = writeln!(text, "{}\n", about.right);
    let (bound, grace) = (tenths(about.bound_s), tenths(about.grace_s));
    let _ = writeln!(text, "- false ready for {bound} s at most: {}", about.bound_why);
    let _ = writeln!(text, "- false unready for {grace} s at most: {}\n", about.grace_why);
    if run.said.is_empty() {
        text.push_str("pillion called it ready throughout.\n");
        return;
    }
    text.push_str("pillion said:\n\n");
    for line in &run.said {
        let _ = writeln!(text, "- {}", line.split_whitespace().collect::<Vec<_>>().join(" "));
    }
}

/// A text as the cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::markdown;
    use crate::report::sample::run;

    #[test]
    fn a_table_for_each_mode_and_version() {
        let (first, mut second, mut old) = (run(), run(), run());
        second.about.place = 2;
        second.about.title = "Another | one".to_owned();
        second.subjects[0].truth.retain(|(_, truth)| *truth != crate::Truth::Out);
        second.subjects[0].lanes.truncate(2);
        second.said.clear();
        old.about.mode = "zookeeper".to_owned();
        old.about.kafka = "3.9.2".to_owned();
        let text = markdown(&[old, second, first], "truth/");
        let rows: Vec<&str> = text.lines().filter(|line| line.starts_with("| ")).collect();
        assert_eq!(
            rows[0],
            "| fault | pillion | unknowable | noticed / bound | says | tcp-connect | api-versions | own-metadata | \
             under-replicated-gauge | broker-state |"
        );
        assert_eq!(
            rows[1],
            "| [Cut off from the controllers, serving on](truth/kraft-4.3.1-cut-off.svg) | 0.0 / 0.0 | 8.0 | 0.0 / 4.5 | `quorum-contact-old` | \
             **34.8** / 0.0 | **34.8** / 0.0 | **30.7** / 0.0 | **34.8** / 3.0 | **34.8** / 0.0 |"
        );
        assert_eq!(
            rows[2],
            "| [Another \\| one](truth/kraft-4.3.1-cut-off.svg) | 0.0 / 0.0 | 8.0 | – / 4.5 | ready | **34.8** / 0.0 | – | – | – | – |"
        );
        let (kraft, zookeeper) =
            (text.find("## KRaft, Kafka 4.3.1"), text.find("## ZooKeeper mode, Kafka 3.9.2"));
        assert!(kraft.is_some() && kraft < zookeeper, "{text}");
        assert!(
            text.contains("\nNot ready before the others fence it, which")
                && text.contains("most: the age limit\n")
        );
        assert!(text.contains("- quorum-contact-old: ") && text.contains("ready throughout"));
        assert!(text.contains("Measured on 2026-11-24 with 2 cores."));
        assert!(text.contains("| broker-state | kafka.server:type=KafkaServer,name=BrokerState"));
    }
}
