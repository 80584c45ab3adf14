//! A broker that hangs, and one that only looks so.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use crate::{
    figures::Figures,
    kafka::client,
    scene::{KAFKA, SOON, Scene, pass},
};

const POD: &str = "kafka-1";
/// A hang is watched for 60 s; the liveness probe asks each 20 s and acts on the second no; the broker has 10 s to end;
/// the rest is for two probes that run, and for a busy machine.
const RESTARTED: Duration = Duration::from_secs(60 + 2 * 20 + 10 + 15);

/// Stopped by a signal: the kubelet restarts it, and only it.
pub fn stopped(scene: &Scene, figures: &mut Figures) -> Result<()> {
    let before = scene.pods.get(POD)?;
    let began = Instant::now();
    scene.process(POD, KAFKA)?.pause()?;
    let unready = scene.pods.wait(POD, "unready", SOON, |pod| !pod.ready)?;
    figures.time("unready after", unready - began);
    let again = before.restarted(KAFKA) + 1;
    let restarted = scene.pods.wait(POD, "restarted", SOON, |pod| pod.restarted(KAFKA) >= again)?;
    let why = "a hang is watched for 60 s, then two probes each 20 s say so";
    figures.at_most("restarted by the kubelet after", restarted - began, RESTARTED, why)?;
    ensure!(restarted - began >= Duration::from_secs(60), "called dead without the time to prove it");
    let back =
        scene.pods.wait(POD, "ready again", SOON, |pod| pod.well() && pod.restarted(KAFKA) >= again)?;
    figures.time("ready again after", back - began);
    let now = scene.pods.get(POD)?;
    ensure!(now.uid == before.uid && now.restarted(KAFKA) == again, "restarted more than once: {now:?}");
    Ok(())
}

/// Killed with much to recover and little CPU to do it with: it does not answer for minutes, and is left alone.
pub fn recovery(scene: &Scene, figures: &mut Figures) -> Result<()> {
    scene.topic("recovered")?;
    bed::topics::fill(client(), "recovered", 256 << 20)?;
    let before = scene.pods.get(POD)?;
    scene.limit_cpu(POD, KAFKA, Some(5))?;
    let began = Instant::now();
    scene.process(POD, KAFKA)?.kill()?;
    let again = before.restarted(KAFKA) + 1;
    scene.pods.wait(POD, "started again", SOON, |pod| pod.restarted(KAFKA) == again)?;
    scene.limit_cpu(POD, KAFKA, Some(5))?;
    pass(Duration::from_secs(150).saturating_sub(began.elapsed()));
    let during = scene.pods.get(POD)?;
    ensure!(!during.ready, "it was ready too soon to show anything");
    scene.limit_cpu(POD, KAFKA, None)?;
    let back = scene.pods.wait(POD, "ready again", SOON, crate::pod::Pod::well)?;
    figures.time("ready again after", back - began);
    let now = scene.pods.get(POD)?;
    figures.zero(
        "restarted by the kubelet meanwhile",
        usize::try_from(now.restarted(KAFKA) - again)?,
        "times",
    )
}
