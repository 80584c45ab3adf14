//! The estimate of a refill, over looks that are made up.
#![allow(clippy::unwrap_used, clippy::cast_precision_loss, missing_docs, reason = "tests")]

use pillion_probes::{
    refill::{Course, Lacking, Refill},
    time::BootTime,
};
use proptest::prelude::*;

const MB: u64 = 1_000_000;

fn lacking(left: u64) -> Lacking {
    let mut all = Lacking::default();
    all.add(5, Some(5 + left));
    all
}

/// The last of these looks: seconds since the first, bytes left.
fn after(looks: &[(u64, u64)]) -> Refill {
    let mut course = Course::default();
    let mut last = Refill::default();
    for (second, left) in looks {
        last = course.look(BootTime::from_millis(1_000_000 + second * 1000), lacking(*left), Vec::new());
    }
    last
}

#[test]
fn what_is_lacking_is_told_by_partition() {
    let mut all = Lacking::default();
    all.add(30, Some(100));
    // Compacted later than its leader's: it lacks nothing, and makes up for nothing.
    all.add(50, Some(20));
    all.add(7, None);
    let expected = Lacking { partitions: 3, unmeasured: 1, has_bytes: 80, needs_bytes: 120, left_bytes: 70 };
    assert_eq!(all, expected);
    all.add(0, Some(u64::MAX));
    assert_eq!(all.left_bytes, u64::MAX, "it does not wrap");
}

#[test]
fn too_few_looks_tell_no_rate() {
    for looks in [&[(0, 100)][..], &[(0, 100), (10, 90)]] {
        let told = after(looks);
        assert_eq!((told.rate_bytes_per_second, told.time_left_seconds), (None, None), "{looks:?}");
    }
    let told = after(&[(0, 100 * MB), (10, 90 * MB), (20, 80 * MB)]);
    assert_eq!((told.rate_bytes_per_second, told.time_left_seconds), (Some(MB), Some(80)));
}

#[test]
fn nothing_left_takes_no_time() {
    assert_eq!(after(&[(0, 0)]).time_left_seconds, Some(0));
}

#[test]
fn what_does_not_become_less_never_ends() {
    for looks in [[(0, 5 * MB), (10, 5 * MB), (20, 5 * MB)], [(0, 5 * MB), (10, 6 * MB), (20, 7 * MB)]] {
        let told = after(&looks);
        assert_eq!((told.rate_bytes_per_second, told.time_left_seconds), (Some(0), None));
    }
    // A byte a second, and a petabyte to go.
    let told = after(&[(0, 1 << 50), (10, (1 << 50) - 10), (20, (1 << 50) - 20)]);
    assert_eq!((told.rate_bytes_per_second, told.time_left_seconds), (Some(1), None));
}

#[test]
fn a_leader_that_is_not_reached_ends_the_forecast_and_spoils_no_rate() {
    let mut course = Course::default();
    let at = |second: u64| BootTime::from_millis(second * 1000);
    for second in [0, 10, 20] {
        course.look(at(second), lacking(100 * MB - second * MB), Vec::new());
    }
    let mut partly = lacking(10 * MB);
    partly.add(0, None);
    let told = course.look(at(30), partly, Vec::new());
    assert_eq!((told.rate_bytes_per_second, told.time_left_seconds), (Some(MB), None));
    let told = course.look(at(40), lacking(60 * MB), Vec::new());
    assert_eq!((told.rate_bytes_per_second, told.time_left_seconds), (Some(MB), Some(60)));
}

#[test]
fn what_is_long_past_does_not_count() {
    let fast: Vec<(u64, u64)> = (0..9).map(|n| (n * 10, 1000 * MB - n * 100 * MB)).collect();
    let slow = (0..=10).map(|n| (200 + n * 10, 90 * MB - n * MB));
    let told = after(&fast.into_iter().chain(slow).collect::<Vec<_>>());
    assert_eq!(told.rate_bytes_per_second, Some(100_000));
}

/// Looks each `pace` seconds at something that becomes less by `rate` bytes a second, each off by up to a tenth of what
/// is copied between two.
fn steady() -> impl Strategy<Value = (u64, u64, Vec<f64>)> {
    (5_u64..20, 1_000_u64..500 * MB, prop::collection::vec(-0.1..0.1_f64, 5..9))
}

proptest! {
    #[test]
    fn a_steady_rate_is_found((pace, rate, noise) in steady(), leap in 0_usize..9, high in any::<bool>()) {
        let total = rate * pace * 20;
        let step = (rate * pace) as f64;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "positive and small")]
        let look = |number: usize, off: f64| {
            let number = number as u64;
            (number * pace, (total - number * rate * pace) + (step * (1.0 + off)) as u64)
        };
        let looks: Vec<(u64, u64)> = noise.iter().enumerate().map(|(n, off)| look(n, *off)).collect();
        let told = after(&looks).rate_bytes_per_second.unwrap();
        prop_assert!((told as f64 / rate as f64 - 1.0).abs() <= 0.21, "{told} of {rate}");
        // One look that is far off moves it little.
        let mut off = looks;
        let leap = leap % off.len();
        off[leap].1 = if high { total * 50 } else { 0 };
        let told = after(&off).rate_bytes_per_second.unwrap();
        prop_assert!((0.3..=2.0).contains(&(told as f64 / rate as f64)), "{told} of {rate}: {off:?}");
    }

    #[test]
    fn whatever_comes_it_is_sane(looks in prop::collection::vec((0_u64..100_000, any::<u64>()), 0..80)) {
        let told = after(&looks);
        if told.time_left_seconds.is_some() {
            let known = told.rate_bytes_per_second.is_some_and(|rate| rate > 0) || told.lacking.left_bytes == 0;
            prop_assert!(known);
        }
    }

    #[test]
    fn when_it_began_does_not_matter(start in 0_u64..1_000_000, steps in prop::collection::vec(1_u64..20, 3..8)) {
        let mut at = 0;
        let looks: Vec<(u64, u64)> = steps.iter().enumerate().map(|(n, step)| {
            at += step;
            (at, (100 - n as u64) * MB)
        }).collect();
        let moved: Vec<(u64, u64)> = looks.iter().map(|(at, left)| (at + start, *left)).collect();
        prop_assert_eq!(after(&looks).rate_bytes_per_second, after(&moved).rate_bytes_per_second);
    }
}
