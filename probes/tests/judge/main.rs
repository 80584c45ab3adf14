//! The judge: every reason can be reached, and no yes without its evidence.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed step should stop the test"
)]

mod cases;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use cases::{CASES, Change};
use pillion_probes::{
    contact::{Contact, Doubt},
    hosting::Hosting,
    judge::{in_sync_with_all, judge, live, ready, stoppable},
    limits::{Limits, contact_limit},
    moves::Move,
    observe::{Listing, LogDir, LogDirs, Observations, Process, Reach, Role},
    reason::{Reason, Told, spoken},
    replicas::{Fault, NAMED, PartitionName, Round, Tally},
    stops::{Block, Lack, Stops, Unseats},
    time::BootTime,
};
use proptest::prelude::*;

const NOW: BootTime = BootTime::from_millis(1_000_000);

fn ago(ms: u64) -> BootTime {
    NOW.back(Duration::from_millis(ms))
}

fn tally(faults: &[Fault]) -> Tally {
    let stops = Some(unhurt(ago(30_000)));
    let mut tally = Tally { topics: 3, partitions: 30, stops, ..Tally::default() };
    for partition in 0..10 {
        let fault = faults.get(usize::try_from(partition).unwrap());
        let is = |kind| fault == Some(&kind);
        tally.count_assigned(
            partition,
            !is(Fault::OutOfIsr),
            !is(Fault::Leaderless),
            is(Fault::Offline),
            || "orders".to_owned(),
        );
    }
    tally
}

/// Nothing that a stop would hurt.
fn unhurt(asked: BootTime) -> Stops {
    Stops { asked, ..Stops::default() }
}

fn round(as_of: BootTime, tally: Tally) -> Arc<Round> {
    Arc::new(Round { started: as_of, finished: as_of, as_of, bytes: 1000, tally })
}

fn log_dirs(sent: BootTime, error: i16, replicas: u64) -> Arc<LogDirs> {
    let dir =
        LogDir { path: "/data/0".into(), error, replicas, total_bytes: None, usable_bytes: None, bytes: 0 };
    Arc::new(LogDirs { sent, answered: sent, dirs: vec![dir], missing: vec![] })
}

/// A lease that has held since long before, and was last proven so long ago.
fn contact(ms: u64) -> Contact {
    Contact { at: ago(ms), current: ago(ms), since: ago(400_000), read_index: ago(ms) }
}

/// A broker of which everything is known, half a second ago, and all of it good.
fn healthy() -> Observations {
    let mut seen = Observations::nothing(Role::Broker, ago(500_000));
    seen.incarnation.answered = Some(ago(400_000));
    seen.incarnation.last_answer = Some(ago(100));
    seen.reach = (Reach::Answers, ago(400_000));
    seen.contact = Some(contact(500));
    seen.listing = Some(Listing { sent: ago(400), as_of: ago(500), listed: true });
    seen.round = Some(round(ago(500), tally(&[])));
    seen.log_dirs = Some(log_dirs(ago(500), 0, 10));
    seen.hosting = Some(Hosting { asked: ago(500), ..Hosting::default() });
    seen
}

fn codes(seen: &Observations) -> Vec<&'static str> {
    ready(seen, &Limits::default(), NOW).reasons.iter().map(Reason::code).collect()
}

#[test]
fn a_healthy_broker_is_ready_live_and_started() {
    let verdicts = judge(&healthy(), &Limits::default(), NOW);
    assert!(verdicts.ready.is_yes() && verdicts.live.is_yes() && verdicts.started.is_yes());
    assert_eq!(verdicts.ready.rests_on, Some((ago(500), Limits::default().contact)), "what expires first");
    assert!(verdicts.stoppable.is_yes());
    assert_eq!(verdicts.stoppable.rests_on, verdicts.ready.rests_on);
}

/// Changes a healthy broker; the codes of what then speaks against a stop.
fn against_a_stop(change: impl FnOnce(&mut Observations)) -> Vec<&'static str> {
    let mut seen = healthy();
    change(&mut seen);
    let verdict = stoppable(&seen, &Limits::default(), NOW);
    assert_eq!(verdict.is_yes(), verdict.reasons.is_empty());
    verdict.reasons.iter().map(Reason::code).collect()
}

fn hurting(blocks: &[Block]) -> Tally {
    let mut stops = unhurt(ago(1));
    for block in blocks {
        stops.add(*block, || PartitionName { topic: "orders".into(), partition: 7 });
    }
    Tally { stops: Some(stops), ..tally(&[]) }
}

#[test]
fn every_reason_against_a_stop_is_reached_alone() {
    let with = |tally: Tally| against_a_stop(|seen| seen.round = Some(round(ago(1), tally)));
    let codes = ["last-in-sync", "below-min-isr", "no-replica-to-spare", "single-replica"];
    for (block, code) in Block::ALL.iter().zip(codes) {
        assert_eq!(with(hurting(&[*block])), [code]);
    }
    assert_eq!(with(hurting(&Block::ALL)), codes, "the gravest first");
    assert_eq!(with(Tally { stops: None, ..tally(&[]) }), ["minimums-unknown"]);
    assert_eq!(with(Tally { stops: Some(unhurt(ago(120_001))), ..tally(&[]) }), ["minimums-stale"]);
    assert_eq!(with(Tally { unauthorized_topics: 1, ..tally(&[]) }), ["topics-hidden"]);
    assert_eq!(with(Tally { failed_topics: 1, ..tally(&[]) }), ["topics-failed"]);
    // A scan of all topics leaves out what the agent may not see; its log dirs do not, however long ago they were compared.
    let hidden = Hosting { asked: ago(500_000), hidden: 1, ..Hosting::default() };
    assert_eq!(against_a_stop(|seen| seen.hosting = Some(hidden)), ["topics-hidden"]);
    assert_eq!(against_a_stop(|seen| seen.denied.push("DescribeLogDirs".into())), ["not-authorized"]);
    assert_eq!(against_a_stop(|seen| seen.round = None), ["scan-incomplete"]);
    assert_eq!(against_a_stop(|seen| seen.round = Some(round(ago(15_001), tally(&[])))), ["scan-stale"]);
    assert_eq!(against_a_stop(|seen| seen.contact = None), ["quorum-unknown"]);
    assert_eq!(against_a_stop(|seen| seen.contact = Some(contact(4501))), ["quorum-contact-lost"]);
    assert_eq!(against_a_stop(|seen| *seen = Observations::nothing(Role::Broker, NOW)), ["not-looked"]);
    let lapsed = Contact { since: ago(450), ..contact(300) };
    assert_eq!(against_a_stop(|seen| seen.contact = Some(lapsed)), ["scan-incomplete"]);
}

#[test]
fn whether_it_is_in_sync_does_not_matter_for_a_stop() {
    let faults = [Fault::OutOfIsr, Fault::Leaderless, Fault::Offline];
    assert!(against_a_stop(|seen| seen.round = Some(round(ago(1), tally(&faults)))).is_empty());
    assert!(against_a_stop(|seen| seen.log_dirs = Some(log_dirs(ago(1), 56, 10))).is_empty());
    assert!(against_a_stop(|seen| seen.hosting = None).is_empty());
}

#[test]
fn a_new_agent_is_not_ready_and_never_kills() {
    let seen = Observations::nothing(Role::Broker, NOW);
    let verdicts = judge(&seen, &Limits::default(), NOW);
    assert!(!verdicts.ready.is_yes() && !verdicts.started.is_yes() && verdicts.live.is_yes());
    assert_eq!(codes(&seen), ["not-looked"]);
}

/// Ten replicas in sync, and two that are being added.
fn adding() -> Tally {
    let mut tally = tally(&[]);
    for partition in 10..12 {
        tally.count_moving(partition, Move::Adding, || "orders".to_owned());
    }
    tally
}

#[test]
fn replicas_that_are_being_added_count_until_it_was_in_sync_once() {
    let limits = Limits::default();
    let mut seen = healthy();
    assert!(in_sync_with_all(&seen, &limits, NOW));
    seen.round = Some(round(ago(500), adding()));
    assert_eq!(codes(&seen), ["replica-being-added"]);
    assert!(!in_sync_with_all(&seen, &limits, NOW));
    seen.in_sync_once = true;
    assert_eq!(codes(&seen), [""; 0]);
    assert!(!in_sync_with_all(&seen, &limits, NOW), "it is ready, not in sync with all");
    seen.begin_incarnation(NOW);
    assert!(seen.in_sync_once, "the volumes remember");
    // Lag of others counts at the same time.
    let mut seen = healthy();
    seen.in_sync_once = true;
    let mut both = adding();
    both.count_assigned(12, false, true, false, || "orders".into());
    seen.round = Some(round(ago(500), both));
    assert_eq!(codes(&seen), ["out-of-isr"]);
    seen.in_sync_once = false;
    assert_eq!(codes(&seen), ["out-of-isr", "replica-being-added"]);
    // A broker to which nothing is assigned has proven nothing.
    seen.round = Some(round(ago(500), Tally::default()));
    assert!(ready(&seen, &limits, NOW).is_yes() && !in_sync_with_all(&seen, &limits, NOW));
}

#[test]
fn a_lost_dir_tells_each_partition_once() {
    let mut lost = tally(&[]);
    for partition in 10..30 {
        lost.count_assigned(partition, false, true, true, || "three".into());
    }
    lost.count_assigned(30, false, false, true, || "one".into());
    let mut seen = healthy();
    seen.round = Some(round(ago(1), lost));
    assert_eq!(codes(&seen), ["leaderless", "replica-offline"], "not as lag, too");
    let reasons = ready(&seen, &Limits::default(), NOW).reasons;
    assert!(reasons[0].text().ends_with("without a leader: one-30"), "{}", reasons[0].text());
    assert!(reasons[1].text().contains("offline here: three-10, "), "{}", reasons[1].text());
}

#[test]
fn every_reason_against_readiness_is_reached_alone() {
    for (number, (change, expected)) in CASES.iter().enumerate() {
        let mut seen = healthy();
        change(&mut seen);
        assert_eq!(codes(&seen), *expected, "case {number}");
    }
}

fn process(quiet_ms: u64) -> Process {
    Process {
        pid: 42,
        started_ticks: 1,
        watched_since: ago(quiet_ms),
        looked: ago(500),
        moved: ago(quiet_ms),
        cpu_ms: 1000,
        io_bytes: Some(1000),
    }
}

fn hung(quiet_ms: u64) -> Observations {
    let mut seen = healthy();
    seen.silence.old_connection = Some(ago(quiet_ms));
    seen.silence.new_connection = Some(ago(quiet_ms));
    seen.process = Some(process(quiet_ms));
    seen
}

#[test]
fn a_hung_broker_is_dead_only_with_every_proof() {
    let dead = |seen: &Observations| !live(seen, &Limits::default(), NOW).is_yes();
    assert!(dead(&hung(60_000)) && !dead(&hung(59_999)));
    assert_eq!(live(&hung(60_000), &Limits::default(), NOW).reasons[0].code(), "broker-hung");
    let spared: &[Change] = &[
        |seen| seen.incarnation.answered = None,
        |seen| seen.silence.old_connection = None,
        |seen| seen.silence.new_connection = None,
        |seen| seen.silence.new_connection = Some(ago(100)),
        |seen| seen.process = None,
        |seen| seen.process = Some(Process { moved: ago(100), ..process(60_000) }),
        |seen| seen.process = Some(Process { looked: ago(5001), ..process(60_000) }),
        |seen| seen.process = Some(Process { watched_since: ago(100), ..process(60_000) }),
    ];
    for (number, change) in spared.iter().enumerate() {
        let mut seen = hung(70_000);
        change(&mut seen);
        assert!(!dead(&seen), "case {number} must be spared");
    }
}

#[test]
fn reasons_have_unique_codes_and_speak() {
    let mut all = vec![Reason::NotStarted, Reason::Hung { since: Duration::from_secs(60), pid: 1 }];
    for block in Block::ALL {
        all.push(Reason::WouldLack { block, count: 1, named: vec![] });
    }
    all.push(Reason::WouldUnseat(Unseats { voters: 3, left: 1 }));
    for lack in [None, Some(Lack::Denied), Some(Lack::TooMany), Some(Lack::Unanswered)] {
        all.push(Reason::MinimumsUnknown { lack });
        all.push(Reason::MinimumsStale { age: Duration::from_secs(200), lack });
    }
    for (change, _) in CASES {
        let mut seen = healthy();
        change(&mut seen);
        all.extend(ready(&seen, &Limits::default(), NOW).reasons);
    }
    let codes: BTreeSet<_> = all.iter().map(Reason::code).collect();
    assert!(codes.len() >= 27, "{codes:?}");
    for reason in &all {
        let told = Told::from(reason);
        assert!(told.code.chars().all(|c| c.is_ascii_lowercase() || c == '-'), "{}", told.code);
        assert!(told.text.len() > 20 && !told.text.ends_with('.'), "{}", told.text);
        assert!(told.remedy.len() > 10, "{}", told.remedy);
        assert_eq!((reason.code(), reason.text(), reason.remedy()), (&*told.code, told.text, &*told.remedy));
    }
    let doubts = [
        Doubt::NoLeader,
        Doubt::UnknownToLeader { leader: 3 },
        Doubt::Deposed { leader: 3 },
        Doubt::LeaderUnheard { leader: 3 },
        Doubt::Behind { records: 5 },
        Doubt::Unanswered,
        Doubt::Denied,
    ];
    let texts: BTreeSet<_> =
        doubts.iter().map(|doubt| Reason::QuorumUnknown { doubt: Some(*doubt) }.text()).collect();
    assert_eq!(texts.len(), doubts.len());
}

#[test]
fn partitions_are_named_up_to_the_cap() {
    let mut many = Tally::default();
    for partition in 0..100 {
        many.count_assigned(partition, false, true, false, || "orders".into());
    }
    assert_eq!((many.named.len(), many.out_of_isr, many.faulty), (NAMED, 100, 100));
    let mut seen = healthy();
    seen.round = Some(round(ago(1), many));
    let reason = ready(&seen, &Limits::default(), NOW).reasons.remove(0);
    assert_eq!((reason.count(), reason.partitions().len()), (Some(100), NAMED));
    assert!(reason.text().starts_with("100 of 100 assigned partition(s) not in the ISR: orders-0, "));
    assert!(reason.text().ends_with(", ..."));
}

#[test]
fn the_sum_of_the_limits() {
    let s = Duration::from_secs;
    assert_eq!(contact_limit(s(9), s(2), s(1), s(1), s(0)), Some(s(5)));
    assert_eq!(contact_limit(s(4), s(2), s(1), s(1), s(0)), None, "nothing left");
    assert_eq!(contact_limit(s(1), s(2), s(1), s(1), s(0)), None);
    assert_eq!(Limits::default().contact, Duration::from_millis(4500));
}

#[test]
fn durations_are_spoken() {
    let spoken = |ms| spoken(Duration::from_millis(ms));
    assert_eq!((spoken(840), spoken(4_500)), ("840 ms".into(), "4.5 s".into()));
    assert_eq!((spoken(720_000), spoken(11_520_000)), ("12 min".into(), "3.2 h".into()));
}

/// Age in milliseconds of a piece of evidence, or its absence.
fn age(limit_ms: u64) -> impl Strategy<Value = Option<u64>> {
    prop_oneof![
        6 => (0..limit_ms * 2).prop_map(Some),
        2 => Just(Some(limit_ms)),
        2 => Just(Some(limit_ms + 1)),
        10 => (0..limit_ms / 2).prop_map(Some),
        1 => Just(None),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]
    /// Ready if and only if each required piece is there, good, and not older than its limit.
    #[test]
    fn ready_needs_every_piece_young_and_good(
        contact in age(4500), listing in age(15_000), scan in age(15_000), dirs in age(20_000),
        answered in prop::bool::weighted(0.95), listed in prop::bool::weighted(0.95),
        fault in prop_oneof![20 => Just(None), 1 => Just(Some(Fault::OutOfIsr)), 1 => Just(Some(Fault::Leaderless)),
            1 => Just(Some(Fault::Offline))],
        partial in prop::bool::weighted(0.05), dir_error in prop_oneof![20 => Just(0_i16), 1 => Just(56)],
        hidden in prop_oneof![20 => Just(0_u64), 1 => Just(1)], failed in prop_oneof![20 => Just(0_u64), 1 => Just(1)],
        denied in prop::bool::weighted(0.05), foreign in prop::bool::weighted(0.05),
        silence in prop::option::of(0_u64..200_000), compared in age(60_000),
        missing in prop_oneof![20 => Just(0_u64), 1 => Just(1)], unseen in prop_oneof![20 => Just(0_u64), 1 => Just(1)],
    ) {
        let limits = Limits::default();
        let mut seen = healthy();
        seen.contact = contact.map(self::contact);
        seen.listing = listing.map(|ms| Listing { sent: ago(ms), as_of: ago(ms), listed });
        let faults: Vec<Fault> = fault.into_iter().collect();
        let found = Tally { unauthorized_topics: hidden, failed_topics: failed, ..tally(&faults) };
        seen.round = scan.map(|ms| round(ago(ms), found));
        if partial {
            seen.partial = Some(Arc::new(tally(&[Fault::OutOfIsr])));
        }
        seen.log_dirs = dirs.map(|ms| log_dirs(ago(ms), dir_error, 10));
        seen.hosting =
            compared.map(|ms| Hosting { asked: ago(ms), missing, hidden: unseen, ..Hosting::default() });
        seen.foreign_cluster = foreign.then(|| "other".into());
        if denied {
            seen.denied.push("DescribeLogDirs".into());
        }
        if !answered {
            seen.incarnation.answered = None;
        }
        seen.silence.old_connection = silence.map(ago);
        let young = |age: Option<u64>, limit: Duration| age.is_some_and(|ms| Duration::from_millis(ms) <= limit);
        let expected = answered && listed && !foreign && !denied && fault.is_none() && !partial && dir_error == 0
            && hidden == 0 && failed == 0 && missing == 0 && unseen == 0 && young(compared, limits.hosting)
            && young(contact, limits.contact) && young(listing, limits.scan)
            && young(scan, limits.scan) && young(dirs, limits.log_dirs);
        let verdict = ready(&seen, &limits, NOW);
        prop_assert_eq!(verdict.is_yes(), expected, "{:?}", verdict.reasons);
        prop_assert_eq!(verdict.is_yes(), verdict.reasons.is_empty(), "a no always says why");
        // And it holds exactly until the first piece expires.
        if let Some((as_of, limit)) = verdict.rests_on {
            let last = as_of.forth(limit);
            prop_assert!(ready(&seen, &limits, last).is_yes());
            prop_assert!(!ready(&seen, &limits, last.forth(Duration::from_millis(1))).is_yes());
        }
        prop_assert!(live(&seen, &limits, NOW).is_yes(), "nothing of this is proof of a hang");
    }
}
