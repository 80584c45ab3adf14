#![allow(clippy::unwrap_used, reason = "a failed step should stop the test where it stands")]
use std::{sync::Arc, time::Duration};

use pillion_probes::{
    forced::{self, FirstSeen, Source, Stated},
    limits::Limits,
    observe::{Observations, Role},
};

use super::*;
use crate::{
    board::{Identity, Pod, Settings, Why},
    clock::Clock,
};

pub(crate) fn board() -> Arc<Board> {
    let clock = Clock::system();
    let identity = Identity {
        broker_id: 1002,
        zone: None,
        cluster: "demo".into(),
        mode: "kraft-broker".into(),
        pod: Some(Pod { namespace: "kafka".into(), name: "kafka-1".into() }),
    };
    let (limits, override_cap) = (Limits::default(), Duration::from_secs(7200));
    let seen = Observations::nothing(Role::Broker, clock.boot());
    Board::new(Settings { identity, limits, override_cap, findings: Vec::new(), run_dir: None }, clock, seen)
}

pub(crate) fn change(subject: Subject, from: &str, to: &str, whys: &[[&str; 3]]) -> Transition {
    let why = |[code, text, remedy]: &[&str; 3]| Why {
        code: (*code).to_owned(),
        text: (*text).to_owned(),
        remedy: (*remedy).to_owned(),
    };
    let at = "2026-01-31T18:00:00.250Z".to_owned();
    Transition { at, subject, from: from.into(), to: to.into(), why: whys.iter().map(why).collect() }
}

/// Reason and note of the Event.
fn said(board: &Board, change: &Transition) -> Option<(Kind, &'static str, String)> {
    let (_, event) = of(change, board)?;
    assert_eq!((event.at_ms, event.count), (1_769_882_400_250, 1));
    Some((event.kind, event.reason, event.note))
}

#[test]
fn what_matters_to_people_is_told_with_its_remedy() {
    let board = board();
    let lag =
        [["out-of-isr", "3 replicas are out of the ISR", "wait"], ["denied", "it may not see", "grant"]];
    let note = "3 replicas are out of the ISR; it may not see; what to do: wait".to_owned();
    let told = |subject, from, to, whys: &[[&str; 3]]| said(&board, &change(subject, from, to, whys));
    let unready = told(Subject::Ready, "yes", "no (out-of-isr)", &lag);
    assert_eq!(unready, Some((Kind::Warning, "KafkaNotReady", note)));
    let (kind, reason, _) = told(Subject::Ready, "no (scan-missing)", "yes", &[]).unwrap();
    assert_eq!((kind, reason), (Kind::Normal, "KafkaReady"));
    let (kind, reason, note) =
        told(Subject::Live, "yes", "no (hung)", &[["hung", "nothing moves", "look"]]).unwrap();
    assert_eq!(
        (kind, reason, &*note),
        (Kind::Warning, "KafkaDead", "it hangs: nothing moves; what to do: look")
    );
    assert_eq!(told(Subject::Live, "no (hung)", "yes", &[]).unwrap().1, "KafkaAlive");
    assert_eq!(told(Subject::Started, "no (not-listening)", "yes", &[]).unwrap().1, "KafkaStarted");
}

#[test]
fn what_is_no_news_is_not_told() {
    let board = board();
    for (subject, from, to) in [
        (Subject::Ready, "", "no (not-looked)"),
        (Subject::Ready, "no (not-looked)", "no (quorum-unknown)"),
        (Subject::Ready, "", "yes"),
        (Subject::Live, "", "yes"),
        (Subject::Started, "yes", "no (not-listening)"),
        (Subject::Stoppable, "", "no (below-min-isr)"),
        (Subject::Answered, "yes", "no"),
        (Subject::Agent, "", "started"),
        (Subject::Override, "", "none"),
        (Subject::Override, "ready expired (annotation)", "none"),
        (Subject::Override, "ignored (annotation)", "none"),
    ] {
        assert_eq!(of(&change(subject, from, to, &[]), &board), None, "{subject:?} {from} {to}");
    }
}

#[test]
fn an_override_is_told_when_it_begins_when_it_is_refused_and_when_it_ends() {
    let board = board();
    let now = board.clock().now().into();
    let request = forced::parse("ready,for=30m,reason=INC-1,by=alice").map_err(|error| error.to_string());
    let stated = Stated { source: Source::Annotation, request, first: FirstSeen::at(now), looked: now.boot };
    board.stated().send_replace(Arc::new(vec![stated]));
    let begun = [["override", "by alice: INC-1", ""]];
    let told =
        |from, to, whys: &[[&str; 3]]| said(&board, &change(Subject::Override, from, to, whys)).unwrap();
    let (kind, reason, note) = told("none", "ready (annotation)", &begun);
    assert_eq!((kind, reason), (Kind::Warning, "OverrideStarted"));
    for part in [
        "forced ready by alice (annotation)",
        "reason: INC-1",
        "PodDisruptionBudgets",
        "kubectl annotate pod -n kafka kafka-1 pillion.dev/override-",
    ] {
        assert!(note.contains(part), "{part}: {note}");
    }
    let refused = told("none", "ignored (annotation)", &[["override-ignored", "reason= is required", ""]]);
    let words = "the override is ignored (annotation): reason= is required; correct it, or remove it with: kubectl \
                 annotate pod -n kafka kafka-1 pillion.dev/override-";
    assert_eq!(refused, (Kind::Warning, "OverrideRefused", words.to_owned()));
    let expired = [["override-expired", "by alice: INC-1", ""]];
    let (kind, reason, note) = told("ready (annotation)", "ready expired (annotation)", &expired);
    assert_eq!((kind, reason), (Kind::Normal, "OverrideEnded"));
    assert!(note.starts_with("its time is over: by alice: INC-1"), "{note}");
    let (_, reason, note) = told("hold (file)", "none", &[]);
    assert_eq!((reason, &*note), ("OverrideEnded", "hold (file) was taken away; the true verdict counts"));
    // It ended before it was told of.
    board.stated().send_replace(Arc::default());
    assert_eq!(told("none", "ready (annotation)", &begun).2, "ready (annotation), by alice: INC-1");
}

#[test]
fn a_stop_that_waits_or_is_forced_is_told_and_that_a_turn_goes_round_is_not() {
    let board = board();
    let told = |to, whys: &[[&str; 3]]| said(&board, &change(Subject::Turn, "", to, whys));
    let held = [["turn-held", "broker-1001 has the turn", ""]];
    let waits = told("waits", &held).unwrap();
    assert_eq!(waits, (Kind::Normal, "StopWaits", "its stop waits: broker-1001 has the turn".to_owned()));
    let up = [["time-up", "the time is up", "give it more"]];
    let (kind, reason, note) = told("goes ALTHOUGH it should not", &up).unwrap();
    assert_eq!((kind, reason), (Kind::Warning, "StopForced"));
    assert!(note.contains("the time is up") && note.contains("give it more"), "{note}");
    assert_eq!(told("taken over from broker-1001", &[]).unwrap().1, "TurnTakenOver");
    assert_eq!(told("taken", &[]), None);
    assert_eq!(told("given back: in sync", &[]), None);
}
