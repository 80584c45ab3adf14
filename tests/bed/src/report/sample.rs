//! Runs for the tests of what is made of them.

use super::{About, Event, Lane, Run, Subject, Wrong};
use crate::truth::Truth;

pub(super) fn about() -> About {
    About {
        fault: "cut-off".to_owned(),
        title: "Cut off from the controllers, serving on".to_owned(),
        mode: "kraft".to_owned(),
        kafka: "4.3.1".to_owned(),
        date: "2026-11-24".to_owned(),
        cores: 2,
        place: 1,
        right: "Not ready before the others fence it, which they do 9 s after its last heartbeat \
                (BrokerHeartbeatManager). Its own image stands still (KRaftMetadataCache) & lists it < for ever >."
            .to_owned(),
        bound_s: 4.5,
        bound_why: "the age limit".to_owned(),
        grace_s: 2.0,
        grace_why: "the proof of a new contact".to_owned(),
    }
}

/// Cut off at 0, fenced at 9, healed at 40, back at 44; the quorum away from 52 to 57; a false alarm at 60.
pub(super) fn run() -> Run {
    let lane = |contender: &str, (ready, unready, unknowable), detect_s, samples: &[(f64, bool)]| Lane {
        contender: contender.to_owned(),
        wrong: Wrong {
            false_ready_s: ready,
            false_unready_s: unready,
            unknowable_unready_s: unknowable,
            detect_s,
        },
        samples: samples.to_vec(),
    };
    let event = |at, label: &str| Event { at, label: label.to_owned() };
    let always = [(-5.0, true), (65.0, true)];
    let subject = Subject {
        broker: 1002,
        truth: vec![
            (-5.0, Truth::InSync),
            (0.0, Truth::Unknowable),
            (9.3, Truth::Out),
            (44.1, Truth::InSync),
            (52.0, Truth::Unknowable),
            (57.0, Truth::InSync),
            (65.0, Truth::InSync),
        ],
        lanes: vec![
            lane(
                "pillion",
                (0.0, 0.0, 8.0),
                Some(0.0),
                &[(-5.0, true), (4.3, false), (44.1, true), (54.0, false), (57.0, true), (65.0, true)],
            ),
            lane("tcp-connect", (34.8, 0.0, 0.0), None, &always),
            lane("api-versions", (34.8, 0.0, 0.0), None, &always),
            lane(
                "own-metadata",
                (30.7, 0.0, 0.0),
                Some(30.7),
                &[(-5.0, true), (40.0, false), (44.1, true), (65.0, true)],
            ),
            lane(
                "under-replicated-gauge",
                (34.8, 3.0, 0.0),
                None,
                &[(-5.0, true), (60.0, false), (63.0, true), (65.0, true)],
            ),
            lane("broker-state", (34.8, 0.0, 0.0), None, &always),
        ],
    };
    Run {
        about: about(),
        said: vec![
            "quorum-contact-old: no contact with the quorum for 4.5 s. Look at its network.".to_owned(),
        ],
        events: vec![
            event(0.0, "links to the controllers cut"),
            event(9.3, "fenced"),
            event(40.0, "healed"),
            event(52.0, "controllers paused"),
        ],
        subjects: vec![subject],
    }
}

/// Another broker is judged as well, and nothing ever happens to it.
pub(super) fn run_of_two() -> Run {
    let mut run = run();
    let mut well = run.subjects[0].clone();
    well.broker = 1003;
    well.truth = vec![(-5.0, Truth::InSync), (65.0, Truth::InSync)];
    for lane in &mut well.lanes {
        lane.samples = vec![(-5.0, true), (65.0, true)];
        lane.wrong =
            Wrong { false_ready_s: 0.0, false_unready_s: 0.0, unknowable_unready_s: 0.0, detect_s: None };
    }
    run.subjects.push(well);
    run
}
