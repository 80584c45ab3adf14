//! The tables for people.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::{Lane, Run, mode_title, shows, tenths};
use crate::contenders::ALL;

const HEAD: &str = "# Seconds of wrong verdict

Each cell is **false ready / false unready** in seconds: said ready while the broker was out of sync / said not ready
while it was in sync. What nobody could know (no live quorum) counts for neither. Nor does a *not ready* that only came
ahead of the truth, begun after the fault and kept up until the others saw it too: it is told as *early*. Every contender is polled each 250 ms
with a patience of a second; no answer is *not ready*. The truth is what the other brokers and the quorum say.
*noticed / bound*: from when the broker was out of sync to pillion's \"not ready\" (0.0: it said so before the others
knew), and how long it may take by its documentation; *never* is too late, and a dash means that there was nothing to
notice.
";

/// All tables, what pillion said, and who the contenders are.
pub fn markdown(runs: &[Run]) -> String {
    let mut text = HEAD.to_owned();
    for group in groups(runs) {
        let about = &group[0].about;
        let _ = writeln!(text, "\n## {}, Kafka {}\n", mode_title(&about.mode), about.kafka);
        table(&mut text, &group);
        let _ = writeln!(text, "\n{}.", when(&group));
        group.iter().for_each(|run| told(&mut text, run));
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
    let took_part = |name: &str| group.iter().any(|run| lane(run, name).is_some());
    ALL.iter().map(|contender| contender.name).filter(|name| took_part(name)).collect()
}

fn lane<'a>(run: &'a Run, name: &str) -> Option<&'a Lane> {
    run.lanes.iter().find(|lane| lane.contender == name)
}

fn table(text: &mut String, group: &[&Run]) {
    let names = contenders(group);
    text.push_str("| fault |");
    for (i, name) in names.iter().enumerate() {
        let _ = write!(text, " {name} |{}", if i == 0 { " noticed / bound |" } else { "" });
    }
    let _ = writeln!(text, "\n|---|{}", "---:|".repeat(names.len() + 1));
    for run in group {
        let _ = write!(text, "| [{}]({}.svg) |", cell(&run.about.title), run.key());
        for (i, name) in names.iter().enumerate() {
            let lane = lane(run, name);
            let _ = write!(text, " {} |", lane.map_or("–".to_owned(), score));
            if i == 0 {
                let _ = write!(text, " {} / {} |", noticed(run, lane), tenths(run.about.bound_s));
            }
        }
        text.push('\n');
    }
}

/// False ready is set in bold: it is what loses messages.
fn score(lane: &Lane) -> String {
    let ready = tenths(lane.false_ready_s);
    let ready = if shows(lane.false_ready_s) { format!("**{ready}**") } else { ready };
    let early = if shows(lane.early_unready_s) {
        format!(" ({} early)", tenths(lane.early_unready_s))
    } else {
        String::new()
    };
    format!("{ready} / {}{early}", tenths(lane.false_unready_s))
}

fn noticed(run: &Run, lane: Option<&Lane>) -> String {
    match lane.and_then(|lane| lane.detect_s) {
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

fn told(text: &mut String, run: &Run) {
    let about = &run.about;
    let _ = writeln!(text, "\n### {}\n\n![timeline]({}.svg)\n", about.title, run.key());
    let _ = writeln!(text, "Right: **{}**. {}\n", about.right_answer, about.argument);
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
        second.truth.retain(|(_, truth)| *truth != crate::Truth::Out);
        second.lanes.truncate(2);
        second.lanes[0].detect_s = None;
        second.said.clear();
        old.about.mode = "zookeeper".to_owned();
        old.about.kafka = "3.9.2".to_owned();
        let text = markdown(&[old, second, first]);
        let rows: Vec<&str> = text.lines().filter(|line| line.starts_with("| ")).collect();
        assert_eq!(
            rows[0],
            "| fault | pillion | noticed / bound | tcp-connect | api-versions | own-metadata | \
             under-replicated-gauge | broker-state |"
        );
        assert_eq!(
            rows[1],
            "| [Cut off from the controllers, serving on](kraft-4.3.1-cut-off.svg) | 0.0 / 0.0 (5.0 early) | 0.0 / 4.5 | \
             **34.8** / 0.0 | **34.8** / 0.0 | **30.7** / 0.0 | **34.8** / 3.0 | **34.8** / 0.0 |"
        );
        assert_eq!(
            rows[2],
            "| [Another \\| one](kraft-4.3.1-cut-off.svg) | 0.0 / 0.0 (5.0 early) | – / 4.5 | **34.8** / 0.0 | – | – | – | – |"
        );
        let (kraft, zookeeper) =
            (text.find("## KRaft, Kafka 4.3.1"), text.find("## ZooKeeper mode, Kafka 3.9.2"));
        assert!(kraft.is_some() && kraft < zookeeper, "{text}");
        assert!(text.contains("Right: **not ready before the others fence it**. Its own image"));
        assert!(text.contains("- quorum-contact-old: ") && text.contains("ready throughout"));
        assert!(text.contains("Measured on 2026-11-24 with 2 cores."));
        assert!(text.contains("| broker-state | kafka.server:type=KafkaServer,name=BrokerState"));
    }
}
