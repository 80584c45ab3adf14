//! A revision that cannot start.

use std::time::Instant;

use anyhow::{Result, ensure};

use crate::{
    figures::Figures,
    kafka::describes,
    scene::{SOON, Scene, pass},
};

/// Rolled out it stops at the first broker; reverted, the cluster heals without a hand on any pod.
pub fn reverted(scene: &Scene, figures: &mut Figures) -> Result<()> {
    let old = [scene.pods.get("kafka-0")?.uid, scene.pods.get("kafka-1")?.uid];
    let top = scene.pods.get("kafka-2")?.uid;
    // An id base that does not fit the volume: init refuses it.
    let patch = r#"{"spec":{"template":{"spec":{"initContainers":[{"name":"pillion-init","env":[{"name":"PILLION_BROKER_ID_BASE","value":"1011"}]}]}}}}"#;
    scene.kubectl.args(&["patch", "statefulset", "kafka", "--patch", patch])?;
    scene.pods.wait("kafka-2", "replaced", SOON, |pod| pod.uid != top)?;
    describes(&scene.kubectl, "kafka-2", &["1013"])?;
    pass(scene.lasts(30, 10));
    let now = [scene.pods.get("kafka-0")?.uid, scene.pods.get("kafka-1")?.uid];
    ensure!(now == old, "the bad revision was rolled on");

    let began = Instant::now();
    scene.kubectl.run("rollout undo statefulset/kafka")?;
    let well = scene.pods.wait("kafka-2", "ready again", SOON, |pod| pod.well() && pod.uid != top)?;
    scene.all_ready()?;
    figures.time("healed after the revert, without a manual delete", well - began);
    let now = [scene.pods.get("kafka-0")?.uid, scene.pods.get("kafka-1")?.uid];
    ensure!(now == old, "the others were touched");
    Ok(())
}
