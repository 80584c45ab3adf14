//! The word of the other brokers: who is believed, what it comes to, and when it is enough.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed step should stop the test")]

mod properties;

use std::{sync::Arc, time::Duration};

use pillion_probes::{
    hosting::Hosting,
    judge::{ready, stoppable},
    limits::{Limits, controller_limit, peers_limit},
    observe::{Listing, LogDir, LogDirs, Observations, Reach, Role},
    reason::Reason,
    replicas::{Fault, PartitionName, Round as Scan, Tally},
    stops::{Block, Stops},
    time::BootTime,
    zookeeper::{Doubt, Own, Round, View, choose},
};

/// The broker that is judged; the others are 2 and up.
const US: i32 = 1;

fn at(ms: u64) -> BootTime {
    BootTime::from_millis(100_000 + ms)
}

fn tally(fault: Option<Fault>) -> Tally {
    let mut tally = Tally { topics: 1, partitions: 6, ..Tally::default() };
    for partition in 0..6 {
        let is = |kind| partition == 0 && fault == Some(kind);
        let (in_isr, leader) = (!is(Fault::OutOfIsr), !is(Fault::Leaderless));
        tally.count_assigned(partition, in_isr, leader, is(Fault::Offline), || "orders".into());
    }
    tally
}

/// Broker `broker` of 1, 2, 3 says that all is well.
fn well(broker: i32, ms: u64) -> View {
    View {
        broker,
        sent: at(ms),
        answered: at(ms + 10),
        brokers: vec![1, 2, 3],
        lists_us: true,
        controller: 2,
        tally: tally(None),
    }
}

fn without_us(view: View) -> View {
    let brokers = view.brokers.iter().copied().filter(|id| *id != US).collect();
    View { brokers, lists_us: false, ..view }
}

fn out(view: View) -> View {
    View { tally: tally(Some(Fault::OutOfIsr)), ..view }
}

fn round(ms: u64, views: Vec<View>, silent: &[i32]) -> Round {
    Round { started: at(ms), views, silent: silent.to_vec(), alone: false }
}

/// A broker that says of itself at every instant that all is well.
fn perfect(ms: u64) -> Observations {
    let mut seen = Observations::nothing(Role::ZooKeeper, at(0));
    look(&mut seen, ms);
    seen.incarnation.answered = Some(at(0));
    seen.reach = (Reach::Answers, at(0));
    seen
}

fn look(seen: &mut Observations, ms: u64) {
    let dir = LogDir {
        path: "/data".into(),
        error: 0,
        replicas: 6,
        total_bytes: None,
        usable_bytes: None,
        bytes: 0,
    };
    seen.incarnation.last_answer = Some(at(ms));
    seen.listing = Some(Listing { sent: at(ms), as_of: at(ms), listed: true });
    let tally = seen.round.as_deref().map_or_else(|| tally(None), |round| round.tally.clone());
    seen.round = Some(Arc::new(Scan { started: at(ms), finished: at(ms), as_of: at(ms), bytes: 1, tally }));
    seen.log_dirs =
        Some(Arc::new(LogDirs { sent: at(ms), answered: at(ms), dirs: vec![dir], missing: vec![] }));
    seen.hosting = Some(Hosting { asked: at(ms), ..Hosting::default() });
}

fn take(seen: &mut Observations, round: Round) {
    let own = seen.round.as_deref().map(|round| round.tally.clone());
    let listed = seen.listing.is_some_and(|listing| listing.listed);
    seen.testimony.take(round, Own { id: US, listed, tally: own.as_ref() }, &Limits::default());
}

/// Good rounds of both others, each second, up to `ms`.
fn settled(ms: u64) -> Observations {
    let mut seen = perfect(ms);
    for back in (0..5).rev() {
        let then = ms - back * 1000;
        take(&mut seen, round(then, vec![well(2, then), well(3, then)], &[]));
    }
    seen
}

fn codes(seen: &Observations, ms: u64) -> Vec<&'static str> {
    ready(seen, &Limits::default(), at(ms)).reasons.iter().map(Reason::code).collect()
}

/// With what a stop would hurt: nothing, or one partition.
fn weighed(tally: Tally, ms: u64, block: Option<Block>) -> Tally {
    let mut stops = Stops { asked: at(ms), ..Stops::default() };
    if let Some(block) = block {
        stops.add(block, || PartitionName { topic: "orders".into(), partition: 0 });
    }
    Tally { stops: Some(stops), ..tally }
}

/// The broker's own image of the cluster is dated by nothing: it may not have been told yet that another one died.
#[test]
fn one_word_against_a_stop_is_enough() {
    let against = |own: Option<Block>, theirs: [Option<Block>; 2]| {
        let mut seen = settled(10_000);
        let scan = seen.round.as_deref().unwrap().clone();
        seen.round = Some(Arc::new(Scan { tally: weighed(scan.tally.clone(), 10_000, own), ..scan }));
        let view = |(broker, block)| {
            let view = well(broker, 10_000);
            View { tally: weighed(view.tally.clone(), 10_000, block), ..view }
        };
        let views = [2, 3].into_iter().zip(theirs).map(view).collect();
        take(&mut seen, round(10_000, views, &[]));
        let verdict = stoppable(&seen, &Limits::default(), at(10_000));
        assert_eq!(verdict.is_yes(), verdict.reasons.is_empty());
        verdict.reasons.iter().map(Reason::code).collect::<Vec<_>>()
    };
    let mut seen = settled(10_000);
    let scan = seen.round.as_deref().unwrap().clone();
    seen.round = Some(Arc::new(Scan { tally: weighed(scan.tally.clone(), 10_000, None), ..scan }));
    let verdict = stoppable(&seen, &Limits::default(), at(10_000));
    assert!(
        matches!(verdict.reasons[..], [Reason::MinimumsUnknown { .. }]),
        "the others have not weighed it yet"
    );
    let below = Some(Block::BelowMin);
    assert_eq!(against(None, [None, None]), [""; 0]);
    assert_eq!(against(below, [None, None]), ["below-min-isr"]);
    assert_eq!(against(None, [None, below]), ["below-min-isr"]);
    assert_eq!(against(Some(Block::Last), [below, None]), ["last-in-sync", "below-min-isr"]);
}

#[test]
fn ready_rests_on_good_rounds_two_and_a_half_seconds_apart() {
    let mut seen = perfect(6000);
    assert_eq!(codes(&seen, 6000), ["peers-unknown"]);
    take(&mut seen, round(3600, vec![well(2, 3600)], &[]));
    assert_eq!(codes(&seen, 6000), ["settling"]);
    take(&mut seen, round(6000, vec![well(3, 6000)], &[2]));
    assert_eq!(codes(&seen, 6000), ["settling"], "2.4 s");
    look(&mut seen, 6100);
    take(&mut seen, round(6100, vec![well(3, 6100)], &[2]));
    assert_eq!(codes(&seen, 6100), [""; 0]);
}

#[test]
fn its_own_perfect_word_is_never_enough() {
    // Cut off from ZooKeeper and served from an old image for ever.
    let mut seen = settled(10_000);
    assert!(ready(&seen, &Limits::default(), at(10_000)).is_yes());
    look(&mut seen, 11_000);
    take(&mut seen, round(11_000, vec![without_us(well(2, 11_000)), well(3, 11_000)], &[]));
    assert_eq!(codes(&seen, 11_000), ["unregistered"], "one word against is enough");
    // Nor is silence: the good word grows old.
    let mut seen = settled(10_000);
    for ms in (11_000..20_000).step_by(1000) {
        look(&mut seen, ms);
        take(&mut seen, round(ms, vec![], &[2, 3]));
    }
    assert_eq!(codes(&seen, 19_000), [""; 0]);
    assert_eq!(codes(&seen, 19_001), ["peers-stale"]);
    assert_eq!(seen.testimony.doubt, Some(Doubt::Silent));
}

#[test]
fn who_vouches_may_be_cut_off_too_so_zookeeper_itself_must_answer() {
    let mut seen = settled(10_000);
    seen.zookeeper = Some(at(9500));
    for ms in (11_000..20_000).step_by(1000) {
        look(&mut seen, ms);
        take(&mut seen, round(ms, vec![well(2, ms), well(3, ms)], &[]));
    }
    assert_eq!(codes(&seen, 18_500), [""; 0]);
    assert_eq!(codes(&seen, 18_501), ["zookeeper-unreachable"]);
    // A new life of the broker changes nothing of that.
    seen.begin_incarnation(at(19_000));
    assert_eq!(seen.zookeeper, Some(at(9500)));
    // One that never answered from here may only not be allowed to.
    let mut seen = settled(60_000);
    seen.zookeeper = None;
    assert_eq!(codes(&seen, 60_000), [""; 0]);
}

#[test]
fn a_broker_that_hangs_is_seen_by_its_own_silence() {
    let mut seen = settled(10_000);
    seen.reach = (Reach::Silent, at(13_000));
    for ms in (11_000..15_000).step_by(1000) {
        take(&mut seen, round(ms, vec![well(2, ms), well(3, ms)], &[]));
    }
    assert_eq!(codes(&seen, 14_500), [""; 0]);
    assert_eq!(codes(&seen, 14_501), ["listing-stale", "broker-silent"]);
}

/// What is wrong with a round after good ones, what is said at once, and the doubt.
type Case = (fn() -> Vec<View>, &'static [&'static str], Option<Doubt>);

const CASES: &[Case] = &[
    (|| vec![well(2, 11_000), well(3, 11_000)], &[], None),
    (|| vec![out(well(2, 11_000)), well(3, 11_000)], &["out-of-isr"], None),
    (
        || vec![well(2, 11_000), View { tally: tally(Some(Fault::Offline)), ..well(3, 11_000) }],
        &["replica-offline"],
        None,
    ),
    // It still has this broker in every ISR, and does not list it any more.
    (|| vec![without_us(well(3, 11_000))], &["unregistered"], None),
    // Just started: told of nobody, then of brokers without topics. Neither is a word against.
    (
        || vec![View { brokers: vec![], lists_us: false, controller: -1, ..well(2, 11_000) }],
        &[],
        Some(Doubt::NoWitness),
    ),
    (
        || vec![View { tally: Tally::default(), ..well(3, 11_000) }],
        &[],
        Some(Doubt::Disagrees { broker: 3, theirs: 0, ours: 6 }),
    ),
    // The leader died and no other is chosen yet: not this broker's fault.
    (
        || vec![View { tally: tally(Some(Fault::Leaderless)), ..well(3, 11_000) }],
        &[],
        Some(Doubt::Leaderless { count: 1 }),
    ),
    (
        || vec![View { tally: Tally { unauthorized_topics: 1, ..tally(None) }, ..well(3, 11_000) }],
        &[],
        Some(Doubt::Hidden),
    ),
    // 3 was cut off while this broker was out, and serves that image on; 2 does not list it.
    (
        || {
            let current = View { brokers: vec![1, 2], ..well(2, 11_000) };
            vec![current, out(well(3, 11_000))]
        },
        &[],
        None,
    ),
];

#[test]
fn each_word_for_what_it_is_worth() {
    for (number, (views, expected, doubt)) in CASES.iter().enumerate() {
        let mut seen = settled(10_000);
        look(&mut seen, 11_000);
        take(&mut seen, round(11_000, views(), &[]));
        assert_eq!(codes(&seen, 11_000), *expected, "case {number}");
        assert_eq!(seen.testimony.doubt, *doubt, "case {number}");
    }
}

#[test]
fn a_word_against_stands_until_it_is_taken_back_or_grows_old() {
    let mut seen = settled(10_000);
    take(&mut seen, round(10_500, vec![out(well(2, 10_500))], &[]));
    // 2 falls silent, and 3 knows nothing of it yet.
    for ms in [11_000, 15_000, 19_000] {
        look(&mut seen, ms);
        take(&mut seen, round(ms, vec![well(3, ms)], &[2]));
        assert_eq!(codes(&seen, ms), ["out-of-isr"], "{ms}");
    }
    look(&mut seen, 19_600);
    take(&mut seen, round(19_600, vec![well(3, 19_600)], &[2]));
    assert_eq!(codes(&seen, 19_600), ["settling"]);
}

#[test]
fn the_brokers_own_word_against_itself_is_told_once() {
    let mut seen = settled(10_000);
    let mut scan = seen.round.as_deref().unwrap().clone();
    scan.tally = tally(Some(Fault::OutOfIsr));
    seen.round = Some(Arc::new(scan));
    assert_eq!(codes(&seen, 10_100), ["out-of-isr"]);
    take(&mut seen, round(10_500, vec![out(well(2, 10_500))], &[]));
    assert_eq!(codes(&seen, 10_500), ["out-of-isr"]);
}

#[test]
fn leaderless_for_long_is_named() {
    let mut seen = settled(10_000);
    for ms in (11_000..21_000).step_by(1000) {
        look(&mut seen, ms);
        let view = View { tally: tally(Some(Fault::Leaderless)), ..well(3, ms) };
        take(&mut seen, round(ms, vec![view], &[]));
    }
    assert_eq!(codes(&seen, 20_000), ["peers-stale", "leaderless"]);
}

#[test]
fn a_controller_that_is_silent_for_longer_than_a_session_freezes_everybody() {
    let mut seen = settled(10_000);
    for ms in (11_000..37_000).step_by(1000) {
        look(&mut seen, ms);
        take(&mut seen, round(ms, vec![well(3, ms)], &[2]));
    }
    assert_eq!(codes(&seen, 36_000), [""; 0], "a dead one is replaced within its session");
    assert_eq!(codes(&seen, 36_001), ["controller-silent"]);
    look(&mut seen, 37_000);
    take(&mut seen, round(37_000, vec![View { controller: 3, ..well(3, 37_000) }], &[2]));
    assert_eq!(codes(&seen, 37_000), [""; 0], "another took its place");
}

#[test]
fn two_brokers_and_one_of_them_dies() {
    // While the dead one, the controller, is listed nobody can speak for the other.
    let mut seen = settled(10_000);
    seen.testimony.views.retain(|view| view.broker == 2);
    let silent = (11_000..28_000).step_by(1000);
    for ms in silent {
        look(&mut seen, ms);
        take(&mut seen, round(ms, vec![], &[2]));
    }
    assert_eq!(codes(&seen, 27_000), ["peers-stale"]);
    // Its session has run out: the one that is left is the cluster, and is asked nothing more.
    for ms in (28_000..60_000).step_by(1000) {
        look(&mut seen, ms);
        take(&mut seen, Round { started: at(ms), silent: vec![2], alone: true, ..Round::default() });
        let expected: &[&str] = if ms < 31_000 { &["settling"] } else { &[] };
        assert_eq!(codes(&seen, ms), expected, "{ms}");
    }
    assert!(seen.testimony.alone);
    // The other is back, registered, and knows nothing of this one: it was cut off itself meanwhile.
    look(&mut seen, 61_000);
    let view = View { brokers: vec![2], lists_us: false, ..well(2, 61_000) };
    take(&mut seen, Round { started: at(61_000), views: vec![view], silent: vec![], alone: true });
    assert_eq!(codes(&seen, 61_000), ["unregistered"]);
}

#[test]
fn nobody_who_can_be_asked_is_not_alone() {
    let mut seen = perfect(1000);
    take(&mut seen, round(1000, vec![], &[]));
    assert_eq!(codes(&seen, 1000), ["peers-unknown"]);
    assert_eq!(seen.testimony.doubt, Some(Doubt::NobodyToAsk));
}

#[test]
fn a_replica_that_was_made_and_is_not_told_of_yet() {
    let mut seen = settled(10_000);
    let nothing = |ms| {
        Some(Arc::new(Scan {
            started: at(ms),
            finished: at(ms),
            as_of: at(ms),
            bytes: 1,
            tally: Tally::default(),
        }))
    };
    seen.nothing_assigned_since = Some(at(1000));
    seen.round = nothing(12_500);
    assert_eq!(codes(&seen, 12_500), [""; 0], "the log dirs told 2.5 s ago");
    seen.round = nothing(12_501);
    assert_eq!(codes(&seen, 12_501), ["unlisted-replicas"]);
}

#[test]
fn limits_follow_the_session() {
    let s = Duration::from_secs;
    assert_eq!(peers_limit(s(18), s(3)), s(9));
    assert_eq!(peers_limit(s(6), s(3)), Duration::from_millis(5500), "two rounds must fit");
    assert_eq!(controller_limit(s(18)), s(25));
}

#[test]
fn whom_to_ask() {
    assert_eq!(choose(2, &[1, 2, 3, 4, 5], Some(5), &[]), [5, 3, 4]);
    assert_eq!(choose(2, &[1, 2, 3, 4, 5], Some(2), &[]), [3, 4], "it is the controller itself");
    assert_eq!(choose(2, &[1, 2, 3, 4, 5], None, &[3, 4]), [5, 1], "those that were silent come last");
    assert_eq!(choose(2, &[1, 2], Some(9), &[1]), [1]);
    assert_eq!(choose(2, &[2], None, &[]), [0; 0]);
}
