//! A quorum, a broker and an agent that go through cuts, depositions, elections, freezes and sessions.

use pillion_probes::{
    contact::{Applied, Asked, QuorumAnswer, Tracker, Voter},
    limits::Limits,
};
use proptest::prelude::*;

use super::{SKEW, at};

/// One thing that happens in the simulated cluster.
#[derive(Clone, Debug)]
pub enum Event {
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

pub fn event() -> impl Strategy<Value = Event> {
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
pub const APPLY_MS: u64 = 5;
pub const SESSION_MS: u64 = 9000;
pub const HEARTBEAT_MS: u64 = 2000;

/// A quorum of three of which the agent sees one controller, and one broker.
#[expect(clippy::struct_excessive_bools, reason = "each is a fault of its own")]
pub struct World {
    pub now: u64,
    link: bool,
    followed: bool,
    leads: bool,
    frozen: bool,
    epoch: i32,
    /// When both the broker reached the leader and the leader a majority, for the last time.
    pub true_contact: Option<u64>,
    /// From this instant on the controllers may fence the broker.
    pub session_ends: u64,
    heartbeat_due: u64,
    pub fenced: bool,
    committed: i64,
    fetched: i64,
    applied: i64,
    voters_fetched: u64,
    broker_fetched: Option<u64>,
}

impl World {
    pub fn new() -> Self {
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

    pub fn pass(&mut self, ms: u64) {
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

    pub fn ask(&mut self, tracker: &mut Tracker, takes: u64) {
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

    pub fn play(&mut self, tracker: &mut Tracker, event: &Event) -> bool {
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
