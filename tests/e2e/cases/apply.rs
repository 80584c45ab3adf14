//! A cluster from nothing.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::{
    figures::Figures,
    kafka::{KAFKA_PORT, at_home, killed_by_liveness, listed, name},
    kubectl::Kubectl,
    load::Beside,
    scene::{AGENT, BROKERS, CONTROLLERS, KAFKA, SOON, Scene, pass, project},
};

/// A log counts once two scans are over.
const PATIENCE: Duration = Duration::from_secs(60);

/// All ready; ids, racks and nodes are right; records flow.
pub fn fresh(scene: &Scene, figures: &mut Figures) -> Result<()> {
    let began = Instant::now();
    scene.kubectl.apply(&project("deploy/base"))?;
    let ready = scene.all_ready()?;
    figures.time("all six pods ready after", ready - began);

    let zones = scene.zones(&scene.pods, BROKERS)?;
    let listed = listed(&name("kafka-0", KAFKA_PORT))?;
    let expected: Vec<_> =
        (1001..).zip(BROKERS).zip(&zones).map(|((id, pod), zone)| at_home(id, pod, zone)).collect();
    ensure!(listed == expected, "Kafka's metadata has {listed:?}, and not {expected:?}");
    let distinct = zones.iter().collect::<BTreeSet<_>>().len();
    ensure!(distinct == 3, "all in {zones:?}");
    figures.count("zones", distinct, "on three kubelets");

    let (mut exits, mut killed) = (0, 0);
    for pod in BROKERS.into_iter().chain(CONTROLLERS) {
        exits += scene.pods.get(pod)?.restarted(KAFKA);
        killed += killed_by_liveness(&scene.kubectl, pod)?;
    }
    // A broker ends by itself when no controller takes it in for a minute, as on a machine that is slow to start them.
    figures.count("Kafka ended by itself for want of a controller", exits, "times");
    figures.zero("killed by a liveness probe", killed, "times")?;
    let beside = Beside::start(scene, "fresh")?;
    beside.flows()?;
    beside.stop()?.spotless()?;
    for pod in BROKERS {
        reads_the_log(&scene.kubectl, pod)?;
    }
    Ok(())
}

/// The agent may not write to the volume: it is ready all the same, and by the metadata log that lies there.
pub fn read_only(scene: &Scene, _: &mut Figures) -> Result<()> {
    scene.alone_in("volume-read-only", by_what_it_reads)
}

fn by_what_it_reads(kubectl: &Kubectl) -> Result<()> {
    kubectl.apply(&project("tests/e2e/overlays/volume-read-only"))?;
    kubectl.within(SOON).run("rollout status statefulset/kafka --timeout=350s")?;
    let pod = kubectl.json("get pod kafka-0")?;
    let agents = pod["spec"]["initContainers"].as_array().context("no init containers")?;
    let mounts =
        agents.iter().filter(|one| one["name"] == AGENT).filter_map(|one| one["volumeMounts"].as_array());
    let data: Vec<_> = mounts.flatten().filter(|mount| mount["name"] == "data").collect();
    ensure!(data.len() == 1 && data[0]["readOnly"] == true, "{data:?}");
    reads_the_log(kubectl, "kafka-0")?;
    // That it does not last beyond the agent is all that is missing.
    let status = kubectl.status("kafka-0")?;
    ensure!(status["verdicts"]["ready"]["answer"] == "yes", "{status}");
    Ok(())
}

/// The sidecar follows the metadata log on the broker's volume, and goes by it.
fn reads_the_log(kubectl: &Kubectl, pod: &str) -> Result<()> {
    let until = Instant::now() + PATIENCE;
    loop {
        let status = kubectl.status(pod)?;
        let ledger = &status["observations"]["ledger"];
        if ledger["counts"] == true {
            return Ok(());
        }
        ensure!(Instant::now() < until, "{pod}: {ledger}");
        pass(Duration::from_secs(1));
    }
}
