//! The bed against real Kafka: one dedicated controller and three brokers of the newest release.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use bed::load::LoadOptions;
use bed::topics::Topic;
use bed::truth::TruthWatch;
use bed::wire::describe_quorum;
use bed::{Cluster, Load, NEWEST, Truth, View, Watch, eventually, score};

const SOON: Duration = Duration::from_secs(90);
const CONTROLLER: i32 = 1;

/// One life of a cluster, fault after fault: starting one for each would cost more than the faults do.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_lives_through_every_fault() -> Result<()> {
    let began = Instant::now();
    let cluster = Cluster::builder(NEWEST).controllers(1).brokers(3).start().await?;
    let started = Instant::now();
    cluster.wait_ready(SOON).await?;
    eprintln!("prepared in {:?}, ready {:?} after", started - began, started.elapsed());

    let forwarded = describe_quorum(cluster.node(1002).bootstrap(), Duration::from_secs(5)).await?;
    let direct = cluster.quorum().await?;
    eprintln!("DescribeQuorum v{}: {forwarded:?}", direct.request_version);
    ensure!(forwarded.leader == CONTROLLER && direct.leader == CONTROLLER);
    ensure!(forwarded.observers.len() == 3 && direct.observers.len() == 3, "{direct:?}");

    let truth = TruthWatch::start(&cluster);
    let port = Watch::tcp(cluster.node(1002).bootstrap());
    let spread: Vec<&[i32]> = vec![&[1001, 1002, 1003], &[1002, 1003, 1001], &[1003, 1001, 1002]];
    cluster.create_topic(Topic::assigned("t", &spread).config("min.insync.replicas", "2")).await?;
    cluster.fill("t", 4 << 20).await?;
    ensure!(cluster.count_records("t").await? == 64, "4 MiB in records of 64 KiB");
    let load = Load::start(&cluster, "t", LoadOptions::default())?;
    load.wait_acked(100, SOON).await?;
    for id in [1001, 1002, 1003] {
        truth.wait(id, Truth::InSync, SOON).await?;
    }

    killed_and_restarted(&cluster, &truth, &load).await?;
    cut_off_and_healed(&cluster, &truth, &port).await?;
    paused_and_resumed(&cluster, &truth).await?;
    quorum_paused(&cluster, &truth).await?;

    let report = load.stop().await?;
    eprintln!(
        "load: {} sent, {} acked, {} errors, longest gap {:?}",
        report.sent,
        report.acked.len(),
        report.errors.len(),
        report.longest_gap
    );
    ensure!(report.sent == (report.acked.len() + report.errors.len()) as u64, "every record has an outcome");
    ensure!(cluster.count_records("t").await? >= 64 + i64::try_from(report.acked.len())?, "acked is kept");
    eprintln!("a TCP probe of 1002: {:?}", score(&truth.timeline(1002), &port.timeline()));
    drop(truth);
    nothing_is_left(cluster)
}

async fn killed_and_restarted(cluster: &Cluster, truth: &TruthWatch, load: &Load) -> Result<()> {
    let node = cluster.node(1003);
    node.kill()?;
    let at = Instant::now();
    ensure!(!node.running() && node.pid().is_none());
    truth.wait_dropped(1003, SOON).await?;
    eprintln!("killed: out after {:?}", at.elapsed());
    load.wait_acked(100, SOON).await?;
    node.start()?;
    let at = Instant::now();
    cluster.wait_ready(SOON).await?;
    truth.wait(1003, Truth::InSync, SOON).await?;
    cluster.wait_in_sync(SOON).await?;
    eprintln!("started again: in sync after {:?}", at.elapsed());
    ensure!(node.pid().is_some());
    node.restart(SOON).await?;
    cluster.wait_in_sync(SOON).await
}

async fn cut_off_and_healed(cluster: &Cluster, truth: &TruthWatch, port: &Watch) -> Result<()> {
    truth.wait(1002, Truth::InSync, SOON).await?;
    let wrong = || score(&truth.timeline(1002), &port.timeline()).false_ready;
    let before = wrong();
    cluster.net().cut_both(1002, CONTROLLER)?;
    let at = Instant::now();
    truth.wait_dropped(1002, SOON).await?;
    eprintln!("cut off: out after {:?}", at.elapsed());
    let own = View::ask(cluster.node(1002).bootstrap(), Duration::from_secs(2)).await?;
    ensure!(own.lists(1002), "a broker cut off serves its last image, which lists itself");
    eventually("a TCP probe is wrong for 3 s: a broker cut off accepts connections", SOON, async || {
        ensure!(wrong() > before + Duration::from_secs(3), "{:?}", wrong());
        Ok(())
    })
    .await?;
    cluster.net().heal(1002, CONTROLLER)?;
    let at = Instant::now();
    truth.wait(1002, Truth::InSync, SOON).await?;
    eprintln!("healed: in sync after {:?}", at.elapsed());
    Ok(())
}

async fn paused_and_resumed(cluster: &Cluster, truth: &TruthWatch) -> Result<()> {
    cluster.node(1001).pause()?;
    let at = Instant::now();
    truth.wait_dropped(1001, SOON).await?;
    eprintln!("paused: out after {:?}", at.elapsed());
    ensure!(cluster.node(1001).running(), "paused is not dead");
    cluster.node(1001).resume()?;
    let at = Instant::now();
    truth.wait(1001, Truth::InSync, SOON).await?;
    eprintln!("resumed: in sync after {:?}", at.elapsed());
    Ok(())
}

async fn quorum_paused(cluster: &Cluster, truth: &TruthWatch) -> Result<()> {
    cluster.node(CONTROLLER).pause()?;
    for id in [1001, 1002, 1003] {
        truth.wait(id, Truth::Unknowable, SOON).await?;
    }
    cluster.node(CONTROLLER).resume()?;
    for id in [1001, 1002, 1003] {
        truth.wait(id, Truth::InSync, SOON).await?;
    }
    Ok(())
}

/// Drops the cluster and looks for what it should have taken along.
fn nothing_is_left(cluster: Cluster) -> Result<()> {
    let pids: Vec<u32> = cluster.nodes().filter_map(bed::Node::pid).collect();
    let names: Vec<String> = cluster.nodes().map(|node| node.netns().to_owned()).collect();
    let dir = cluster.dir().to_owned();
    let here = fs::read_link("/proc/self/ns/net")?;
    ensure!(pids.len() == 4);
    for pid in &pids {
        let theirs = fs::read_link(format!("/proc/{pid}/ns/net"))?;
        ensure!(theirs != here, "{pid} shares the host's network");
        ensure!(fs::read_to_string(format!("/proc/{pid}/comm"))?.trim() == "java", "the pid is java's own");
    }
    drop(cluster);
    for pid in pids {
        ensure!(!Path::new(&format!("/proc/{pid}")).exists(), "process {pid} is left");
    }
    let listing = String::from_utf8(Command::new("ip").args(["netns", "list"]).output()?.stdout)?;
    for name in names {
        ensure!(!listing.lines().any(|line| line.split(' ').next() == Some(&name)), "{name} is left");
    }
    ensure!(!dir.exists(), "{} is left", dir.display());
    Ok(())
}

/// The facts that pillion's verdict stands on, on the newest release.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_image_moves_and_the_quorum_tells() -> Result<()> {
    let cluster = Cluster::builder(NEWEST).combined(1).start().await?;
    cluster.wait_ready(SOON).await?;
    let node = cluster.node(1001);
    let mut connection = bed::wire::Connection::open(node.bootstrap(), Duration::from_secs(2)).await?;
    let (mut moves, mut last, began) = (0u32, -1, Instant::now());
    eventually("the epoch advances ten times", SOON, async || {
        let epoch = connection.api_versions().await?.finalized_features_epoch;
        moves += u32::from(epoch > last);
        last = epoch;
        ensure!(moves > 10, "{moves}");
        Ok(())
    })
    .await?;
    let each = began.elapsed() / 10;
    eprintln!("FinalizedFeaturesEpoch advances each {each:?}");
    ensure!(each < Duration::from_secs(1), "{each:?}");
    let patience = Duration::from_secs(5);
    let forwarded = describe_quorum(node.bootstrap(), patience).await?;
    let direct = describe_quorum(node.controller_addr(), patience).await?;
    eprintln!("through the broker: {forwarded:?}\ndirectly: {direct:?}");
    ensure!(forwarded.leader == 1001 && direct.leader == 1001);
    ensure!(direct.high_watermark >= forwarded.high_watermark && forwarded.high_watermark > 0);
    Ok(())
}
