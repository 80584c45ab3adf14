//! The break-glass.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use bed::scene::run;

use crate::{
    container::Cut,
    figures::Figures,
    kafka::says,
    kubectl::Kubectl,
    scene::{AGENT, SOON, Scene, pass},
};

const ANNOTATION: &str = "pillion.dev/override";
/// From the annotation to the pod's condition.
const FORCED: Duration = Duration::from_secs(2);
/// A broker that cannot follow the others stops the roll; forced ready it goes on; with the override's end it stops
/// again.
pub fn roll(scene: &Scene, figures: &mut Figures) -> Result<()> {
    let (untouched, leaders) = others(scene)?;
    let old = scene.pods.get("kafka-2")?.uid;
    scene.kubectl.run("rollout restart statefulset/kafka")?;
    scene.pods.wait("kafka-2", "replaced", SOON, |pod| pod.uid != old && !pod.ip.is_empty())?;
    // The agent is there before Kafka, which never reaches its leaders.
    let inside = run(bed::eventually("its agent runs", SOON, async || scene.process("kafka-2", AGENT)))?;
    let cut = Cut::new(&inside, leaders)?;
    says("kafka-2", "out-of-isr")?;
    pass(scene.lasts(30, 15));
    ensure!(others(scene)?.0 == untouched, "the roll went on beside a broker that is out of sync");
    ensure!(!scene.pods.get("kafka-2")?.ready, "kafka-2 is ready, out of sync");

    let told = Instant::now();
    annotate(&scene.kubectl, "kafka-2", "ready,for=30m,reason=INC-1,by=admin")?;
    let forced = scene.pods.wait("kafka-2", "forced ready", SOON, |pod| pod.ready)?;
    let why = "an on-call waits for it, and the file of the annotation is there within 1.5 s";
    figures.at_most("Ready after the annotation", forced - told, FORCED, why)?;
    event(scene, "kafka-2", "OverrideStarted")?;
    let went_on =
        scene.pods.wait("kafka-1", "told to end", SOON, |pod| pod.deleting || pod.uid != untouched[1])?;
    figures.time("the roll went on after the annotation", went_on - told);

    let told = Instant::now();
    scene.kubectl.args(&["annotate", "pod", "kafka-2", &format!("{ANNOTATION}-")])?;
    let ended = scene.pods.wait("kafka-2", "unready again", SOON, |pod| !pod.ready)?;
    figures.time("unready again after the annotation was removed", ended - told);
    event(scene, "kafka-2", "OverrideEnded")?;
    // Its stop was begun, and waits for the truth, which no override touches.
    pass(scene.lasts(30, 15));
    ensure!(scene.pods.get("kafka-1")?.uid == untouched[1], "kafka-1 went while kafka-2 was out of sync");
    ensure!(scene.pods.get("kafka-0")?.uid == untouched[0], "the roll went on after the override's end");

    drop(cut);
    for (pod, before) in [("kafka-1", &untouched[1]), ("kafka-0", &untouched[0])] {
        scene.pods.wait(pod, "replaced and ready", SOON, |now| now.uid != *before && now.well())?;
    }
    scene.all_ready()?;
    Ok(())
}

/// The lives and the addresses of the two brokers that are not cut off.
fn others(scene: &Scene) -> Result<([String; 2], Vec<String>)> {
    let [zero, one] = [scene.pods.get("kafka-0")?, scene.pods.get("kafka-1")?];
    Ok(([zero.uid, one.uid], vec![zero.ip, one.ip]))
}

/// `by` is who asks, and anybody may take an override away.
pub fn policy(scene: &Scene, figures: &mut Figures) -> Result<()> {
    let alice = Kubectl::of(&scene.bed.alice(), scene.kubectl.namespace());
    let refused = |value: &str| -> Result<()> {
        let said = alice.refused(&["annotate", "pod", "kafka-0", &format!("{ANNOTATION}={value}")])?;
        ensure!(said.contains("by=alice"), "the refusal of {value} does not say what to write: {said}");
        Ok(())
    };
    let values = [
        "hold,for=5m,reason=INC-2,by=bob",
        "hold,for=5m,reason=INC-2",
        "hold,for=5m,reason=INC-2,by=alice,by=bob",
        "hold,for=5m,reason=by=alice,by=bob",
    ];
    for value in values {
        refused(value)?;
    }
    // Nor by the way of the status.
    let patch = format!(r#"{{"metadata":{{"annotations":{{"{ANNOTATION}":"{}"}}}}}}"#, values[0]);
    scene.kubectl.refused(&[
        "patch",
        "pod",
        "kafka-0",
        "--subresource=status",
        "--type=merge",
        "-p",
        &patch,
    ])?;
    figures.count("signed with another's name, or none: refused", values.len(), "forms");
    let told = Instant::now();
    annotate(&alice, "kafka-0", "hold,for=5m,reason=INC-2,by=alice")?;
    let held = scene.pods.wait("kafka-0", "held", SOON, |pod| !pod.ready)?;
    figures.time("held not ready after the annotation", held - told);
    // Whoever wrote it, alice may take it away.
    scene.kubectl.args(&[
        "annotate",
        "--overwrite",
        "pod",
        "kafka-0",
        &format!("{ANNOTATION}=hold,for=5m,reason=INC-3,by=admin"),
    ])?;
    alice.args(&["annotate", "pod", "kafka-0", &format!("{ANNOTATION}-")])?;
    scene.pods.wait("kafka-0", "ready again", SOON, crate::pod::Pod::well)?;
    Ok(())
}

fn annotate(kubectl: &Kubectl, pod: &str, value: &str) -> Result<String> {
    kubectl.args(&["annotate", "pod", pod, &format!("{ANNOTATION}={value}")])
}

/// Waits for an Event about a pod.
fn event(scene: &Scene, pod: &str, reason: &str) -> Result<()> {
    run(bed::eventually(&format!("an Event {reason} about {pod}"), SOON, async || {
        let line =
            format!("get events --field-selector involvedObject.name={pod},reason={reason} --no-headers");
        let found = scene.kubectl.run(&line)?;
        ensure!(!found.trim().is_empty(), "none");
        Ok(())
    }))
}
