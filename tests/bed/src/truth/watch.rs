//! The truth about every node, over time.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::ground::Ground;
use super::voter::{Elector, decide_voter, leader};
use super::{Truth, View, Witness, decide};
use crate::cluster::{Cluster, Node, Role};
use crate::wire::{Connection, describe_quorum};
use crate::zk::{Registry, Zk};

/// How often each broker is asked and the truth decided.
const EVERY: Duration = Duration::from_millis(250);
/// A broker that takes longer is passed over this time.
const PATIENCE: Duration = Duration::from_millis(800);

/// The truth about one broker at an instant.
pub type Sample = (Instant, Truth);

#[derive(Debug, Default)]
struct Timelines {
    truth: Vec<Sample>,
    others: Vec<Sample>,
}

#[derive(Debug, Default)]
struct Shared {
    witnesses: Mutex<HashMap<i32, Witness>>,
    electors: Mutex<HashMap<i32, Elector>>,
    leaders: Mutex<Vec<(Instant, i32, i32)>>,
    timelines: Mutex<HashMap<i32, Timelines>>,
    spared: Mutex<HashSet<String>>,
}

/// Asks every broker in the background and records what is true of each. Stops when dropped.
#[derive(Debug)]
pub struct TruthWatch {
    shared: Arc<Shared>,
    _tasks: JoinSet<()>,
}

impl TruthWatch {
    /// Watches all brokers of a cluster. Give it its runtime's second thread: `flavor = "multi_thread"`.
    pub fn start(cluster: &Cluster) -> Self {
        let ids: Vec<i32> = cluster.brokers().map(Node::id).collect();
        Self::of(cluster, &ids)
    }

    /// Watches these nodes of a cluster. The quorum is asked when a controller is among them.
    pub fn of(cluster: &Cluster, ids: &[i32]) -> Self {
        let brokers: Vec<_> = cluster.brokers().map(|node| (node.id(), node.bootstrap())).collect();
        let shared = Arc::new(Shared::default());
        let mut tasks = JoinSet::new();
        for &(id, addr) in &brokers {
            tasks.spawn(ask(id, addr, Arc::clone(&shared)));
        }
        let watched: Vec<(i32, Role)> = ids.iter().map(|id| (*id, cluster.node(*id).role())).collect();
        if watched.iter().any(|(_, role)| role.is_controller()) {
            for node in cluster.controllers() {
                tasks.spawn(ask_controller(node.id(), node.quorum_addr(), Arc::clone(&shared)));
            }
        }
        let sources = Sources {
            ground: Ground::of(cluster),
            zookeeper: cluster.zookeeper().map(Node::zookeeper_addr),
            alone: brokers.len() == 1,
        };
        tasks.spawn(record(watched, sources, Arc::clone(&shared)));
        Self { shared, _tasks: tasks }
    }

    /// The leader of the quorum and its epoch over time, as far as one was followed by a majority.
    pub fn leaders(&self) -> Vec<(Instant, i32, i32)> {
        self.shared.leaders.lock().expect("leaders").clone()
    }

    /// What is true of a broker now.
    pub fn now(&self, id: i32) -> Truth {
        self.timeline(id).last().map_or(Truth::Unknowable, |(_, truth)| *truth)
    }

    /// All that was recorded of a broker, oldest first, one sample each 250 ms.
    pub fn timeline(&self, id: i32) -> Vec<Sample> {
        self.read(id, |timelines| timelines.truth.clone())
    }

    /// What the other brokers alone, or `ZooKeeper`, say of a broker: they count one that died in until its session ends.
    pub fn others(&self, id: i32) -> Vec<Sample> {
        self.read(id, |timelines| timelines.others.clone())
    }

    fn read(&self, id: i32, read: impl Fn(&Timelines) -> Vec<Sample>) -> Vec<Sample> {
        self.shared.timelines.lock().expect("timelines").get(&id).map(read).unwrap_or_default()
    }

    /// From now on a topic counts for nobody, or counts again: its replicas are being added (KIP-455).
    pub fn spare(&self, topic: &str, spared: bool) {
        let mut all = self.shared.spared.lock().expect("spared");
        if spared {
            all.insert(topic.to_owned());
        } else {
            all.remove(topic);
        }
    }

    /// Only the samples at which the truth about a broker changed.
    pub fn changes(&self, id: i32) -> Vec<Sample> {
        let mut all = self.timeline(id);
        all.dedup_by_key(|(_, truth)| *truth);
        all
    }

    /// Waits until this is true of a broker; the error shows what was.
    pub async fn wait(&self, id: i32, truth: Truth, deadline: Duration) -> anyhow::Result<()> {
        crate::wait::eventually(&format!("{id} is {truth:?}"), deadline, async || {
            let now = self.now(id);
            anyhow::ensure!(now == truth, "{now:?}");
            Ok(())
        })
        .await
    }

    /// Waits until the other brokers see a broker out.
    pub async fn wait_dropped(&self, id: i32, deadline: Duration) -> anyhow::Result<()> {
        crate::wait::eventually(&format!("the others see {id} out"), deadline, async || {
            let last = self.others(id).last().map(|(_, said)| *said);
            anyhow::ensure!(last == Some(Truth::Out), "{last:?}");
            Ok(())
        })
        .await
    }
}

async fn ask(id: i32, addr: SocketAddr, shared: Arc<Shared>) {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut open: Option<Connection> = None;
    loop {
        ticks.tick().await;
        // The image is as old as the question, not as the answer.
        let asked = Instant::now();
        let Ok(Ok(mut view)) = timeout(PATIENCE, look(addr, &mut open)).await else {
            open = None;
            continue;
        };
        let passed = shared.spared.lock().expect("spared").clone();
        view.partitions.retain(|partition| !passed.contains(&partition.topic));
        let mut witnesses = shared.witnesses.lock().expect("witnesses");
        let before = witnesses.get(&id);
        // A first look shows no movement; nor does an epoch that went back, as after a restart.
        let moved = match before {
            Some(before) if view.epoch > before.view.epoch => Some(asked),
            Some(before) if view.epoch == before.view.epoch => before.moved,
            _ => None,
        };
        witnesses.insert(id, Witness { id, view, asked, moved });
    }
}

async fn look(addr: SocketAddr, open: &mut Option<Connection>) -> anyhow::Result<View> {
    let mut connection = match open.take() {
        Some(connection) => connection,
        None => Connection::open(addr, PATIENCE).await?,
    };
    let view = View::ask_on(&mut connection).await?;
    *open = Some(connection);
    Ok(view)
}

async fn read(addr: SocketAddr, open: &mut Option<Zk>) -> anyhow::Result<Registry> {
    let mut zk = match open.take() {
        Some(zk) => zk,
        None => Zk::open(addr, PATIENCE).await?,
    };
    let registry = zk.registry().await?;
    *open = Some(zk);
    Ok(registry)
}

/// Without a quorum of controllers `ZooKeeper` itself tells: who has a session there, and what the leaders and the
/// controller wrote of each partition.
fn registered(id: i32, registry: Option<&Registry>) -> Truth {
    match registry {
        None => Truth::Unknowable,
        Some(registry) if registry.in_sync(id) => Truth::InSync,
        Some(_) => Truth::Out,
    }
}

async fn ask_controller(id: i32, addr: SocketAddr, shared: Arc<Shared>) {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let asked = Instant::now();
        let quorum = timeout(PATIENCE, describe_quorum(addr, PATIENCE)).await.ok().and_then(Result::ok);
        shared.electors.lock().expect("electors").insert(id, Elector { asked, quorum });
    }
}

/// Where the truth comes from, beside the brokers' answers.
struct Sources {
    ground: Ground,
    zookeeper: Option<SocketAddr>,
    /// There is one broker in the whole cluster.
    alone: bool,
}

async fn record(nodes: Vec<(i32, Role)>, sources: Sources, shared: Arc<Shared>) {
    let Sources { ground, zookeeper, alone } = sources;
    let mut open: Option<Zk> = None;
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut term = None;
    loop {
        ticks.tick().await;
        let now = Instant::now();
        let registry = match zookeeper {
            None => None,
            Some(addr) => timeout(PATIENCE, read(addr, &mut open)).await.ok().and_then(Result::ok),
        };
        let witnesses: Vec<_> = shared.witnesses.lock().expect("witnesses").values().cloned().collect();
        let electors = shared.electors.lock().expect("electors").clone();
        let leader = leader(&electors, now);
        if let Some(leader) = leader {
            shared.leaders.lock().expect("leaders").push((now, leader.leader, leader.epoch));
            if term.is_none_or(|(epoch, _)| epoch != leader.epoch) {
                term = Some((leader.epoch, now));
            }
        }
        let began = term.map_or(now, |(_, began)| began);
        let mut timelines = shared.timelines.lock().expect("timelines");
        for &(id, role) in &nodes {
            let own = witnesses.iter().find(|witness| witness.id == id);
            let broker = role.is_broker().then(|| {
                let said = match zookeeper {
                    None => decide(id, &witnesses, alone, now),
                    Some(_) => registered(id, registry.as_ref()),
                };
                (ground.correct(id, said, own, now), said)
            });
            let voter = role.is_controller().then(|| {
                let said = decide_voter(id, leader, now.saturating_duration_since(began));
                (ground.correct_voter(id, said), said)
            });
            let timelines = timelines.entry(id).or_default();
            let part = |truth: fn((Truth, Truth)) -> Truth| both(broker.map(truth), voter.map(truth));
            timelines.truth.push((now, part(|(truth, _)| truth)));
            timelines.others.push((now, part(|(_, said)| said)));
        }
    }
}

/// What is true of a node that is one of the two, or both.
fn both(broker: Option<Truth>, voter: Option<Truth>) -> Truth {
    let all = [broker, voter];
    if all.contains(&Some(Truth::Out)) {
        Truth::Out
    } else if all.contains(&Some(Truth::Unknowable)) || all == [None, None] {
        Truth::Unknowable
    } else {
        Truth::InSync
    }
}
