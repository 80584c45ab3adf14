//! Every target on its seeds and on mutations of them. Deterministic: a failure comes again.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed step should stop the test where it stands")]

use std::fs;
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use pillion_fuzz::TARGETS;
use pillion_fuzz::mutate::{Random, mutate};

/// Mutated inputs of one target, unless `INPUTS` says another number; a run of many is made of other ones than a short one.
const INPUTS: u32 = 10_000;

fn seeds(name: &str) -> Vec<Vec<u8>> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(name);
    let mut paths: Vec<_> = fs::read_dir(&dir)
        .unwrap_or_else(|error| panic!("no seeds in {}: {error}", dir.display()))
        .map(|entry| entry.unwrap().path())
        .collect();
    // The order of a directory differs from machine to machine.
    paths.sort();
    assert!(!paths.is_empty(), "no seeds in {}", dir.display());
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

#[test]
fn no_target_panics() {
    let told = std::env::var("INPUTS").ok().map(|told| told.parse().unwrap());
    let only = std::env::var("TARGET").unwrap_or_default();
    for (name, target) in TARGETS.iter().filter(|(name, _)| name.starts_with(&only)) {
        let run = |input: &[u8]| {
            let outcome = catch_unwind(AssertUnwindSafe(|| target(input)));
            assert!(outcome.is_ok(), "{name} panicked on {input:02x?}");
        };
        let seeds = seeds(name);
        run(&[]);
        for seed in &seeds {
            run(seed);
        }
        let mut random = Random::new(told.map_or(1, u64::from));
        for _ in 0..told.unwrap_or(INPUTS) {
            let mut input = seeds[random.below(seeds.len())].clone();
            mutate(&mut input, &mut random);
            run(&input);
        }
        let _ = writeln!(
            std::io::stdout(),
            "{name}: {} seeds, {} mutations of them",
            seeds.len(),
            told.unwrap_or(INPUTS)
        );
    }
}
