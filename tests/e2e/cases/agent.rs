//! The agent dies.

use std::time::Instant;

use anyhow::{Result, ensure};

use crate::{
    figures::Figures,
    load::Beside,
    scene::{AGENT, KAFKA, SOON, Scene},
};

const POD: &str = "kafka-1";

/// Killed whenever it is back: the pod is unready meanwhile, and Kafka knows nothing of it.
pub fn killed(scene: &Scene, figures: &mut Figures) -> Result<()> {
    let before = scene.pods.get(POD)?;
    let process = scene.process(POD, KAFKA)?;
    let beside = Beside::start(scene, "agent-killed")?;
    let times = if scene.quick { 3 } else { 5 };
    for time in 1..=times {
        let began = Instant::now();
        scene.process(POD, AGENT)?.kill()?;
        let unready = scene.pods.wait(POD, "unready", SOON, |pod| !pod.ready)?;
        let again = before.restarted(AGENT) + time;
        let back = scene
            .pods
            .wait(POD, "ready with a new agent", SOON, |pod| pod.well() && pod.restarted(AGENT) >= again)?;
        println!(
            "    kill {time}: unready after {:.1} s, ready after {:.1} s",
            (unready - began).as_secs_f64(),
            (back - began).as_secs_f64()
        );
        if time == 1 {
            figures.time("unready after the first kill", unready.saturating_duration_since(began));
        }
        if time == times {
            figures.time("ready after the last one, by the kubelet's back-off", back - began);
        }
    }
    let lived = beside.stop()?;
    let now = scene.pods.get(POD)?;
    figures.count("the agent was killed", times, "times");
    figures.zero(
        "Kafka was restarted",
        usize::try_from(now.restarted(KAFKA) - before.restarted(KAFKA))?,
        "times",
    )?;
    ensure!(now.uid == before.uid, "the pod was replaced");
    ensure!(scene.process(POD, KAFKA)? == process, "another process of Kafka");
    lived.note("", figures);
    lived.spotless()
}
