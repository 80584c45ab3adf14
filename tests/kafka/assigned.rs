//! Replicas that come, move, or are not where they should be.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use bed::topics::Topic;

use super::scene::{NOTICE, SOON, Scene, pass, run};

const ID: i32 = 1003;
const RATE: &str = "leader.replication.throttled.rate";
const THROTTLED: &str = "leader.replication.throttled.replicas";

/// Replicas are added to a broker that was in sync before: they are named and do not count, and lag still does.
pub fn added_after_the_latch(scene: &Scene) -> Result<()> {
    let cluster = &scene.fleet.cluster;
    scene.topic("settled")?;
    run(bed::eventually("the mark stands", SOON, async || marked(scene)))?;
    let led_by_1001: [&[i32]; 1] = [&[1001, ID]];
    run(cluster.create_topic(Topic::assigned("lagging", &led_by_1001)))?;
    copied_slowly(scene, "coming")?;
    let since = Instant::now();
    run(cluster.reassign("coming", 2, &[1001, ID]))?;
    adding(scene, 2)?;
    scene.wait_says(ID, "2 being added")?;
    println!("    {}", scene.fleet.said(ID).trim());
    pass(Duration::from_secs(5));
    scene.no_blip(ID, since)?;

    cluster.net().cut(ID, 1001)?;
    // Acknowledged once the leader has given it up.
    run(cluster.fill("lagging", 1 << 20))?;
    scene.wait_says(ID, "out-of-isr")?;
    let said = scene.fleet.said(ID);
    println!("    {}", said.trim());
    ensure!(said.contains("lagging-0") && !said.contains("coming-"), "{said}");
    cluster.net().heal(ID, 1001)?;
    scene.wait(ID, true)?;

    let since = Instant::now();
    ensure!(run(being_added(scene))? > 0, "it is still under way");
    run(cluster.set_on_broker(1001, RATE, None))?;
    adding(scene, 0)?;
    scene.wait_truth(ID, bed::Truth::InSync)?;
    pass(Duration::from_secs(3));
    scene.no_blip(ID, since)?;
    let status = run(scene.fleet.status(ID))?;
    ensure!(status.pointer("/partitions/notInSync") == Some(&0.into()), "{status:#}");
    // From now on they count as all others.
    cluster.net().cut(ID, 1001)?;
    run(cluster.fill("coming", 1 << 20))?;
    scene.wait_says(ID, "coming-")?;
    cluster.net().heal(ID, 1001)?;
    scene.wait(ID, true)?;
    run(cluster.delete_topic("coming"))
}

/// Before it was ever in sync, they count.
pub fn added_before_the_latch(scene: &Scene) -> Result<()> {
    let cluster = &scene.fleet.cluster;
    copied_slowly(scene, "first")?;
    for dir in cluster.node(ID).data_dirs() {
        fs::remove_file(mark(dir))?;
    }
    scene.fleet.signal_agent(ID, rustix::process::Signal::KILL)?;
    scene.fleet.reap_agent(ID, Duration::from_secs(5))?;
    run(cluster.reassign("first", 2, &[1001, ID]))?;
    let since = Instant::now();
    scene.fleet.start_agent(ID)?;
    scene.wait_says(ID, "replica-being-added")?;
    println!("    {}", scene.fleet.said(ID).trim());
    pass(Duration::from_secs(3));
    let ready = scene.fleet.ready_since(ID, since).into_iter().filter(|(_, ready)| *ready).count();
    ensure!(ready == 0, "it was called ready {ready} times");
    run(cluster.set_on_broker(1001, RATE, None))?;
    scene.wait(ID, true)?;
    ensure!(scene.score(ID, since).false_ready <= NOTICE);
    run(bed::eventually("the mark stands again", SOON, async || marked(scene)))?;
    run(cluster.delete_topic("first"))
}

/// A replica moves from one log dir to the other: no fault, and its copy does not count.
pub fn moved_between_dirs(scene: &Scene) -> Result<()> {
    const IO_RATE: &str = "replica.alter.log.dirs.io.max.bytes.per.second";
    let cluster = &scene.fleet.cluster;
    let alone: [&[i32]; 1] = [&[1001, ID]];
    run(cluster.create_topic(Topic::assigned("moving", &alone)))?;
    run(cluster.fill("moving", 18 << 20))?;
    run(cluster.set_on_brokers(IO_RATE, Some("1500000")))?;
    let here = |all: &[bed::Hosted], future: bool| {
        let one = all.iter().find(|one| one.topic == "moving" && one.future == future);
        one.map(|one| one.dir.clone())
    };
    let from = here(&run(cluster.hosted(ID))?, false).context("it is hosted")?;
    let dirs = cluster.node(ID).data_dirs();
    let to = dirs.iter().find(|dir| **dir != Path::new(&from)).context("another dir")?;
    let since = Instant::now();
    run(cluster.move_replica(ID, "moving", to))?;
    let mut looks = 0;
    run(bed::eventually("it has moved", SOON, async || {
        let all = cluster.hosted(ID).await?;
        looks += u32::from(here(&all, true).is_some());
        ensure!(here(&all, true).is_none() && here(&all, false).as_deref() == to.to_str(), "{all:?}");
        Ok(())
    }))?;
    println!("    moved in {:.1} s, seen under way {looks} times", since.elapsed().as_secs_f64());
    ensure!(looks > 0, "it was never seen to be under way");
    run(cluster.set_on_brokers(IO_RATE, None))?;
    pass(Duration::from_secs(6));
    scene.no_blip(ID, since)?;
    run(cluster.delete_topic("moving"))
}

/// The broker leads a partition, is in its ISR, and could not make its log.
pub fn not_hosted(scene: &Scene) -> Result<()> {
    let cluster = &scene.fleet.cluster;
    let node = cluster.node(ID);
    // What lies there belongs to another topic of that name, by its id: Kafka does not take it for the log.
    let traps: Vec<PathBuf> = node.data_dirs().iter().map(|dir| dir.join("trapped-0")).collect();
    for trap in &traps {
        fs::create_dir(trap)?;
        fs::write(trap.join("partition.metadata"), "version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAZQ\n")?;
    }
    let since = Instant::now();
    let alone: [&[i32]; 1] = [&[ID]];
    run(cluster.create_topic(Topic::assigned("trapped", &alone)))?;
    let view = run(bed::View::ask(cluster.node(1001).bootstrap(), Duration::from_secs(2)))?;
    ensure!(view.in_sync(ID), "the metadata looks perfect");
    scene.wait_says(ID, "replica-not-hosted")?;
    let said = scene.fleet.said(ID);
    println!("    named after {:.1} s: {}", since.elapsed().as_secs_f64(), said.trim());
    ensure!(said.contains("trapped-0"), "{said}");
    for id in [1001, 1002] {
        scene.no_blip(id, since)?;
    }
    // A new agent does not call it ready first.
    scene.fleet.signal_agent(ID, rustix::process::Signal::KILL)?;
    scene.fleet.reap_agent(ID, Duration::from_secs(5))?;
    let again = Instant::now();
    scene.fleet.start_agent(ID)?;
    scene.wait_says(ID, "replica-not-hosted")?;
    let ready = scene.fleet.ready_since(ID, again).into_iter().filter(|(_, ready)| *ready).count();
    ensure!(ready == 0, "it was called ready {ready} times");
    node.kill()?;
    for trap in &traps {
        fs::remove_dir_all(trap)?;
    }
    node.start()?;
    scene.wait(ID, true)?;
    run(cluster.delete_topic("trapped"))
}

/// One of two log dirs is full: it is named, and so are the partitions of one and of two copies on it.
pub fn dir_lost(scene: &Scene) -> Result<()> {
    let cluster = &scene.fleet.cluster;
    let node = cluster.node(ID);
    let here: [&[i32]; 4] = [&[ID], &[ID], &[ID], &[ID]];
    run(cluster.create_topic(Topic::assigned("one-copy", &here)))?;
    let here: [&[i32]; 4] = [&[ID, 1001, 1002], &[1001, ID, 1002], &[1002, 1001, ID], &[ID, 1002, 1001]];
    run(cluster.create_topic(Topic::assigned("three-copies", &here)))?;
    let since = Instant::now();
    let filled = run(async {
        tokio::time::timeout(Duration::from_secs(15), cluster.fill("three-copies", 600 << 20)).await
    });
    drop(filled);
    scene.wait(ID, false)?;
    scene.wait_says(ID, "log-dir-failed")?;
    scene.wait_says(ID, "replica-offline")?;
    scene.wait_says(ID, "leaderless")?;
    let said = scene.fleet.said(ID);
    println!("    {}", said.trim());
    let small = node.data_dirs()[1].display().to_string();
    ensure!(said.contains(&small), "{said}");
    ensure!(said.contains("one-copy-") && said.contains("three-copies-"), "{said}");
    ensure!(!said.contains("not-hosted") && !said.contains("out-of-isr"), "the dir explains it all: {said}");
    scene.never_dead(ID, since)?;
    pass(Duration::from_secs(6));
    scene.says(ID, "log-dir-failed")?;
    let score = scene.score(ID, since);
    ensure!(score.false_ready <= NOTICE, "{score:?}");
    // Room, and a restart: the only way back.
    let size = "remount,size=512m";
    let mounted = Command::new("mount").args(["-o", size]).arg(&node.data_dirs()[1]).status()?;
    ensure!(mounted.success(), "failed to make room");
    pass(Duration::from_secs(6));
    scene.says(ID, "log-dir-failed")?;
    node.kill()?;
    node.start()?;
    scene.wait(ID, true)?;
    scene.wait_truth(ID, bed::Truth::InSync)
}

/// A topic of two partitions on 1001 that will take long to be copied from there.
fn copied_slowly(scene: &Scene, topic: &str) -> Result<()> {
    let cluster = &scene.fleet.cluster;
    let on_1001: [&[i32]; 2] = [&[1001], &[1001]];
    run(cluster.create_topic(Topic::assigned(topic, &on_1001)))?;
    run(cluster.fill(topic, 24 << 20))?;
    run(cluster.set_on_topic(topic, THROTTLED, Some("*")))?;
    run(cluster.set_on_broker(1001, RATE, Some("200000")))?;
    // Or the copy may be made before the leader knows.
    run(cluster.wait_applied(1001))
}

async fn being_added(scene: &Scene) -> Result<u64> {
    let status = scene.fleet.status(ID).await?;
    status.pointer("/partitions/beingAdded").and_then(serde_json::Value::as_u64).context("a count")
}

fn adding(scene: &Scene, count: u64) -> Result<()> {
    run(bed::eventually(&format!("{count} replicas are being added"), SOON, async || {
        let now = being_added(scene).await?;
        ensure!(now == count, "{now}");
        Ok(())
    }))
}

fn mark(dir: &Path) -> PathBuf {
    dir.join(".pillion-in-sync")
}

fn marked(scene: &Scene) -> Result<()> {
    for dir in scene.fleet.cluster.node(ID).data_dirs() {
        ensure!(mark(dir).exists(), "none in {}", dir.display());
    }
    Ok(())
}
