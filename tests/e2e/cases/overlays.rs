//! Each overlay, applied as it is where nothing was before.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use bed::{scene::run, topics::Topic};

use crate::{
    figures::Figures,
    kafka::{KAFKA_PORT, Listed, at_home, client, listed, name},
    load::new_client,
    scene::{BROKERS, NAMESPACE, SOON, Scene, pass, project},
};

const TOPIC: &str = "overlay";

/// Nodes that are both: three pods, ids from 1 on.
pub fn combined(scene: &Scene, figures: &mut Figures) -> Result<()> {
    fresh(scene)?;
    apply(scene, figures, "combined", &["kafka"])?;
    let racked = racked(scene, &[(1, "kafka")])?;
    serves("kafka-0", &racked)
}

/// A second map: ids of its own, the same cluster, never two of a map on a node.
pub fn two_maps(scene: &Scene, figures: &mut Figures) -> Result<()> {
    fresh(scene)?;
    apply(scene, figures, "two-maps", &["controller", "kafka", "kafka-b"])?;
    let racked = racked(scene, &[(1001, "kafka"), (1101, "kafka-b")])?;
    serves("kafka-b-0", &racked)
}

/// Everything on the one node that takes pods, which has no zone: no racks.
pub fn single_node(scene: &Scene, figures: &mut Figures) -> Result<()> {
    fresh(scene)?;
    for node in ["n2", "n3"] {
        scene.kubectl.run(&format!("cordon {node}"))?;
    }
    scene.kubectl.run("label node n1 topology.kubernetes.io/zone-")?;
    let outcome = apply(scene, figures, "single-node", &["controller", "kafka"]);
    scene.mend()?;
    outcome?;
    for pod in BROKERS {
        ensure!(scene.pods.get(pod)?.node == "n1", "{pod} is elsewhere");
    }
    let expected: Vec<_> = (1001..).zip(BROKERS).map(|(id, pod)| at_home(id, pod, "")).collect();
    serves("kafka-0", &expected)
}

/// Only on nodes with the label, which a taint keeps others from.
pub fn dedicated_nodes(scene: &Scene, figures: &mut Figures) -> Result<()> {
    fresh(scene)?;
    scene.kubectl.apply(&project("deploy/overlays/dedicated-nodes"))?;
    scene.pods.wait("kafka-0", "told", SOON, |pod| pod.phase == "Pending")?;
    pass(Duration::from_secs(5));
    for pod in BROKERS {
        ensure!(scene.pods.get(pod)?.node.is_empty(), "{pod} is on a node that is for all");
    }
    let began = Instant::now();
    let outcome = dedicate(scene).and_then(|()| scene.ready(&["controller", "kafka"]));
    let checked = outcome.and_then(|ready| {
        figures.time("ready after the nodes were labelled", ready - began);
        serves("kafka-0", &racked(scene, &[(1001, "kafka")])?)
    });
    for node in &scene.bed.nodes {
        scene.kubectl.run(&format!("taint node {} dedicated-", node.name))?;
        scene.kubectl.run(&format!("label node {} dedicated-", node.name))?;
    }
    checked
}

/// As the overlay says.
fn dedicate(scene: &Scene) -> Result<()> {
    for node in &scene.bed.nodes {
        scene.kubectl.run(&format!("label node {} dedicated=kafka", node.name))?;
        scene.kubectl.run(&format!("taint node {} dedicated=kafka:NoSchedule", node.name))?;
    }
    Ok(())
}

/// A second listener that leads to the node's port of each broker's own Service; inside all is as in the base.
pub fn outside(scene: &Scene, figures: &mut Figures) -> Result<()> {
    const OUTSIDE: u16 = 9094;
    fresh(scene)?;
    apply(scene, figures, "outside", &["controller", "kafka"])?;
    let inside = racked(scene, &[(1001, "kafka")])?;
    serves("kafka-0", &inside)?;
    let mut expected = Vec::new();
    for ((port, broker), pod) in (31_000..).zip(&inside).zip(BROKERS) {
        let now = scene.pods.get(pod)?;
        let service = scene.kubectl.json(&format!("get service {pod}-outside"))?;
        let node_port = &service["spec"]["ports"][0]["nodePort"];
        ensure!(*node_port == port, "the Service of {pod} is at {node_port}");
        let line = format!("get endpointslices -l kubernetes.io/service-name={pod}-outside");
        let slices = scene.kubectl.json(&line)?;
        let leads = |pointer: &str| slices.pointer(pointer).cloned().unwrap_or_default();
        ensure!(
            leads("/items/0/endpoints/0/addresses/0") == now.ip.as_str(),
            "{pod} is at {}: {slices}",
            now.ip
        );
        ensure!(leads("/items/0/ports/0/port") == OUTSIDE, "{slices}");
        expected.push(Listed { address: format!("{}:{port}", now.node), ..broker.clone() });
    }
    let told = listed(&name("kafka-0", OUTSIDE))?;
    ensure!(told == expected, "clients outside are told {told:?}, and not {expected:?}");
    Ok(())
}

/// Applies an overlay, and waits until its sets are ready.
fn apply(scene: &Scene, figures: &mut Figures, overlay: &str, sets: &[&str]) -> Result<()> {
    let began = Instant::now();
    scene.kubectl.apply(&project("deploy/overlays").join(overlay))?;
    let ready = scene.ready(sets)?;
    figures.time("all pods ready after", ready - began);
    Ok(())
}

/// Nothing of the cluster is there, as on a first day.
pub fn fresh(scene: &Scene) -> Result<()> {
    scene.mend()?;
    scene.raze(NAMESPACE)
}

/// The brokers of these maps, each with the zone of its node as its rack; no two of a map on a node.
fn racked(scene: &Scene, maps: &[(i32, &str)]) -> Result<Vec<Listed>> {
    let mut all = Vec::new();
    for (base, set) in maps {
        let pods: Vec<_> = (0..3).map(|ordinal| format!("{set}-{ordinal}")).collect();
        let zones = scene.zones(&scene.pods, pods.iter().map(String::as_str))?;
        ensure!(zones.iter().collect::<BTreeSet<_>>().len() == 3, "{set} is in {zones:?}");
        let each = (*base..).zip(&pods).zip(&zones);
        all.extend(each.map(|((id, pod), zone)| at_home(id, pod, zone)));
    }
    Ok(all)
}

/// A broker lists exactly these, and records flow through all of them.
fn serves(pod: &str, expected: &[Listed]) -> Result<()> {
    let listed = listed(&name(pod, KAFKA_PORT))?;
    ensure!(listed == expected, "Kafka's metadata has {listed:?}, and not {expected:?}");
    let partitions = i32::try_from(2 * expected.len())?;
    run(Topic::new(TOPIC, partitions, 3).config("min.insync.replicas", "2").make(&client()))?;
    new_client(&client(), TOPIC, true).map(drop)
}
