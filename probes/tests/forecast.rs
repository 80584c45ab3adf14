//! When a volume will be full: held against volumes that are played, whose end is known.
#![allow(clippy::unwrap_used, clippy::cast_precision_loss, reason = "tests")]

use pillion_probes::{
    forecast::{Forecast, History},
    resources::Space,
    time::BootTime,
};
use proptest::prelude::*;

const GB: f64 = 1e9;
const HOUR: f64 = 3600.0;
/// Between two looks, in seconds.
const LOOK: f64 = 10.0;
/// The promise.
const OFF: f64 = 0.15;

/// A volume whose growth is a line, a saw-tooth upon it (segments that come, and are deleted together), and noise.
#[derive(Clone, Copy, Debug)]
struct Volume {
    size: f64,
    begins: f64,
    /// Net, in bytes a second.
    growth: f64,
    tooth: f64,
    period: f64,
    noise: f64,
    seed: u64,
}

impl Volume {
    fn smooth(&self, at: f64) -> f64 {
        let phase = if self.tooth > 0.0 { (at / self.period).fract() } else { 0.0 };
        self.begins + self.growth * at + self.tooth * phase
    }

    fn taken(&self, at: f64) -> f64 {
        (self.smooth(at) + self.noise * random(self.seed, at)).clamp(0.0, self.size)
    }

    /// Seconds from `at` until it is full in truth.
    fn full_in(&self, at: f64) -> f64 {
        // No later than where the line alone is full, and no earlier than where it is with the whole tooth.
        let mut later = at.max((self.size - self.tooth - self.begins) / self.growth);
        while self.smooth(later) < self.size {
            later += LOOK;
        }
        later - at
    }
}

/// From -0.5 to 0.5, the same for the same look (splitmix64).
fn random(seed: u64, at: f64) -> f64 {
    let mut bits = seed ^ at.to_bits();
    bits = bits.wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (bits >> 11) as f64 / (1_u64 << 53) as f64 - 0.5
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole and positive")]
fn whole(value: f64) -> u64 {
    value as u64
}

fn space(size: f64, taken: f64) -> Space {
    Space { size: whole(size), available: whole(size - taken), ..Space::default() }
}

/// Looks at it for so many hours; `each` hears what is said every ten minutes, and when.
fn watch(taken: impl Fn(f64) -> f64, size: f64, hours: f64, mut each: impl FnMut(f64, Forecast)) {
    let mut history = History::default();
    let mut looks = 0_u32;
    loop {
        let at = f64::from(looks) * LOOK;
        if at > hours * HOUR {
            return;
        }
        history.push(BootTime::from_millis(whole(at * 1000.0)), &space(size, taken(at)));
        if looks % 60 == 59 {
            each(at, history.forecast());
        }
        looks += 1;
    }
}

fn watch_volume(volume: &Volume, hours: f64, each: impl FnMut(f64, Forecast)) {
    watch(|at| volume.taken(at), volume.size, hours, each);
}

prop_compose! {
    /// It is full within days; a tooth is a small part of what is left, and comes every hour at the least.
    fn filling()(
        size in 100.0..4000.0_f64, share in 0.1..0.7_f64, days in 0.5..8.0_f64, tooth in 0.0..0.02_f64,
        period in 300.0..3600.0_f64, noise in 0.0..0.001_f64, seed: u64,
    ) -> Volume {
        let (size, left) = (size * GB, size * GB * (1.0 - share));
        Volume {
            size, begins: size * share, growth: left / (days * 24.0 * HOUR), tooth: tooth * left, period,
            noise: noise * left, seed,
        }
    }
}

prop_compose! {
    /// It swings and never fills; what is left is at least a tooth more.
    fn in_balance()(
        size in 100.0..4000.0_f64, share in 0.1..0.6_f64, tooth in 0.0..0.15_f64, period in 300.0..7000.0_f64,
        noise in 0.0..0.05_f64, seed: u64,
    ) -> Volume {
        let size = size * GB;
        Volume {
            size, begins: size * share, growth: 0.0, tooth: tooth * size, period, noise: noise * size, seed,
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn what_is_said_of_a_volume_that_fills_is_right(volume in filling()) {
        let mut said = 0;
        watch_volume(&volume, 12.0_f64.min(volume.full_in(0.0) / HOUR * 0.9), |at, forecast| {
            // Before it has seen old segments go, nobody can know that they do.
            if at < 3.0 * volume.period { return; }
            if let Some(full_in) = forecast.full_in {
                let truth = volume.full_in(at);
                let off = (full_in - truth).abs() / truth;
                assert!(off <= OFF, "at {at}: {full_in} for {truth}: {:.1} % off", off * 100.0);
                said += 1;
            }
        });
        // What stands out is told, whatever lies upon it.
        let soon = volume.full_in(0.0) < 7.0 * 24.0 * HOUR;
        let clear = soon && volume.growth * 5.0 * HOUR > 12.0 * (volume.tooth + volume.noise);
        prop_assert!(!clear || said > 10, "said {said} times");
    }

    #[test]
    fn of_a_volume_in_balance_nothing_is_said(volume in in_balance()) {
        watch_volume(&volume, 26.0, |at, forecast| {
            if at > 2.0 * volume.period {
                assert!(forecast.full_in.is_none(), "at {at}: {forecast:?}");
            }
        });
    }

    #[test]
    fn of_noise_nothing_is_said(size in 10.0..1000.0_f64, share in 0.1..0.9_f64, noise in 0.0..0.1_f64, seed: u64) {
        // Noise with a memory: each look is nearly the one before, and drawn back to the middle.
        let size = size * GB;
        let mut wandering = Vec::new();
        let mut value = 0.0;
        for look in 0..9400_u32 {
            value = value * 0.9 + random(seed, f64::from(look)) * noise * size;
            wandering.push(value);
        }
        let taken = |at: f64| {
            let index = usize::try_from(whole(at / LOOK)).unwrap();
            (size * share + wandering[index]).clamp(0.0, size - 1.0)
        };
        watch(taken, size, 26.0, |at, forecast| {
            assert!(forecast.full_in.is_none(), "at {at}: {forecast:?}");
        });
    }

    #[test]
    fn a_volume_that_empties_is_never_full(volume in filling()) {
        let shrinking = |at: f64| (volume.size * 0.9 - volume.growth * at).max(0.0);
        let mut said = None;
        watch(shrinking, volume.size, 2.0, |at, forecast| {
            assert!(forecast.full_in.is_none(), "at {at}: {forecast:?}");
            said = forecast.growth;
        });
        let growth = said.unwrap();
        assert!((growth + volume.growth).abs() <= volume.growth * 0.01, "{growth}");
    }
}

fn line(size: f64, begins: f64, growth: f64) -> Volume {
    Volume { size, begins, growth, tooth: 0.0, period: HOUR, noise: 0.0, seed: 0 }
}

#[test]
fn what_comes_soon_is_told_soon_and_what_is_far_is_not_guessed() {
    // Full in two hours: after ten minutes it is known.
    let mut first = None;
    watch_volume(&line(500.0 * GB, 400.0 * GB, 100.0 * GB / (2.0 * HOUR)), 1.0, |at, forecast| {
        if forecast.full_in.is_some() {
            first.get_or_insert(at);
        }
    });
    assert!(first.is_some_and(|at| at < 1200.0), "{first:?}");
    // Full in five days: it takes hours to say so.
    let mut first = None;
    watch_volume(&line(500.0 * GB, 400.0 * GB, 100.0 * GB / (120.0 * HOUR)), 12.0, |at, forecast| {
        assert!(forecast.growth.is_some());
        if forecast.full_in.is_some() {
            first.get_or_insert(at);
        }
    });
    assert!(first.is_some_and(|at| (2.9 * HOUR..12.0 * HOUR).contains(&at)), "{first:?}");
    // In a year: not guessed.
    watch_volume(&line(500.0 * GB, 400.0 * GB, 100.0 * GB / (8760.0 * HOUR)), 26.0, |_, forecast| {
        assert!(forecast.full_in.is_none() && forecast.growth.is_some());
    });
}

#[test]
fn a_burst_after_quiet_is_told_although_segments_went_before() {
    let (size, tooth) = (1000.0 * GB, 3.0 * GB);
    // In balance for ten hours, then half of what is left in an hour.
    let taken = |at: f64| {
        let burst = (at - 10.0 * HOUR).max(0.0) / HOUR * 250.0 * GB;
        500.0 * GB + tooth * (at / 1800.0).fract() + burst
    };
    let mut first = None;
    watch(taken, size, 11.5, |at, forecast| {
        if let Some(full_in) = forecast.full_in {
            first.get_or_insert((at, full_in));
        }
    });
    let (at, full_in) = first.unwrap();
    assert!((10.0 * HOUR..10.5 * HOUR).contains(&at), "{at}");
    let truth = 12.0 * HOUR - at;
    assert!((full_in - truth).abs() / truth <= OFF, "{full_in} for {truth}");
}

#[test]
fn another_size_begins_anew_and_a_full_volume_is_full_now() {
    let mut history = History::default();
    let mut at = 0;
    let mut look = |history: &mut History, size: u64, available: u64| {
        at += 10_000;
        history.push(BootTime::from_millis(at), &Space { size, available, ..Space::default() });
    };
    for step in 0..60 {
        look(&mut history, 1 << 40, (1 << 40) - (step << 33));
    }
    assert!(history.forecast().full_in.is_some());
    look(&mut history, 2 << 40, 1 << 40);
    assert_eq!(history.forecast(), Forecast::default());
    look(&mut history, 2 << 40, 0);
    assert_eq!(history.forecast().full_in, Some(0.0));
    // Nothing changes: there is no trend.
    for _ in 0..100 {
        look(&mut history, 1 << 40, 1 << 39);
    }
    assert_eq!(history.forecast(), Forecast::default());
}
