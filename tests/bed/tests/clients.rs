//! What clients live through when a broker is restarted: numbered records, their reader, and the ISR from outside.

use std::time::{Duration, Instant};

use bed::{Cluster, IsrWatch, Load, NEWEST, Reader, load::LoadOptions, topics::Topic};

const SOON: Duration = Duration::from_secs(120);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_loses_nothing_and_is_seen_in_the_isr() {
    let cluster = Cluster::builder(NEWEST).controllers(1).brokers(3).start().await.expect("a cluster");
    cluster.create_topic(Topic::in_turn("numbered")).await.expect("a topic");
    let addresses = cluster.brokers().map(|node| (node.id(), node.bootstrap().to_string())).collect();
    let watch = IsrWatch::start(addresses);
    let options = LoadOptions { delivery_timeout: Duration::from_secs(300), ..LoadOptions::default() };
    let load = Load::with(cluster.client(), "numbered", options).expect("a producer");
    let reader = Reader::start(cluster.client(), "numbered").expect("a consumer");
    load.wait_acked(200, SOON).await.expect("it flows");

    let began = Instant::now();
    let node = cluster.node(1003);
    node.term().expect("a signal");
    node.wait_exit(SOON).await.expect("its end");
    cluster.start_again(1003, SOON).await.expect("a start");
    bed::eventually("1003 is back", SOON, async || {
        anyhow::ensure!(watch.now().is_some_and(|out| out.is_empty()), "{:?}", watch.now());
        Ok(())
    })
    .await
    .expect("all in sync");
    load.wait_acked(200, SOON).await.expect("it flows on");

    let rounds = watch.since(began);
    assert!(rounds.iter().any(|round| round.out.as_ref().is_some_and(|out| out.contains(&1003))), "seen out");
    assert!(rounds.iter().all(|round| round.out.as_ref().is_none_or(|out| out.len() <= 1)), "one at a time");
    let produced = load.stop().await.expect("a report");
    let read = tokio::task::block_in_place(|| reader.finish(&produced.numbers, SOON)).expect("a report");
    assert_eq!(
        (produced.errors.len(), produced.numbers.len() as u64, produced.epochs),
        (0, produced.sent, 0)
    );
    assert_eq!((read.lost, read.duplicated, read.read), (vec![], vec![], produced.sent));
}
