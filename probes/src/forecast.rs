//! How fast a volume fills, and when it will be full; nothing where that cannot be known.
//!
//! The looks of the last day are kept in windows, each as a fixed number of samples: the mean of the looks in between, so
//! that what swings faster does not look like a slow trend. In a window the growth is the median of the slopes between
//! samples that are far apart (Theil and Sen), which a few odd ones do not move. It is believed only when it stands out
//! from everything else that happens to the volume:
//!
//! - **The rise is `CLEAR` times what the samples spread about the line.** Noise and segments that come and go spread as
//!   much as they rise; a drift among them does not.
//! - **The rise is `CLEAR` times the deepest fall**, as far back as twice the time that the volume is said to last, and
//!   `BEFORE` lengths of the window at the least. For between two deletions of old segments a volume in balance grows in a
//!   straight line as well. A ninth is what falls may take from the rise unseen: by so much, an eighth of the net growth,
//!   it is off at the most.
//! - **A window sees `HORIZON` times its length ahead** and no further. So a volume that is full within the hour is told
//!   after minutes, and one that lasts for weeks after hours.
//!
//! The shortest window that can tell does: it knows best what happens now.

use std::{collections::VecDeque, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{resources::Space, time::BootTime};

/// How much a rise must stand out.
const CLEAR: f64 = 9.0;
/// How far a window sees ahead, in lengths of what it holds.
const HORIZON: f64 = 30.0;
/// How far back falls count against a window, in its lengths.
const BEFORE: f64 = 12.0;
/// Samples in a window.
const SAMPLES: u32 = 60;
/// Pairs whose slope counts are this part of the samples apart: closer ones tell of a single tooth.
const APART: usize = 3;
/// Between two looks, in seconds.
const LOOK: f64 = 10.0;
/// A look may come so much earlier or later than it should, in seconds.
const JITTER: f64 = 0.5;
/// The fewest that say anything.
const FEWEST: usize = 12;
/// Lengths of the windows, each with [`SAMPLES`] samples.
const WINDOWS: [Duration; 4] = [
    Duration::from_secs(10 * 60),
    Duration::from_secs(3600),
    Duration::from_secs(6 * 3600),
    Duration::from_secs(24 * 3600),
];

/// What becomes of a volume.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Forecast {
    /// Bytes a second by which it fills; negative when it empties. `None` when there is no clear trend.
    pub growth: Option<f64>,
    /// Seconds until it is full, should it go on so. `None` when it does not fill, or that cannot be known.
    pub full_in: Option<f64>,
}

/// The last day: at most 60 samples in each of four windows.
#[derive(Debug, Default)]
pub struct History {
    windows: [Window; WINDOWS.len()],
    size: u64,
    last: Option<f64>,
}

#[derive(Debug, Default)]
struct Window {
    samples: VecDeque<Sample>,
    /// The looks of the sample under way.
    looks: Looks,
}

/// Bytes that were taken at an instant, in seconds since boot.
#[derive(Clone, Copy, Debug)]
struct Sample {
    at: f64,
    taken: f64,
    /// The deepest fall from one look to the next.
    fall: f64,
}

#[derive(Debug, Default)]
struct Looks {
    began: Option<f64>,
    count: u32,
    at: f64,
    taken: f64,
    fall: f64,
}

/// A trend that stands out.
struct Trend {
    /// Bytes a second.
    slope: f64,
    /// Where it begins, in seconds since boot.
    since: f64,
    /// Over so many seconds.
    span: f64,
}

impl History {
    /// Takes one look. A volume of another size is another one, or was enlarged: it begins anew.
    pub fn push(&mut self, at: BootTime, space: &Space) {
        if self.size != space.size {
            *self = Self { size: space.size, ..Self::default() };
        }
        let look = Sample {
            at: at.since_boot().as_secs_f64(),
            taken: float(space.taken()),
            fall: self.last.map_or(0.0, |last| (last - float(space.taken())).max(0.0)),
        };
        self.last = Some(look.taken);
        for (window, length) in self.windows.iter_mut().zip(WINDOWS) {
            window.push(look, length.as_secs_f64());
        }
    }

    /// What becomes of the volume, as far as these samples tell.
    pub fn forecast(&self) -> Forecast {
        let available = self.last.map(|taken| float(self.size) - taken);
        if available == Some(0.0) && self.size > 0 {
            return Forecast { growth: None, full_in: Some(0.0) };
        }
        let mut longest = None;
        for (index, (window, length)) in self.windows.iter().zip(WINDOWS).enumerate() {
            let Some(trend) = trend(&window.samples, length) else { continue };
            let full_in = available.filter(|_| trend.slope > 0.0).map(|left| left / trend.slope);
            if let Some(full_in) = full_in {
                let ago = (2.0 * full_in).max(length.as_secs_f64() * BEFORE);
                if trend.rise() <= CLEAR * self.fall(index, trend.since - ago) {
                    continue;
                }
                if full_in <= trend.span * HORIZON {
                    return Forecast { growth: Some(trend.slope), full_in: Some(full_in) };
                }
            }
            longest = Some(trend.slope);
        }
        Forecast { growth: longest, full_in: None }
    }

    /// The deepest fall after `since`, by the samples of a window and the longer ones.
    fn fall(&self, index: usize, since: f64) -> f64 {
        let falls = self.windows.iter().skip(index).map(|window| {
            let fall = |(high, deepest): (f64, f64), sample: &Sample| {
                let high = high.max(sample.taken);
                (high, deepest.max(high - sample.taken).max(sample.fall))
            };
            window.samples.iter().filter(|sample| sample.at >= since).fold((f64::MIN, 0.0), fall).1
        });
        falls.fold(0.0, f64::max)
    }
}

impl Window {
    fn push(&mut self, look: Sample, length: f64) {
        let looks = &mut self.looks;
        let every = length / f64::from(SAMPLES);
        let began = *looks.began.get_or_insert(look.at);
        looks.count += 1;
        looks.at += look.at;
        looks.taken += look.taken;
        looks.fall = looks.fall.max(look.fall);
        // The next look would be in the next sample. What comes each 10 s is a sample of the shortest window.
        if look.at - began + LOOK + JITTER >= every {
            let count = f64::from(looks.count);
            let sample = Sample { at: looks.at / count, taken: looks.taken / count, fall: looks.fall };
            self.samples.push_back(sample);
            *looks = Looks::default();
        }
        while self.samples.front().is_some_and(|first| look.at - first.at > length) {
            self.samples.pop_front();
        }
    }
}

impl Trend {
    fn rise(&self) -> f64 {
        (self.slope * self.span).abs()
    }
}

/// What stands out of the samples of a window, if they cover half of it.
fn trend(samples: &VecDeque<Sample>, length: Duration) -> Option<Trend> {
    let (first, last) = (samples.front()?, samples.back()?);
    let span = last.at - first.at;
    if samples.len() < FEWEST || span < length.as_secs_f64() * 0.5 {
        return None;
    }
    let trend = Trend { slope: slope(samples)?, since: first.at, span };
    (trend.rise() > CLEAR * spread(samples, trend.slope)).then_some(trend)
}

/// The median of the slopes between pairs that are far apart.
fn slope(samples: &VecDeque<Sample>) -> Option<f64> {
    let apart = (samples.len() / APART).max(1);
    let pairs = samples.iter().enumerate().flat_map(|(index, one)| {
        samples.iter().skip(index + apart).map(move |other| (other.taken - one.taken) / (other.at - one.at))
    });
    let mut slopes: Vec<f64> = pairs.filter(|slope| slope.is_finite()).collect();
    quantile(&mut slopes, 1, 2)
}

/// How far the samples lie about the line of this slope, bytes; a twentieth at each end is left out.
fn spread(samples: &VecDeque<Sample>, slope: f64) -> f64 {
    let mut offsets: Vec<f64> = samples.iter().map(|sample| sample.taken - slope * sample.at).collect();
    let low = quantile(&mut offsets, 1, 20).unwrap_or_default();
    quantile(&mut offsets, 19, 20).unwrap_or_default() - low
}

fn quantile(values: &mut [f64], part: usize, of: usize) -> Option<f64> {
    let at = values.len().checked_sub(1)? * part / of;
    Some(*values.select_nth_unstable_by(at, f64::total_cmp).1)
}

/// No volume has so many bytes that the loss counts.
#[expect(clippy::cast_precision_loss, reason = "below 2^53 bytes, 9 PB, nothing is lost")]
fn float(bytes: u64) -> f64 {
    bytes as f64
}
