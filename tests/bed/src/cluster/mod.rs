//! A cluster: its nodes, its network, and what can be asked of it as a whole.

mod builder;
mod node;
mod properties;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

pub use builder::Builder;
pub use node::{Doing, Node, Pulse};
pub use properties::Role;

use crate::fetch::Kafka;
use crate::net::Net;
use crate::tls::{Authority, Files};
use crate::truth::View;
use crate::wait::eventually;
use crate::wire::{Quorum, add_voter, describe_quorum, remove_voter};
use crate::zk::Zk;

/// How long one question may take; a healthy broker answers in milliseconds.
const ASK: Duration = Duration::from_secs(2);
/// A JVM starts, on a busy machine.
const START: Duration = Duration::from_secs(30);

/// A running cluster. Dropped, it leaves nothing behind.
#[derive(Debug)]
pub struct Cluster {
    // The order is the order of dropping: processes, network, files.
    nodes: BTreeMap<i32, Node>,
    net: Net,
    places: Vec<node::Place>,
    mounts: Vec<PathBuf>,
    id: String,
    kafka: Kafka,
    authority: Option<Authority>,
    pillion: Vec<(Option<i32>, String, String)>,
    dir: TempDir,
}

impl Cluster {
    /// Describes a cluster of this version of Kafka.
    pub fn builder(version: &str) -> Builder {
        Builder::new(version)
    }

    fn empty(kafka: Kafka, net: Net) -> Result<Self> {
        let dir = tempfile::Builder::new().prefix("bed-").tempdir()?;
        let (nodes, places, mounts) = (BTreeMap::new(), Vec::new(), Vec::new());
        let (authority, pillion) = (None, Vec::new());
        Ok(Self { nodes, net, places, mounts, id: new_uuid()?, kafka, authority, pillion, dir })
    }

    /// The node with this id. Panics when there is none: a mistake of the test.
    pub fn node(&self, id: i32) -> &Node {
        self.nodes.get(&id).unwrap_or_else(|| panic!("no node {id} in this cluster"))
    }

    /// All nodes, by id.
    pub fn nodes(&self) -> impl Iterator<Item = &Node> {
        self.nodes.values()
    }

    /// All nodes that serve clients.
    pub fn brokers(&self) -> impl Iterator<Item = &Node> {
        self.nodes().filter(|node| node.role().is_broker())
    }

    /// All nodes that vote.
    pub fn controllers(&self) -> impl Iterator<Item = &Node> {
        self.nodes().filter(|node| node.role().is_controller())
    }

    /// The `ZooKeeper` server, in a cluster that has one.
    pub fn zookeeper(&self) -> Option<&Node> {
        self.nodes().find(|node| node.role() == Role::ZooKeeper)
    }

    /// Waits for `ZooKeeper` and gives the cluster its id before a broker invents one (`KafkaZkClient.createOrGetClusterId`).
    async fn found(&self, zookeeper: &Node) -> Result<()> {
        let found = eventually("ZooKeeper takes the cluster's id", START, async || {
            Zk::open(zookeeper.zookeeper_addr(), ASK).await?.found(&self.id).await
        });
        found.await.with_context(|| self.last_words())
    }

    /// The network, to cut and to heal.
    pub fn net(&self) -> &Net {
        &self.net
    }

    /// The Kafka it runs.
    pub fn kafka(&self) -> &Kafka {
        &self.kafka
    }

    /// The cluster's id.
    pub fn cluster_id(&self) -> &str {
        &self.id
    }

    /// The directory that holds everything, gone after the drop.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// `controller.quorum.voters`.
    pub fn voters(&self) -> String {
        let one = |node: &Node| format!("{}@{}", node.id(), node.controller_addr());
        self.controllers().map(one).collect::<Vec<_>>().join(",")
    }

    /// `bootstrap.servers` with every broker.
    pub fn bootstrap(&self) -> String {
        self.brokers().map(|node| node.bootstrap().to_string()).collect::<Vec<_>>().join(",")
    }

    /// Who issued the certificates of a cluster with TLS. Panics when it has none: a mistake of the test.
    pub fn authority(&self) -> &Authority {
        self.authority.as_ref().expect("a cluster without TLS")
    }

    /// Certificate, key and trust of the clients of a cluster with TLS.
    pub fn client_files(&self) -> Files {
        Files::of(&self.dir().join("client"))
    }

    /// Settings of Kafka's clients for the listener [`EXTERNAL`](crate::tls::EXTERNAL), with the client's certificate.
    pub fn tls_client(&self) -> Vec<(String, String)> {
        let files = self.client_files();
        let (keys, trust) =
            (files.keystore().display().to_string(), files.truststore().display().to_string());
        let bootstrap: Vec<_> = self.brokers().map(|node| node.external_addr().to_string()).collect();
        let pairs = [
            ("bootstrap.servers", bootstrap.join(",")),
            ("security.protocol", "SSL".to_owned()),
            ("ssl.keystore.type", "PEM".to_owned()),
            ("ssl.keystore.location", keys),
            ("ssl.truststore.type", "PEM".to_owned()),
            ("ssl.truststore.location", trust),
        ];
        pairs.map(|(key, value)| (key.to_owned(), value)).to_vec()
    }

    /// What pillion's configuration is to hold in a part of it beside what every node has.
    pub(crate) fn pillion(&self, part: &str, node: &Node) -> String {
        let own = |of: &Option<i32>| of.is_none_or(|id| id == node.id());
        let lines = self.pillion.iter().filter(|(of, name, _)| name == part && own(of));
        let text: String = lines.map(|(_, _, lines)| lines.as_str()).collect();
        let text = text.replace("{dir}", &node.dir().display().to_string());
        text.replace("{ip}", &node.ip().to_string()).replace("{id}", &node.id().to_string())
    }

    /// Waits until every broker that runs is unfenced: each of them answers and lists all of them.
    pub async fn wait_ready(&self, deadline: Duration) -> Result<()> {
        let ready = eventually("every broker lists every broker", deadline, async || {
            let up: Vec<&Node> = self.brokers().filter(|node| node.running()).collect();
            ensure!(!up.is_empty(), "no broker runs");
            for node in &up {
                let view = View::ask(node.bootstrap(), ASK).await?;
                for other in &up {
                    ensure!(view.lists(other.id()), "{} does not list {}", node.id(), other.id());
                }
            }
            Ok(())
        });
        ready.await.with_context(|| self.last_words())
    }

    /// Waits until every broker that runs is in sync, as the other brokers see it.
    pub async fn wait_in_sync(&self, deadline: Duration) -> Result<()> {
        eventually("every running broker is in sync", deadline, async || {
            let up: Vec<&Node> = self.brokers().filter(|node| node.running()).collect();
            for node in &up {
                let view = self.view_without(node.id()).await?;
                let counts = view.counts(node.id());
                ensure!(view.in_sync(node.id()), "{}: {counts:?}", node.id());
            }
            Ok(())
        })
        .await
    }

    /// What the newest image among the running brokers other than `id` says; `id`'s own if it is the
    /// only broker of the cluster.
    pub async fn view_without(&self, id: i32) -> Result<View> {
        let alone = self.brokers().count() == 1;
        let mut best: Option<View> = None;
        for node in self.brokers().filter(|node| node.running() && (alone || node.id() != id)) {
            if let Ok(view) = View::ask(node.bootstrap(), ASK).await
                && best.as_ref().is_none_or(|best| view.epoch > best.epoch)
            {
                best = Some(view);
            }
        }
        best.with_context(|| format!("no broker other than {id} answers"))
    }

    /// The metadata quorum as its leader sees it, asked of the controllers directly; of two that take themselves for
    /// the leader, the one of the later epoch.
    pub async fn quorum(&self) -> Result<Quorum> {
        let mut best: Result<Quorum> = Err(anyhow::anyhow!("no controller runs"));
        for node in self.controllers().filter(|node| node.running()) {
            let said = describe_quorum(node.quorum_addr(), ASK).await;
            let epoch = |quorum: &Result<Quorum>| quorum.as_ref().map_or(-1, |quorum| quorum.epoch);
            if best.is_err() || epoch(&said) > epoch(&best) {
                best = said;
            }
        }
        best.context("no leader answered")
    }

    /// Makes a controller that follows a dynamic quorum a voter, as `kafka-metadata-quorum.sh add-controller` does.
    pub async fn add_voter(&self, id: i32) -> Result<()> {
        let node = self.node(id);
        let leader = self.node(self.quorum().await?.leader).quorum_addr();
        add_voter(leader, &self.id, id, directory_id(node)?, node.controller_addr()).await
    }

    /// Takes a voter out of a dynamic quorum; it goes on to follow.
    pub async fn remove_voter(&self, id: i32) -> Result<()> {
        let leader = self.node(self.quorum().await?.leader).quorum_addr();
        remove_voter(leader, &self.id, id, directory_id(self.node(id))?).await
    }

    /// The id of the broker that `ZooKeeper` names as controller.
    pub async fn controller(&self) -> Result<i32> {
        let zookeeper = self.zookeeper().context("a cluster without ZooKeeper")?;
        Zk::open(zookeeper.zookeeper_addr(), ASK).await?.controller().await
    }

    /// Waits until `ZooKeeper` has ended the session of a broker that is gone. One that starts before is turned away, and
    /// ends.
    pub async fn wait_unregistered(&self, id: i32, deadline: Duration) -> Result<()> {
        let Some(zookeeper) = self.zookeeper() else { return Ok(()) };
        eventually(&format!("the session of {id} is over"), deadline, async || {
            let registry = Zk::open(zookeeper.zookeeper_addr(), ASK).await?.registry().await?;
            ensure!(!registry.brokers.contains(&id), "{:?} are registered", registry.brokers);
            Ok(())
        })
        .await
    }

    /// Starts a node that is down. `ZooKeeper` turns a broker away while its old session lives, and it would end.
    pub async fn start_again(&self, id: i32, deadline: Duration) -> Result<()> {
        let node = self.node(id);
        if node.role().is_broker() {
            self.wait_unregistered(id, deadline).await?;
        }
        node.start()
    }

    /// The end of the log of every node that ended by itself.
    fn last_words(&self) -> String {
        let ended = self.nodes().filter(|node| !node.running() && node.log().exists());
        let one = |node: &Node| format!("node {} does not run:\n{}", node.id(), node.log_tail(60));
        ended.map(one).collect::<Vec<_>>().join("\n")
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.nodes.clear();
        for mount in &self.mounts {
            let _ = Command::new("umount").arg("-l").arg(mount).output();
        }
        if std::thread::panicking() {
            for node in &self.places {
                eprintln!("--- node {}, end of its log", node.id);
                let text = fs::read(node.dir.join("kafka.log")).unwrap_or_default();
                let text = String::from_utf8_lossy(&text);
                let lines: Vec<_> = text.lines().collect();
                eprintln!("{}", lines[lines.len().saturating_sub(5)..].join("\n"));
            }
        }
    }
}

/// The `directory.id` of a node's metadata, as Kafka writes it.
fn directory_id(node: &Node) -> Result<String> {
    let path = node.data_dirs()[0].join("meta.properties");
    let text = fs::read_to_string(&path).with_context(|| format!("failed to read {}", path.display()))?;
    let id = text.lines().find_map(|line| line.strip_prefix("directory.id="));
    Ok(id.context("no directory.id")?.to_owned())
}

/// 22 characters of URL-safe base64 that stand for 16 bytes, as Kafka wants them. Hex digits are a subset
/// that needs no encoder and never begins with a dash.
fn new_uuid() -> Result<String> {
    let uuid = fs::read_to_string("/proc/sys/kernel/random/uuid").context("no random bytes")?;
    let digits: String = uuid.chars().filter(char::is_ascii_hexdigit).take(21).collect();
    Ok(format!("{digits}A"))
}
