//! The controllers are gone.

use std::time::Instant;

use anyhow::{Result, ensure};

use crate::{
    figures::Figures,
    kafka::client,
    load::new_client,
    pod::Pod,
    scene::{BROKERS, SOON, Scene, pass},
};

/// Every broker is unready and none is restarted; clients go on, new ones too; a roll waits until the controllers are
/// back.
pub fn all_lost(scene: &Scene, figures: &mut Figures) -> Result<()> {
    // The topic that groups keep their places in is there, as where anybody has ever read: nobody could make it now.
    scene.topic("before")?;
    new_client(&client(), "before", true)?;
    scene.topic("without-controllers")?;
    let before: Vec<_> = BROKERS.iter().map(|pod| scene.pods.get(pod)).collect::<Result<_>>()?;
    let began = Instant::now();
    scene.kubectl.run("scale statefulset/controller --replicas=0")?;
    let mut last = began;
    for pod in BROKERS {
        last = last.max(scene.pods.wait(pod, "unready", SOON, |pod| !pod.ready)?);
    }
    figures.time("every broker's pod unready after", last - began);

    // Not idempotent: a broker that has no producer ids left would have to ask a controller for more.
    let records = new_client(&client(), "without-controllers", false)?;
    figures.count("a new client wrote and read", records, "records");

    // Longer than a hang is watched, and the probes after it.
    pass(scene.lasts(150, 30));
    for old in &before {
        ensure!(!scene.pods.get(&old.name)?.ready, "{} is ready without controllers", old.name);
    }
    scene.pods.same_lives(&before)?;
    // A roll that is started now waits: a broker that ends without controllers cannot hand over, nor come back.
    scene.kubectl.run("rollout restart statefulset/kafka")?;
    pass(scene.lasts(60, 20));
    let taken = before
        .iter()
        .filter(|old| scene.pods.now(&old.name).is_none_or(|now| now.uid != old.uid || now.deleting));
    figures.zero("a roll started meanwhile took", taken.count(), "brokers")?;

    let back = Instant::now();
    scene.kubectl.run("scale statefulset/controller --replicas=3")?;
    for old in &before {
        let renewed = |now: &Pod| now.uid != old.uid && now.well();
        scene.pods.wait(&old.name, "replaced by the roll and ready", SOON, renewed)?;
    }
    scene.all_ready()?;
    figures.time("the roll was over after the controllers' return", back.elapsed());
    Ok(())
}
