//! The judge of a controller, and of a node that is broker and controller in one.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed step should stop the test"
)]

use std::{sync::Arc, time::Duration};

use pillion_probes::{
    contact::{Contact, Doubt},
    hosting::Hosting,
    judge::{judge, ready, stoppable},
    limits::Limits,
    observe::{Listing, LogDir, LogDirs, Observations, Reach, Role},
    reason::{Reason, Told},
    replicas::{Round, Tally},
    stops::{Stops, Unseats},
    time::BootTime,
    voter::{Flaw, Standing, Vote},
};
use proptest::prelude::*;

const NOW: BootTime = BootTime::from_millis(1_000_000);

fn ago(ms: u64) -> BootTime {
    NOW.back(Duration::from_millis(ms))
}

fn vote(ms: u64) -> Vote {
    let standing = Standing { at: ago(ms), leader: 2, epoch: 7, leads: false, unseats: None };
    Vote { standing: Some(standing), flaw: None, doubt: None }
}

fn healthy(role: Role) -> Observations {
    let mut seen = Observations::nothing(role, ago(500_000));
    seen.incarnation.answered = Some(ago(400_000));
    seen.incarnation.last_answer = Some(ago(100));
    seen.reach = (Reach::Answers, ago(400_000));
    seen.vote = vote(800);
    if role.has_broker() {
        let at = ago(500);
        seen.contact = Some(Contact { at, current: at, since: ago(400_000), read_index: at });
        seen.listing = Some(Listing { sent: at, as_of: at, listed: true });
        let stops = Some(Stops { asked: at, ..Stops::default() });
        let tally = Tally { topics: 1, partitions: 3, assigned: 1, stops, ..Tally::default() };
        seen.round = Some(Arc::new(Round { started: at, finished: at, as_of: at, bytes: 100, tally }));
        let dir = LogDir {
            path: "/data/0".into(),
            error: 0,
            replicas: 1,
            total_bytes: None,
            usable_bytes: None,
            bytes: 0,
        };
        let told = LogDirs { sent: at, answered: at, dirs: vec![dir], missing: vec![] };
        seen.log_dirs = Some(Arc::new(told));
        seen.hosting = Some(Hosting { asked: at, ..Hosting::default() });
    }
    seen
}

fn codes(seen: &Observations) -> Vec<&'static str> {
    ready(seen, &Limits::default(), NOW).reasons.iter().map(Reason::code).collect()
}

#[test]
fn a_controller_is_ready_by_its_vote_alone() {
    let verdicts = judge(&healthy(Role::Controller), &Limits::default(), NOW);
    assert!(verdicts.ready.is_yes() && verdicts.live.is_yes() && verdicts.started.is_yes());
    assert_eq!(verdicts.ready.rests_on, Some((ago(800), Limits::default().voter)));
    assert_eq!(codes(&Observations::nothing(Role::Controller, NOW)), ["not-looked"]);
}

/// Changes one thing about a healthy node.
type Change = fn(&mut Observations);

const CASES: &[(Change, &[&str])] = &[
    (|seen| seen.vote = Vote::default(), &["quorum-unknown"]),
    (|seen| seen.vote = vote(5001), &["quorum-contact-lost"]),
    (|seen| seen.vote.flaw = Some(Flaw::NotAVoter { leader: 2 }), &["not-a-voter"]),
    (
        |seen| {
            let lag = Duration::from_secs(3);
            seen.vote.flaw = Some(Flaw::Behind { leader: 2, lag, records: 6 });
        },
        &["voter-behind"],
    ),
    (
        |seen| {
            seen.vote = Vote { standing: None, flaw: None, doubt: Some(Doubt::Behind { records: 6 }) };
        },
        &["voter-behind"],
    ),
    (
        |seen| seen.vote.flaw = Some(Flaw::Unfollowed { leader: 1, since: Duration::from_secs(2) }),
        &["leader-unfollowed"],
    ),
    // A leader that told bad news does not answer any more, for a long time.
    (
        |seen| {
            let flaw = Some(Flaw::Unfollowed { leader: 1, since: Duration::from_secs(2) });
            seen.vote = Vote { flaw, doubt: Some(Doubt::NoLeader), ..vote(5001) };
        },
        &["quorum-contact-lost"],
    ),
    (
        |seen| {
            let flaw = Some(Flaw::Unfollowed { leader: 1, since: Duration::from_secs(2) });
            seen.vote = Vote { flaw, doubt: Some(Doubt::NoLeader), ..vote(4000) };
        },
        &["leader-unfollowed"],
    ),
    (|seen| seen.denied = vec!["DescribeQuorum".into()], &["not-authorized"]),
    (
        |seen| {
            seen.vote = Vote::default();
            seen.clock_stepped = Some(ago(500));
        },
        &["clock-stepped"],
    ),
    (
        |seen| {
            seen.begin_incarnation(NOW);
            seen.reach = (Reach::Refused, ago(3000));
        },
        &["broker-not-listening"],
    ),
    (
        |seen| {
            seen.vote = vote(6000);
            seen.reach = (Reach::Silent, ago(5500));
        },
        &["quorum-contact-lost", "broker-silent"],
    ),
];

#[test]
fn every_reason_against_a_vote_is_reached_alone() {
    for role in [Role::Controller, Role::Combined] {
        for (number, (change, expected)) in CASES.iter().enumerate() {
            let mut seen = healthy(role);
            assert!(codes(&seen).is_empty());
            change(&mut seen);
            if !seen.vote.eq(&vote(800)) || role == Role::Controller {
                assert_eq!(codes(&seen), *expected, "{role:?}, case {number}");
            }
        }
    }
}

#[test]
fn the_reasons_name_what_the_on_call_needs() {
    let lag = Some(Duration::from_millis(2400));
    let told = |reason: Reason| Told::from(&reason);
    assert!(told(Reason::NotAVoter { leader: 2 }).remedy.contains("kafka-metadata-quorum.sh add-controller"));
    assert!(told(Reason::VoterBehind { lag, records: 6 }).text.contains("for 2.4 s; it lacks 6"));
    let since = Duration::from_millis(1700);
    assert!(told(Reason::Unfollowed { leader: 1, since }).text.contains("controller 1"));
}

#[test]
fn a_combined_node_that_lost_the_quorum_says_so_once() {
    let mut seen = healthy(Role::Combined);
    seen.contact = seen.contact.map(|contact| Contact { at: ago(6000), ..contact });
    seen.vote = vote(6000);
    assert_eq!(codes(&seen), ["quorum-contact-lost"]);
    seen.contact = healthy(Role::Combined).contact;
    assert_eq!(codes(&seen), ["quorum-contact-lost"], "the broker is in touch, the vote is not proven");
}

fn flaw() -> impl Strategy<Value = Option<Flaw>> {
    let since = Duration::from_secs(2);
    prop_oneof![
        4 => Just(None),
        1 => Just(Some(Flaw::NotAVoter { leader: 2 })),
        1 => Just(Some(Flaw::Behind { leader: 2, lag: since, records: 1 })),
        1 => Just(Some(Flaw::Unfollowed { leader: 2, since })),
    ]
}

fn doubt() -> impl Strategy<Value = Option<Doubt>> {
    let doubts = vec![Doubt::NoLeader, Doubt::Unanswered, Doubt::Behind { records: 1 }];
    prop::option::of(prop::sample::select(doubts))
}

proptest! {
    /// Ready exactly when the vote is proven, young enough, and nothing speaks against it; and until it expires.
    #[test]
    fn no_yes_without_its_evidence(
        combined in any::<bool>(), standing in prop::option::of(0_u64..10_000), flaw in flaw(), doubt in doubt(),
        contact in 0_u64..9000,
    ) {
        let limits = Limits::default();
        let mut seen = healthy(if combined { Role::Combined } else { Role::Controller });
        let standing = standing.map(|ms| Standing { at: ago(ms), leader: 2, epoch: 7, leads: false, unseats: None });
        seen.vote = Vote { standing, flaw, doubt };
        if let Some(proven) = &mut seen.contact {
            proven.at = ago(contact);
        }
        let young = standing.is_some_and(|standing| NOW.since(standing.at) <= limits.voter);
        let in_touch = !combined || Duration::from_millis(contact) <= limits.contact;
        let verdict = ready(&seen, &limits, NOW);
        prop_assert_eq!(verdict.is_yes(), young && flaw.is_none() && in_touch, "{:?}", verdict.reasons);
        prop_assert_eq!(verdict.is_yes(), verdict.reasons.is_empty(), "a no always says why");
        if let Some((as_of, limit)) = verdict.rests_on {
            let last = as_of.forth(limit);
            prop_assert!(ready(&seen, &limits, last).is_yes());
            prop_assert!(!ready(&seen, &limits, last.forth(Duration::from_millis(1))).is_yes());
        }
    }
}

#[test]
fn a_controller_may_stop_when_the_others_are_a_majority() {
    let said = |seen: &Observations| -> Vec<&'static str> {
        let verdict = stoppable(seen, &Limits::default(), NOW);
        assert_eq!(verdict.is_yes(), verdict.reasons.is_empty());
        verdict.reasons.iter().map(Reason::code).collect()
    };
    for role in [Role::Controller, Role::Combined] {
        let with = |change: fn(&mut Vote)| {
            let mut seen = healthy(role);
            change(&mut seen.vote);
            said(&seen)
        };
        assert_eq!(with(|_| {}), [""; 0]);
        let unseats = |vote: &mut Vote| {
            let standing = vote.standing.as_mut().unwrap();
            standing.unseats = Some(Unseats { voters: 3, left: 1 });
        };
        assert_eq!(with(unseats), ["no-majority-left"]);
        assert_eq!(with(|vote| vote.standing = None), ["quorum-unknown"]);
        assert_eq!(with(|vote| *vote = self::vote(5001)), ["quorum-contact-lost"]);
        let lags = |vote: &mut Vote| {
            vote.flaw = Some(Flaw::Behind { leader: 2, lag: Duration::from_secs(3), records: 5 });
        };
        assert_eq!(with(lags), ["voter-behind"]);
        // A joiner takes nothing from anybody.
        let joins = |vote: &mut Vote| {
            *vote = Vote { flaw: Some(Flaw::NotAVoter { leader: 2 }), ..Vote::default() };
        };
        assert_eq!(with(joins), [""; 0]);
    }
}
