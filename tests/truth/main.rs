//! The truth bench: every fault on real brokers, and beside pillion what others take for readiness.
//!
//! `make test` plays the short set, `make truth` all of them, `make truth ONLY=paused` those whose name has the word.
//! Each fault ends with a row for each contender; pillion's must hold its bounds, or the fault fails.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    missing_docs,
    reason = "tests"
)]

mod double;
mod fault;
mod faults;
mod play;
mod scene;
mod story;

use libtest_mimic::{Arguments, Trial};

fn main() {
    // One at a time: they share clusters and two cores.
    let arguments = Arguments { test_threads: Some(1), ..Arguments::from_args() };
    let trials = faults::all()
        .into_iter()
        .enumerate()
        .map(|(place, fault)| {
            let (name, long) = (fault.full_name(), !fault.short);
            Trial::test(name, move || play::play(&fault, place).map_err(|error| format!("{error:#}").into()))
                .with_ignored_flag(long)
        })
        .collect();
    let conclusion = libtest_mimic::run(&arguments, trials);
    if arguments.list {
        conclusion.exit();
    }
    scene::close();
    if let Ok(runs) = bed::report::load(&play::directory()) {
        println!("{}", bed::report::table(&runs));
        for contender in bed::contenders::ALL {
            println!(
                "{:<24} ready when {}\n{:<24} as {}",
                contender.name, contender.rule, "", contender.source
            );
        }
        println!("All of it, with reasons and timelines, is in {}", play::directory().display());
    }
    conclusion.exit();
}
