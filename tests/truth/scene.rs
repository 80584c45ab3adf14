//! The clusters that the faults are played on, healed before each.

use std::{
    future::Future,
    path::Path,
    sync::{LazyLock, Mutex, PoisonError},
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use bed::{Cluster, Fleet, NEWEST, Truth, V2_8, V3_9, contenders::Contenders, topics::Topic};
use tokio::runtime::Runtime;

/// Long enough for anything that will happen at all.
pub const SOON: Duration = Duration::from_secs(180);

/// Which cluster a fault needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Three controllers and three brokers.
    Kraft,
    /// One controller and three brokers; the second of the two log dirs of 1003 is a small disk of its own.
    Disks,
    /// `ZooKeeper` and three brokers of the last release that speaks it.
    Zookeeper,
    /// The same of the oldest release that counts.
    Zookeeper28,
}

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
});
static OPEN: Mutex<Option<(Stage, Scene)>> = Mutex::new(None);

impl Stage {
    /// As it stands in the results.
    pub fn mode(self) -> &'static str {
        match self {
            Self::Kraft | Self::Disks => "kraft",
            Self::Zookeeper | Self::Zookeeper28 => "zookeeper",
        }
    }

    /// The version that runs.
    pub fn kafka(self) -> &'static str {
        match self {
            Self::Kraft | Self::Disks => NEWEST,
            Self::Zookeeper => V3_9,
            Self::Zookeeper28 => V2_8,
        }
    }

    fn builder(self) -> bed::cluster::Builder {
        let builder = Cluster::builder(self.kafka()).jmx().brokers(3);
        // A follower that stops fetching leaves the ISR after 10 s here instead of 30 s, to save time.
        let builder = builder.broker_property("replica.lag.time.max.ms", "10000");
        match self {
            Self::Kraft => builder.controllers(3),
            Self::Disks => builder.controllers(1).log_dirs(2).small_log_dir(1003, 1, 64 << 20),
            Self::Zookeeper | Self::Zookeeper28 => builder.zookeeper(),
        }
    }
}

/// A running cluster with pillion and its contenders beside each broker.
pub struct Scene {
    pub fleet: Fleet,
    pub contenders: Contenders,
}

/// Plays on a stage, which is built when it is not there and healed when it is.
pub fn on<T>(stage: Stage, act: impl FnOnce(&Scene) -> Result<T>) -> Result<T> {
    let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
    if open.as_ref().is_none_or(|(there, _)| *there != stage) {
        *open = None;
        *open = Some((stage, Scene::build(stage)?));
    }
    let (_, scene) = open.as_ref().context("just built")?;
    run(scene.fleet.heal(SOON)).context("failed to heal the cluster before the fault")?;
    act(scene)
}

/// Stops what still runs.
pub fn close() {
    *OPEN.lock().unwrap_or_else(PoisonError::into_inner) = None;
}

impl Scene {
    fn build(stage: Stage) -> Result<Self> {
        let pillion = Path::new(env!("CARGO_BIN_EXE_pillion"));
        let fleet = run(Fleet::start(stage.builder(), pillion, ""))?;
        let contenders = run(async { Contenders::start(&fleet.cluster) })?;
        Ok(Self { fleet, contenders })
    }

    pub fn node(&self, id: i32) -> &bed::Node {
        self.fleet.cluster.node(id)
    }

    /// Those without whom a broker is cut off: the controllers, or `ZooKeeper`.
    pub fn quorum(&self) -> Vec<i32> {
        let cluster = &self.fleet.cluster;
        cluster.controllers().chain(cluster.zookeeper()).map(bed::Node::id).collect()
    }

    /// A topic with three copies of each of its six partitions, led by all brokers in turn.
    pub fn topic(&self, name: &str) -> Result<()> {
        run(self.fleet.cluster.create_topic(Topic::in_turn(name)))
    }

    /// Writes so many bytes, each acknowledged by all replicas that are in sync.
    pub fn fill(&self, topic: &str, bytes: usize) -> Result<()> {
        run(self.fleet.cluster.fill(topic, bytes))
    }

    pub fn wait(&self, id: i32, ready: bool) -> Result<Instant> {
        run(self.fleet.wait(id, ready, SOON))
    }

    pub fn wait_truth(&self, id: i32, truth: Truth) -> Result<()> {
        run(self.fleet.truth.wait(id, truth, SOON))
    }

    /// Waits until the other brokers see a broker out.
    pub fn wait_dropped(&self, id: i32) -> Result<()> {
        run(self.fleet.truth.wait_dropped(id, SOON))
    }

    /// Starts a node that was killed. `ZooKeeper` turns a broker away while its old session lives, and it would end.
    pub fn start(&self, id: i32) -> Result<()> {
        if self.fleet.cluster.zookeeper().is_some() {
            run(self.fleet.cluster.wait_unregistered(id, SOON))?;
        }
        self.node(id).start()
    }

    /// SIGTERM, and waits for the end.
    pub fn stop(&self, id: i32) -> Result<()> {
        let node = self.node(id);
        node.term()?;
        run(node.wait_exit(SOON))?;
        Ok(())
    }

    /// Cuts a node off from each of these, both ways.
    pub fn cut_all(&self, id: i32, others: &[i32]) -> Result<()> {
        others.iter().try_for_each(|other| self.fleet.cluster.net().cut_both(id, *other))
    }

    pub fn heal_links(&self) -> Result<()> {
        self.fleet.cluster.net().heal_all()
    }
}

/// Runs a future to its end.
pub fn run<T>(future: impl Future<Output = T>) -> T {
    RUNTIME.block_on(future)
}

/// The runtime, for what runs beside the story.
pub fn runtime() -> &'static Runtime {
    &RUNTIME
}
