//! What a bench of the truth found, for people and for programs.
//!
//! A [`Run`] is one fault as it was played and seen. [`save`] keeps it, and makes anew what is told of all that
//! were kept: `truth.json` (a list of [`Row`]s), `truth.md`, and a timeline in SVG for each.

mod cases;
mod markdown;
mod run;
mod seen;
mod store;
mod svg;
mod terminal;

pub use cases::{Case, Figure, cases_markdown, cases_table, load_cases, publish_cases, save_case};
pub use markdown::{markdown, summary};
pub use run::{Event, Lane, Row, Run, Subject, Wrong};
pub use seen::{About, Broker, Seen};
pub use store::{load, publish, save};
pub use svg::svg;
pub use terminal::{lines, table};

/// Seconds with one decimal, as people read them.
fn tenths(seconds: f64) -> String {
    // Neither -0.0 nor 0.0 has a sign.
    format!("{:.1}", seconds.max(0.0))
}

/// Whether so many seconds show as more than 0.0.
fn shows(seconds: f64) -> bool {
    seconds >= 0.05
}

/// How a mode is called in a heading.
fn mode_title(mode: &str) -> &str {
    match mode {
        "kraft" => "KRaft",
        "zookeeper" => "ZooKeeper mode",
        other => other,
    }
}

#[cfg(test)]
mod sample;
