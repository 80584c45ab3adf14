//! One fault as a picture: the truth, and below it what each contender said.

mod scale;
mod shapes;

use std::fmt::Write;

use super::{Lane, Run, Subject, mode_title, shows, tenths};
use crate::truth::Truth;
use scale::{Scale, overlap, segments, ticks};
use shapes::{CHARACTER, count, escape, inside, rect, said, text, wrap};

const STYLE: &str = include_str!("style.css");
const WIDTH: f64 = 1080.0;
/// Where the lanes begin and end; names stand to the left, seconds to the right.
const LEFT: f64 = 190.0;
const RIGHT: f64 = 910.0;
const MARGIN: f64 = 24.0;
/// From one lane to the next, and how much of it is filled.
const STEP: f64 = 36.0;
const BAR: f64 = 24.0;
/// Between two brokers.
const GAP: f64 = 14.0;
/// From one line of text to the next.
const LINE: f64 = 17.0;
/// Characters in a line of words.
const WORDS: usize = 155;

/// Draws a run. Light or dark by the reader's own choice; nothing is fetched.
pub fn svg(run: &Run) -> String {
    let edges = || run.subjects.iter().flat_map(|subject| &subject.truth).map(|sample| sample.0);
    let from = edges().reduce(f64::min).unwrap_or(0.0);
    let to = edges().reduce(f64::max).unwrap_or(1.0).max(from + 1.0);
    let scale = Scale { from, to, left: LEFT, right: RIGHT };
    let mut body = String::new();
    let top = header(&mut body, run);
    let top = events(&mut body, run, &scale, top);
    let bottom = top + all(run);
    let mut below = top;
    for subject in &run.subjects {
        bands(&mut body, subject, &scale, below);
        below += height(subject);
    }
    axis(&mut body, &scale, top, bottom);
    below = top;
    for subject in &run.subjects {
        lanes(&mut body, subject, &scale, below);
        below += height(subject);
    }
    let height = legend(&mut body, bottom + 42.0) + MARGIN;
    let title = escape(&run.about.title);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" \
         height=\"{height}\" role=\"img\" aria-label=\"{title}\">\n<style>\n{STYLE}</style>\n\
         <rect class=\"back\" width=\"{WIDTH}\" height=\"{height}\" rx=\"8\"/>\n{body}</svg>\n"
    )
}

/// What a broker takes: its truth, its lanes, and the gap below.
fn height(subject: &Subject) -> f64 {
    STEP * (1.0 + count(subject.lanes.len())) + GAP
}

/// What all brokers take together.
fn all(run: &Run) -> f64 {
    (run.subjects.iter().map(height).sum::<f64>() - GAP).max(0.0)
}

/// What it is. Returns where the rest begins.
fn header(body: &mut String, run: &Run) -> f64 {
    let about = &run.about;
    let mut y = MARGIN + 14.0;
    text(body, "title", "start", MARGIN, y, &about.title);
    let place = format!("{}, Kafka {}, {}", mode_title(&about.mode), about.kafka, about.date);
    text(body, "muted", "end", WIDTH - MARGIN, y, &place);
    y += 5.0;
    for line in wrap(&about.right, WORDS) {
        y += LINE;
        text(body, "muted", "start", MARGIN, y, &line);
    }
    y + LINE
}

/// What was done, each with a line through all lanes; labels that would touch go to rows of their own.
fn events(body: &mut String, run: &Run, scale: &Scale, top: f64) -> f64 {
    // Where the last label of each row ends.
    let mut rows: Vec<f64> = Vec::new();
    let mut labels = Vec::new();
    let mut sorted: Vec<_> = run.events.iter().filter(|event| scale.holds(event.at)).collect();
    sorted.sort_by(|a, b| a.at.total_cmp(&b.at));
    for event in sorted {
        let label = format!("{} ({} s)", event.label, scale::short(event.at));
        let (x, width) = (scale.x(event.at), count(label.chars().count()) * CHARACTER);
        let start = x.min(WIDTH - MARGIN - width);
        let row = rows.iter().position(|end| *end + 10.0 < start).unwrap_or(rows.len());
        if row == rows.len() {
            rows.push(0.0);
        }
        rows[row] = start + width;
        labels.push((x, start, row, label));
    }
    let bottom = top + LINE * count(rows.len()) + 10.0;
    let lanes = bottom + all(run);
    for (x, start, row, label) in labels {
        let y = top + LINE * count(row + 1);
        let from = y + 4.0;
        let _ = writeln!(
            body,
            "<line class=\"event\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{from}\" y2=\"{lanes}\"/>"
        );
        text(body, "muted", "start", start.max(MARGIN), y, &label);
    }
    bottom
}

/// Bands where the truth is not "in sync", so that the eye can hold the lanes against them.
fn bands(body: &mut String, subject: &Subject, scale: &Scale, top: f64) {
    for (from, to, _) in segments(&subject.truth, scale).filter(|segment| segment.2 != Truth::InSync) {
        rect(body, "band", scale, (from, to), (top, height(subject) - GAP), "");
    }
}

fn axis(body: &mut String, scale: &Scale, top: f64, bottom: f64) {
    for tick in ticks(scale) {
        let (x, class) = (scale.x(tick), if tick == 0.0 { "zero" } else { "grid" });
        let end = bottom + 4.0;
        let _ =
            writeln!(body, "<line class=\"{class}\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{top}\" y2=\"{end}\"/>");
        text(body, "muted", "middle", x, bottom + 18.0, &scale::short(tick));
    }
    text(body, "muted", "start", RIGHT + 20.0, bottom + 18.0, "s from the fault");
}

/// The truth about a broker, and below it what each contender said.
fn lanes(body: &mut String, subject: &Subject, scale: &Scale, top: f64) {
    truth(body, subject, scale, top);
    for (i, lane) in subject.lanes.iter().enumerate() {
        draw(body, subject, lane, scale, top + STEP * (1.0 + count(i)));
    }
}

fn truth(body: &mut String, subject: &Subject, scale: &Scale, top: f64) {
    text(body, "own", "start", MARGIN, top + 22.0, &format!("truth of {}", subject.broker));
    for (from, to, truth) in segments(&subject.truth, scale) {
        let (class, name) = match truth {
            Truth::InSync => ("in-sync", "in sync"),
            Truth::Out => ("out", "out of sync"),
            Truth::Unknowable => ("unknowable", "unknowable"),
        };
        rect(body, class, scale, (from, to), (top + 6.0, BAR), &said(name, from, to));
        inside(body, scale, (from, to), top + 22.0, name);
    }
    text(body, "muted", "end", WIDTH - MARGIN, top + 22.0, "false ready / unready");
}

fn draw(body: &mut String, subject: &Subject, lane: &Lane, scale: &Scale, top: f64) {
    let class = if lane.contender == crate::contenders::PILLION.name { "own" } else { "" };
    text(body, class, "start", MARGIN, top + 22.0, &lane.contender);
    for (from, to, ready) in segments(&lane.samples, scale) {
        if ready {
            rect(body, "ready", scale, (from, to), (top + 6.0, BAR), &said("ready", from, to));
        } else {
            rect(body, "track", scale, (from, to), (top + 14.0, 8.0), &said("not ready", from, to));
        }
    }
    for (from, to, (truth, ready)) in overlap(&subject.truth, &lane.samples, scale) {
        let (class, name) = match (truth, ready) {
            (Truth::Out, true) => ("false-ready", "false ready"),
            (Truth::InSync, false) => ("false-unready", "false unready"),
            _ => continue,
        };
        rect(body, class, scale, (from, to), (top + 6.0, BAR), &said(name, from, to));
        inside(body, scale, (from, to), top + 22.0, &format!("{name} {} s", tenths(to - from)));
    }
    let wrong = shows(lane.wrong.false_ready_s) || shows(lane.wrong.false_unready_s);
    let seconds = format!("{} / {} s", tenths(lane.wrong.false_ready_s), tenths(lane.wrong.false_unready_s));
    text(body, if wrong { "bad" } else { class }, "end", WIDTH - MARGIN, top + 22.0, &seconds);
}

fn legend(body: &mut String, top: f64) -> f64 {
    let mut x = MARGIN;
    let entries = [
        ("in-sync", "in sync"),
        ("out", "out of sync"),
        ("unknowable", "unknowable"),
        ("ready", "says ready"),
        ("track", "says not ready"),
        ("false-ready", "false ready"),
        ("false-unready", "false unready"),
    ];
    for (class, name) in entries {
        let (y, height) = if class == "track" { (top + 3.0, 6.0) } else { (top, 12.0) };
        let _ = writeln!(
            body,
            "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y}\" width=\"16\" height=\"{height}\" rx=\"2\"/>"
        );
        text(body, "muted", "start", x + 22.0, top + 10.0, name);
        x += 22.0 + count(name.len()) * CHARACTER + 22.0;
    }
    top + 12.0
}

#[cfg(test)]
mod tests {
    use super::svg;
    use crate::report::sample::{run, run_of_two};

    fn classes(svg: &str, class: &str) -> usize {
        svg.matches(&format!("<rect class=\"{class}\"")).count()
    }

    #[test]
    fn every_wrong_stretch_is_marked() {
        let mut run = run();
        let drawn = svg(&run);
        // One swatch each is the legend's.
        assert_eq!((classes(&drawn, "false-ready"), classes(&drawn, "false-unready")), (6, 2), "{drawn}");
        assert_eq!(
            (classes(&drawn, "in-sync"), classes(&drawn, "out"), classes(&drawn, "unknowable")),
            (4, 2, 3)
        );
        assert!(drawn.contains("<title>false ready, 9.3 s to 44.1 s</title>"));
        assert!(drawn.contains("34.8 / 3.0 s") && drawn.contains(">fenced (9.3 s)<"));
        assert!(drawn.contains(">-5<") && drawn.contains(">0<") && drawn.contains(">60<"), "ticks");
        run.subjects[0].lanes.truncate(1);
        assert_eq!(classes(&svg(&run), "false-ready"), 1, "pillion was right");
    }

    #[test]
    fn each_broker_has_its_truth() {
        let (one, two) = (svg(&run()), svg(&run_of_two()));
        assert!(
            !one.contains(">truth of 1003<")
                && two.contains(">truth of 1002<")
                && two.contains(">truth of 1003<")
        );
        assert_eq!(classes(&two, "in-sync"), classes(&one, "in-sync") + 1);
        assert_eq!(classes(&two, "false-ready"), classes(&one, "false-ready"), "nothing was wrong about it");
    }

    #[test]
    fn text_cannot_break_it() {
        let mut run = run();
        run.about.title = "<a> & \"b\"".to_owned();
        run.subjects.clear();
        let drawn = svg(&run);
        assert!(drawn.contains("&lt;a&gt; &amp; &quot;b&quot;") && !drawn.contains("<a>"), "{drawn}");
        assert_eq!(drawn.matches("<text").count(), drawn.matches("</text>").count());
    }

    /// `PILLION_SVG=dir cargo test -p bed --lib looks` leaves pictures there to look at.
    #[test]
    fn looks() {
        if let Some(dir) = std::env::var_os("PILLION_SVG") {
            for (name, run) in [("one", run()), ("two", run_of_two())] {
                std::fs::write(std::path::Path::new(&dir).join(format!("{name}.svg")), svg(&run)).unwrap();
            }
        }
    }
}
