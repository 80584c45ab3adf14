//! A cluster from nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use bed::{scene::run, wire::Connection};
use kafka_protocol::messages::MetadataRequest;

use crate::{
    figures::Figures,
    kafka::{addresses, killed_by_liveness, lookup},
    load::Beside,
    scene::{BROKERS, CONTROLLERS, KAFKA, Scene, project},
};

/// All ready; ids, racks and nodes are right; records flow.
pub fn fresh(scene: &Scene, figures: &mut Figures) -> Result<()> {
    let began = Instant::now();
    scene.kubectl.apply(&project("deploy/base"))?;
    let ready = scene.all_ready()?;
    figures.time("all six pods ready after", ready - began);

    let zones = zones(scene)?;
    let racks = racks(scene)?;
    let mut expected = BTreeMap::new();
    let mut nodes = BTreeSet::new();
    for (id, pod) in (1001..).zip(BROKERS) {
        let node = scene.pods.get(pod)?.node;
        expected.insert(id, zones.get(&node).with_context(|| format!("no zone of {node}"))?.clone());
        nodes.insert(node);
    }
    ensure!(racks == expected, "Kafka's metadata has {racks:?}, the nodes are in {expected:?}");
    let distinct: BTreeSet<&String> = racks.values().collect();
    ensure!(nodes.len() == 3 && distinct.len() == 3, "on {nodes:?} in {distinct:?}");
    figures.count("zones", distinct.len(), "on three kubelets");

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
    beside.stop()?.spotless()
}

/// The zone of each node.
fn zones(scene: &Scene) -> Result<BTreeMap<String, String>> {
    let nodes = scene.kubectl.json("get nodes")?;
    let each = nodes["items"].as_array().context("no list")?.iter();
    let zone = |node: &serde_json::Value| {
        let name = node["metadata"]["name"].as_str()?.to_owned();
        Some((name, node["metadata"]["labels"]["topology.kubernetes.io/zone"].as_str()?.to_owned()))
    };
    each.map(|node| zone(node).with_context(|| format!("{node}"))).collect()
}

/// The rack of each broker, in Kafka's own metadata.
fn racks(scene: &Scene) -> Result<BTreeMap<i32, String>> {
    let (_, name) = addresses().remove(0);
    let answer = run(async {
        let mut connection = Connection::open(lookup(&name).await?, Duration::from_secs(5)).await?;
        connection.call(&MetadataRequest::default().with_topics(Some(Vec::new()))).await
    })?;
    let rack = |broker: kafka_protocol::messages::metadata_response::MetadataResponseBroker| {
        (*broker.node_id, broker.rack.map(|rack| rack.to_string()).unwrap_or_default())
    };
    Ok(answer.brokers.into_iter().map(rack).collect())
}
