//! The other releases and shapes: each comes up, holds a topic and is seen in sync.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use bed::topics::Topic;
use bed::{Builder, Cluster, Kafka, NEWEST, V2_8, V3_9, V4_1};

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

/// Runs no cluster yet; what is fetched must be what it says.
#[test]
fn kafka_2_8_is_fetched() -> Result<()> {
    let libs = Kafka::fetch(V2_8)?.libs();
    ensure!(libs.join(format!("kafka_2.13-{V2_8}.jar")).exists());
    ensure!(std::fs::read_dir(libs)?.filter_map(Result::ok).any(|jar| {
        let name = jar.file_name();
        name.to_string_lossy().starts_with("zookeeper-3.")
    }));
    Ok(())
}

/// A node that someone else prepares: left empty, formatted and given its properties later.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_prepared_by_someone_else() -> Result<()> {
    let cluster = Cluster::builder(NEWEST).controllers(1).brokers(2).unformatted([1002]).start().await?;
    cluster.wait_ready(SOON).await?;
    let node = cluster.node(1002);
    ensure!(!node.running() && std::fs::read_dir(&node.data_dirs()[0])?.next().is_none());
    node.format()?;
    let theirs = node.dir().join("theirs.properties");
    std::fs::copy(node.properties(), &theirs)?;
    node.start_with(&theirs)?;
    cluster.wait_ready(SOON).await?;
    ensure!(cluster.view_without(1002).await?.lists(1002) && node.properties() == theirs);
    node.term()?;
    let status = node.wait_exit(SOON).await?;
    // 128 + SIGTERM: the JVM ran its shutdown hook and ended by itself.
    ensure!(status.code() == Some(143), "{status}");
    Ok(())
}

/// A log dir with little room fills up, and the broker is out of sync by the others' word.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_small_log_dir_fills_up() -> Result<()> {
    let builder = Cluster::builder(NEWEST).controllers(1).brokers(2).log_dirs(2);
    // The offset checkpoints and the index files take some; segments of 1 MiB keep those small.
    let cluster =
        builder.small_log_dir(1002, 1, 24 << 20).property("log.segment.bytes", "1048576").start().await?;
    cluster.wait_ready(SOON).await?;
    let spread: Vec<&[i32]> = vec![&[1001, 1002]; 4];
    cluster.create_topic(Topic::assigned("t", &spread)).await?;
    cluster.wait_in_sync(SOON).await?;
    cluster.fill("t", 96 << 20).await?;
    bed::eventually("some partitions of 1002 are offline", SOON, async || {
        let view = cluster.view_without(1002).await?;
        let counts = view.counts(1002);
        ensure!(counts.offline > 0 && !view.in_sync(1002), "{counts:?}");
        ensure!(view.lists(1002) && cluster.node(1002).running(), "the broker itself goes on");
        Ok(())
    })
    .await
}
