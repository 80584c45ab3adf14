//! For who watches a bench run.

use std::fmt::Write;

use super::{Row, Run, mode_title, shows, tenths};

/// One aligned line a contender, to be printed when a fault has been played.
pub fn lines(run: &Run) -> String {
    run.rows().fold(String::new(), |mut text, Row { contender, wrong, .. }| {
        let noticed = match wrong.detect_s {
            Some(seconds) => format!("noticed after {} s", tenths(seconds)),
            None if run.was_out() => "never noticed".to_owned(),
            None => "nothing to notice".to_owned(),
        };
        let mark = if shows(wrong.false_ready_s) || shows(wrong.false_unready_s) { '!' } else { ' ' };
        let _ = writeln!(
            text,
            "{mark} {:<28} {contender:<24} false ready {:>6} s   false unready {:>6} s   {noticed}",
            run.about.fault,
            tenths(wrong.false_ready_s),
            tenths(wrong.false_unready_s),
        );
        text
    })
}

/// A table for each mode and version: rows are faults, columns contenders, cells false ready / false unready.
pub fn table(runs: &[Run]) -> String {
    let mut text = String::new();
    for group in super::markdown::groups(runs) {
        let names = super::markdown::contenders(&group);
        let about = &group[0].about;
        let _ = writeln!(
            text,
            "\n{}, Kafka {}: seconds of false ready / false unready",
            mode_title(&about.mode),
            about.kafka
        );
        let _ = write!(text, "{:<28}", "");
        for name in &names {
            let _ = write!(text, " {name:>22}");
        }
        text.push('\n');
        for run in &group {
            let _ = write!(text, "{:<28}", run.about.fault);
            for name in &names {
                let cell = run.wrong(name).map_or_else(
                    || "-".to_owned(),
                    |wrong| format!("{} / {}", tenths(wrong.false_ready_s), tenths(wrong.false_unready_s)),
                );
                let _ = write!(text, " {cell:>22}");
            }
            text.push('\n');
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{lines, table};
    use crate::report::sample::run;

    #[test]
    fn lines_and_columns_are_aligned() {
        let text = lines(&run());
        let columns: Vec<_> = text.lines().map(|line| line.find("false unready")).collect();
        assert!(
            columns.len() == 6 && columns.iter().all(|column| column.is_some() && *column == columns[0]),
            "{text}"
        );
        assert!(
            text.starts_with("  cut-off") && text.contains("! cut-off"),
            "the wrong ones are marked: {text}"
        );
        let text = table(&[run()]);
        let [head, row] = &text.lines().skip(2).collect::<Vec<_>>()[..] else { panic!("{text}") };
        assert_eq!(head.len(), row.len(), "{text}");
        assert!(row.starts_with("cut-off") && row.contains(" 34.8 / 3.0 "), "{text}");
    }
}
