//! Seconds to places, and stretches of time.

/// The time that is shown, and where.
pub(super) struct Scale {
    /// Seconds from the fault.
    pub from: f64,
    pub to: f64,
    /// Places on the picture.
    pub left: f64,
    pub right: f64,
}

impl Scale {
    pub(super) fn x(&self, at: f64) -> f64 {
        let part = (at.clamp(self.from, self.to) - self.from) / (self.to - self.from);
        self.left + part * (self.right - self.left)
    }

    pub(super) fn holds(&self, at: f64) -> bool {
        at >= self.from && at <= self.to
    }
}

/// A stretch of time in which a value held.
type Segment<T> = (f64, f64, T);

/// Each value holds from its sample to the next one's; the last sample only ends the one before.
pub(super) fn segments<T: Copy>(samples: &[(f64, T)], scale: &Scale) -> impl Iterator<Item = Segment<T>> {
    samples
        .windows(2)
        .map(|pair| (pair[0].0.max(scale.from), pair[1].0.min(scale.to), pair[0].1))
        .filter(|(from, to, _)| from < to)
}

/// The stretches in which both values held.
pub(super) fn overlap<A: Copy, B: Copy>(
    a: &[(f64, A)],
    b: &[(f64, B)],
    scale: &Scale,
) -> Vec<Segment<(A, B)>> {
    let mut all = Vec::new();
    for (from, to, value) in segments(a, scale) {
        for (start, end, other) in segments(b, scale).filter(|s| s.0 < to && s.1 > from) {
            all.push((from.max(start), to.min(end), (value, other)));
        }
    }
    all
}

/// Round seconds, at most a dozen.
pub(super) fn ticks(scale: &Scale) -> Vec<f64> {
    let span = scale.to - scale.from;
    let step =
        [1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0].into_iter().find(|step| span / step <= 14.0);
    let step = step.unwrap_or(600.0);
    let first = (scale.from / step).ceil() * step;
    std::iter::successors(Some(first), |tick| Some(tick + step))
        .take_while(|tick| *tick <= scale.to)
        .collect()
}

/// Seconds without a needless decimal.
pub(super) fn short(seconds: f64) -> String {
    let text = format!("{seconds:.1}");
    let text = text.strip_suffix(".0").unwrap_or(&text);
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::{Scale, overlap, short, ticks};

    const SCALE: Scale = Scale { from: -5.0, to: 65.0, left: 100.0, right: 800.0 };

    #[test]
    fn places_and_ticks() {
        assert_eq!((SCALE.x(-5.0), SCALE.x(30.0), SCALE.x(99.0)), (100.0, 450.0, 800.0));
        assert_eq!(ticks(&SCALE).len(), 15);
        assert_eq!(
            (short(-0.04), short(9.3), short(40.0)),
            ("0".to_owned(), "9.3".to_owned(), "40".to_owned())
        );
    }

    #[test]
    fn stretches_meet() {
        let (a, b) = ([(0.0, 'a'), (4.0, 'b'), (9.0, 'b')], [(2.0, 1), (5.0, 2), (20.0, 2)]);
        assert_eq!(
            overlap(&a, &b, &SCALE),
            [(2.0, 4.0, ('a', 1)), (4.0, 5.0, ('b', 1)), (5.0, 9.0, ('b', 2))]
        );
    }
}
