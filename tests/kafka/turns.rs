//! Who is told to stop takes turns, and waits for one that was killed.

use std::{
    collections::BTreeSet,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use bed::{Load, isr::IsrWatch, load::LoadOptions};

use super::{
    scene::{SOON, Scene, run},
    stops::wait_stop,
};

/// All three are told to stop at once, each by its hook: one at a time is away, and no writer sees an error. Without the
/// hook two at once are enough to refuse writers.
pub fn turns(scene: &Scene) -> Result<()> {
    const BROKERS: [i32; 3] = [1001, 1002, 1003];
    let cluster = &scene.fleet.cluster;
    scene.topic("turns")?;
    for id in BROKERS {
        wait_stop(scene, id, &[])?;
    }
    let load =
        Load::start(cluster, "turns", LoadOptions { delivery_timeout: SOON, ..LoadOptions::default() })?;
    run(load.wait_acked(20, SOON))?;
    let watch = run(async {
        let at = BROKERS.map(|id| (id, cluster.node(id).bootstrap().to_string()));
        IsrWatch::start(at.into())
    });
    let single = Instant::now();
    restart(scene, 1001)?;
    let single = single.elapsed();
    let since = Instant::now();
    let ended: Vec<Result<String>> = thread::scope(|scope| {
        let all = BROKERS.map(|id| scope.spawn(move || restart(scene, id)));
        all.into_iter().map(|one| one.join().expect("a thread")).collect()
    });
    ended.into_iter().collect::<Result<Vec<_>>>()?;
    let took = since.elapsed();
    println!(
        "    three told to stop at once: {:.1} s, {:.2} times three single ones of {:.1} s",
        took.as_secs_f64(),
        took.as_secs_f64() / (3.0 * single.as_secs_f64()),
        single.as_secs_f64()
    );
    one_at_a_time(&watch, since)?;
    let report = run(load.stop())?;
    println!("    {} records acknowledged, longest wait {:?}", report.acked.len(), report.longest_gap);
    ensure!(report.errors.is_empty() && report.epochs == 0, "{:?}, {}", report.errors, report.epochs);
    let stands = run(cluster.count_records("turns"))?;
    ensure!(stands == i64::try_from(report.acked.len())?, "{stands} records of {}", report.acked.len());
    // The same without the hook.
    let since = Instant::now();
    for id in [1001, 1002] {
        cluster.node(id).term()?;
    }
    run(bed::eventually("a partition is below its minimum", SOON, async || {
        ensure!(watch.since(since).iter().any(|round| round.below_min > 0), "none");
        Ok(())
    }))?;
    run(bed::eventually("the one that is left says so", SOON, async || {
        let (_, metrics) = scene.fleet.ask(1003, "/metrics").await?;
        let line = metrics.lines().find(|line| line.starts_with("pillion_under_min_isr_partitions "));
        ensure!(line.is_some_and(|line| !line.ends_with(" 0")), "{line:?}");
        Ok(())
    }))?;
    for id in [1001, 1002] {
        run(cluster.node(id).wait_exit(SOON))?;
        cluster.node(id).start()?;
    }
    for id in BROKERS {
        scene.wait(id, true)?;
    }
    Ok(())
}

/// Never was more than one broker out of an ISR, nor a partition below its minimum; and one was.
fn one_at_a_time(watch: &IsrWatch, since: Instant) -> Result<()> {
    let mut any = false;
    for round in watch.since(since) {
        let out: BTreeSet<i32> = round.out.unwrap_or_default();
        any |= !out.is_empty();
        let at = round.at.duration_since(since);
        ensure!(out.len() <= 1, "{out:?} were away at once, {at:.1?} after the beginning");
        ensure!(round.below_min == 0, "a partition was below its minimum, {at:.1?} after the beginning");
    }
    ensure!(any, "nobody was ever away");
    Ok(())
}

/// The broker has asked what topics need since now: what a new topic needs is not known before.
fn knows_its_minimum(scene: &Scene, id: i32) -> Result<()> {
    let asked = |status: &serde_json::Value| {
        status.pointer("/observations/round/tally/stops/asked").and_then(serde_json::Value::as_u64)
    };
    let before = run(scene.fleet.status(id))?;
    run(bed::eventually("topics' minimums are asked for again", SOON, async || {
        let now = scene.fleet.status(id).await?;
        ensure!(asked(&now) > asked(&before), "{:?}", asked(&now));
        Ok(())
    }))
}

/// As a pod is stopped and comes back: the hook, TERM, the same broker again, in sync.
/// What the hook said.
fn restart(scene: &Scene, id: i32) -> Result<String> {
    let node = scene.fleet.cluster.node(id);
    let mut command = scene.fleet.pillion(id);
    command.args(["drain", "--within", "4m", "--run-dir"]).arg(scene.fleet.run_dir(id));
    let output = command.output()?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    println!("    {id}: {}", said.trim().replace('\n', &format!("\n    {id}: ")));
    ensure!(output.status.success() && said.contains("going: it has its turn and may stop"), "{said}");
    let life = incarnation(scene, id)?;
    node.term()?;
    run(node.wait_exit(Duration::from_secs(60)))?;
    node.start()?;
    run(bed::eventually(&format!("{id} is back"), SOON, async || {
        ensure!(
            scene.fleet.status(id).await?.pointer("/observations/incarnation/number") != Some(&life),
            "not yet"
        );
        Ok(())
    }))?;
    scene.wait(id, true)?;
    Ok(said)
}

fn incarnation(scene: &Scene, id: i32) -> Result<serde_json::Value> {
    let status = run(scene.fleet.status(id))?;
    status.pointer("/observations/incarnation/number").cloned().context("a life")
}

/// One is killed, and another told to stop at that very moment. By all metadata it may: the killed one stands in every ISR
/// until the controllers fence it. It waits all the same, until the killed one is back.
pub fn after_a_kill(scene: &Scene) -> Result<()> {
    let cluster = &scene.fleet.cluster;
    scene.topic("after-a-kill")?;
    for id in [1001, 1002, 1003] {
        wait_stop(scene, id, &[])?;
    }
    knows_its_minimum(scene, 1001)?;
    let options = LoadOptions { delivery_timeout: SOON, ..LoadOptions::default() };
    let load = Load::start(cluster, "after-a-kill", options)?;
    run(load.wait_acked(20, SOON))?;
    let at = [1001, 1002, 1003].map(|id| (id, cluster.node(id).bootstrap().to_string()));
    let watch = run(async { IsrWatch::start(at.into()) });
    let since = Instant::now();
    cluster.node(1003).kill()?;
    thread::scope(|scope| {
        let stop = scope.spawn(|| restart(scene, 1001));
        // Longer than the controllers take to fence it.
        thread::sleep(Duration::from_secs(15));
        let waits = !stop.is_finished();
        run(cluster.node(1003).wait_exit(SOON))?;
        cluster.node(1003).start()?;
        let said = stop.join().expect("a thread")?;
        ensure!(waits, "it went while the other was down: {said}");
        ensure!(said.contains("broker 1003 does not answer and counts as live"), "{said}");
        ensure!(said.contains("below-min-isr"), "{said}");
        Ok(())
    })?;
    one_at_a_time(&watch, since)?;
    let report = run(load.stop())?;
    ensure!(report.errors.is_empty() && report.epochs == 0, "{:?}, {}", report.errors, report.epochs);
    for id in [1001, 1002, 1003] {
        scene.wait(id, true)?;
    }
    Ok(())
}
