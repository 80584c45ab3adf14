//! pillion on Kubernetes: a real API server, controllers, scheduler and kubelets, our manifests as they are, real Kafka.
//!
//! `make e2e` plays all cases, `make e2e QUICK=1` the short set, `make e2e ONLY=roll` those whose name has the word. One
//! after the other, on one cluster; each has its own assertions, and figures that go into `target/e2e/e2e.json`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    missing_docs,
    reason = "tests"
)]

mod cases;
mod container;
mod dump;
mod figures;
mod kafka;
mod kubectl;
mod load;
mod play;
mod pod;
mod pods;
mod scene;

use cases::Case;
use libtest_mimic::{Arguments, Trial};

fn main() {
    let arguments = Arguments { test_threads: Some(1), ..Arguments::from_args() };
    let quick = std::env::var_os("QUICK").is_some_and(|value| !value.is_empty());
    let chosen = chosen();
    if !arguments.list {
        // From here on in namespaces of the bed's own, or not at all.
        let inside = kube_bed::enter().expect("a bed");
        scene::INSIDE.set(inside).expect("set once");
    }
    let trials = chosen
        .into_iter()
        .map(|(place, case)| {
            let play = move || play::play(case, place, quick).map_err(|error| format!("{error:#}").into());
            Trial::test(case.name, play).with_ignored_flag(quick && !case.quick)
        })
        .collect();
    let conclusion = libtest_mimic::run(&arguments, trials);
    scene::close();
    if !arguments.list {
        play::show();
    }
    conclusion.exit();
}

/// The cases with one of the words of `ONLY` in their names, with their places; without, all of them.
fn chosen() -> Vec<(usize, &'static Case)> {
    let only = std::env::var("ONLY").unwrap_or_default();
    let words: Vec<&str> = only.split(',').map(str::trim).filter(|word| !word.is_empty()).collect();
    let wanted = |case: &Case| words.is_empty() || words.iter().any(|word| case.name.contains(word));
    let chosen: Vec<_> = cases::ALL.iter().enumerate().filter(|(_, case)| wanted(case)).collect();
    if chosen.is_empty() {
        eprintln!("no case has {only:?} in its name; there are:");
        for case in cases::ALL {
            eprintln!("  {}", case.name);
        }
        std::process::exit(1);
    }
    chosen
}
