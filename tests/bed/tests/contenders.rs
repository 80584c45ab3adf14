//! What the contenders say of real brokers, healthy and in trouble.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use bed::contenders::{
    API_VERSIONS, BROKER_STATE, Contender, Contenders, OTHERS, OWN_METADATA, TCP, UNDER_REPLICATED,
};
use bed::topics::Topic;
use bed::{Cluster, NEWEST, eventually};

/// Long enough for anything that will happen at all.
const SOON: Duration = Duration::from_secs(120);
/// The longest pause that the bench has.
const PAUSE: Duration = Duration::from_secs(60);
/// Far slower than the test is long.
const NEVER: Duration = Duration::from_secs(9999);
const BROKERS: [i32; 3] = [1001, 1002, 1003];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contenders_in_every_trouble() -> Result<()> {
    let cluster = Cluster::builder(NEWEST).controllers(1).brokers(3).jmx().start().await?;
    cluster.wait_ready(SOON).await?;
    cluster.create_topic(Topic::in_turn("t")).await?;
    let contenders = Contenders::start(&cluster)?;
    all_say(&contenders, &OTHERS, true).await?;
    contenders.check()?;
    killed(&cluster, &contenders).await?;
    paused(&cluster, &contenders).await?;
    slow_pollers_leave_the_port_open(&cluster, &contenders).await?;
    contenders.check()?;
    Ok(())
}

/// All are right about a dead broker. The gauge is wrong about the others: they lead what it lacks.
async fn killed(cluster: &Cluster, contenders: &Contenders) -> Result<()> {
    let node = cluster.node(1003);
    node.kill()?;
    for contender in OTHERS {
        says(contenders, contender, 1003, false).await?;
    }
    for id in [1001, 1002] {
        says(contenders, UNDER_REPLICATED, id, false).await?;
        for contender in [TCP, API_VERSIONS, OWN_METADATA, BROKER_STATE] {
            says(contenders, contender, id, true).await?;
        }
    }
    node.start()?;
    all_say(contenders, &OTHERS, true).await
}

/// A paused broker does not answer a gauge, however long; afterwards it does, and nothing has piled up.
async fn paused(cluster: &Cluster, contenders: &Contenders) -> Result<()> {
    let node = cluster.node(1002);
    let before = threads()?;
    node.pause()?;
    let at = Instant::now();
    for contender in [API_VERSIONS, OWN_METADATA, UNDER_REPLICATED, BROKER_STATE] {
        says(contenders, contender, 1002, false).await?;
        eprintln!("paused: {} said so after {:?}", contender.name, at.elapsed());
    }
    tokio::time::sleep(PAUSE.saturating_sub(at.elapsed())).await;
    contenders.check()?;
    ensure!(contenders.now(BROKER_STATE, 1002) == Some(false), "nobody can have answered");
    let rows = contenders.timeline(BROKER_STATE, 1002).iter().filter(|(when, _)| *when > at).count();
    ensure!(rows >= 10, "{rows} rows in {PAUSE:?}: a poll hangs");
    let paused = threads()?;
    node.resume()?;
    let at = Instant::now();
    all_say(contenders, &OTHERS, true).await?;
    eprintln!("resumed: all say ready after {:?}; {rows} rows; threads: {before}, {paused}", at.elapsed());
    ensure!(paused <= before + 5, "threads pile up: {before}, then {paused}");
    Ok(())
}

/// With nobody else to fill the backlog, a paused broker's port stays open.
async fn slow_pollers_leave_the_port_open(cluster: &Cluster, contenders: &Contenders) -> Result<()> {
    let node = cluster.node(1001);
    contenders.pace(1001, NEVER);
    tokio::time::sleep(Duration::from_secs(2)).await;
    let asked = contenders.timeline(TCP, 1001).len();
    node.pause()?;
    says(contenders, BROKER_STATE, 1001, false).await?;
    ensure!(contenders.timeline(TCP, 1001).len() == asked, "it is not asked");
    contenders.pace(1001, bed::contenders::EVERY);
    eventually("the port is asked again", SOON, async || {
        ensure!(contenders.timeline(TCP, 1001).len() > asked);
        Ok(())
    })
    .await?;
    let next = contenders.timeline(TCP, 1001).get(asked).copied().context("just seen")?;
    ensure!(next.1, "the kernel accepts for a process that is paused");
    node.resume()?;
    all_say(contenders, &OTHERS, true).await
}

async fn all_say(contenders: &Contenders, who: &[Contender], ready: bool) -> Result<()> {
    for id in BROKERS {
        for contender in who {
            says(contenders, *contender, id, ready).await?;
        }
    }
    Ok(())
}

/// Waits until a contender says this of a broker.
async fn says(contenders: &Contenders, contender: Contender, id: i32, ready: bool) -> Result<()> {
    let what = format!("{} says ready={ready} of {id}", contender.name);
    eventually(&what, SOON, async || {
        let now = contenders.now(contender, id);
        ensure!(now == Some(ready), "{now:?}");
        Ok(())
    })
    .await
}

/// The threads of the poller of the gauges: a child of ours that runs Gauges.java.
fn threads() -> Result<usize> {
    for entry in fs::read_dir("/proc")? {
        let path = entry?.path();
        let words = fs::read(path.join("cmdline")).unwrap_or_default();
        if String::from_utf8_lossy(&words).contains("Gauges.java") && is_ours(&path) {
            return Ok(fs::read_dir(path.join("task"))?.count());
        }
    }
    anyhow::bail!("the poller does not run")
}

fn is_ours(process: &Path) -> bool {
    let status = fs::read_to_string(process.join("status")).unwrap_or_default();
    let parent = format!("PPid:\t{}", std::process::id());
    status.lines().any(|line| line == parent)
}
