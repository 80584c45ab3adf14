//! Faults of replicas and their log dirs; topics that come and go.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use bed::{Truth, topics::Topic};

use super::scene::{NOTICE, RETURN, Scene, run};

pub fn empty_cluster(scene: &Scene) -> Result<()> {
    for id in scene.fleet.ids() {
        let status = run(scene.fleet.status(id))?;
        let (_, said) = run(scene.fleet.ask(id, "/readyz"))?;
        println!("    {id}: {}", said.trim());
        ensure!(said.contains("no partition is assigned"), "{said}");
        let partitions = status.pointer("/partitions").or(status.pointer("/evidence/partitions"));
        ensure!(partitions.is_some(), "{status:#}");
    }
    Ok(())
}

/// Black-holes the fetches of 1003 from the only leader: a throttle would not push it out of the ISR.
pub fn out_of_isr(scene: &Scene) -> Result<()> {
    let led_by_1001: [&[i32]; 2] = [&[1001, 1003], &[1001, 1003]];
    run(scene
        .fleet
        .cluster
        .create_topic(Topic::assigned("led", &led_by_1001).config("min.insync.replicas", "1")))?;
    let since = Instant::now();
    scene.fleet.cluster.net().cut(1003, 1001)?;
    // A follower of an idle partition has all there is, and is not dropped. Acknowledged once it is.
    run(scene.fleet.cluster.fill("led", 1 << 20))?;
    scene.wait_dropped(1003)?;
    scene.wait(1003, false)?;
    let score = scene.score(1003, since);
    ensure!(score.false_ready <= NOTICE, "{score:?}");
    scene.says(1003, "out-of-isr")?;
    let healed = Instant::now();
    scene.fleet.cluster.net().heal(1003, 1001)?;
    scene.wait_truth(1003, Truth::InSync)?;
    scene.wait(1003, true)?;
    let score = scene.score(1003, healed);
    ensure!(score.false_unready <= RETURN && score.false_ready <= NOTICE, "{score:?}");
    Ok(())
}

pub fn topics_come_and_go(scene: &Scene) -> Result<()> {
    let since = Instant::now();
    let mut rounds = 0;
    while rounds < 25 {
        let name = format!("passing-{rounds}");
        run(scene.fleet.cluster.create_topic(Topic::new(&name, 12, 3)))?;
        run(scene.fleet.cluster.delete_topic(&name))?;
        rounds += 1;
    }
    println!("    {rounds} topics of 12 partitions came and went in {:.1} s", since.elapsed().as_secs_f64());
    for id in scene.fleet.ids() {
        scene.no_blip(id, since)?;
        scene.score(id, since);
    }
    Ok(())
}

/// Fills one of two log dirs: its partitions, of one copy, are left without a leader.
pub fn single_copy_lost(scene: &Scene) -> Result<()> {
    run(scene.fleet.cluster.create_topic(Topic::new("single", 8, 1)))?;
    let since = Instant::now();
    let (status, _) = run(scene.fleet.ask(1001, "/readyz"))?;
    ensure!(status == 200);
    // The producer fails when the dir is full, which is what is wanted.
    let filled = run(async {
        tokio::time::timeout(Duration::from_secs(15), scene.fleet.cluster.fill("single", 600 << 20)).await
    });
    ensure!(!matches!(filled, Ok(Ok(()))), "600 MB do not fit into 64");
    scene.wait(1001, false)?;
    scene.wait_says(1001, "log-dir-failed")?;
    scene.wait_says(1001, "leaderless")?;
    let failed = scene.fleet.ready_since(1001, since).into_iter().find(|(_, ready)| !ready);
    failed.context("it was called unready")?;
    scene.never_dead(1001, since)?;
    Ok(())
}
