//! Plays a case, and keeps what came of it.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::Result;
use bed::report::{Case as Row, cases_table, load_cases, save_case};

use crate::{
    cases::Case,
    figures::Figures,
    scene::{self, project},
};

/// Where the results are kept.
pub fn directory() -> PathBuf {
    project("target/e2e")
}

/// Heals the cluster, plays, and looks that the case left it as it found it.
pub fn play(case: &Case, place: usize, quick: bool) -> Result<()> {
    println!("=== {}: {}", case.name, case.title);
    let mut figures = Figures::new(quick);
    let mut began = Instant::now();
    let outcome = scene::on(case.name, quick, |scene| {
        if case.heal {
            scene.heal()?;
        }
        began = Instant::now();
        (case.play)(scene, &mut figures)
    });
    let seconds = began.elapsed().as_secs_f64();
    println!("    {} after {seconds:.1} s", if outcome.is_ok() { "passed" } else { "FAILED" });
    save_case(
        &directory(),
        Row {
            case: case.name.to_owned(),
            title: case.title.to_owned(),
            passed: outcome.is_ok(),
            error: outcome.as_ref().err().map(|error| format!("{error:#}")),
            seconds,
            quick,
            date: jiff::Zoned::now().strftime("%Y-%m-%d").to_string(),
            on: on(),
            place,
            figures: figures.all,
        },
    )?;
    outcome
}

/// Prints all that is kept.
pub fn show() {
    if let Ok(cases) = load_cases(&directory()) {
        println!("{}", cases_table(&cases));
        println!("All of it is in {}", directory().display());
    }
}

fn on() -> String {
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    format!("Kubernetes {}, Kafka {}, {cores} cores", kube_bed::places::KUBERNETES, bed::NEWEST)
}
