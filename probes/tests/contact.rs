//! The tracker of contact: examples from real brokers, and a simulated cluster that tries to fool it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed step should stop the test"
)]

use std::time::Duration;

use pillion_probes::{
    contact::{Applied, Asked, Contact, Doubt, QuorumAnswer, Tracker, Voter},
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

/// One thing that happens in the simulated cluster.
#[derive(Clone, Debug)]
enum Event {
    /// The agent asks the controller it knows; the answer takes this long.
    Ask { takes: u64 },
    /// The agent samples the applied offset.
    Sample { takes: u64 },
    /// Time passes.
    Wait { ms: u64 },
    /// The broker's way to the controllers breaks, or heals.
    Link { up: bool },
    /// The leader loses its voters, which elect another that nobody here can ask; or they elect this one anew.
    Follow { majority: bool },
    /// The leader notices that it was deposed, and says so.
    Resign,
    /// The broker applies nothing, or again.
    Apply { frozen: bool },
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        5 => (1_u64..400).prop_map(|takes| Event::Ask { takes }),
        6 => (1_u64..40).prop_map(|takes| Event::Sample { takes }),
        8 => (1_u64..900).prop_map(|ms| Event::Wait { ms }),
        1 => any::<bool>().prop_map(|up| Event::Link { up }),
        1 => any::<bool>().prop_map(|majority| Event::Follow { majority }),
        1 => Just(Event::Resign),
        1 => any::<bool>().prop_map(|frozen| Event::Apply { frozen }),
    ]
}

/// How long a record takes from the leader into the broker's image, at most, in the simulation.
const APPLY_MS: u64 = 5;
const SESSION_MS: u64 = 9000;
const HEARTBEAT_MS: u64 = 2000;

/// A quorum of three of which the agent sees one controller, and one broker.
#[expect(clippy::struct_excessive_bools, reason = "each is a fault of its own")]
struct World {
    now: u64,
    link: bool,
    followed: bool,
    leads: bool,
    frozen: bool,
    epoch: i32,
    /// When both the broker reached the leader and the leader a majority, for the last time.
    true_contact: Option<u64>,
    /// From this instant on the controllers may fence the broker.
    session_ends: u64,
    heartbeat_due: u64,
    fenced: bool,
    committed: i64,
    fetched: i64,
    applied: i64,
    voters_fetched: u64,
    broker_fetched: Option<u64>,
}

impl World {
    fn new() -> Self {
        Self {
            now: 10_000,
            link: true,
            followed: true,
            leads: true,
            frozen: false,
            epoch: 1,
            true_contact: None,
            session_ends: 10_000 + SESSION_MS,
            heartbeat_due: 10_000,
            fenced: false,
            committed: 100,
            fetched: 100,
            applied: 100,
            voters_fetched: 10_000,
            broker_fetched: None,
        }
    }

    fn pass(&mut self, ms: u64) {
        for _ in 0..ms {
            self.now += 1;
            if self.followed {
                self.voters_fetched = self.now;
                self.committed += i64::from(self.now.is_multiple_of(500));
            }
            if self.link && self.leads {
                self.broker_fetched = Some(self.now);
                self.fetched = self.committed;
                if self.followed {
                    self.true_contact = Some(self.now);
                }
            }
            if !self.frozen {
                self.applied = self.fetched;
            }
            self.heartbeat();
            self.fenced |= self.now >= self.session_ends;
        }
    }

    /// A heartbeat goes out when it is due and somebody is there to take it.
    fn heartbeat(&mut self) {
        if self.link && self.followed && self.now >= self.heartbeat_due {
            self.heartbeat_due = self.now + HEARTBEAT_MS;
            self.session_ends = self.now + SESSION_MS;
            self.fenced = false;
        }
    }

    fn follow(&mut self, majority: bool) {
        if majority == self.followed {
            return;
        }
        self.followed = majority;
        // In both cases a new leader begins: another one, or this one in a later epoch, which knows of no fetch yet.
        // It gives a whole session to a broker that is not fenced.
        if !self.fenced {
            self.session_ends = self.now + SESSION_MS;
        }
        if majority {
            self.leads = true;
            self.epoch += 1;
            self.broker_fetched = None;
            self.voters_fetched = 0;
        }
    }

    fn ms(at: u64) -> i64 {
        i64::try_from(at).unwrap() + SKEW
    }

    /// The controller's answer; `None` when it says that it does not lead.
    fn describe(&self, sent: u64) -> Option<QuorumAnswer> {
        let fetches = [(1, self.now), (2, self.voters_fetched), (3, self.voters_fetched)];
        let voters = fetches.iter().map(|(id, at)| Voter { id: *id, last_fetch_ms: Self::ms(*at) }).collect();
        self.leads.then(|| QuorumAnswer {
            sent: at(sent),
            answered: at(sent),
            asked: Asked::Controller(0),
            leader: 1,
            epoch: self.epoch,
            high_watermark: self.committed,
            voters,
            own_caught_up_ms: self.broker_fetched.map(Self::ms),
            own_vote: None,
        })
    }

    fn ask(&mut self, tracker: &mut Tracker, takes: u64) {
        let sent = self.now;
        self.pass(takes / 2);
        let answer = self.describe(sent);
        self.pass(takes - takes / 2);
        match answer {
            Some(answer) => {
                tracker.quorum(&QuorumAnswer { answered: at(self.now), ..answer }, &Limits::default());
            }
            None => tracker.not_leader(0, at(sent)),
        }
    }

    fn play(&mut self, tracker: &mut Tracker, event: &Event) -> bool {
        match *event {
            Event::Wait { ms } => self.pass(ms),
            Event::Link { up } => self.link = up,
            Event::Follow { majority } => self.follow(majority),
            Event::Resign => self.leads &= self.followed,
            Event::Apply { frozen } => self.frozen = frozen,
            Event::Ask { takes } => self.ask(tracker, takes),
            Event::Sample { takes } => {
                let sent = self.now;
                self.pass(takes / 2);
                let offset = self.applied;
                self.pass(takes - takes / 2);
                let applied = Applied { sent: at(sent), answered: at(self.now), offset };
                return tracker.sample(applied, &Limits::default());
            }
        }
        true
    }
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
