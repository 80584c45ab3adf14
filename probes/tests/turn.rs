//! Turns are taken: by examples, and by a simulated cluster of agents that are paused, killed, cut off from the record and
//! answered late, each with a clock of its own.
#![allow(clippy::unwrap_used, reason = "a failed step should stop the test where it stands")]

use std::time::Duration;

use pillion_probes::{
    time::BootTime,
    turn::{Go, Granted, Held, Node, Part, RENEW, Record, Returned, Rules, Sight, Step, Wait, Wanted, next},
};
use proptest::prelude::*;

const RULES: Rules = Rules { duration: Duration::from_secs(60), settle: Duration::from_secs(9) };
const ME: &str = "broker-1";

fn at(seconds: u64) -> BootTime {
    BootTime::from_millis(seconds * 1000)
}

fn record(holder: Option<&str>) -> Record {
    Record {
        holder: holder.map(str::to_owned),
        duration: RULES.duration,
        acquired_ms: None,
        revision: "7".into(),
    }
}

/// Seen first at `since`, and looked at just now.
fn seen(holder: Option<&str>, since: u64, now: u64) -> Sight {
    Sight { record: record(holder), since: at(since), looked: at(now) }
}

fn wants(since: u64) -> Part {
    let wanted = Wanted { since: at(since), until: at(since + 300) };
    Part { wanted: Some(wanted), ..Part::default() }
}

fn holds(since: u64) -> Held {
    Held { since: at(since), taken_over: false, renewed: at(since) }
}

/// In sync, and may stop as of now.
fn fine(now: u64) -> Node {
    Node { at_once: None, may_stop: true, as_of: Some(at(now)), ready: true, life: 1 }
}

fn decide(part: &Part, sight: Option<&Sight>, node: &Node, now: u64) -> Step {
    next(ME, part, sight, node, Some(&RULES), at(now))
}

#[test]
fn a_stop_from_its_wish_to_the_return() {
    let mut part = wants(100);
    let free = seen(None, 10, 100);
    assert_eq!(decide(&part, Some(&free), &fine(100), 100), Step::Take { over: None });
    part.held = Some(holds(101));
    let own = seen(Some(ME), 101, 102);
    assert_eq!(decide(&part, Some(&own), &fine(100), 102), Step::Wait(Wait::Older));
    assert_eq!(decide(&part, Some(&own), &fine(101), 102), Step::Confirm);
    part.granted = Some(Granted { at: at(103), life: 1 });
    assert_eq!(decide(&part, Some(&own), &fine(103), 103), Step::Go(Go::Turn));
    // The hook is run again: the same answer, although it is not in sync any more.
    let down = Node { may_stop: false, as_of: Some(at(104)), ready: false, ..fine(104) };
    assert_eq!(decide(&part, Some(&own), &down, 104), Step::Go(Go::Turn));
    part.wanted = None;
    assert_eq!(decide(&part, Some(&own), &down, 105), Step::Rest);
    let later = seen(Some(ME), 101, 120);
    assert_eq!(decide(&part, Some(&later), &down, 120), Step::Renew);
    // In sync all the while that it stops.
    assert_eq!(decide(&part, Some(&later), &fine(120), 120), Step::Renew);
    let back = Node { life: 2, ..fine(120) };
    assert_eq!(decide(&part, Some(&later), &back, 120), Step::GiveBack(Returned::InSync));
}

#[test]
fn told_and_not_stopped_it_gives_back_in_the_end() {
    let held = |now| Some(Held { renewed: at(now - 1), ..holds(100) });
    let part = |now| Part { held: held(now), granted: Some(Granted { at: at(101), life: 1 }), wanted: None };
    let sight = |now| seen(Some(ME), 100, now);
    let over = 101 + RULES.duration.as_secs();
    assert_eq!(decide(&part(over - 1), Some(&sight(over - 1)), &fine(over - 1), over - 1), Step::Rest);
    assert_eq!(decide(&part(over), Some(&sight(over)), &fine(over), over), Step::GiveBack(Returned::InSync));
}

/// It is back, has not given the turn back yet, and is to stop again.
#[test]
fn what_an_earlier_life_was_told_counts_no_more() {
    let granted = Some(Granted { at: at(101), life: 1 });
    let part = Part { held: Some(holds(100)), granted, ..wants(150) };
    let sight = seen(Some(ME), 120, 150);
    assert_eq!(decide(&part, Some(&sight), &fine(150), 150), Step::Go(Go::Turn), "the hook runs again");
    let back = Node { life: 2, ..fine(150) };
    assert_eq!(decide(&part, Some(&sight), &back, 150), Step::Confirm);
    let hurts = Node { may_stop: false, ..back };
    assert_eq!(decide(&part, Some(&sight), &hurts, 150), Step::GiveBack(Returned::MayNotStop));
    let confirmed = Part { granted: Some(Granted { at: at(151), life: 2 }), ..part };
    assert_eq!(decide(&confirmed, Some(&sight), &back, 151), Step::Go(Go::Turn));
}

#[test]
fn another_has_it() {
    let part = wants(100);
    let other = seen(Some("broker-2"), 100, 130);
    let by = || "broker-2".to_owned();
    let wait = |left| Step::Wait(Wait::Held { by: by(), left: Duration::from_secs(left) });
    assert_eq!(decide(&part, Some(&other), &fine(130), 130), wait(30));
    let expired = seen(Some("broker-2"), 100, 160);
    assert_eq!(decide(&part, Some(&expired), &fine(160), 160), Step::Take { over: Some(by()) });
    // The other said that it needs longer.
    let mut longer = expired;
    longer.record.duration = Duration::from_secs(90);
    assert_eq!(decide(&part, Some(&longer), &fine(160), 160), wait(30));
    longer.record.duration = Duration::MAX;
    let week = 7 * 24 * 3600;
    assert_eq!(decide(&part, Some(&longer), &fine(160), 160), wait(week - 60), "nothing lasts for ever");
    let taken = Part { held: Some(Held { taken_over: true, ..holds(161) }), ..wants(100) };
    let own = seen(Some(ME), 161, 165);
    let settling = Step::Wait(Wait::Settling { left: Duration::from_secs(5) });
    assert_eq!(decide(&taken, Some(&own), &fine(165), 165), settling);
    let own = seen(Some(ME), 161, 171);
    // Not as of the taking, but as of the end of the wait.
    assert_eq!(decide(&taken, Some(&own), &fine(169), 171), Step::Wait(Wait::Older));
    assert_eq!(decide(&taken, Some(&own), &fine(170), 171), Step::Confirm);
}

#[test]
fn nobody_is_held_up_who_has_nothing_to_take_or_no_time_left() {
    let other = seen(Some("broker-2"), 100, 101);
    let idle = Node { at_once: Some(Go::ServesNothing), may_stop: false, as_of: None, ready: false, life: 1 };
    for sight in [None, Some(&other)] {
        assert_eq!(decide(&wants(100), sight, &idle, 101), Step::Go(Go::ServesNothing));
    }
    let disbanded = Node { may_stop: false, at_once: Some(Go::Disbanded), ..fine(101) };
    assert_eq!(decide(&wants(100), Some(&other), &disbanded, 101), Step::Go(Go::Disbanded));
    assert_eq!(decide(&wants(100), None, &fine(400), 400), Step::Go(Go::TimeUp));
    assert_eq!(decide(&wants(100), None, &fine(399), 399), Step::Wait(Wait::Unknown));
    // A look that is old is none.
    assert_eq!(decide(&wants(100), Some(&other), &fine(120), 120), Step::Wait(Wait::Unknown));
}

#[test]
fn one_that_may_not_stop_takes_nothing_and_keeps_nothing() {
    let stuck = Node { may_stop: false, ..fine(100) };
    let free = seen(None, 1, 100);
    assert_eq!(decide(&wants(90), Some(&free), &stuck, 100), Step::Wait(Wait::MayNotStop));
    let part = Part { held: Some(holds(95)), ..wants(90) };
    let own = seen(Some(ME), 95, 100);
    assert_eq!(decide(&part, Some(&own), &stuck, 100), Step::GiveBack(Returned::MayNotStop));
}

#[test]
fn where_no_turns_are_taken_the_verdict_decides() {
    let decide = |node: &Node| next(ME, &wants(100), None, node, None, at(101));
    assert_eq!(decide(&fine(101)), Step::Go(Go::MayStop));
    assert_eq!(decide(&Node { may_stop: false, ..fine(101) }), Step::Wait(Wait::MayNotStop));
}

#[test]
fn a_record_that_is_written_anew_is_young_again() {
    let first = Sight::after(None, record(Some("x")), at(1), at(2));
    let same = Sight::after(Some(&first), record(Some("x")), at(30), at(31));
    assert_eq!((same.since, same.looked), (at(2), at(30)));
    let other = Record { revision: "8".into(), ..record(Some("x")) };
    assert_eq!(Sight::after(Some(&same), other, at(40), at(41)).since, at(41));
}

/// What the simulation does to one agent or node, and when.
#[derive(Clone, Copy, Debug)]
enum Event {
    /// Somebody stops it: the hook asks until it is told to go.
    Stop,
    /// Its agent dies; another starts after so many milliseconds.
    KillAgent(u64),
    /// Its agent stands still for so long.
    Pause(u64),
    /// It does not reach the record for so long.
    CutOff(u64),
}

/// How one stop goes, in milliseconds.
#[derive(Clone, Copy, Debug)]
struct Course {
    to_term: u64,
    stopping: u64,
    away: u64,
    catching_up: u64,
}

#[derive(Clone, Debug)]
struct Plan {
    nodes: usize,
    offsets: Vec<u64>,
    /// At an instant, to a node.
    events: Vec<(u64, usize, Event)>,
    courses: Vec<Course>,
    /// What requests take: to the record, and back.
    latencies: Vec<(u64, u64)>,
    lags: Vec<u64>,
}

const TICK: u64 = 100;
const END_OF_FAULTS: u64 = 240_000;
/// A request is given up after that.
const DEADLINE: u64 = 5_000;

fn plan() -> impl Strategy<Value = Plan> {
    let event = prop_oneof![
        4 => Just(Event::Stop),
        1 => (0..90_000_u64).prop_map(Event::KillAgent),
        1 => (0..90_000_u64).prop_map(Event::Pause),
        1 => (0..90_000_u64).prop_map(Event::CutOff),
    ];
    let course = (0..10_000_u64, 0..45_000_u64, 1000..100_000_u64, 0..20_000_u64)
        .prop_map(|(to_term, stopping, away, catching_up)| Course { to_term, stopping, away, catching_up });
    (2..5_usize).prop_flat_map(move |nodes| {
        (
            prop::collection::vec(0..1_000_000_u64, nodes),
            prop::collection::vec((0..END_OF_FAULTS, 0..nodes, event.clone()), 1..25),
            prop::collection::vec(course.clone(), 1..8),
            prop::collection::vec((0..3_000_u64, 0..3_000_u64), 1..30),
            prop::collection::vec(0..15_000_u64, 1..20),
        )
            .prop_map(move |(offsets, events, courses, latencies, lags)| Plan {
                nodes,
                offsets,
                events,
                courses,
                latencies,
                lags,
            })
    })
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Phase {
    Up,
    /// Told to go at the first instant, out of every ISR from the second on, back at the third, in sync at the fourth.
    Stopping(u64, u64, u64, u64),
}

#[derive(Clone, Debug)]
enum Asked {
    Look { began: BootTime },
    Write { step: Step, base: String },
}

/// A request under way: when it reaches the record, when its answer is here, what it was, what became of it.
#[derive(Clone, Debug)]
struct Request {
    reaches: u64,
    answered: u64,
    asked: Asked,
    outcome: Outcome,
}

#[derive(Clone, Debug)]
enum Outcome {
    UnderWay,
    /// Somebody was faster.
    Conflict,
    Is(Record),
}

#[derive(Debug)]
struct Agent {
    name: String,
    offset: u64,
    part: Part,
    sight: Option<Sight>,
    request: Option<Request>,
    alive_from: u64,
    paused_until: u64,
    cut_off_until: u64,
    hook: bool,
    /// Left in the run directory, for an agent that starts anew in the same pod.
    mark: bool,
    phase: Phase,
    stops: usize,
    /// As the agent counts them.
    lives: u64,
    next_look: u64,
}

struct World {
    plan: Plan,
    now: u64,
    record: Record,
    writes: u64,
    agents: Vec<Agent>,
    drawn: usize,
}

impl World {
    fn new(plan: Plan) -> Self {
        let agents = (0..plan.nodes).map(|number| Agent {
            name: format!("broker-{number}"),
            offset: plan.offsets[number],
            part: Part::default(),
            sight: None,
            request: None,
            alive_from: 0,
            paused_until: 0,
            cut_off_until: 0,
            hook: false,
            mark: false,
            phase: Phase::Up,
            stops: 0,
            lives: 1,
            next_look: 0,
        });
        let agents = agents.collect();
        let record = Record { revision: "0".into(), ..record(None) };
        Self { plan, now: 0, record, writes: 0, agents, drawn: 0 }
    }

    fn draw<T: Copy>(drawn: &mut usize, from: &[T]) -> T {
        *drawn += 1;
        from[*drawn % from.len()]
    }

    /// Whether all but one were in their ISRs at an instant.
    fn others_in_sync(&self, but: usize, at: u64) -> bool {
        self.agents.iter().enumerate().all(|(number, agent)| match agent.phase {
            Phase::Stopping(_, out, _, again) => number == but || at < out || at >= again,
            Phase::Up => true,
        })
    }

    fn node(&self, number: usize, lag: u64) -> Node {
        let agent = &self.agents[number];
        let as_of = self.now.saturating_sub(lag);
        let ready = match agent.phase {
            Phase::Up => true,
            Phase::Stopping(_, out, _, again) => self.now < out || as_of >= again,
        };
        let serves = match agent.phase {
            Phase::Up => true,
            Phase::Stopping(_, out, back, _) => self.now < out || self.now >= back,
        };
        let may_stop = self.others_in_sync(number, as_of);
        let life = match agent.phase {
            Phase::Stopping(_, _, back, _) if self.now >= back => agent.lives + 1,
            _ => agent.lives,
        };
        let as_of = Some(BootTime::from_millis(agent.offset + as_of));
        Node { at_once: (!serves).then_some(Go::ServesNothing), may_stop, as_of, ready, life }
    }

    fn write(&mut self, number: usize, step: &Step, base: &str) -> Option<Record> {
        if self.record.revision != base {
            return None;
        }
        self.writes += 1;
        let holder = match step {
            Step::GiveBack(_) => None,
            _ => Some(self.agents[number].name.clone()),
        };
        self.record = Record { holder, revision: self.writes.to_string(), ..self.record.clone() };
        Some(self.record.clone())
    }

    fn tick(&mut self) {
        self.now += TICK;
        for index in 0..self.plan.events.len() {
            let (at, number, event) = self.plan.events[index];
            if at.div_ceil(TICK) * TICK == self.now {
                self.happen(number, event);
            }
        }
        for number in 0..self.agents.len() {
            self.phases(number);
            self.arrive(number);
            let agent = &self.agents[number];
            let runs = self.now >= agent.alive_from && self.now >= agent.paused_until;
            if runs {
                self.answer(number);
                self.act(number);
            }
        }
        let stopped = self.agents.iter().filter(|agent| agent.phase != Phase::Up).count();
        assert!(stopped <= 1, "at {}: {:#?}", self.now, self.agents);
    }

    fn happen(&mut self, number: usize, event: Event) {
        let now = self.now;
        let agent = &mut self.agents[number];
        match event {
            Event::Stop => agent.hook |= agent.phase == Phase::Up,
            Event::KillAgent(off) => {
                agent.alive_from = now + off;
                agent.forget(now + off);
            }
            Event::Pause(length) => agent.paused_until = now + length,
            Event::CutOff(length) => agent.cut_off_until = now + length,
        }
    }

    fn phases(&mut self, number: usize) {
        let now = self.now;
        let agent = &mut self.agents[number];
        if let Phase::Stopping(_, out, back, again) = agent.phase {
            if now >= out && now < back {
                // The pod is gone, and the run directory with it.
                (agent.hook, agent.mark) = (false, false);
                agent.alive_from = agent.alive_from.max(back);
                agent.forget(back);
            }
            if now >= again {
                agent.lives += 1;
                agent.phase = Phase::Up;
            }
        }
    }

    /// A request reaches the record, unless it is given up before.
    fn arrive(&mut self, number: usize) {
        let now = self.now;
        let Some(Request { reaches, asked, outcome: Outcome::UnderWay, .. }) =
            self.agents[number].request.clone()
        else {
            return;
        };
        if now < reaches || now < self.agents[number].cut_off_until {
            return;
        }
        let outcome = match asked {
            Asked::Look { .. } => Outcome::Is(self.record.clone()),
            Asked::Write { step, base } => {
                self.write(number, &step, &base).map_or(Outcome::Conflict, Outcome::Is)
            }
        };
        self.agents[number].request.as_mut().unwrap().outcome = outcome;
    }

    fn answer(&mut self, number: usize) {
        let now = self.now;
        let agent = &mut self.agents[number];
        let Some(Request { reaches, answered, asked, outcome }) = agent.request.clone() else { return };
        let began = reaches.saturating_sub(3_000);
        if now > began + 3_000 + DEADLINE {
            // Given up: what became of it shows at the next look.
            agent.request = None;
            agent.sight = None;
            return;
        }
        if matches!(outcome, Outcome::UnderWay) || now < answered || now < agent.cut_off_until {
            return;
        }
        agent.request = None;
        let here = BootTime::from_millis(agent.offset + now);
        let Outcome::Is(record) = outcome else {
            agent.sight = None;
            return;
        };
        match asked {
            Asked::Look { began } => {
                agent.sight = Some(Sight::after(agent.sight.as_ref(), record, began, here));
            }
            Asked::Write { step, .. } => {
                agent.sight = Some(Sight { record, since: here, looked: here });
                match step {
                    Step::GiveBack(_) => {
                        (agent.part.held, agent.part.granted, agent.mark) = (None, None, false);
                    }
                    Step::Take { over } => {
                        let taken_over = over.is_some();
                        agent.part.held = Some(Held { since: here, taken_over, renewed: here });
                    }
                    Step::Confirm => {
                        agent.part.granted = Some(Granted { at: here, life: agent.lives });
                        agent.mark = true;
                        agent.part.held.as_mut().unwrap().renewed = here;
                    }
                    _ => agent.part.held.as_mut().unwrap().renewed = here,
                }
            }
        }
        let mine = agent.sight.as_ref().unwrap().record.holder.as_deref() == Some(agent.name.as_str());
        if !mine {
            (agent.part.held, agent.part.granted, agent.mark) = (None, None, false);
        } else if agent.part.held.is_none() {
            agent.part.held = Some(Held { since: here, taken_over: false, renewed: here });
        }
    }

    fn act(&mut self, number: usize) {
        if self.agents[number].request.is_some() {
            return;
        }
        let lag = Self::draw(&mut self.drawn, &self.plan.lags);
        let node = self.node(number, lag);
        let now = self.now;
        let (there, back) = Self::draw(&mut self.drawn, &self.plan.latencies);
        let agent = &mut self.agents[number];
        let here = BootTime::from_millis(agent.offset + now);
        agent.part.wanted = agent.hook.then_some(Wanted { since: here, until: here.forth(RULES.duration) });
        let step = next(&agent.name, &agent.part, agent.sight.as_ref(), &node, Some(&RULES), here);
        match step {
            Step::Go(Go::Turn) => {
                agent.hook = false;
                if agent.phase == Phase::Up {
                    agent.stops += 1;
                    let course = Self::draw(&mut self.drawn, &self.plan.courses);
                    let out = now + course.to_term + course.stopping;
                    let again = out + course.away + course.catching_up;
                    agent.phase = Phase::Stopping(now, out, out + course.away, again);
                }
            }
            // It is away already.
            Step::Go(_) => agent.hook = false,
            Step::Rest | Step::Wait(_) => {
                if now >= agent.next_look {
                    agent.next_look = now + 1000;
                    agent.request = Some(Request::new(now, there, back, Asked::Look { began: here }));
                }
            }
            write => {
                let base = agent.sight.as_ref().unwrap().record.revision.clone();
                let asked = Asked::Write { step: write, base };
                agent.request = Some(Request::new(now, there, back, asked));
            }
        }
    }
}

impl Request {
    fn new(now: u64, there: u64, back: u64, asked: Asked) -> Self {
        let reaches = now + there;
        Self { reaches, answered: reaches + back, asked, outcome: Outcome::UnderWay }
    }
}

impl Agent {
    /// Another agent starts.
    fn forget(&mut self, at: u64) {
        let here = BootTime::from_millis(self.offset + at);
        let granted = self.mark.then_some(Granted { at: here, life: self.lives });
        self.part = Part { granted, ..Part::default() };
        (self.sight, self.request) = (None, None);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever becomes of agents and requests, one node at a time is stopped; and nobody waits for ever.
    #[test]
    fn one_at_a_time_and_each_in_the_end(plan in plan()) {
        let mut world = World::new(plan);
        while world.now < END_OF_FAULTS {
            world.tick();
        }
        let waiting: Vec<usize> =
            (0..world.agents.len()).filter(|number| world.agents[*number].hook).collect();
        let before: Vec<usize> = world.agents.iter().map(|agent| agent.stops).collect();
        // Each may have to wait for faults that last, for the expiry of the turn, and for the stops before it.
        let end = world.now + 1_200_000;
        while world.now < end && world.agents.iter().any(|agent| agent.hook) {
            world.tick();
        }
        for number in waiting {
            let agent = &world.agents[number];
            prop_assert!(!agent.hook && agent.stops > before[number], "{agent:#?}");
        }
    }
}

#[test]
fn renewals_come_often_enough() {
    assert!(RENEW * 4 < RULES.duration);
}
