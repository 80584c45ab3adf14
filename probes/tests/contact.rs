//! The tracker of contact: examples from real brokers, and a simulated cluster that tries to fool it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed step should stop the test"
)]

use std::time::Duration;

use pillion_probes::{
    contact::{Applied, Contact, Doubt, QuorumAnswer, Tracker, Voter},
    limits::Limits,
    time::BootTime,
};
use proptest::prelude::*;

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
    QuorumAnswer { sent: at(sent), leader: 1, epoch, high_watermark, voters, own_caught_up_ms }
}

fn sample(tracker: &mut Tracker, ms: u64, offset: i64) {
    let sample = Applied { sent: at(ms), answered: at(ms + 1), offset };
    assert!(tracker.sample(sample, &Limits::default()));
}

fn contact(at_ms: u64, read_index: u64) -> Contact {
    Contact { at: at(at_ms), read_index: at(read_index) }
}

#[test]
fn one_controller_takes_two_polls_and_the_applied_offset() {
    let mut tracker = Tracker::new();
    tracker.quorum(&answer(1000, 1, 100, &[(1, 1000)], Some(900)));
    assert_eq!(tracker.doubt(), Some(Doubt::LeaderUnheard { leader: 1 }));
    tracker.quorum(&answer(1250, 1, 101, &[(1, 1250)], Some(1200)));
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
        tracker.quorum(&answer(sent, 7, 100, &[(1, now), (2, 990), (3, 985)], Some(now - 100)));
        assert_eq!((tracker.contact(), tracker.doubt()), (None, Some(Doubt::LeaderUnheard { leader: 1 })));
    }
    let mut new = answer(4000, 8, 100, &[(2, 4000), (1, 0), (3, 3900)], Some(3900));
    new.leader = 2;
    tracker.quorum(&new);
    tracker.quorum(&answer(4100, 7, 100, &[(1, 4100), (2, 4090), (3, 4090)], Some(4090)));
    assert_eq!(tracker.doubt(), Some(Doubt::Deposed { leader: 1 }), "an older epoch counts for nothing");
    let mut new = answer(4500, 8, 100, &[(2, 4500), (1, 0), (3, 4400)], Some(4400));
    new.leader = 2;
    tracker.quorum(&new);
    assert_eq!(tracker.contact(), Some(contact(3900, 3900)));
}

#[test]
fn a_leader_that_does_not_know_me_proves_nothing() {
    let mut tracker = Tracker::new();
    for (caught_up, ms) in [(None, 1000), (Some(-1), 2000)] {
        tracker.quorum(&answer(ms, 1, 100, &[(1, 1000)], caught_up));
        assert_eq!(tracker.doubt(), Some(Doubt::UnknownToLeader { leader: 1 }));
    }
    let mut lost = answer(3000, 1, 100, &[(1, 3000)], Some(2900));
    lost.leader = -1;
    tracker.quorum(&lost);
    assert_eq!(tracker.doubt(), Some(Doubt::NoLeader));
    tracker.quorum(&answer(3000, 1, -1, &[(1, 3000)], Some(2900)));
    assert_eq!(tracker.doubt(), Some(Doubt::NoLeader));
}

/// A tracker whose read index dates from 1000 and whose last sample was taken at 2000, offset 100.
fn at_the_read_index() -> Tracker {
    let mut tracker = Tracker::new();
    sample(&mut tracker, 1800, 99);
    tracker.quorum(&answer(1000, 1, 100, &[(1, 1000)], Some(1000)));
    tracker.quorum(&answer(1900, 1, 100, &[(1, 1900)], Some(1900)));
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
        let earlier = if step == 2 { 1800 } else { 1250 + step * 250 };
        if step % 2 == 0 && earlier <= 46_000 {
            last = earlier;
        }
        assert_eq!(
            tracker.contact(),
            Some(contact(last, 1000)),
            "step {step}: dated before the earlier of two advances"
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

/// One thing that happens in the simulated cluster.
#[derive(Clone, Debug)]
enum Event {
    /// The agent asks the quorum; the answer takes this long.
    Ask { takes: u64 },
    /// The agent samples the applied offset.
    Sample { takes: u64 },
    /// Time passes.
    Wait { ms: u64 },
    /// The broker's way to the controllers breaks, or heals.
    Link { up: bool },
    /// The leader loses its voters (they elect another, which the agent cannot ask), or wins them back by an election.
    Follow { majority: bool },
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => (1_u64..400).prop_map(|takes| Event::Ask { takes }),
        6 => (1_u64..40).prop_map(|takes| Event::Sample { takes }),
        6 => (1_u64..700).prop_map(|ms| Event::Wait { ms }),
        1 => any::<bool>().prop_map(|up| Event::Link { up }),
        1 => any::<bool>().prop_map(|majority| Event::Follow { majority }),
    ]
}

/// How long a record takes from the leader into the broker's image, at most, in the simulation.
const APPLY_MS: u64 = 5;

/// A quorum of three of which the agent sees the leader it knows, and one broker.
struct World {
    now: u64,
    link: bool,
    followed: bool,
    epoch: i32,
    /// When both the broker reached the leader and the leader a majority, for the last time.
    true_contact: Option<u64>,
    committed: i64,
    applied: i64,
    voters_fetched: u64,
    broker_fetched: Option<u64>,
}

impl World {
    fn pass(&mut self, ms: u64) {
        for _ in 0..ms {
            self.now += 1;
            if self.followed {
                self.voters_fetched = self.now;
                self.committed += i64::from(self.now.is_multiple_of(500));
            }
            if self.link {
                self.broker_fetched = Some(self.now);
                self.applied = self.committed;
                if self.followed {
                    self.true_contact = Some(self.now);
                }
            }
        }
    }

    /// Voters that come back have elected the leader anew: in a later epoch it knows of no fetch yet.
    fn elect(&mut self) {
        self.epoch += 1;
        self.broker_fetched = None;
        self.voters_fetched = 0;
    }

    fn ms(at: u64) -> i64 {
        i64::try_from(at).unwrap() + SKEW
    }

    fn describe(&self, sent: u64) -> QuorumAnswer {
        let fetches = [(1, self.now), (2, self.voters_fetched), (3, self.voters_fetched)];
        let voters = fetches.iter().map(|(id, at)| Voter { id: *id, last_fetch_ms: Self::ms(*at) }).collect();
        QuorumAnswer {
            sent: at(sent),
            leader: 1,
            epoch: self.epoch,
            high_watermark: self.committed,
            voters,
            own_caught_up_ms: self.broker_fetched.map(Self::ms),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    /// Whatever happens, contact is never dated later than it truly was.
    #[test]
    fn contact_is_never_dated_later_than_it_was(events in prop::collection::vec(event(), 1..150)) {
        let mut world = World {
            now: 10_000, link: true, followed: true, epoch: 1, true_contact: None, committed: 100, applied: 100,
            voters_fetched: 10_000, broker_fetched: None,
        };
        let (mut tracker, limits) = (Tracker::new(), Limits::default());
        for event in events {
            let sent = world.now;
            match event {
                Event::Wait { ms } => world.pass(ms),
                Event::Link { up } => world.link = up,
                Event::Follow { majority } => {
                    if majority && !world.followed {
                        world.elect();
                    }
                    world.followed = majority;
                }
                Event::Ask { takes } => {
                    world.pass(takes / 2);
                    let answer = world.describe(sent);
                    world.pass(takes - takes / 2);
                    tracker.quorum(&answer);
                }
                Event::Sample { takes } => {
                    world.pass(takes / 2);
                    let offset = world.applied;
                    world.pass(takes - takes / 2);
                    let applied = Applied { sent: at(sent), answered: at(world.now), offset };
                    prop_assert!(tracker.sample(applied, &limits));
                }
            }
            if let Some(contact) = tracker.contact() {
                let truly = world.true_contact.expect("contact is claimed that never was");
                prop_assert!(
                    contact.at <= at(truly).forth(Duration::from_millis(APPLY_MS)),
                    "claimed {:?}, truly {truly}", contact
                );
                prop_assert!(contact.read_index <= contact.at);
            }
        }
    }

    /// A healthy broker asked at the default intervals always has contact well within the limit.
    #[test]
    fn a_healthy_broker_keeps_its_contact(takes in prop::collection::vec(1_u64..60, 40)) {
        let mut world = World {
            now: 10_000, link: true, followed: true, epoch: 1, true_contact: None, committed: 100, applied: 100,
            voters_fetched: 10_000, broker_fetched: None,
        };
        let (mut tracker, limits) = (Tracker::new(), Limits::default());
        for (step, takes) in takes.into_iter().enumerate() {
            let sent = world.now;
            world.pass(takes);
            if step % 4 == 0 {
                tracker.quorum(&world.describe(sent));
            }
            let applied = Applied { sent: at(sent), answered: at(world.now), offset: world.applied };
            prop_assert!(tracker.sample(applied, &limits));
            world.pass(250 - takes);
            if step > 8 {
                let contact = tracker.contact().expect("contact");
                prop_assert!(at(world.now).since(contact.at) < limits.contact / 2, "{contact:?} at {}", world.now);
            }
        }
    }
}
