//! Whoever is told to stop takes turns.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::overlays::fresh;
use crate::{
    figures::Figures,
    kafka::{KAFKA_PORT, name},
    load::Beside,
    pod::Pod,
    scene::{BROKERS, KAFKA, SOON, Scene, pass, project},
};

/// How much longer than three single restarts three that are told at once may take.
const OVERHEAD: f64 = 1.2;
/// How long a broker that may not stop is watched.
const HELD: Duration = Duration::from_secs(20);

/// All brokers are deleted at once, by hand.
pub fn deleted_at_once(scene: &Scene, figures: &mut Figures) -> Result<()> {
    let beside = Beside::start(scene, "deleted-at-once")?;
    // One alone, to hold the three against.
    let began = Instant::now();
    let old = scene.pods.get("kafka-0")?;
    scene.kubectl.run("delete pod kafka-0 --wait=false")?;
    scene.pods.wait("kafka-0", "replaced and ready", SOON, |pod| pod.well() && pod.uid != old.uid)?;
    beside.in_sync()?;
    let single = began.elapsed();
    figures.time("one broker alone was back after", single);

    let took = at_once(scene, || scene.kubectl.run("delete pod kafka-0 kafka-1 kafka-2 --wait=false"))?;
    figures.time("three that were deleted at once were back after", took);
    ends_well(scene, beside, figures)?;
    let ratio = took.as_secs_f64() / (3.0 * single.as_secs_f64());
    let why = "the next one goes when the one before is in sync";
    figures.bounded("that is of three single ones", ratio, "times", OVERHEAD, why)
}

/// From Kubernetes 1.37 on a rollout takes all pods of a Parallel set that are younger than `minReadySeconds`, at once.
pub fn young_ones_rolled(scene: &Scene, figures: &mut Figures) -> Result<()> {
    let beside = Beside::start(scene, "young-ones")?;
    let patch =
        |text: &str| scene.kubectl.args(&["patch", "statefulset", "kafka", "--type=merge", "-p", text]);
    patch(r#"{"spec":{"minReadySeconds":3600}}"#)?;
    let told = Instant::now();
    let took = at_once(scene, || scene.kubectl.run("rollout restart statefulset/kafka"));
    let lives: Vec<_> = BROKERS.iter().flat_map(|pod| scene.pods.lives(pod, told)).collect();
    patch(r#"{"spec":{"minReadySeconds":0}}"#)?;
    figures.time("the roll was over after", took?);
    let deleted: Vec<Instant> = lives.iter().filter_map(|life| life.deleted).collect();
    let last = deleted.iter().max().context("none was deleted")?.duration_since(told);
    figures.time("all three were told to end within", last);
    ends_well(scene, beside, figures)
}

/// While one broker hangs the next one's end waits, and goes when the first is back.
pub fn waits_for_one_that_is_down(scene: &Scene, figures: &mut Figures) -> Result<()> {
    let beside = Beside::start(scene, "one-is-down")?;
    let hung = scene.process("kafka-0", KAFKA)?;
    hung.pause()?;
    scene.pods.wait("kafka-0", "unready", SOON, |pod| !pod.ready)?;
    // Until the controllers fence it.
    let out = |beside: &Beside| beside.isr.now().is_some_and(|out| out.contains(&1001));
    let end = Instant::now() + SOON;
    while !out(&beside) {
        ensure!(Instant::now() < end, "kafka-0 was never out of the ISR");
        pass(Duration::from_millis(100));
    }
    let old = scene.pods.get("kafka-1")?;
    scene.kubectl.run("delete pod kafka-1 --wait=false")?;
    scene.pods.wait("kafka-1", "told to end", SOON, |pod| pod.deleting)?;
    pass(HELD);
    let now = scene.pods.get("kafka-1")?;
    let waits = now.uid == old.uid && now.ready;
    let status = scene.kubectl.run("exec kafka-1 -c pillion -- /pillion status");
    hung.resume()?;
    let back = Instant::now();
    ensure!(waits, "kafka-1 went although kafka-0 was down: {now:?}");
    let status = status?;
    ensure!(status.contains("this node is to stop") && status.contains("below-min-isr"), "{status}");
    scene.pods.wait("kafka-1", "replaced and ready", SOON, |pod| pod.well() && pod.uid != old.uid)?;
    figures.time("the next one was back after the first one's return", back.elapsed());
    let events = scene.kubectl.run("get events --field-selector involvedObject.name=kafka-1")?;
    ensure!(events.contains("StopWaits") && events.contains("StopGoes"), "{events}");
    scene.all_ready()?;
    ends_well(scene, beside, figures)
}

/// A set that is scaled to zero goes, all of it at once: its brokers would wait for each other in vain.
pub fn scaled_to_zero(scene: &Scene, figures: &mut Figures) -> Result<()> {
    let began = Instant::now();
    scene.kubectl.run("scale statefulset/kafka --replicas=0")?;
    for pod in BROKERS {
        let end = Instant::now() + SOON;
        while scene.pods.now(pod).is_some() {
            ensure!(Instant::now() < end, "{pod} does not end");
            pass(Duration::from_millis(200));
        }
    }
    figures.time("all brokers had ended after", began.elapsed());
    ensure!(began.elapsed() < Duration::from_secs(240), "they waited for each other");
    scene.kubectl.run("scale statefulset/kafka --replicas=3")?;
    scene.all_ready().map(drop)
}

/// A forced deletion asks nobody: the API forgets the pod at once, and the new one may begin while the old broker still runs
/// on the same volume. It has the turn of nobody, loses nothing, and a second one that is deleted in order waits for it.
pub fn forced(scene: &Scene, figures: &mut Figures) -> Result<()> {
    let beside = Beside::start(scene, "forced-deletion")?;
    let old: Vec<Pod> =
        ["kafka-1", "kafka-2"].iter().map(|pod| scene.pods.get(pod)).collect::<Result<_>>()?;
    let began = Instant::now();
    scene.kubectl.run("delete pod kafka-1 --grace-period=0 --force --wait=false")?;
    scene.kubectl.run("delete pod kafka-2 --wait=false")?;
    for before in &old {
        let renewed = |pod: &Pod| pod.well() && pod.uid != before.uid;
        scene.pods.wait(&before.name, "replaced and ready", SOON, renewed)?;
    }
    figures.time("both were back after", began.elapsed());
    ends_well(scene, beside, figures)
}

/// Both maps are rolled at the same moment, and a node is drained beside them.
pub fn two_maps(scene: &Scene, figures: &mut Figures) -> Result<()> {
    const MAPS: [(i32, &str); 2] = [(1001, "kafka"), (1101, "kafka-b")];
    fresh(scene)?;
    scene.kubectl.apply(&project("tests/e2e/overlays/two-maps"))?;
    scene.ready(&["controller", "kafka", "kafka-b"])?;
    let pods: Vec<(i32, String)> =
        MAPS.iter().flat_map(|(base, set)| (0..3).map(move |n| (base + n, format!("{set}-{n}")))).collect();
    let at = pods.iter().map(|(id, pod)| (*id, name(pod, KAFKA_PORT))).collect();
    let beside = Beside::among(scene, "two-maps", at)?;
    let old: Vec<Pod> = pods.iter().map(|(_, pod)| scene.pods.get(pod)).collect::<Result<_>>()?;
    let began = Instant::now();
    scene.kubectl.run("rollout restart statefulset/kafka statefulset/kafka-b")?;
    let node = &old.first().context("there are pods")?.node;
    // What it evicts has nowhere else to go, so nobody else may stop until the node takes pods again; it need not succeed.
    let drain = format!("drain {node} --ignore-daemonsets --delete-emptydir-data --timeout=60s");
    let drained = scene.kubectl.within(Duration::from_secs(80)).run(&drain);
    scene.kubectl.run(&format!("uncordon {node}"))?;
    println!("    the drain {}", if drained.is_ok() { "ended" } else { "was given up after a minute" });
    scene.ready(&["controller", "kafka", "kafka-b"])?;
    for before in &old {
        ensure!(scene.pods.get(&before.name)?.uid != before.uid, "{} was not replaced", before.name);
    }
    beside.in_sync()?;
    figures.time("both maps were rolled, and a node drained, in", began.elapsed());
    ends_well(scene, beside, figures)
}

/// Does what tells all brokers to end, and waits until each was replaced and all are in sync. How long that took.
fn at_once<T>(scene: &Scene, tell: impl FnOnce() -> Result<T>) -> Result<Duration> {
    let old: Vec<Pod> = BROKERS.iter().map(|pod| scene.pods.get(pod)).collect::<Result<_>>()?;
    let began = Instant::now();
    tell()?;
    for before in &old {
        let renewed = |pod: &Pod| pod.well() && pod.uid != before.uid;
        scene.pods.wait(&before.name, "replaced and ready", SOON, renewed)?;
    }
    Ok(began.elapsed())
}

/// All in sync, one at a time was away, nobody has the turn, and no client noticed.
fn ends_well(scene: &Scene, beside: Beside, figures: &mut Figures) -> Result<()> {
    beside.in_sync()?;
    beside.flows()?;
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        let holder = scene.kubectl.run("get lease kafka-turn -o jsonpath={.spec.holderIdentity}")?;
        if holder.is_empty() {
            break;
        }
        ensure!(Instant::now() < end, "{holder} keeps the turn");
        pass(Duration::from_millis(500));
    }
    let lived = beside.stop()?;
    lived.note("", figures);
    ensure!(lived.most_out <= 1, "{} brokers were out of the ISR at once", lived.most_out);
    lived.spotless()
}
