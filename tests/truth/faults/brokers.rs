//! Brokers that fall silent or die.

use std::time::Duration;

use anyhow::Result;
use bed::{
    Slow,
    contenders::{Clients, OTHERS},
};

use crate::{
    double::Double,
    fault::{AGE, Fault, PROOF, SCAN},
    scene::{SOON, Scene, Stage, run},
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
        title: "every answer of the broker takes 3 s",
        stage: Stage::Kraft,
        short: false,
        subjects: &[1002],
        right: "Ready: it fetches and sends heartbeats on threads of its own (ReplicaFetcherThread, \
                BrokerLifecycleManager), so it stays in every ISR. A probe that wants an answer within a second takes it \
                out of service for being slow. What it says is old when it comes and is dated by when it was asked for; \
                that it still follows the quorum is known from the controllers.",
        bound: NEVER,
        grace: STEADY,
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

/// Something in between hands the broker's answers on late, to a second agent and to the contenders.
fn slow(scene: &Scene, story: &mut Story) -> Result<()> {
    let broker = scene.node(1002).bootstrap();
    let slow = run(Slow::start(broker, Duration::from_secs(3)))?;
    let clients = run(async { Clients::start(1002, slow.addr()) });
    let double = Double::start(scene, 1002, Some(slow.addr()))?;
    run(bed::eventually("the second agent says ready", SOON, async || double.ready()))?;
    pass(Duration::from_secs(3));
    story.fault("it is called ready");
    story.last(Duration::from_secs(40));
    story.judge(&double);
    for contender in OTHERS {
        story.answers.extend(clients.timeline(contender).map(|timeline| (contender, timeline)));
    }
    Ok(())
}
