//! The rules of certificates: when a rotation asks and looks, what is told, which phase may begin.
#![allow(clippy::unwrap_used, missing_docs, reason = "a failed step should stop the test where it stands")]

use std::time::Duration;

use pillion_probes::{
    certificates::{
        Course, Instant, Known, Life, Phase, Print, Rules, Standing, Step, Trouble, Word, allowed, backoff,
        step, told,
    },
    time::BootTime,
};
use proptest::prelude::*;

const DAY: i64 = 86_400;

fn life(not_before: i64, not_after: i64) -> Life {
    Life { print: Print([7; 32]), not_before, not_after }
}

fn known(life: Life) -> Known {
    Known {
        source: "directory /certs".into(),
        installed: Some(life),
        served: Some(life.print),
        ..Known::default()
    }
}

fn codes(known: &Known, wall: i64, boot: u64) -> Vec<String> {
    let now = Instant { wall, boot: BootTime::new(Duration::from_secs(boot)) };
    told("EXTERNAL", known, Rules { expiring: 0.2 }, now).into_iter().map(|told| told.code).collect()
}

fn trouble(since: u64) -> Trouble {
    let since = BootTime::new(Duration::from_secs(since));
    Trouble { text: "why".into(), remedy: "what".into(), since }
}

#[test]
fn it_is_expiring_in_the_last_fifth_of_its_life_and_due_in_the_last_third() {
    let day = life(0, DAY);
    assert!(!day.due(DAY / 2) && day.due(DAY * 2 / 3) && day.due(DAY + 1));
    assert_eq!(codes(&known(day), DAY * 3 / 4, 0), [""; 0]);
    assert_eq!(codes(&known(day), DAY * 4 / 5, 0), ["certificate-expiring"]);
    assert_eq!(codes(&known(day), DAY * 2, 0), ["certificate-expiring"]);
}

#[test]
fn each_reason_is_told_when_it_has_lasted() {
    let fresh = known(life(0, DAY));
    let refused = Known { refused: Some(trouble(100)), ..fresh.clone() };
    assert_eq!(
        (codes(&refused, 0, 101), codes(&refused, 0, 102)),
        (vec![], vec!["certificate-invalid".into()])
    );
    let behind = Known { behind: Some(trouble(100)), ..fresh.clone() };
    assert_eq!(
        (codes(&behind, 0, 129), codes(&behind, 0, 130)),
        (vec![], vec!["certificate-not-served".into()])
    );
    let away = Known { unreachable: Some(trouble(100)), ..fresh.clone() };
    assert_eq!(
        (codes(&away, 0, 109), codes(&away, 0, 110)),
        (vec![], vec!["certificate-source-unreachable".into()])
    );
    let restart = Known { started_with: Some(life(0, DAY)), ..fresh };
    assert_eq!(codes(&restart, 0, 0), ["certificate-restart-needed"]);
}

#[test]
fn a_rotation_looks_asks_and_looks() {
    let at = |ms| BootTime::new(Duration::from_millis(ms));
    let course = Course::default();
    assert_eq!(step(&course, false, at(1000)), Step::Look);
    let course = Course { looked: Some(at(1000)), ..course };
    // Nothing is behind, but what is trusted may be: it is asked once.
    assert_eq!(step(&course, false, at(1000)), Step::Ask);
    let course = Course { asked: Some(at(1010)), asks: 1, taken: true, ..course };
    assert_eq!(step(&course, true, at(1010)), Step::Rest(Duration::from_millis(150)));
    assert_eq!(step(&course, true, at(1160)), Step::Look);
    assert_eq!(step(&course, true, at(3010)), Step::Ask);
    assert_eq!(step(&course, false, at(1160)), Step::Rest(Duration::from_millis(59_840)));
}

proptest! {
    /// However long a broker does not follow: it is looked at each second, and asked ever more rarely, but for ever.
    #[test]
    fn a_broker_that_does_not_follow_is_neither_stormed_nor_forgotten(seconds in 60_u64..3600) {
        let (mut course, mut now) = (Course::default(), BootTime::new(Duration::from_secs(5)));
        let end = now.forth(Duration::from_secs(seconds));
        let (mut looks, mut last_look) = (0_u64, now);
        while now < end {
            match step(&course, true, now) {
                Step::Ask => {
                    course = Course { asked: Some(now), asks: course.asks + 1, taken: true, ..course };
                }
                Step::Look => {
                    prop_assert!(now.since(last_look) <= Duration::from_millis(1200));
                    (looks, last_look) = (looks + 1, now);
                    course.looked = Some(now);
                }
                Step::Rest(left) => {
                    prop_assert!(!left.is_zero());
                    now = now.forth(left);
                    continue;
                }
            }
            now = now.forth(Duration::from_millis(5));
        }
        prop_assert!(looks <= seconds * 7);
        prop_assert!(u64::from(course.asks) >= seconds / 61, "{} in {seconds} s", course.asks);
        prop_assert!(u64::from(course.asks) <= 7 + seconds / 60, "{} in {seconds} s", course.asks);
    }

    #[test]
    fn the_pause_grows_to_a_minute(asks in 0_u32..200) {
        prop_assert!(backoff(asks) <= backoff(asks + 1));
        prop_assert!((Duration::from_secs(2)..=Duration::from_secs(60)).contains(&backoff(asks)));
    }

    /// One that has ended is told whatever else holds, and one that is served and young is not.
    #[test]
    fn an_end_is_never_silent(from in 0_i64..DAY, length in 60_i64..DAY, at in 0_i64..3 * DAY, away: bool) {
        let mut known = known(life(from, from + length));
        known.unreachable = away.then(|| trouble(0));
        let all = codes(&known, at, 1000);
        let expiring = all.iter().any(|code| code == "certificate-expiring");
        prop_assert!(expiring || at < from + length);
        prop_assert!(!expiring || (from + length - at) * 5 <= length);
    }

    /// No phase begins that would leave two nodes without trust in each other.
    #[test]
    fn a_phase_begins_only_when_every_peer_is_ready(
        trusts_new: bool, is_new: bool, restart: bool, words in prop::collection::vec(0_u8..4, 0..5),
    ) {
        let word = |kind| match kind {
            0 => Word::Fine(true),
            1 => Word::Fine(false),
            2 => Word::Refuses("it".into()),
            _ => Word::Silent("it".into()),
        };
        let peers: Vec<_> = words.iter().map(|kind| (i32::from(*kind), word(*kind))).collect();
        let standing = Standing { listener: "INTERNAL".into(), trusts_new, is_new, restart, peers };
        prop_assert!(allowed(Phase::TrustBoth, &standing).is_ok());
        if allowed(Phase::Swap, &standing).is_ok() {
            prop_assert!(is_new || trusts_new && !restart && words.iter().all(|kind| *kind < 2));
        }
        if allowed(Phase::Drop, &standing).is_ok() {
            prop_assert!(is_new && !restart && words.iter().all(|kind| *kind == 0 || *kind == 2));
        }
    }
}
