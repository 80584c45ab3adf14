//! The main faults on the releases before the newest.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use bed::Truth;

use super::scene::{BLUR, GONE, NOTICE, RETURN, Scene, run};

pub fn smoke(scene: &Scene) -> Result<()> {
    scene.topic("smoke")?;
    run(scene.fleet.cluster.fill("smoke", 64 << 20))?;
    killed(scene)?;
    cut_off(scene)?;
    terminated(scene)
}

fn killed(scene: &Scene) -> Result<()> {
    let node = scene.fleet.cluster.node(1003);
    let since = Instant::now();
    node.kill()?;
    scene.wait(1003, false)?;
    scene.wait_dropped(1003)?;
    run(scene.fleet.cluster.fill("smoke", 256 << 20))?;
    ensure!(scene.score(1003, since).false_ready <= GONE);
    let since = Instant::now();
    node.start()?;
    scene.wait(1003, true)?;
    scene.wait_truth(1003, Truth::InSync)?;
    let score = scene.score(1003, since);
    ensure!(score.false_ready <= BLUR && score.false_unready <= RETURN, "{score:?}");
    for id in [1001, 1002] {
        scene.no_blip(id, since)?;
    }
    Ok(())
}

fn cut_off(scene: &Scene) -> Result<()> {
    let net = scene.fleet.cluster.net();
    let since = Instant::now();
    net.cut_both(1002, 1)?;
    scene.wait(1002, false)?;
    scene.wait_dropped(1002)?;
    scene.unready_before_out(1002, since)?;
    ensure!(scene.score(1002, since).false_ready.is_zero());
    let healed = Instant::now();
    net.heal(1002, 1)?;
    scene.wait_truth(1002, Truth::InSync)?;
    scene.wait(1002, true)?;
    let score = scene.score(1002, healed);
    ensure!(score.false_ready <= BLUR && score.false_unready <= RETURN, "{score:?}");
    Ok(())
}

fn terminated(scene: &Scene) -> Result<()> {
    let node = scene.fleet.cluster.node(1001);
    let since = Instant::now();
    node.term()?;
    scene.wait(1001, false)?;
    run(node.wait_exit(Duration::from_secs(60)))?;
    ensure!(scene.score(1001, since).false_ready <= NOTICE);
    node.start()?;
    scene.wait(1001, true)?;
    Ok(())
}
