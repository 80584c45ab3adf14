//! Seconds of wrong verdict: a timeline of answers held against a timeline of truth.

use std::time::{Duration, Instant};

use crate::truth::Truth;

/// For how long which answer met which truth.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Score {
    /// Said ready while out of sync.
    pub false_ready: Duration,
    /// Said not ready while in sync.
    pub false_unready: Duration,
    /// Said ready while nobody could know.
    pub ready_unknowable: Duration,
    /// Said not ready while nobody could know; which is right.
    pub unready_unknowable: Duration,
    /// Right, with the truth known.
    pub right: Duration,
}

/// Holds answers against the truth, over the time that both timelines cover. Each value holds from its
/// instant to the next one's; both lists are in order of time.
pub fn score(truth: &[(Instant, Truth)], answers: &[(Instant, bool)]) -> Score {
    let mut score = Score::default();
    let (Some(&(a, _)), Some(&(b, _))) = (truth.first(), answers.first()) else { return score };
    let (Some(&(y, _)), Some(&(z, _))) = (truth.last(), answers.last()) else { return score };
    let (from, to) = (a.max(b), y.min(z));
    let mut edges: Vec<Instant> = truth.iter().map(|s| s.0).chain(answers.iter().map(|s| s.0)).collect();
    edges.sort_unstable();
    edges.dedup();
    for pair in edges.windows(2).filter(|pair| pair[0] >= from && pair[1] <= to) {
        let (Some(truth), Some(ready)) = (at(truth, pair[0]), at(answers, pair[0])) else { continue };
        let cell = match (truth, ready) {
            (Truth::Out, true) => &mut score.false_ready,
            (Truth::InSync, false) => &mut score.false_unready,
            (Truth::Unknowable, true) => &mut score.ready_unknowable,
            (Truth::Unknowable, false) => &mut score.unready_unknowable,
            (Truth::InSync, true) | (Truth::Out, false) => &mut score.right,
        };
        *cell += pair[1] - pair[0];
    }
    score
}

/// How long it took to notice: from the first instant, at or after the fault, at which the truth is out, to
/// the first at which the answer is "not ready" while the truth is out. Zero when it was said by then already, as
/// while nobody could know yet. None when the truth was never out, which leaves nothing to notice
/// (faults whose right answer is to stay ready, and what nobody can know), and when nobody noticed in time.
pub fn detect(truth: &[(Instant, Truth)], answers: &[(Instant, bool)], fault: Instant) -> Option<Duration> {
    let mut edges: Vec<Instant> = truth.iter().map(|s| s.0).chain(answers.iter().map(|s| s.0)).collect();
    edges.push(fault);
    edges.sort_unstable();
    let mut out = edges.into_iter().filter(|edge| *edge >= fault && at(truth, *edge) == Some(Truth::Out));
    let first = out.next()?;
    let noticed = std::iter::once(first).chain(out).find(|edge| at(answers, *edge) == Some(false))?;
    Some(noticed - first)
}

/// The value that holds at an instant.
fn at<T: Copy>(timeline: &[(Instant, T)], when: Instant) -> Option<T> {
    let next = timeline.partition_point(|(instant, _)| *instant <= when);
    next.checked_sub(1).map(|index| timeline[index].1)
}

#[cfg(test)]
mod tests {
    use super::{Score, Truth, detect, score};
    use std::time::{Duration, Instant};

    #[test]
    fn every_second_goes_into_one_cell() {
        let start = Instant::now();
        let s = |n: u64| start + Duration::from_secs(n);
        let truth =
            [(s(0), Truth::InSync), (s(4), Truth::Out), (s(8), Truth::Unknowable), (s(12), Truth::InSync)];
        let answers =
            [(s(1), true), (s(2), false), (s(3), true), (s(6), false), (s(10), true), (s(20), true)];
        let d = Duration::from_secs;
        let expected = Score {
            false_ready: d(2),
            false_unready: d(1),
            ready_unknowable: d(2),
            unready_unknowable: d(2),
            right: d(1 + 1 + 2),
        };
        assert_eq!(score(&truth, &answers), expected);
    }

    #[test]
    fn noticing_is_timed_from_when_there_was_something_to_notice() {
        let start = Instant::now();
        let s = |n: u64| start + Duration::from_secs(n);
        let truth =
            [(s(0), Truth::InSync), (s(10), Truth::Out), (s(20), Truth::InSync), (s(30), Truth::InSync)];
        let after = |answers: &[(Instant, bool)]| detect(&truth, answers, s(5)).map(|took| took.as_secs());
        assert_eq!(after(&[(s(0), true), (s(13), false)]), Some(3));
        assert_eq!(after(&[(s(0), true), (s(6), false)]), Some(0), "it knew before");
        assert_eq!(after(&[(s(0), true), (s(6), false), (s(8), true), (s(14), false)]), Some(4), "it forgot");
        assert_eq!(after(&[(s(0), true), (s(25), false)]), None, "too late is not noticed");
        assert_eq!(after(&[(s(0), true)]), None);
        assert_eq!(detect(&truth, &[(s(0), false)], s(21)), None, "nothing to notice any more");
        assert_eq!(detect(&truth, &[(s(0), true), (s(18), false)], s(15)), Some(Duration::from_secs(3)));
        assert_eq!(detect(&truth, &[(s(12), false)], s(5)), Some(Duration::from_secs(2)), "its first answer");
    }

    #[test]
    fn nothing_is_scored_where_one_side_is_silent() {
        let now = Instant::now();
        assert_eq!(score(&[], &[(now, true)]), Score::default());
        assert_eq!(score(&[(now, Truth::Out)], &[(now, true)]), Score::default());
    }
}
