//! The agent itself: killed, paused, its clock stepped.

use std::time::Duration;

use anyhow::{Result, ensure};
use rustix::process::Signal;

use crate::{
    double::Double,
    fault::{BLUR, Fault, POLL, PROOF},
    scene::{SOON, Scene, Stage, run},
    story::{Story, pass},
};

const HOUR_MS: i64 = 3_600_000;

pub const FAULTS: &[Fault] = &[
    Fault {
        name: "agent-killed",
        title: "the agent killed, started after 10 s",
        stage: Stage::Kraft,
        short: false,
        subjects: &[1001],
        right: "Nobody vouches for the broker while it has no agent: the probe fails, which is unready. The broker itself \
                notices nothing, and liveness fails open.",
        bound: (Duration::ZERO, "it is in sync throughout"),
        grace: (PROOF, "the proof of what a new agent sees"),
        act: killed,
    },
    Fault {
        name: "agent-paused",
        title: "the agent paused for 60 s while its broker dies, then asked at once",
        stage: Stage::Kraft,
        short: false,
        subjects: &[1003],
        right: "Unready at the first question: evidence is judged by its age at the moment of the answer.",
        bound: (
            Duration::from_millis(1250),
            "one poll and the prober's patience of a second: nobody answers it",
        ),
        grace: (PROOF, "the proof of a new life"),
        act: paused,
    },
    Fault {
        name: "clock-stepped",
        title: "the agent's clock stepped by an hour, forth and back",
        stage: Stage::Kraft,
        short: true,
        subjects: &[1001],
        right: "When the wall clock and the boot clock part, a machine may have slept: what was seen before does not count, \
                so nothing is known for a moment. Then ready again; ages are counted by CLOCK_BOOTTIME.",
        bound: (Duration::ZERO, "it is in sync throughout"),
        grace: (POLL, "one poll, beside the time in which nothing is known"),
        act: stepped,
    },
];

fn killed(scene: &Scene, story: &mut Story) -> Result<()> {
    let from = story.fault("kill -9 of the agent beside 1001");
    scene.fleet.signal_agent(1001, Signal::KILL)?;
    scene.fleet.reap_agent(1001, Duration::from_secs(5))?;
    story.last(Duration::from_secs(10));
    let until = story.mark("the agent starts");
    story.unknowable.push((from, until));
    scene.fleet.start_agent(1001)?;
    scene.wait(1001, true)?;
    Ok(())
}

fn paused(scene: &Scene, story: &mut Story) -> Result<()> {
    story.fault("SIGSTOP to the agent beside 1003, kill -9 of 1003");
    scene.fleet.signal_agent(1003, Signal::STOP)?;
    scene.node(1003).kill()?;
    story.last(Duration::from_secs(60));
    story.mark("SIGCONT to the agent, asked at once");
    scene.fleet.signal_agent(1003, Signal::CONT)?;
    let (status, said) = run(scene.fleet.ask(1003, "/readyz"))?;
    ensure!(status == 503, "asked at once it answered {status}: {said}");
    pass(Duration::from_secs(3));
    story.mark("1003 starts");
    scene.node(1003).start()?;
    story.back(scene, 1003)
}

/// A second agent beside 1001, within this process, whose clock can be stepped.
fn stepped(scene: &Scene, story: &mut Story) -> Result<()> {
    let double = Double::start(scene, 1001, None)?;
    let ready = |what: &str| run(bed::eventually(what, SOON, async || double.ready()));
    ready("the second agent says ready")?;
    pass(Duration::from_secs(3));
    for (what, step) in [("an hour forth", HOUR_MS), ("an hour back", -HOUR_MS)] {
        let from = story.fault(what);
        double.step(step);
        // It must notice by itself; then it begins anew, as in a new life.
        run(bed::eventually("it says that the clock was stepped", SOON, async || {
            double.says("clock-stepped", from)
        }))?;
        ready("it says ready again")?;
        story.unknowable.push((from, from + PROOF + BLUR));
        story.mark("ready again");
        pass(Duration::from_secs(4));
    }
    story.judge(&double);
    Ok(())
}
