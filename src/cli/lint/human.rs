//! Findings for a person: the line, a mark below it, why, and what to do. No value that is a secret is shown.

use std::{collections::BTreeSet, fmt::Write};

use super::{Answer, Linted};
use crate::{
    cli::out,
    properties::{
        MASK,
        lint::{Finding, Mark, Severity},
        parse_lines, physical_lines, secret,
    },
};

/// As much of a line, in characters, and as many lines of a setting are shown.
const MOST: (usize, usize) = (160, 6);

pub(super) fn report(answer: &Answer) -> String {
    // Writing to a string cannot fail.
    let mut text = String::new();
    for one in &answer.files {
        let (source, open) = (String::from_utf8_lossy(&one.source), open_lines(&one.source));
        for found in &one.findings.found {
            finding(&mut text, one, &source, &open, found);
        }
        if !one.steps.is_empty() {
            let _ = writeln!(text, "{}: the way up", one.name);
            for (number, step) in (1..).zip(&one.steps) {
                let _ = writeln!(text, "  {number}. {}", out::plain(step));
            }
            text.push('\n');
        }
    }
    text + &sums(answer)
}

fn finding(text: &mut String, one: &Linted, source: &str, open: &BTreeSet<usize>, found: &Finding) {
    let rule = found.rule;
    let style = match rule.severity {
        Severity::Error => anstyle::AnsiColor::Red,
        Severity::Warning => anstyle::AnsiColor::Yellow,
        Severity::Note => anstyle::AnsiColor::Cyan,
    };
    let style = style.on_default().bold();
    let word = rule.severity.word();
    let _ = writeln!(text, "{style}{word}{style:#}[{}]: {}", rule.id, out::plain(&found.what));
    let line = if found.line == 0 { String::new() } else { format!(":{}", found.line) };
    let _ = writeln!(text, "  --> {}{line}", one.name);
    let lines = shown(source, open, found);
    let blank = " ".repeat((found.line + lines.len()).saturating_sub(1).to_string().len());
    if !lines.is_empty() {
        let _ = writeln!(text, "{blank} |");
    }
    for (number, (line, (from, to))) in (found.line..).zip(lines) {
        let _ = writeln!(text, "{number:>width$} | {line}", width = blank.len());
        if from < to {
            let (before, marked) = (" ".repeat(from), "^".repeat(to - from));
            let _ = writeln!(text, "{blank} | {before}{style}{marked}{style:#}");
        }
    }
    let _ = writeln!(text, "  why: {}\n  remedy: {}\n", rule.why, out::plain(&found.remedy));
}

fn sums(answer: &Answer) -> String {
    let findings = || answer.files.iter().map(|one| &one.findings);
    let count = |severity| {
        findings().flat_map(|all| &all.found).filter(|found| found.rule.severity == severity).count()
    };
    let permitted: usize = findings().map(|all| all.permitted.len()).sum();
    let more =
        |count: usize, what: &str| if count == 0 { String::new() } else { format!(", {count} {what}") };
    let by = if answer.assumed { ", the newest release known (--kafka for another one)" } else { "" };
    format!(
        "{} file(s) as Kafka {} takes them{by}: {} error(s), {} warning(s), {} note(s){}{}\n",
        answer.files.len(),
        answer.release,
        count(Severity::Error),
        count(Severity::Warning),
        count(Severity::Note),
        more(permitted, "permitted"),
        more(answer.unread.len(), "file(s) not read"),
    )
}

/// A line as it is shown, and which of its characters are marked.
type Shown = (String, (usize, usize));

/// The lines of the setting up to the last that is marked, without what may not be shown: `open` are the settings that may.
fn shown(text: &str, open: &BTreeSet<usize>, found: &Finding) -> Vec<Shown> {
    let Some(at) = found.line.checked_sub(1) else { return Vec::new() };
    let mut below = physical_lines(text).into_iter().skip(at);
    let Some((first, _)) = below.next() else { return Vec::new() };
    let mut lines: Vec<String> = vec![out::plain(first)];
    if open.contains(&found.line) {
        lines.extend(below.take_while(|(_, goes_on)| *goes_on).map(|(line, _)| out::plain(line)));
    } else if !first.trim_start().starts_with(['#', '!']) {
        let ends = |c: char| matches!(c, '=' | ':') || c.is_whitespace();
        let name = first.split(ends).find(|part| !part.is_empty()).unwrap_or_default();
        lines = vec![out::plain(&format!("{name}={MASK}"))];
    }
    let marks = marks(&lines, found.rule.mark);
    let last = marks.iter().rposition(|(from, to)| from < to).unwrap_or_default();
    let cut = |line: String| line.chars().take(MOST.0).collect();
    let mark = |(from, to): (usize, usize)| (from.min(MOST.0), to.min(MOST.0));
    let all = lines.into_iter().zip(marks).take(last + 1).take(MOST.1);
    all.map(|(line, at)| (cut(line), mark(at))).collect()
}

/// Lines whose settings are no secrets. What cannot be read as a whole is not judged, so none of it is known to be open.
fn open_lines(source: &[u8]) -> BTreeSet<usize> {
    let entries = parse_lines(source).unwrap_or_default().into_iter();
    entries.filter(|(_, key, value)| !secret::is_secret(key, value)).map(|(line, _, _)| line).collect()
}

/// What a character of a setting belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Name,
    /// `is_over`: the one `=` or `:` was there.
    Between {
        is_over: bool,
    },
    Value,
}

/// Which characters of each line are marked. A value that is empty has its mark behind the last line.
fn marks(lines: &[String], mark: Mark) -> Vec<(usize, usize)> {
    let mut part = Part::Name;
    let mut all = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let goes_on = at + 1 < lines.len();
        let end = line.chars().count() - usize::from(goes_on);
        let trimmed = if goes_on { end } else { line.trim_end().chars().count() };
        let start = line.chars().take_while(|c| c.is_whitespace()).count();
        let (mut name, mut value) = (0, None);
        let mut escaped = false;
        for (column, c) in line.chars().enumerate().take(end).skip(start) {
            part = next(part, c, escaped);
            match part {
                Part::Name => name = column + 1,
                Part::Between { .. } => {}
                Part::Value => value = value.or(Some(column)),
            }
            escaped = c == '\\' && !escaped;
        }
        all.push(match mark {
            Mark::Line => (start, trimmed),
            Mark::Name => (start.min(name), name),
            Mark::Value => value.map_or((0, 0), |from| (from, trimmed)),
            Mark::ValueAndBlanks => value.map_or((0, 0), |from| (from, end)),
        });
    }
    if all.iter().all(|(from, to)| from >= to)
        && let (Some(last), Some(line)) = (all.last_mut(), lines.last())
    {
        let end = line.trim_end().chars().count();
        *last = (end, end + 1);
    }
    all
}

fn next(part: Part, c: char, escaped: bool) -> Part {
    let (blank, sign) = (c.is_whitespace() && !escaped, matches!(c, '=' | ':') && !escaped);
    match part {
        Part::Name if blank || sign => Part::Between { is_over: sign },
        Part::Between { is_over } if blank => Part::Between { is_over },
        Part::Between { is_over: false } if sign => Part::Between { is_over: true },
        Part::Between { .. } | Part::Value => Part::Value,
        Part::Name => Part::Name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_stands_where_the_part_is() {
        for (lines, mark, at) in [
            (&[" a.b = c d "][..], Mark::Name, &[(1, 4)][..]),
            (&[" a.b = c d "], Mark::Value, &[(7, 10)]),
            (&[" a.b = c d "], Mark::ValueAndBlanks, &[(7, 11)]),
            (&["a\\=b==c"], Mark::Value, &[(5, 7)]),
            (&["a b"], Mark::Value, &[(2, 3)]),
            (&["a="], Mark::Value, &[(2, 3)]),
            (&["a=b,\\", "  c"], Mark::Value, &[(2, 4), (2, 3)]),
            (&["a\\", " =\\", " b"], Mark::Value, &[(0, 0), (0, 0), (1, 2)]),
            (&["# x"], Mark::Line, &[(0, 3)]),
        ] {
            let lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
            assert_eq!(marks(&lines, mark), at, "{lines:?}");
        }
    }
}
