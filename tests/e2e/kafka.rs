//! What clients, administrators and probers ask of the cluster.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bed::{
    ClientConfig, View,
    admin::{set_on_brokers, set_on_topic},
    scene::run,
    topics::Topic,
    wire::Connection,
};
use kafka_protocol::messages::MetadataRequest;

use crate::{
    kubectl::Kubectl,
    pods::PodWatch,
    scene::{BROKERS, NAMESPACE, SOON, Scene},
};

/// For one request of a test's own.
const PATIENCE: Duration = Duration::from_secs(30);
/// Where clients inside come in.
pub const KAFKA_PORT: u16 = 9092;
const AGENT_PORT: u16 = 9440;

impl Scene {
    /// A topic with three copies of each of its six partitions, led by all brokers in turn.
    pub fn topic(&self, topic: &str) -> Result<()> {
        run(Topic::in_turn(topic).make(&client()))?;
        run(bed::eventually(&format!("{topic} has leaders"), SOON, async || {
            let view = self.view("kafka-0").await?;
            let led = view.partitions.iter().filter(|one| one.topic == topic && one.leader >= 0).count();
            ensure!(led == 6, "{led} of 6");
            Ok(())
        }))
    }

    /// What one broker believes.
    pub async fn view(&self, pod: &str) -> Result<View> {
        View::ask(lookup(&name(pod, KAFKA_PORT)).await?, PATIENCE).await
    }

    /// The zone of the node that each of these pods of a namespace is on.
    pub fn zones<'a>(
        &self,
        watch: &PodWatch,
        pods: impl IntoIterator<Item = &'a str>,
    ) -> Result<Vec<String>> {
        let nodes = self.kubectl.json("get nodes")?;
        let all = nodes["items"].as_array().context("no list")?;
        let zone = |pod: &str| {
            let on = watch.get(pod)?.node;
            let node = all.iter().find(|node| node["metadata"]["name"] == on.as_str());
            let zone =
                node.and_then(|node| node["metadata"]["labels"]["topology.kubernetes.io/zone"].as_str());
            zone.map(str::to_owned).with_context(|| format!("{pod} is on {on:?}, which has no zone"))
        };
        pods.into_iter().map(zone).collect()
    }

    /// So many bytes a second may a broker fetch for replicas that are not in sync; without, as many as it can.
    pub fn throttle(&self, rate: Option<&str>) -> Result<()> {
        run(async {
            let topics = self.view("kafka-0").await?.topics();
            let mut broker = Connection::open(lookup(&name("kafka-0", KAFKA_PORT)).await?, PATIENCE).await?;
            let all = rate.map(|_| "*");
            for topic in topics {
                set_on_topic(&mut broker, &topic, "follower.replication.throttled.replicas", all).await?;
            }
            set_on_brokers(&mut broker, "follower.replication.throttled.rate", rate).await
        })
    }
}

/// A broker, as Kafka's own metadata shows it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listed {
    /// Its id.
    pub id: i32,
    /// What it advertises for the listener that was asked.
    pub address: String,
    /// Its rack; empty when it has none.
    pub rack: String,
}

/// The brokers that one of them lists, by their ids.
pub fn listed(name: &str) -> Result<Vec<Listed>> {
    let answer = run(async {
        let mut connection = Connection::open(lookup(name).await?, PATIENCE).await?;
        connection.call(&MetadataRequest::default().with_topics(Some(Vec::new()))).await
    })?;
    let mut all: Vec<_> = answer
        .brokers
        .into_iter()
        .map(|one| Listed {
            id: *one.node_id,
            address: format!("{}:{}", &*one.host, one.port),
            rack: one.rack.map(|rack| rack.to_string()).unwrap_or_default(),
        })
        .collect();
    all.sort();
    Ok(all)
}

/// A broker in its pod, as it should be listed.
pub fn at_home(id: i32, pod: &str, rack: &str) -> Listed {
    Listed { id, address: name(pod, KAFKA_PORT), rack: rack.to_owned() }
}

/// Where each broker is found by name.
pub fn addresses() -> Vec<(i32, String)> {
    (1001..).zip(BROKERS).map(|(id, pod)| (id, name(pod, KAFKA_PORT))).collect()
}

/// A client that knows nothing but the Service.
pub fn client() -> ClientConfig {
    client_of(&format!("kafka.{NAMESPACE}.svc.cluster.local:{KAFKA_PORT}"))
}

/// A client that knows nothing but an address.
pub fn client_of(bootstrap: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", bootstrap);
    // Its own chatter about brokers that come and go is turned off.
    config.set("log_level", "0");
    config
}

/// Waits until a pod's agent says this reason for not being ready.
pub fn says(pod: &str, code: &str) -> Result<()> {
    run(bed::eventually(&format!("{pod} says {code}"), SOON, async || {
        let (_, said) = bed::watch::get(agent(pod).await?, "/readyz").await?;
        ensure!(said.contains(code), "{said}");
        Ok(())
    }))
}

/// Where a broker's agent answers.
pub async fn agent(pod: &str) -> Result<SocketAddr> {
    lookup(&name(pod, AGENT_PORT)).await
}

/// Waits until `kubectl describe pod` has all of these words, and returns the line with the first.
pub fn describes(kubectl: &Kubectl, pod: &str, words: &[&str]) -> Result<String> {
    run(bed::eventually(&format!("`kubectl describe pod {pod}` has {words:?}"), SOON, async || {
        let said = kubectl.run(&format!("describe pod {pod}"))?;
        let missing: Vec<&&str> = words.iter().filter(|word| !said.contains(**word)).collect();
        ensure!(missing.is_empty(), "{missing:?} not in {said}");
        let line = words.first().and_then(|word| said.lines().find(|line| line.contains(word)));
        Ok(line.unwrap_or_default().trim().to_owned())
    }))
}

/// How often the kubelet ended a container of a pod because of its liveness probe.
pub fn killed_by_liveness(kubectl: &Kubectl, pod: &str) -> Result<usize> {
    let line = format!("get events --field-selector involvedObject.name={pod},reason=Killing");
    let events = kubectl.json(&line)?;
    let list = events["items"].as_array().context("no list")?;
    let by_probe =
        |event: &&serde_json::Value| event["message"].as_str().is_some_and(|text| text.contains("liveness"));
    Ok(list.iter().filter(by_probe).count())
}

/// Where a socket of a pod is found.
pub async fn lookup(name: &str) -> Result<SocketAddr> {
    tokio::net::lookup_host(name).await?.next().with_context(|| format!("{name} has no address"))
}

/// The name of a pod of the cluster, and a port of it.
pub fn name(pod: &str, port: u16) -> String {
    format!("{pod}.kafka.{NAMESPACE}.svc.cluster.local:{port}")
}
