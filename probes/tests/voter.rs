//! The tracker of a controller's vote: examples, and a simulated quorum that tries to fool it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed step should stop the test"
)]

use std::time::Duration;

use pillion_probes::{
    contact::{Asked, Doubt, OwnVote, QuorumAnswer, Voter},
    limits::{Limits, voter_limit},
    time::BootTime,
    voter::{Flaw, Standing, Tracker},
};
use proptest::prelude::*;

/// The leader's wall clock runs this far ahead of our boot clock; it must not matter.
const SKEW: i64 = 1_000_000;
/// The node that is judged.
const ME: i32 = 1;
/// `controller.quorum.fetch.timeout.ms`.
const FETCH_TIMEOUT_MS: u64 = 2000;

const fn at(ms: u64) -> BootTime {
    BootTime::from_millis(ms)
}

fn wall(ms: i64) -> i64 {
    if ms < 0 { -1 } else { ms + SKEW }
}

/// An answer of `leader` about the voters 1, 2, ...: when each last fetched, and was caught up then.
fn answer(sent: u64, leader: i32, epoch: i32, fetches: &[i64]) -> QuorumAnswer {
    let voters: Vec<Voter> =
        (1..).zip(fetches).map(|(id, ms)| Voter { id, last_fetch_ms: wall(*ms) }).collect();
    let own = voters.iter().find(|voter| voter.id == ME).copied();
    QuorumAnswer {
        sent: at(sent),
        answered: at(sent + 5),
        asked: Asked::Controller(0),
        leader,
        epoch,
        high_watermark: 100,
        own_caught_up_ms: own.map(|own| own.last_fetch_ms),
        own_vote: own.map(|own| OwnVote {
            leads: leader == ME,
            log_end: if own.last_fetch_ms < 0 { -1 } else { 100 },
            unseats: None,
        }),
        voters,
    }
}

fn ask(tracker: &mut Tracker, answer: &QuorumAnswer) {
    tracker.quorum(answer, &Limits::default());
}

/// A follower whose standing dates from 900: it was caught up then, and the poll of 1000 is confirmed.
fn follower() -> Tracker {
    let mut tracker = Tracker::new();
    ask(&mut tracker, &answer(1000, 2, 7, &[900, 1000, 800]));
    ask(&mut tracker, &answer(1500, 2, 7, &[1400, 1500, 1300]));
    let standing = Standing { at: at(900), leader: 2, epoch: 7, leads: false, unseats: None };
    assert_eq!(tracker.vote().standing, Some(standing), "the first poll's send less the lag");
    tracker
}

#[test]
fn two_polls_make_a_voter() {
    let mut tracker = Tracker::new();
    ask(&mut tracker, &answer(1000, 2, 7, &[900, 1000, 800]));
    assert_eq!(tracker.vote().doubt, Some(Doubt::LeaderUnheard { leader: 2 }));
    assert_eq!(tracker.vote().standing, None);
    let vote = follower().vote();
    assert_eq!((vote.flaw, vote.doubt), (None, None));
}

#[test]
fn a_single_voter_leads_itself() {
    let mut tracker = Tracker::new();
    ask(&mut tracker, &answer(1000, 1, 3, &[1000]));
    ask(&mut tracker, &answer(1250, 1, 3, &[1250]));
    let standing = Standing { at: at(1000), leader: 1, epoch: 3, leads: true, unseats: None };
    assert_eq!(tracker.vote().standing, Some(standing));
}

#[test]
fn a_leader_that_nobody_fetches_from_is_called_so_before_it_can_be_deposed() {
    let mut tracker = Tracker::new();
    ask(&mut tracker, &answer(1000, 1, 7, &[1000, 990, 800]));
    ask(&mut tracker, &answer(1500, 1, 7, &[1500, 1490, 800]));
    assert!(tracker.vote().standing.unwrap().leads);
    ask(&mut tracker, &answer(2740, 1, 7, &[2740, 1490, 800]));
    assert_eq!(tracker.vote().flaw, None, "1.25 s may pass");
    ask(&mut tracker, &answer(2741, 1, 7, &[2741, 1490, 800]));
    let since = Duration::from_millis(1251);
    assert_eq!(tracker.vote().flaw, Some(Flaw::Unfollowed { leader: 1, since }));
    tracker.unanswered(Doubt::NoLeader);
    assert!(tracker.vote().flaw.is_some(), "when it has resigned it is no better");
    // Another leads, and has not heard from this one yet; then it has.
    ask(&mut tracker, &answer(4000, 2, 8, &[-1, 4000, 3990]));
    assert_eq!(
        (tracker.vote().flaw, tracker.vote().doubt),
        (None, Some(Doubt::UnknownToLeader { leader: 2 }))
    );
    assert_eq!(tracker.vote().standing.unwrap().at, at(1000), "what was proven is as old as it is");
    ask(&mut tracker, &answer(4500, 2, 8, &[4400, 4500, 4490]));
    ask(&mut tracker, &answer(5000, 2, 8, &[4900, 5000, 4990]));
    assert_eq!(
        tracker.vote().standing,
        Some(Standing { at: at(4400), leader: 2, epoch: 8, leads: false, unseats: None })
    );
    ask(&mut tracker, &answer(5100, 1, 7, &[5100, 1490, 800]));
    assert_eq!(tracker.vote().doubt, Some(Doubt::Deposed { leader: 1 }), "an older epoch counts for nothing");
    assert_eq!(tracker.vote().flaw, None);
}

#[test]
fn one_that_is_not_among_the_voters_is_told_at_once_and_proven_anew() {
    let mut tracker = follower();
    let mut removed = answer(2000, 2, 7, &[1900, 2000, 1900]);
    removed.own_vote = None;
    ask(&mut tracker, &removed);
    assert_eq!((tracker.vote().flaw, tracker.vote().standing), (Some(Flaw::NotAVoter { leader: 2 }), None));
    ask(&mut tracker, &answer(2250, 2, 7, &[2200, 2250, 2200]));
    assert_eq!(tracker.vote().standing, None, "one poll as a voter is not enough");
    ask(&mut tracker, &answer(2750, 2, 7, &[2700, 2750, 2700]));
    assert_eq!((tracker.vote().flaw, tracker.vote().standing.unwrap().at), (None, at(2200)));
}

#[test]
fn a_voter_that_lags_is_told_at_once() {
    let mut tracker = follower();
    ask(&mut tracker, &answer(3401, 2, 7, &[1400, 3401, 3300]));
    let mut late = answer(3402, 2, 7, &[1400, 3402, 3300]);
    late.own_vote = Some(OwnVote { leads: false, log_end: 94, unseats: None });
    ask(&mut tracker, &late);
    let lag = Duration::from_millis(2002);
    assert_eq!(tracker.vote().flaw, Some(Flaw::Behind { leader: 2, lag, records: 6 }));
    ask(&mut tracker, &answer(4000, 2, 7, &[3950, 4000, 3900]));
    assert_eq!((tracker.vote().flaw, tracker.vote().standing.unwrap().at), (None, at(1400)));
}

#[test]
fn a_voter_that_lags_goes_on_to_lag_under_another_leader() {
    let mut tracker = follower();
    ask(&mut tracker, &answer(3501, 2, 7, &[1400, 3501, 3400]));
    assert!(matches!(tracker.vote().flaw, Some(Flaw::Behind { .. })));
    // Another leads. It has heard from this voter, which has not caught up with it; the proof from before is young yet.
    let mut loading = answer(4000, 3, 8, &[3900, 3950, 4000]);
    loading.own_caught_up_ms = Some(-1);
    loading.own_vote = Some(OwnVote { leads: false, log_end: 40, unseats: None });
    ask(&mut tracker, &loading);
    assert_eq!(tracker.vote().doubt, Some(Doubt::Behind { records: 60 }));
    assert!(matches!(tracker.vote().flaw, Some(Flaw::Behind { .. })), "nothing better was told");
    // Caught up, as of two polls.
    ask(&mut tracker, &answer(4500, 3, 8, &[4400, 4450, 4500]));
    ask(&mut tracker, &answer(5000, 3, 8, &[4900, 4950, 5000]));
    assert_eq!((tracker.vote().flaw, tracker.vote().standing.unwrap().at), (None, at(4400)));
}

#[test]
fn a_voter_that_loads_from_far_behind_says_how_far() {
    let mut tracker = Tracker::new();
    let mut loading = answer(1000, 2, 7, &[900, 1000, 800]);
    loading.own_caught_up_ms = Some(-1);
    loading.own_vote = Some(OwnVote { leads: false, log_end: 40, unseats: None });
    ask(&mut tracker, &loading);
    assert_eq!(tracker.vote().doubt, Some(Doubt::Behind { records: 60 }));
    assert_eq!((tracker.vote().flaw, tracker.vote().standing), (None, None));
}

#[test]
fn no_leader_is_none() {
    let mut tracker = Tracker::new();
    let mut none = answer(1000, 2, 7, &[900, 1000, 800]);
    none.high_watermark = -1;
    ask(&mut tracker, &none);
    assert_eq!(tracker.vote().doubt, Some(Doubt::NoLeader));
    ask(&mut tracker, &answer(1000, -1, 7, &[900, 1000, 800]));
    assert_eq!(tracker.vote().doubt, Some(Doubt::NoLeader));
}

#[test]
fn the_limit_is_a_failover() {
    let s = Duration::from_secs;
    assert_eq!(voter_limit(s(2), s(1), s(1)), s(5));
    assert_eq!((Limits::default().voter, Limits::default().fetch), (s(5), s(2)));
}

/// One thing that happens in the simulated quorum of three.
#[derive(Clone, Debug)]
enum Event {
    /// The agent asks a node; the answer takes this long.
    Ask { node: usize, takes: u64 },
    /// Time passes.
    Wait { ms: u64 },
    /// A node is cut off from the other two, or heals.
    Cut { node: usize, on: bool },
    /// A node is stopped and does nothing, not even answer; or it goes on.
    Stop { node: usize, on: bool },
}

fn event() -> impl Strategy<Value = Event> {
    let node = || 0_usize..3;
    prop_oneof![
        10 => (node(), 1_u64..60).prop_map(|(node, takes)| Event::Ask { node, takes }),
        8 => (1_u64..700).prop_map(|ms| Event::Wait { ms }),
        2 => (node(), prop::bool::weighted(0.6)).prop_map(|(node, on)| Event::Cut { node, on }),
        1 => (node(), any::<bool>()).prop_map(|(node, on)| Event::Stop { node, on }),
    ]
}

/// A quorum of three, of which the judged node is the first. Followers fetch each 500 ms; one that has not been
/// answered for the fetch timeout stands for election, and wins it when another that has no leader either hears it.
struct World {
    now: u64,
    cut: [bool; 3],
    stopped: [bool; 3],
    /// The term that each node is in, and who leads it, as far as that node knows.
    term: [(i32, Option<usize>); 3],
    /// When a follower was last answered.
    answered: [u64; 3],
    /// What each node, when it leads, remembers of the others: when they last fetched in its term.
    fetched: [[Option<u64>; 3]; 3],
    /// When a leader last had a majority: it resigns after one and a half fetch timeouts without.
    followed: [u64; 3],
    /// The last instant at which the judged node had all that the followed leader had.
    truly: Option<u64>,
    /// The latest term that was won, and by whom.
    latest: (i32, usize),
}

impl World {
    fn new() -> Self {
        Self {
            now: 10_000,
            cut: [false; 3],
            stopped: [false; 3],
            term: [(1, Some(0)); 3],
            answered: [10_000; 3],
            fetched: [[None; 3]; 3],
            followed: [10_000; 3],
            truly: None,
            latest: (1, 0),
        }
    }

    fn linked(&self, a: usize, b: usize) -> bool {
        a == b || !(self.cut[a] || self.cut[b] || self.stopped[a] || self.stopped[b])
    }

    fn leads(&self, node: usize) -> bool {
        self.term[node].1 == Some(node)
    }

    fn pass(&mut self, ms: u64) {
        for _ in 0..ms {
            self.now += 1;
            for node in 0..3 {
                if !self.stopped[node] {
                    self.step(node);
                }
            }
            self.note_truth();
        }
    }

    fn step(&mut self, node: usize) {
        let (latest, winner) = self.latest;
        if self.term[node].0 < latest && self.linked(node, winner) {
            // It hears of the new term.
            self.term[node] = (latest, Some(winner));
            self.answered[node] = self.now;
        }
        if self.leads(node) {
            if self.now - self.followed[node] > FETCH_TIMEOUT_MS * 3 / 2 {
                self.term[node].1 = None;
                self.answered[node] = self.now;
            }
            return;
        }
        let fetches = (self.now + 170 * node as u64).is_multiple_of(500);
        if let Some(leader) = self.term[node].1
            && self.linked(node, leader)
            && self.term[leader] == self.term[node]
        {
            if fetches {
                self.fetched[leader][node] = Some(self.now);
                self.answered[node] = self.now;
                self.followed[leader] = self.now;
            }
        } else if self.now - self.answered[node] > FETCH_TIMEOUT_MS {
            self.stand(node);
        }
    }

    fn stand(&mut self, node: usize) {
        // A voter that still has a leader denies its vote before the term is raised (KIP-996).
        let lost = |voter: usize| !self.leads(voter) && self.now - self.answered[voter] > FETCH_TIMEOUT_MS;
        if (0..3).any(|voter| voter != node && self.linked(node, voter) && lost(voter)) {
            let term = self.latest.0 + 1;
            self.latest = (term, node);
            self.term[node] = (term, Some(node));
            self.fetched[node] = [None; 3];
            self.followed[node] = self.now;
        }
    }

    /// Two of three are a majority: the leader and one that fetches from it in the latest term.
    fn note_truth(&mut self) {
        let (term, leader) = self.latest;
        let fetches = |node: usize| {
            node != leader
                && self.term[node] == (term, Some(leader))
                && self.fetched[leader][node] == Some(self.now)
                && self.leads(leader)
        };
        if fetches(0) || (leader == 0 && (fetches(1) || fetches(2))) {
            self.truly = Some(self.now);
        }
    }

    /// What a node answers; `None` when it does not lead, or is stopped.
    fn describe(&self, node: usize, sent: u64) -> Option<QuorumAnswer> {
        if self.stopped[node] || !self.leads(node) {
            return None;
        }
        let fetch = |other: usize| match self.fetched[node][other] {
            _ if other == node => i64::try_from(self.now).unwrap(),
            Some(at) => i64::try_from(at).unwrap(),
            None => -1,
        };
        let fetches: Vec<i64> = (0..3).map(fetch).collect();
        let leader = i32::try_from(node).unwrap() + 1;
        Some(answer(sent, leader, self.term[node].0, &fetches))
    }
}

impl World {
    /// The agent beside the judged node asks a node. `Some(true)`: it answered as the leader, and was deposed by then.
    fn ask(&mut self, tracker: &mut Tracker, node: usize, takes: u64) -> Option<bool> {
        let sent = self.now;
        self.pass(takes / 2);
        let answer = self.describe(node, sent).filter(|_| self.linked(0, node));
        let deposed = self.latest != (self.term[node].0, node);
        self.pass(takes - takes / 2);
        let Some(answer) = answer else {
            tracker.unanswered(Doubt::Unanswered);
            return None;
        };
        ask(tracker, &QuorumAnswer { answered: at(self.now), ..answer });
        Some(deposed)
    }

    fn play(&mut self, tracker: &mut Tracker, event: &Event) -> Option<bool> {
        match *event {
            Event::Ask { node, takes } => return self.ask(tracker, node, takes),
            Event::Wait { ms } => self.pass(ms),
            Event::Cut { node, on } => self.cut[node] = on,
            Event::Stop { node, on } => self.stopped[node] = on,
        }
        None
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]
    /// Whatever happens: the proof is never dated later than the node truly kept up, and no leader is called good
    /// that was deposed when it answered.
    #[test]
    fn a_standing_is_never_claimed_that_was_not(events in prop::collection::vec(event(), 1..150)) {
        let mut world = World::new();
        let mut tracker = Tracker::new();
        for event in events {
            let deposed = world.play(&mut tracker, &event);
            let vote = tracker.vote();
            if deposed == Some(true) {
                prop_assert!(vote.flaw.is_some() || vote.doubt.is_some(), "{vote:?} at {}", world.now);
            }
            let Some(standing) = vote.standing else { continue };
            let truly = world.truly.expect("a standing is claimed that never was");
            prop_assert!(standing.at <= at(truly), "claimed {standing:?}, truly {truly}");
            prop_assert!(standing.leads == (standing.leader == ME));
        }
    }

    /// In a healthy quorum, and through the loss of its leader, a voter is good all the time.
    #[test]
    fn a_healthy_voter_stays_good(takes in prop::collection::vec(1_u64..60, 80), lost in 1_usize..3) {
        let mut world = World::new();
        let (mut tracker, limits) = (Tracker::new(), Limits::default());
        // The judged node follows: the one that is lost later leads first.
        world.latest = (2, lost);
        world.pass(1000);
        for (step, takes) in takes.into_iter().enumerate() {
            let began = world.now;
            world.stopped[lost] = step >= 40;
            for node in 0..3 {
                world.ask(&mut tracker, node, takes / 3 + 1);
            }
            world.pass((began + 250).saturating_sub(world.now));
            if step > 8 {
                let vote = tracker.vote();
                let age = at(world.now).since(vote.standing.expect("a standing").at);
                prop_assert!(age <= limits.voter && vote.flaw.is_none(), "{vote:?} at {}", world.now);
                prop_assert!((20..40).contains(&step) <= (age < Duration::from_secs(2)), "{age:?}");
            }
        }
        prop_assert!(world.latest.0 > 2, "another led in the end");
    }
}
