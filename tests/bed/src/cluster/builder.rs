//! How a cluster is to be.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;
use std::thread;

use anyhow::{Context, Result, ensure};

use super::Cluster;
use super::node::{JOINER, Node, Place};
use super::properties::{Role, Settings, Ties, base, text};
use crate::fetch::{Kafka, succeeded};
use crate::net::Net;
use crate::tls::{self, Authority, Files, Tls};

/// Describes a cluster; [`Builder::start`] makes it real.
#[derive(Debug, Clone)]
#[must_use = "nothing exists before `start` or `prepare`"]
pub struct Builder {
    version: String,
    nodes: Vec<(i32, Role)>,
    heap: String,
    log_dirs: usize,
    extra: Vec<(Scope, String, String)>,
    small: Vec<(i32, usize, u64)>,
    unformatted: BTreeSet<i32>,
    initial: Option<Vec<i32>>,
    jmx: bool,
    tls: Option<Tls>,
    pillion: Vec<(Option<i32>, String, String)>,
}

#[derive(Debug, Clone, Copy)]
enum Scope {
    Brokers,
    Controllers,
    One(i32),
}

impl Builder {
    pub(super) fn new(version: &str) -> Self {
        Self {
            version: version.to_owned(),
            nodes: Vec::new(),
            heap: "384m".to_owned(),
            log_dirs: 1,
            extra: Vec::new(),
            small: Vec::new(),
            unformatted: BTreeSet::new(),
            initial: None,
            jmx: false,
            tls: None,
            pillion: Vec::new(),
        }
    }

    /// `count` dedicated controllers: 1, 2, ...
    pub fn controllers(self, count: i32) -> Self {
        self.nodes(Role::Controller, 1..=count)
    }

    /// `count` brokers: 1001, 1002, ...
    pub fn brokers(self, count: i32) -> Self {
        self.nodes(Role::Broker, 1001..=1000 + count)
    }

    /// `count` nodes that are broker and controller in one: 1001, 1002, ...
    pub fn combined(self, count: i32) -> Self {
        self.nodes(Role::Combined, 1001..=1000 + count)
    }

    /// One `ZooKeeper` server, node 1, in place of controllers. Kafka 2.8 to 3.9.
    pub fn zookeeper(self) -> Self {
        self.nodes(Role::ZooKeeper, [1])
    }

    /// Nodes with ids of the caller's choice.
    pub fn nodes(mut self, role: Role, ids: impl IntoIterator<Item = i32>) -> Self {
        self.nodes.extend(ids.into_iter().map(|id| (id, role)));
        self
    }

    /// A dynamic quorum (KIP-853, Kafka 3.9) of these initial voters. The other controllers are joiners: they follow,
    /// and vote once they are added ([`Cluster::add_voter`]).
    pub fn dynamic(mut self, initial: impl IntoIterator<Item = i32>) -> Self {
        self.initial = Some(initial.into_iter().collect());
        self
    }

    /// The ids of all nodes.
    pub fn ids(&self) -> Vec<i32> {
        self.nodes.iter().map(|(id, _)| *id).collect()
    }

    /// The ids of all nodes that serve clients.
    pub fn broker_ids(&self) -> Vec<i32> {
        self.nodes.iter().filter(|(_, role)| role.is_broker()).map(|(id, _)| *id).collect()
    }

    /// The heap of every node, in java's words; 384m unless told.
    pub fn heap(mut self, heap: &str) -> Self {
        heap.clone_into(&mut self.heap);
        self
    }

    /// Log dirs per broker; 1 unless told. Dedicated controllers always have one.
    pub fn log_dirs(mut self, count: usize) -> Self {
        self.log_dirs = count;
        self
    }

    /// Puts log dir `index` of a node on a file system of its own with `bytes` of room, to be filled up.
    pub fn small_log_dir(mut self, node: i32, index: usize, bytes: u64) -> Self {
        self.small.push((node, index, bytes));
        self
    }

    /// A setting for every broker, combined nodes included; it wins over the bed's own.
    pub fn broker_property(self, key: &str, value: &str) -> Self {
        self.extra(Scope::Brokers, key, value)
    }

    /// A setting for every controller, combined nodes included.
    pub fn controller_property(self, key: &str, value: &str) -> Self {
        self.extra(Scope::Controllers, key, value)
    }

    /// A setting for every node.
    pub fn property(self, key: &str, value: &str) -> Self {
        self.broker_property(key, value).controller_property(key, value)
    }

    /// A setting for one node.
    pub fn node_property(self, node: i32, key: &str, value: &str) -> Self {
        self.extra(Scope::One(node), key, value)
    }

    /// Leaves these nodes' log dirs empty; [`Builder::start`] does not start them. Someone else formats
    /// them and writes their properties, then [`Node::start_with`].
    pub fn unformatted(mut self, nodes: impl IntoIterator<Item = i32>) -> Self {
        self.unformatted.extend(nodes);
        self
    }

    /// Starts every broker with the JVM's own JMX agent, at [`Node::jmx_addr`].
    pub fn jmx(mut self) -> Self {
        self.jmx = true;
        self
    }

    /// Listeners with TLS, and SASL, beside the plain one; brokers then speak with each other by TLS.
    pub fn tls(mut self, tls: Tls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Lines for one part (`broker`, `sidecar`, `certificates`) of pillion's configuration, where a
    /// [`Fleet`](crate::Fleet) runs it: YAML, indented by two. `{dir}`, `{ip}` and `{id}` are the node's.
    pub fn pillion(mut self, part: &str, lines: &str) -> Self {
        self.pillion.push((None, part.to_owned(), lines.to_owned()));
        self
    }

    /// [`Builder::pillion`] for one node.
    pub fn pillion_of(mut self, node: i32, part: &str, lines: &str) -> Self {
        self.pillion.push((Some(node), part.to_owned(), lines.to_owned()));
        self
    }

    /// Fetches Kafka, builds the network, writes every properties file and formats every log dir, but
    /// starts nothing.
    pub async fn prepare(self) -> Result<Cluster> {
        tokio::task::spawn_blocking(move || self.build()).await?
    }

    /// [`Builder::prepare`], and starts every formatted node. See [`Cluster::wait_ready`].
    pub async fn start(self) -> Result<Cluster> {
        let unformatted = self.unformatted.clone();
        let cluster = self.prepare().await?;
        if let Some(zookeeper) = cluster.zookeeper() {
            zookeeper.start()?;
            cluster.found(zookeeper).await?;
        }
        let others = cluster.nodes().filter(|node| node.role() != Role::ZooKeeper);
        for node in others.filter(|node| !unformatted.contains(&node.id())) {
            node.start()?;
        }
        Ok(cluster)
    }

    fn extra(mut self, scope: Scope, key: &str, value: &str) -> Self {
        self.extra.push((scope, key.to_owned(), value.to_owned()));
        self
    }

    fn build(self) -> Result<Cluster> {
        let ids: BTreeSet<i32> = self.nodes.iter().map(|(id, _)| *id).collect();
        ensure!(ids.len() == self.nodes.len(), "a node id is used twice: {:?}", self.nodes);
        let (quorum, zookeepers) = (
            self.nodes.iter().any(|(_, role)| role.is_controller()),
            self.nodes.iter().filter(|(_, role)| *role == Role::ZooKeeper).count(),
        );
        ensure!(quorum != (zookeepers == 1), "a cluster needs controllers or one ZooKeeper");
        let kafka = Kafka::fetch(&self.version)?;
        let mut cluster = Cluster::empty(kafka, Net::new()?)?;
        cluster.pillion.clone_from(&self.pillion);
        cluster.authority = self.tls.is_some().then(|| Authority::new("bed")).transpose()?;
        for &(id, role) in &self.nodes {
            let place = self.place(&mut cluster, id, role)?;
            cluster.places.push(place);
        }
        let initial =
            self.initial.as_deref().map(|ids| initial_controllers(&cluster.places, ids)).transpose()?;
        for place in &mut cluster.places {
            place.joins = self.joins(place, initial.as_deref());
            cluster.nodes.insert(place.id, Node::new(place.clone()));
        }
        if let Some(authority) = &cluster.authority {
            self.certificates(&cluster, authority)?;
        }
        let (ties, brokers) = (self.ties(&cluster), cluster.brokers().count());
        for place in &cluster.places {
            let settings = self.settings(place, &ties, brokers);
            fs::write(place.dir.join("server.properties"), text(&settings))?;
        }
        let formatted = |node: &&Node| quorum && !self.unformatted.contains(&node.id());
        let nodes: Vec<_> = cluster.nodes().filter(formatted).collect();
        // A JVM each: as many at once as there are cores.
        for some in nodes.chunks(thread::available_parallelism().map_or(2, Into::into)) {
            thread::scope(|scope| {
                let all: Vec<_> = some.iter().map(|node| scope.spawn(|| node.format())).collect();
                all.into_iter().try_for_each(|one| one.join().expect("formatting panicked"))
            })?;
        }
        Ok(cluster)
    }

    fn place(&self, cluster: &mut Cluster, id: i32, role: Role) -> Result<Place> {
        let ip = cluster.net.add(id)?;
        let netns = cluster.net.netns(id).context("just added")?.to_owned();
        let dir = cluster.dir().join(id.to_string());
        let count = if role.is_broker() { self.log_dirs } else { 1 };
        let data_dirs: Vec<_> = (0..count).map(|index| dir.join(format!("data-{index}"))).collect();
        for (index, data) in data_dirs.iter().enumerate() {
            fs::create_dir_all(data)?;
            for (_, _, bytes) in self.small.iter().filter(|(node, i, _)| (*node, *i) == (id, index)) {
                let size = format!("size={bytes}");
                let output =
                    Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(data).output()?;
                succeeded(&output).context("failed to mount a small log dir")?;
                cluster.mounts.push(data.clone());
            }
        }
        let (cluster_id, kafka) = (cluster.cluster_id().to_owned(), cluster.kafka().clone());
        let (heap, jmx, joins) = (self.heap.clone(), self.jmx && role.is_broker(), None);
        let tls_controllers = self.tls.as_ref().is_some_and(|tls| tls.controllers);
        Ok(Place {
            id,
            role,
            ip,
            netns,
            dir,
            data_dirs,
            heap,
            jmx,
            cluster_id,
            kafka,
            joins,
            tls_controllers,
        })
    }

    /// A certificate for each node, and one for the clients.
    fn certificates(&self, cluster: &Cluster, authority: &Authority) -> Result<()> {
        let trust = authority.certificate();
        for place in &cluster.places {
            let issued = authority.issue(
                &format!("broker-{}", place.id),
                &tls::names(place.id),
                &tls::addresses(place.ip),
            )?;
            Files::of(&place.dir).put(&issued, trust, self.encrypts())?;
        }
        cluster.client_files().put(&authority.issue("client", &[], &[])?, trust, self.encrypts())
    }

    fn encrypts(&self) -> bool {
        self.version.starts_with("2.")
    }

    /// How a controller of a dynamic quorum is formatted.
    fn joins(&self, place: &Place, initial: Option<&str>) -> Option<String> {
        let votes = self.initial.as_ref().is_some_and(|ids| ids.contains(&place.id));
        initial.filter(|_| place.role.is_controller()).map(|all| if votes { all } else { JOINER }.to_owned())
    }

    /// What the nodes are told of each other.
    fn ties(&self, cluster: &Cluster) -> Ties {
        if let Some(node) = cluster.zookeeper() {
            return Ties::ZooKeeper(node.zookeeper_addr().to_string());
        }
        if self.initial.is_none() {
            return Ties::Quorum("controller.quorum.voters", cluster.voters());
        }
        let all: Vec<_> = cluster.controllers().map(|node| node.controller_addr().to_string()).collect();
        Ties::Quorum("controller.quorum.bootstrap.servers", all.join(","))
    }

    fn settings(&self, place: &Place, ties: &Ties, brokers: usize) -> Settings {
        let mut all = base(place, ties, brokers);
        if let Some(tls) = self.tls.as_ref().filter(|_| place.role != Role::ZooKeeper) {
            let more = tls::settings(tls, place.role, place.ip, &Files::of(&place.dir), self.encrypts());
            tls::combine(&mut all, more);
        }
        let applies = |scope: &Scope| match *scope {
            Scope::Brokers => place.role.is_broker(),
            Scope::Controllers => place.role.is_controller(),
            Scope::One(id) => place.id == id,
        };
        for (_, key, value) in self.extra.iter().filter(|(scope, _, _)| applies(scope)) {
            all.insert(key.clone(), value.clone());
        }
        all
    }
}

/// The value of `kafka-storage format --initial-controllers`.
fn initial_controllers(places: &[Place], ids: &[i32]) -> Result<String> {
    let one = |id: &i32| {
        let place = places.iter().find(|place| place.id == *id).with_context(|| format!("no node {id}"))?;
        Ok(format!("{id}@{}:9093:{}", place.ip, super::new_uuid()?))
    };
    Ok(ids.iter().map(one).collect::<Result<Vec<_>>>()?.join(","))
}
