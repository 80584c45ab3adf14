//! The tracker of contact: examples from real brokers, and a simulated cluster that tries to fool it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed step should stop the test"
)]

mod world;

use std::time::Duration;

use pillion_probes::{
    contact::{Applied, Asked, Contact, Doubt, QuorumAnswer, Tracker, Voter},
    limits::Limits,
    time::BootTime,
};
use proptest::prelude::*;
use world::{APPLY_MS, Event, World, event};

const fn at(ms: u64) -> BootTime {
    BootTime::from_millis(ms)
}

/// The leader's wall clock runs this far ahead of our boot clock; it must not matter.
const SKEW: i64 = 1_000_000;

fn answer(
    sent: u64,
    epoch: i32,
    high_watermark: i64,
    fetches: &[(i32, i64)],
    caught_up: Option<i64>,
) -> QuorumAnswer {
    let voters = fetches.iter().map(|(id, ms)| Voter { id: *id, last_fetch_ms: SKEW + ms }).collect();
    let own_caught_up_ms = caught_up.map(|ms| if ms < 0 { -1 } else { SKEW + ms });
    QuorumAnswer {
        sent: at(sent),
        answered: at(sent + 5),
        asked: Asked::Controller(0),
        leader: 1,
        epoch,
        high_watermark,
        voters,
        own_caught_up_ms,
        own_vote: None,
    }
}

fn ask(tracker: &mut Tracker, answer: &QuorumAnswer) {
    tracker.quorum(answer, &Limits::default());
}

fn sample(tracker: &mut Tracker, ms: u64, offset: i64) {
    let sample = Applied { sent: at(ms), answered: at(ms + 1), offset };
    assert!(tracker.sample(sample, &Limits::default()));
}

fn contact(at_ms: u64, read_index: u64) -> Contact {
    Contact { at: at(at_ms), current: at(at_ms), since: at(read_index), read_index: at(read_index) }
}

#[test]
fn one_controller_takes_two_polls_and_the_applied_offset() {
    let mut tracker = Tracker::new();
    ask(&mut tracker, &answer(1000, 1, 100, &[(1, 1000)], Some(900)));
    assert_eq!(tracker.doubt(), Some(Doubt::LeaderUnheard { leader: 1 }));
    ask(&mut tracker, &answer(1250, 1, 101, &[(1, 1250)], Some(1200)));
    assert_eq!(tracker.contact(), None, "the offset is not known yet");
    sample(&mut tracker, 1300, 98);
    assert_eq!((tracker.contact(), tracker.doubt()), (None, Some(Doubt::Behind { records: 1 })));
    sample(&mut tracker, 1500, 99);
    assert_eq!(
        (tracker.contact(), tracker.doubt()),
        (Some(contact(900, 900)), None),
        "the poll's send less the lag"
    );
}

#[test]
fn a_deposed_leader_is_not_believed() {
    let mut tracker = Tracker::new();
    sample(&mut tracker, 900, 1000);
    // The other voters stopped fetching at 990, 10 ms before the first poll: each answer alone looks fresh enough.
    for poll in 0..5 {
        let sent = 1000 + poll * 500;
        let now = i64::try_from(sent).unwrap();
        ask(&mut tracker, &answer(sent, 7, 100, &[(1, now), (2, 990), (3, 985)], Some(now - 100)));
        assert_eq!((tracker.contact(), tracker.doubt()), (None, Some(Doubt::LeaderUnheard { leader: 1 })));
    }
    let mut new = answer(4000, 8, 100, &[(2, 4000), (1, 0), (3, 3900)], Some(3900));
    new.leader = 2;
    ask(&mut tracker, &new);
    ask(&mut tracker, &answer(4100, 7, 100, &[(1, 4100), (2, 4090), (3, 4090)], Some(4090)));
    assert_eq!(tracker.doubt(), Some(Doubt::Deposed { leader: 1 }), "an older epoch counts for nothing");
    let mut new = answer(4500, 8, 100, &[(2, 4500), (1, 0), (3, 4400)], Some(4400));
    new.leader = 2;
    ask(&mut tracker, &new);
    assert_eq!(tracker.contact(), Some(contact(3900, 3900)));
}

#[test]
fn a_leader_that_does_not_know_me_proves_nothing() {
    let mut tracker = Tracker::new();
    for (caught_up, ms) in [(None, 1000), (Some(-1), 2000)] {
        ask(&mut tracker, &answer(ms, 1, 100, &[(1, 1000)], caught_up));
        assert_eq!(tracker.doubt(), Some(Doubt::UnknownToLeader { leader: 1 }));
    }
    // It fetched in what is the future for a leader whose clock was set back: from when is not to be told.
    ask(&mut tracker, &answer(2500, 1, 100, &[(1, 2500)], Some(9000)));
    assert_eq!(tracker.doubt(), Some(Doubt::UnknownToLeader { leader: 1 }));
    let mut lost = answer(3000, 1, 100, &[(1, 3000)], Some(2900));
    lost.leader = -1;
    ask(&mut tracker, &lost);
    assert_eq!(tracker.doubt(), Some(Doubt::NoLeader));
    ask(&mut tracker, &answer(3000, 1, -1, &[(1, 3000)], Some(2900)));
    assert_eq!(tracker.doubt(), Some(Doubt::NoLeader));
}

/// A tracker whose read index dates from 1000 and whose last sample was taken at 2000, offset 100.
fn at_the_read_index() -> Tracker {
    let mut tracker = Tracker::new();
    sample(&mut tracker, 1800, 99);
    ask(&mut tracker, &answer(1000, 1, 100, &[(1, 1000)], Some(1000)));
    ask(&mut tracker, &answer(1900, 1, 100, &[(1, 1900)], Some(1900)));
    sample(&mut tracker, 2000, 100);
    assert_eq!(tracker.contact().unwrap().read_index, at(1000));
    tracker
}

#[test]
fn an_advancing_offset_extends_the_read_index_up_to_its_bound() {
    let mut tracker = at_the_read_index();
    let mut last = 1000;
    for step in 1..=240 {
        sample(&mut tracker, 2000 + step * 250, 100 + i64::try_from(step / 2).unwrap());
        // 2.5 s: 99 was the first offset seen; 3.0 s: 100 came after 1.8 s; then each half second.
        let earlier = match step {
            2 => 0,
            4 => 1800,
            step => 750 + step * 250,
        };
        if step % 2 == 0 && (1000..=46_000).contains(&earlier) {
            last = earlier;
        }
        assert_eq!(
            tracker.contact(),
            Some(contact(last, 1000)),
            "step {step}: dated before the first of three advances"
        );
    }
    assert_eq!(last, 45_750, "45 s after the read index it ends");
}

#[test]
fn a_freeze_ends_the_extension_and_so_does_looking_away() {
    for (first, second) in [(vec![2250, 2500, 2750, 3000, 3250], 3500), (vec![], 3100)] {
        let mut tracker = at_the_read_index();
        let before = tracker.contact();
        for ms in first {
            sample(&mut tracker, ms, 100);
        }
        sample(&mut tracker, second, 105);
        sample(&mut tracker, second + 250, 106);
        assert_eq!(tracker.contact(), before, "only a new read index counts from here");
    }
}

#[test]
fn an_offset_that_goes_back_is_another_broker() {
    let mut tracker = at_the_read_index();
    assert!(!tracker.sample(Applied { sent: at(2250), answered: at(2251), offset: 50 }, &Limits::default()));
    assert_eq!((tracker.contact(), tracker.applied()), (None, None));
}

#[test]
fn a_broker_that_applies_slowly_is_not_cut_off() {
    let mut tracker = at_the_read_index();
    for poll in 0..10 {
        let ms = 2500 + poll * 1000;
        let now = i64::try_from(ms).unwrap();
        ask(&mut tracker, &answer(ms, 1, 500 + now, &[(1, now)], Some(now - 100)));
        sample(&mut tracker, ms + 10, 100);
    }
    let contact = tracker.contact().unwrap();
    assert_eq!((contact.at, contact.since), (at(10_400), at(1000)), "it goes on fetching");
    assert_eq!(contact.current, at(1900), "and its image is as old as it is");
}

#[test]
fn a_new_leader_gives_a_whole_session_from_when_it_last_did_not_lead() {
    let mut tracker = at_the_read_index();
    tracker.not_leader(7, at(3500));
    tracker.not_leader(7, at(4000));
    let mut new = answer(5000, 2, 100, &[(2, 5000), (1, 0), (3, -1)], None);
    (new.leader, new.asked) = (2, Asked::Controller(7));
    ask(&mut tracker, &new);
    assert_eq!(tracker.doubt(), Some(Doubt::UnknownToLeader { leader: 2 }));
    let contact = tracker.contact().unwrap();
    assert_eq!(
        (contact.at, contact.current),
        (at(6000), at(1000)),
        "4.0 s and a heartbeat; the image is not newer"
    );
}

#[test]
fn a_lease_that_lapsed_is_not_renewed() {
    for (asked, answered) in [(Asked::Controller(7), 8001), (Asked::Broker, 8000)] {
        let mut tracker = at_the_read_index();
        tracker.not_leader(7, at(5000));
        let mut new = answer(5000, 2, 100, &[(2, 5000), (1, 0), (3, -1)], None);
        (new.leader, new.asked, new.answered) = (2, asked, at(answered));
        ask(&mut tracker, &new);
        // Through the broker nobody was seen not to lead, but the former leader was followed at 1000.
        let expected = if asked == Asked::Broker { at(3000) } else { at(1000) };
        assert_eq!(tracker.contact().unwrap().at, expected);
    }
}

#[test]
fn after_a_lapse_everything_begins_anew() {
    let mut tracker = at_the_read_index();
    ask(&mut tracker, &answer(9000, 1, 100, &[(1, 9000)], Some(9000)));
    ask(&mut tracker, &answer(9500, 1, 100, &[(1, 9500)], Some(9500)));
    let contact = tracker.contact().unwrap();
    assert_eq!((contact.at, contact.since, contact.current), (at(9000), at(9000), at(9000)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]
    /// Whatever happens: the image is never dated later than it was current, and while the lease is good the
    /// controllers cannot have fenced the broker, nor will they before a prober has read the verdict.
    #[test]
    fn contact_is_never_claimed_that_was_not(events in prop::collection::vec(event(), 1..150)) {
        let mut world = World::new();
        let (mut tracker, limits) = (Tracker::new(), Limits::default());
        let prober = Duration::from_millis(2500);
        for event in events {
            prop_assert!(world.play(&mut tracker, &event));
            let Some(contact) = tracker.contact() else { continue };
            let truly = world.true_contact.expect("contact is claimed that never was");
            prop_assert!(
                contact.current <= at(truly).forth(Duration::from_millis(APPLY_MS)),
                "claimed {contact:?}, truly {truly}"
            );
            prop_assert!(contact.read_index <= contact.current && contact.since <= contact.at);
            let now = at(world.now);
            if now.since(contact.at) <= limits.contact {
                let ends = at(world.session_ends);
                prop_assert!(!world.fenced, "fenced at {}, {contact:?}", world.now);
                let left = contact.at.forth(limits.contact + prober);
                prop_assert!(left <= ends.forth(Duration::from_millis(APPLY_MS)), "{contact:?} but it ends {ends:?}");
            }
        }
    }

    /// A healthy broker asked at the default intervals always has contact well within the limit.
    #[test]
    fn a_healthy_broker_keeps_its_contact(takes in prop::collection::vec(1_u64..60, 40)) {
        let mut world = World::new();
        let (mut tracker, limits) = (Tracker::new(), Limits::default());
        for (step, takes) in takes.into_iter().enumerate() {
            let began = world.now;
            if step % 4 == 0 {
                world.ask(&mut tracker, takes);
            }
            let same = world.play(&mut tracker, &Event::Sample { takes });
            prop_assert!(same);
            world.pass((began + 250).saturating_sub(world.now));
            if step > 8 {
                let contact = tracker.contact().expect("contact");
                prop_assert!(at(world.now).since(contact.at) < limits.contact / 2, "{contact:?} at {}", world.now);
                prop_assert!(at(world.now).since(contact.current) < limits.contact / 2);
                prop_assert!(contact.since < at(12_000), "the lease never lapsed: {contact:?}");
            }
        }
    }
}
