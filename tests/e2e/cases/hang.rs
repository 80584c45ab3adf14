//! A broker that hangs, and one that only looks so.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use bed::scene::run;

use crate::{
    container::Slowed,
    figures::Figures,
    kafka::client,
    scene::{KAFKA, SOON, Scene, pass},
};

const POD: &str = "kafka-1";
/// A hang is watched for 60 s; the liveness probe asks each 20 s and acts on the second no; the broker has 10 s to end;
/// the rest is for what is asked to be answered.
const RESTARTED: Duration = Duration::from_secs(60 + 2 * 20 + 10 + 5);

/// A recovery that is longer than a broker that hangs would be given.
const LONG: Duration = Duration::from_secs(RESTARTED.as_secs() + 40);
/// What `LogManager` says when it begins to recover the logs of a directory, and when it is done with all.
const BEGINS: &str = "since no clean shutdown file was found";
const ENDS: &str = "(unclean log dirs = ";

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

/// Killed with much to recover and little time on the CPU to do it in: it does not answer for longer than a broker that
/// hangs would be given, and is left alone.
pub fn recovery(scene: &Scene, figures: &mut Figures) -> Result<()> {
    scene.topic("recovered")?;
    bed::topics::fill(client(), "recovered", 512 << 20)?;
    let before = scene.pods.get(POD)?;
    let again = before.restarted(KAFKA) + 1;
    scene.process(POD, KAFKA)?.kill()?;
    scene.pods.wait(POD, "started again", SOON, |pod| pod.restarted(KAFKA) == again)?;
    let java = run(bed::eventually("its process runs", SOON, async || scene.process(POD, KAFKA)))?;
    // Slow enough from the beginning that the recovery is not over before it is seen.
    let starting = Slowed::new(java.clone(), Duration::from_millis(20), Duration::from_millis(80));
    run(bed::eventually("it recovers its logs", SOON, async || said(scene, BEGINS)))?;
    let began = Instant::now();
    drop(starting);
    let slowed = Slowed::new(java.clone(), Duration::from_millis(1), Duration::from_millis(800));
    while began.elapsed() < LONG {
        pass(Duration::from_secs(5));
        let now = scene.pods.get(POD)?;
        ensure!(!now.ready, "it was ready before it had recovered its logs");
        ensure!(now.restarted(KAFKA) == again && now.uid == before.uid, "it was restarted: {now:?}");
    }
    ensure!(said(scene, ENDS).is_err(), "the recovery was over too soon to show anything");
    ensure!(scene.process(POD, KAFKA)? == java, "another process of Kafka");
    figures.time("it recovered its logs for", began.elapsed());
    drop(slowed);
    let back = scene.pods.wait(POD, "ready again", SOON, crate::pod::Pod::well)?;
    said(scene, ENDS)?;
    figures.time("ready again after", back - began);
    let now = scene.pods.get(POD)?;
    figures.zero(
        "restarted by the kubelet meanwhile",
        usize::try_from(now.restarted(KAFKA) - again)?,
        "times",
    )
}

/// That this life of Kafka has said so in its log.
fn said(scene: &Scene, words: &str) -> Result<()> {
    let log = scene.kubectl.run(&format!("logs {POD} -c {KAFKA}"))?;
    ensure!(log.contains(words), "it has not said {words:?}");
    Ok(())
}
