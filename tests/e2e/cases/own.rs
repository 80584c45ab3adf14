//! A `StatefulSet` that a team has gets pillion.

use std::time::Instant;

use anyhow::{Result, ensure};
use bed::{Load, Reader, load::LoadOptions, scene::run, topics::Topic};

use crate::{
    figures::Figures,
    kafka::{Listed, client_of, listed},
    load::{CLIENT_DEFAULT, spotless},
    pods::PodWatch,
    scene::{AGENT, NAMESPACE, SOON, Scene, project},
};

const STREAMING: &str = "streaming";
const PODS: [&str; 3] = ["brokers-0", "brokers-1", "brokers-2"];
const FIRST: &str = "brokers-0.brokers.streaming.svc.cluster.local:9092";
const SERVICE: &str = "brokers.streaming.svc.cluster.local:9092";
const TOPIC: &str = "long-there";

/// By the example's way: the cluster is as before, with its data, and every broker's pod says what its agent knows.
pub fn gets_pillion(scene: &Scene, figures: &mut Figures) -> Result<()> {
    scene.mend()?;
    scene.raze(NAMESPACE)?;
    scene.raze(STREAMING)?;
    let kubectl = scene.kubectl.in_namespace(STREAMING);
    let pods = PodWatch::start(kubectl.clone());
    kubectl.apply(&project("tests/e2e/overlays/own-statefulset"))?;
    let rolled = |set: &str| {
        kubectl.within(SOON).run(&format!("rollout status statefulset/{set} --timeout=350s")).map(drop)
    };
    ["quorum", "brokers"].into_iter().try_for_each(rolled)?;
    for pod in PODS {
        ensure!(!pods.get(pod)?.restarts.contains_key(AGENT), "{pod} has an agent already");
    }
    let before = listed(FIRST)?;
    let ids: Vec<i32> = before.iter().map(|broker| broker.id).collect();
    ensure!(ids == [100, 101, 102], "{before:?}");

    let client = client_of(SERVICE);
    run(Topic::new(TOPIC, 6, 3).config("min.insync.replicas", "2").make(&client))?;
    let options = LoadOptions { delivery_timeout: CLIENT_DEFAULT, ..LoadOptions::default() };
    let load = Load::with(client.clone(), TOPIC, options)?;
    let reader = Reader::start(client, TOPIC)?;
    run(load.wait_acked(400, SOON))?;

    let began = Instant::now();
    kubectl.apply(&project("deploy/examples/own-statefulset"))?;
    rolled("brokers")?;
    for pod in PODS {
        let with_agent = |now: &crate::pod::Pod| now.well() && now.restarts.contains_key(AGENT);
        pods.wait(pod, "ready by its agent's word", SOON, with_agent)?;
    }
    figures.time("every broker had pillion after", began.elapsed());
    run(load.wait_acked(400, SOON))?;
    let after = listed(FIRST)?;
    // The same, and each has its zone now.
    let racked = before.into_iter().zip(scene.zones(&pods, PODS)?);
    let expected: Vec<_> = racked.map(|(broker, rack)| Listed { rack, ..broker }).collect();
    ensure!(after == expected, "Kafka's metadata has {after:?}, and not {expected:?}");
    let produced = run(load.stop())?;
    let read = reader.finish(&produced.numbers, SOON)?;
    figures.count("acknowledged from before until after", produced.numbers.len(), "records");
    figures.count("lost", read.lost.len(), "records");
    spotless(&produced, &read)
}
