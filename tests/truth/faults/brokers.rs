//! Brokers that fall silent or die.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process};

use crate::{
    fault::{AGE, Fault, POLL, PROOF, SCAN},
    scene::{Scene, Stage},
    story::{Story, pass},
};

const SHORT: Duration = Duration::from_secs(30);
const NEVER: (Duration, &str) = (Duration::ZERO, "it is in sync throughout");
const STEADY: (Duration, &str) = (SCAN, "one poll and a scan");

pub const FAULTS: &[Fault] = &[
    Fault {
        name: "paused",
        title: "paused by SIGSTOP for 30 s",
        stage: Stage::Kraft,
        short: true,
        subjects: &[1001],
        right: "Unready: it serves nobody, and is fenced after its session. The kernel goes on to accept connections for \
                it until the backlog is full (50).",
        bound: (
            AGE,
            "the age limit of contact with the quorum and one poll; a slow broker is not called unready sooner",
        ),
        grace: (PROOF, "the proof of contact anew"),
        act: paused,
    },
    Fault {
        name: "another-dead",
        title: "another broker dead for 30 s",
        stage: Stage::Kraft,
        short: false,
        subjects: &[1001, 1002],
        right: "Ready: its own replicas are in sync. Partitions that it leads are under-replicated, which is not its fault \
                and would only spread the outage.",
        bound: NEVER,
        grace: STEADY,
        act: another_dead,
    },
    Fault {
        name: "two-others-dead",
        title: "both other brokers dead, below min.insync.replicas",
        stage: Stage::Kraft,
        short: false,
        subjects: &[1001],
        right: "Ready: every replica here is in sync and has a leader. Producers with acks=all are refused \
                (NotEnoughReplicasException) until one of the others is back; making the last one unready helps none \
                of them.",
        bound: NEVER,
        grace: (PROOF, "the proof of contact anew, after the brokers' return"),
        act: two_dead,
    },
    Fault {
        name: "slow-broker",
        title: "requests take 3 s (stopped for 3 s at a time)",
        stage: Stage::Kraft,
        short: false,
        subjects: &[1002],
        right: "Ready while the others count it in: it goes on to fetch and to send heartbeats in time. A probe that wants \
                an answer within a second would take it out of service for being slow.",
        bound: (AGE, "the age limit of contact with the quorum and one poll"),
        grace: (PROOF, "evidence that comes so rarely may be too old by a moment"),
        act: slow,
    },
];

fn paused(scene: &Scene, story: &mut Story) -> Result<()> {
    let node = scene.node(1001);
    // As a kubelet asks: quick pollers would fill the backlog and flatter the TCP probe.
    scene.contenders.pace(1001, Duration::from_secs(10));
    story.fault("SIGSTOP to 1001");
    node.pause()?;
    story.last(SHORT);
    story.mark("SIGCONT");
    node.resume()?;
    let back = story.back(scene, 1001);
    scene.contenders.pace(1001, bed::contenders::EVERY);
    back
}

fn another_dead(scene: &Scene, story: &mut Story) -> Result<()> {
    scene.topic("others")?;
    story.fault("kill -9 of 1003");
    scene.node(1003).kill()?;
    story.last(SHORT);
    story.mark("1003 starts");
    scene.node(1003).start()?;
    story.back(scene, 1003)
}

fn two_dead(scene: &Scene, story: &mut Story) -> Result<()> {
    scene.topic("lonely")?;
    story.fault("kill -9 of 1002 and 1003");
    for id in [1002, 1003] {
        scene.node(id).kill()?;
    }
    story.last(SHORT);
    story.mark("both start");
    for id in [1002, 1003] {
        scene.node(id).start()?;
    }
    story.back(scene, 1002)?;
    story.back(scene, 1003)?;
    scene.wait(1001, true)?;
    Ok(())
}

fn slow(scene: &Scene, story: &mut Story) -> Result<()> {
    let pid = scene.node(1002).pid().and_then(|pid| Pid::from_raw(pid.cast_signed())).context("1002 runs")?;
    // Not told to the bed as a pause: for the cluster this broker is slow, no more.
    let began: Instant = story.fault("1002 becomes slow");
    while began.elapsed() < Duration::from_secs(40) {
        kill_process(pid, Signal::STOP)?;
        pass(Duration::from_secs(3));
        kill_process(pid, Signal::CONT)?;
        pass(POLL);
    }
    story.mark("no longer slow");
    story.back(scene, 1002)
}
