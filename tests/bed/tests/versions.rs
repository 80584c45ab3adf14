//! The other releases and shapes: each comes up, holds a topic and is seen in sync.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use bed::topics::Topic;
use bed::{Builder, Cluster, NEWEST, Truth, TruthWatch, V2_8, V3_9, V4_1};

const SOON: Duration = Duration::from_secs(120);

async fn comes_up(builder: Builder, voters: usize) -> Result<()> {
    let began = Instant::now();
    let cluster = builder.start().await?;
    let started = Instant::now();
    cluster.wait_ready(SOON).await?;
    let ready = started.elapsed();
    eprintln!("{}: prepared in {:?}, ready {ready:?} after", cluster.kafka().version(), started - began);
    cluster.create_topic(Topic::new("t", 6, 3)).await?;
    cluster.wait_in_sync(SOON).await?;
    for broker in cluster.brokers() {
        let counts = cluster.view_without(broker.id()).await?.counts(broker.id());
        ensure!((counts.replicas, counts.in_isr) == (6, 6), "{}: {counts:?}", broker.id());
    }
    let quorum = cluster.quorum().await?;
    ensure!(quorum.voters.len() == voters, "{quorum:?}");
    let observers = quorum.observers.len();
    eprintln!(
        "{}: DescribeQuorum v{}, {observers} observers",
        cluster.kafka().version(),
        quorum.request_version
    );
    cluster.delete_topic("t").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kafka_3_9() -> Result<()> {
    comes_up(Cluster::builder(V3_9).controllers(1).brokers(3), 1).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kafka_4_1() -> Result<()> {
    comes_up(Cluster::builder(V4_1).controllers(1).brokers(3), 1).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_combined() -> Result<()> {
    comes_up(Cluster::builder(NEWEST).combined(3).log_dirs(2), 3).await
}

/// Brokers without a quorum: `ZooKeeper` tells what is true of them.
async fn comes_up_on_zookeeper(version: &str) -> Result<()> {
    let began = Instant::now();
    let cluster = Cluster::builder(version).zookeeper().brokers(3).start().await?;
    cluster.wait_ready(SOON).await?;
    eprintln!("{version} on ZooKeeper: ready after {:?}", began.elapsed());
    let truth = TruthWatch::start(&cluster);
    cluster.create_topic(Topic::in_turn("t")).await?;
    ensure!([1001, 1002, 1003].contains(&cluster.controller().await?));
    for id in [1001, 1002, 1003] {
        truth.wait(id, Truth::InSync, SOON).await?;
    }
    cluster.node(1003).kill()?;
    truth.wait_dropped(1003, SOON).await?;
    ensure!(truth.now(1001) == Truth::InSync && truth.now(1002) == Truth::InSync);
    cluster.node(1).pause()?;
    truth.wait(1001, Truth::Unknowable, SOON).await?;
    cluster.node(1).resume()?;
    cluster.node(1003).start()?;
    truth.wait(1003, Truth::InSync, SOON).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kafka_3_9_on_zookeeper() -> Result<()> {
    comes_up_on_zookeeper(V3_9).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kafka_2_8_on_zookeeper() -> Result<()> {
    comes_up_on_zookeeper(V2_8).await
}
