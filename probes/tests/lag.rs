//! Lag by log ends that were seen, held against logs that are known.
#![allow(clippy::unwrap_used, reason = "a failed step should stop the test where it stands")]

use std::time::Duration;

use pillion_probes::{
    lag::{Behind, Choice, Ends, Excluded, KEPT, Lag, Lists, choose},
    time::BootTime,
};
use proptest::prelude::*;

fn at(ms: u64) -> BootTime {
    BootTime::from_millis(ms)
}

fn seen(samples: &[(u64, i64)]) -> Ends {
    let mut ends = Ends::default();
    for (ms, end) in samples {
        ends.see(at(*ms), *end);
    }
    ends
}

fn time(ends: &Ends, committed: i64, now: u64) -> Option<Behind> {
    ends.lag(committed, at(now)).map(|lag| lag.time)
}

#[test]
fn of_a_topic_of_which_not_all_is_known() {
    let lag = |messages| Lag { messages, time: Behind::About(Duration::from_secs(messages)) };
    let (one, two) = (Some(lag(1)), Some(lag(2)));
    let both = Some(Lag { messages: 3, ..lag(2) });
    assert_eq!(Lag::of_topic(&[one, two], Some(lag(9))), (both, true));
    assert_eq!(Lag::of_topic(&[one, None], Some(lag(9))), (Some(lag(9)), false), "it stands for a moment");
    assert_eq!(Lag::of_topic(&[one, None], None), (one, false), "so much it is at the least");
    assert_eq!(Lag::of_topic(&[None, None], None), (None, false));
    assert_eq!(Lag::of_topic(&[], None), (Some(Lag::NONE), true));
}

#[test]
fn by_example() {
    let about = |ms| Some(Behind::About(Duration::from_millis(ms)));
    let ends = seen(&[(1000, 100), (2000, 200), (3000, 200), (4000, 300)]);
    assert_eq!(ends.lag(300, at(4000)), Some(Lag::NONE));
    assert_eq!(
        ends.lag(400, at(4000)),
        Some(Lag::NONE),
        "committed beyond the end: nothing is left to consume"
    );
    assert_eq!(ends.lag(250, at(4000)).map(|lag| lag.messages), Some(50));
    assert_eq!(time(&ends, 250, 4000), about(500));
    assert_eq!(
        time(&ends, 200, 4000),
        about(1000),
        "nothing was written between the two: it came after the second"
    );
    assert_eq!(time(&ends, 150, 5000), about(3500));
    assert_eq!(time(&ends, 100, 4000), about(3000));
    assert_eq!(time(&ends, 99, 4000), Some(Behind::MoreThan(Duration::from_secs(3))));
    assert_eq!(Ends::default().lag(0, at(1)), None);
}

#[test]
fn another_log_of_the_same_name_begins_anew() {
    let mut ends = seen(&[(1000, 100), (2000, 200)]);
    ends.see(at(3000), 50);
    assert_eq!((ends.iter().count(), ends.last()), (1, Some(50)));
    assert_eq!(time(&ends, 10, 3500), Some(Behind::MoreThan(Duration::from_millis(500))));
}

#[test]
fn a_log_that_stands_still_costs_two() {
    let mut ends = seen(&[(0, 7)]);
    for second in 1..10_000 {
        ends.see(at(second * 1000), 7);
    }
    assert_eq!(ends.iter().count(), 2);
    ends.see(at(10_001_000), 9);
    assert_eq!(ends.iter().count(), 3);
    assert_eq!(time(&ends, 7, 10_002_000), Some(Behind::About(Duration::from_secs(3))));
}

#[test]
fn of_several_partitions() {
    let lag = |messages, time| Lag { messages, time };
    let (one, two) = (Duration::from_secs(1), Duration::from_secs(2));
    let both = lag(3, Behind::About(one)).and(lag(4, Behind::About(two)));
    assert_eq!(both, lag(7, Behind::About(two)));
    let unknown = lag(3, Behind::MoreThan(one)).and(lag(4, Behind::About(two)));
    assert_eq!(unknown, lag(7, Behind::MoreThan(two)), "the worst is not known, and no less than either");
    assert_eq!(Lag::NONE.and(both), both);
}

#[test]
fn the_same_groups_are_chosen_each_time() {
    let names = ["c", "a", "noise-1", "b", "d"].map(str::to_owned);
    let lists = Lists { allow: vec!["*".to_owned()], deny: vec!["noise-*".to_owned()] };
    let expected = Choice {
        chosen: vec!["a".to_owned(), "b".to_owned()],
        left_out: vec![
            ("c".to_owned(), Excluded::MaxGroups),
            ("d".to_owned(), Excluded::MaxGroups),
            ("noise-1".to_owned(), Excluded::Lists),
        ],
    };
    assert_eq!(choose(names.to_vec(), &lists, 2), expected);
    let turned: Vec<_> = names.into_iter().rev().collect();
    assert_eq!(choose(turned, &lists, 2), expected);
}

/// A log that grows by so many records in each millisecond-long step, looked at after so many.
fn logs() -> impl Strategy<Value = Vec<(u64, i64)>> {
    proptest::collection::vec((1_u64..5000, 0_i64..2000), 1..200)
}

proptest! {
    /// The instant that is found lies between two looks, and so does the true one.
    #[test]
    fn time_errs_by_no_more_than_the_gap(steps in logs(), pick in 0.0_f64..1.0, later in 0_u64..10_000) {
        let (mut ends, mut ms, mut end) = (Ends::default(), 0, 0);
        // The true log: (instant, end) at each look, with an even flow between.
        let mut truth = vec![];
        for (after, more) in &steps {
            ms += after;
            end += more;
            ends.see(at(ms), end);
            truth.push((ms, end));
        }
        prop_assert!(ends.iter().count() <= KEPT);
        prop_assert_eq!(ends.last(), Some(end));
        #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "a choice among small numbers")]
        let committed = (pick * (end + 1) as f64) as i64;
        let now = ms + later;
        let lag = ends.lag(committed, at(now)).unwrap();
        prop_assert_eq!(lag.messages, (end - committed).unsigned_abs());
        let first = truth.first().copied().unwrap();
        match lag.time {
            Behind::About(time) if committed < end => {
                prop_assert!(committed >= first.1, "it was not seen when {} was written", committed);
                // The last look that did not show the record yet, and the first that did.
                let low = truth.iter().rfind(|(_, seen)| *seen <= committed).unwrap().0;
                let high = truth.iter().find(|(_, seen)| *seen > committed).unwrap().0;
                let found = at(now).since(BootTime::default()).saturating_sub(time);
                let (from, to) = kept_around(&ends, committed, &truth);
                prop_assert!(found >= Duration::from_millis(from) && found <= Duration::from_millis(to + 1));
                prop_assert!(from <= low && high <= to);
            }
            Behind::About(time) => prop_assert_eq!(time, Duration::ZERO),
            Behind::MoreThan(time) => {
                prop_assert!(committed < first.1, "the oldest look is kept");
                prop_assert_eq!(time, Duration::from_millis(now - first.0));
            }
        }
    }

    /// Who has consumed more never lags more.
    #[test]
    fn more_consumed_is_less_lag(steps in logs(), one in 0_i64..100_000, more in 0_i64..1000) {
        let (mut ends, mut ms, mut end) = (Ends::default(), 0, 0);
        for (after, grown) in steps {
            (ms, end) = (ms + after, end + grown);
            ends.see(at(ms), end);
        }
        let least = |committed| match ends.lag(committed, at(ms)).unwrap() {
            Lag { messages, time: Behind::About(time) | Behind::MoreThan(time) } => (messages, time),
        };
        let (slow, fast) = (least(one), least(one + more));
        prop_assert!(fast.0 <= slow.0 && fast.1 <= slow.1, "{:?} {:?}", slow, fast);
    }
}

/// The looks around a record that are still kept.
fn kept_around(ends: &Ends, committed: i64, truth: &[(u64, i64)]) -> (u64, u64) {
    let kept: Vec<_> = ends.iter().collect();
    let is_kept = |look: &&(u64, i64)| kept.contains(&(i64::try_from(look.0).unwrap(), look.1));
    let low = truth.iter().filter(is_kept).rfind(|(_, seen)| *seen <= committed).unwrap().0;
    let high = truth.iter().filter(is_kept).find(|(_, seen)| *seen > committed).unwrap().0;
    (low, high)
}

#[test]
fn what_was_written_before_the_first_look_is_asked_for_by_its_time() {
    let (hour, minute) = (Duration::from_secs(3600), Duration::from_secs(60));
    let mut ends = seen(&[(10_000, 1000)]);
    assert_eq!(time(&ends, 500, 10_000), Some(Behind::MoreThan(Duration::ZERO)));
    // The machine runs for ten seconds; what was written an hour ago was written before that.
    ends.reach_back(at(10_000), &[(2 * hour, 100), (hour, 400), (minute, 900)]);
    assert_eq!(time(&ends, 400, 10_000), Some(Behind::About(hour)));
    assert_eq!(time(&ends, 250, 10_000), Some(Behind::About(hour + hour / 2)));
    assert_eq!(time(&ends, 950, 10_000), Some(Behind::About(minute / 2)));
    assert_eq!(time(&ends, 99, 10_000), Some(Behind::MoreThan(2 * hour)));
    let mut odd = seen(&[(10_000, 1000)]);
    odd.reach_back(at(10_000), &[(hour, 400), (minute, 300), (minute / 2, 2000), (Duration::ZERO, 700)]);
    assert_eq!(odd.iter().count(), 2, "offsets and instants go forward, up to what was seen: {odd:?}");
    // Nothing has come for an hour, and for longer than was looked.
    let mut idle = seen(&[(10_000, 1000)]);
    idle.reach_back(at(10_000), &[(2 * hour, 400), (hour, -1), (minute, -1)]);
    assert_eq!(time(&idle, 700, 10_000), Some(Behind::About(hour + hour / 2)));
    let mut long = seen(&[(10_000, 1000)]);
    long.reach_back(at(10_000), &[(2 * hour, -1), (hour, -1)]);
    assert_eq!(time(&long, 700, 10_000), Some(Behind::MoreThan(2 * hour)));
    let mut never = Ends::default();
    never.reach_back(at(10_000), &[(hour, 400)]);
    assert_eq!(never, Ends::default());
}
