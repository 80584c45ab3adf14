//! A cluster whose brokers and controllers speak with each other by TLS, and Kafka's own clients against it.

use std::time::Duration;

use bed::tls::Mechanism;
use bed::{Cluster, NEWEST, Tls, TlsClients, V2_8, V3_9, topics::Topic};

const SOON: Duration = Duration::from_secs(120);

async fn plays(cluster: Cluster) {
    cluster.wait_ready(SOON).await.expect("all are there");
    cluster.create_topic(Topic::in_turn("tls")).await.expect("a topic");
    let clients = TlsClients::start(&cluster, "tls", &cluster.tls_client()).expect("clients");
    clients.wait_more(5, SOON).await.expect("it flows");
    let report = clients.stop(SOON).await.expect("a report");
    assert_eq!((report.errors.len(), report.read), (0, report.acked), "{report:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn brokers_and_controllers_by_tls_and_a_user_of_scram() {
    let tls = Tls::new().client_auth().sasl(true).controllers();
    let cluster =
        Cluster::builder(NEWEST).controllers(1).brokers(3).tls(tls).start().await.expect("a cluster");
    cluster.wait_ready(SOON).await.expect("all are there");
    cluster.set_scram_user("u", "secret", Mechanism::Scram512).await.expect("a user");
    plays(cluster).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the newest stands for it; on demand"]
async fn an_older_one() {
    let builder = Cluster::builder(V3_9).controllers(1).brokers(3).tls(Tls::new().sasl(false).controllers());
    plays(builder.start().await.expect("a cluster")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the newest stands for it; on demand"]
async fn the_oldest_which_takes_encrypted_keys_alone() {
    let builder = Cluster::builder(V2_8).zookeeper().brokers(3).tls(Tls::new());
    plays(builder.start().await.expect("a cluster")).await;
}
