//! The clusters that the faults are played on, healed before each.

use std::{
    collections::BTreeMap,
    ops::Deref,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::Result;
pub use bed::scene::{run, runtime};
use bed::{Cluster, Fleet, NEWEST, Second, Staged, V2_8, V3_9, contenders::Contenders, scene::Open};

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

static OPEN: Open<Stage, Scene> = Open::none();

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
    staged: Staged,
    pub contenders: Contenders,
    /// pillion once more beside each broker in `KRaft` mode, without the metadata log.
    by_answers: BTreeMap<i32, Second>,
}

impl Deref for Scene {
    type Target = Staged;

    fn deref(&self) -> &Staged {
        &self.staged
    }
}

/// Plays on a stage.
pub fn on<T>(stage: Stage, act: impl FnOnce(&Scene) -> Result<T>) -> Result<T> {
    OPEN.on(stage, Scene::build, act)
}

/// Stops what still runs.
pub fn close() {
    OPEN.close();
}

impl Scene {
    fn build(stage: Stage) -> Result<Self> {
        let pillion = Path::new(env!("CARGO_BIN_EXE_pillion"));
        let fleet = run(Fleet::start(stage.builder(), pillion, ""))?;
        let contenders = run(async { Contenders::start(&fleet.cluster) })?;
        let ids = if stage.mode() == "kraft" { fleet.ids() } else { Vec::new() };
        let second = |id| Ok((id, run(async { Second::start(&fleet, id, &["sidecar.ledger=false"]) })?));
        let by_answers = ids.into_iter().map(second).collect::<Result<_>>()?;
        Ok(Self { staged: Staged::new(fleet, SOON), contenders, by_answers })
    }

    /// What pillion said by the broker's answers alone; `None` where it always goes by these.
    pub fn by_answers(&self, id: i32) -> Option<Vec<(Instant, bool)>> {
        self.by_answers.get(&id).map(Second::timeline)
    }

    /// Those without whom a broker is cut off: the controllers, or `ZooKeeper`.
    pub fn quorum(&self) -> Vec<i32> {
        let cluster = &self.fleet.cluster;
        cluster.controllers().chain(cluster.zookeeper()).map(bed::Node::id).collect()
    }

    /// Writes so many bytes, each acknowledged by all replicas that are in sync.
    pub fn fill(&self, topic: &str, bytes: usize) -> Result<()> {
        run(self.fleet.cluster.fill(topic, bytes))
    }

    /// Cuts a node off from each of these, both ways.
    pub fn cut_all(&self, id: i32, others: &[i32]) -> Result<()> {
        others.iter().try_for_each(|other| self.fleet.cluster.net().cut_both(id, *other))
    }

    pub fn heal_links(&self) -> Result<()> {
        self.fleet.cluster.net().heal_all()
    }
}
