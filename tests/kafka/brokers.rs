//! Faults of a broker itself.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use bed::{Truth, View};

use super::scene::{AGE, BLUR, GONE, NOTICE, RETURN, SOON, Scene, pass, run};

pub fn another_dead(scene: &Scene) -> Result<()> {
    scene.topic("others")?;
    scene.fleet.cluster.node(1003).kill()?;
    let since = Instant::now();
    scene.wait_dropped(1003)?;
    pass(Duration::from_secs(5));
    for id in [1001, 1002] {
        scene.no_blip(id, since)?;
    }
    scene.fleet.cluster.node(1003).start()?;
    scene.wait(1003, true)?;
    for id in [1001, 1002] {
        scene.no_blip(id, since)?;
        scene.score(id, since);
    }
    Ok(())
}

pub fn catch_up(scene: &Scene) -> Result<()> {
    scene.topic("behind")?;
    let node = scene.fleet.cluster.node(1003);
    let since = Instant::now();
    node.kill()?;
    scene.wait(1003, false)?;
    scene.wait_dropped(1003)?;
    // Three copies of each record: this is what 1003 misses.
    run(scene.fleet.cluster.fill("behind", 1 << 30))?;
    ensure!(scene.score(1003, since).false_ready <= GONE);
    let since = Instant::now();
    node.start()?;
    let ready = scene.wait(1003, true)?;
    scene.wait_truth(1003, Truth::InSync)?;
    let score = scene.score(1003, since);
    ensure!(score.false_ready <= BLUR, "{score:?}");
    ensure!(score.false_unready <= RETURN, "{score:?}");
    ensure!(ready > since);
    scene.never_dead(1003, since)
}

pub fn recovery(scene: &Scene) -> Result<()> {
    scene.topic("recovered")?;
    run(scene.fleet.cluster.fill("recovered", 256 << 20))?;
    let node = scene.fleet.cluster.node(1002);
    let since = Instant::now();
    node.kill()?;
    scene.wait(1002, false)?;
    ensure!(
        !node.data_dirs()[0].join(".kafka_cleanshutdown").exists(),
        "a killed broker leaves no clean mark"
    );
    node.start()?;
    scene.wait_says(1002, "broker-recovering")?;
    scene.wait(1002, true)?;
    scene.wait_truth(1002, Truth::InSync)?;
    let score = scene.score(1002, since);
    ensure!(score.false_ready <= GONE, "{score:?}");
    scene.never_dead(1002, since)
}

pub fn paused(scene: &Scene) -> Result<()> {
    scene.topic("paused")?;
    let node = scene.fleet.cluster.node(1001);
    let since = Instant::now();
    node.pause()?;
    scene.wait(1001, false)?;
    scene.wait_dropped(1001)?;
    scene.unready_before_out(1001, since)?;
    run(bed::eventually("1001 is called dead", SOON, async || {
        let (status, body) = scene.fleet.ask(1001, "/livez").await?;
        ensure!(status == 503 && body.contains("broker-hung"), "{status} {body}");
        Ok(())
    }))?;
    let dead = run(bed::eventually("the prober sees it", SOON, async || {
        let mut answers = scene.fleet.live_since(1001, since).into_iter();
        answers.find(|(_, alive)| !alive).map(|(at, _)| at).context("alive")
    }))?;
    println!("    1001: called dead after {:.1} s", (dead - since).as_secs_f64());
    ensure!(dead - since >= Duration::from_secs(60), "no sooner than the limit");
    let resumed = Instant::now();
    node.resume()?;
    scene.wait_truth(1001, Truth::InSync)?;
    scene.wait(1001, true)?;
    let score = scene.score(1001, since);
    ensure!(score.false_ready <= AGE + BLUR, "{score:?}");
    ensure!(scene.score(1001, resumed).false_unready <= RETURN);
    for id in [1002, 1003] {
        scene.no_blip(id, since)?;
    }
    Ok(())
}

pub fn terminated(scene: &Scene) -> Result<()> {
    scene.topic("terminated")?;
    let node = scene.fleet.cluster.node(1002);
    let since = Instant::now();
    node.term()?;
    let unready = scene.wait(1002, false)?;
    let open = run(View::ask(node.bootstrap(), Duration::from_millis(500))).is_ok();
    run(node.wait_exit(SOON))?;
    let exit = Instant::now();
    println!(
        "    1002: called unready {:.1} s, gone {:.1} s after TERM; it still served when it was called so: {open}",
        (unready - since).as_secs_f64(),
        (exit - since).as_secs_f64()
    );
    let closed = scene.fleet.tcp_since(1002, since).into_iter().find(|(_, open)| !open).map(|(at, _)| at);
    ensure!(
        closed.is_none_or(|closed| unready <= closed + BLUR),
        "it was out of service before it was called so"
    );
    ensure!(scene.score(1002, since).false_ready <= NOTICE);
    scene.never_dead(1002, since)?;
    node.start()?;
    scene.wait(1002, true)?;
    Ok(())
}

pub fn cold_start(scene: &Scene) -> Result<()> {
    let cluster = &scene.fleet.cluster;
    for node in cluster.brokers().chain(cluster.controllers()) {
        node.kill()?;
    }
    for id in scene.fleet.ids() {
        scene.wait(id, false)?;
    }
    let since = Instant::now();
    for node in cluster.controllers().chain(cluster.brokers()) {
        node.start()?;
    }
    for id in scene.fleet.ids() {
        scene.wait(id, true)?;
        scene.wait_truth(id, Truth::InSync)?;
        let score = scene.score(id, since);
        ensure!(score.false_ready <= BLUR, "{score:?}");
        ensure!(score.false_unready <= RETURN, "{score:?}");
        scene.never_dead(id, since)?;
    }
    Ok(())
}
