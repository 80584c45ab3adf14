//! What is played on real brokers, one thing after the other: each in plain steps that wait, on a fleet that is healed
//! before it.

use std::{
    future::Future,
    ops::Deref,
    sync::{LazyLock, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use tokio::runtime::{Builder, Runtime};

use crate::{cluster::Node, fleet::Fleet, topics::Topic, truth::Truth};

/// Both the truth and the answers are sampled each 250 ms: so much may a change seem earlier or later than it was.
pub const BLUR: Duration = Duration::from_millis(500);

static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime"));

/// Runs a future to its end.
pub fn run<T>(future: impl Future<Output = T>) -> T {
    RUNTIME.block_on(future)
}

/// The runtime, for what runs beside the steps.
pub fn runtime() -> &'static Runtime {
    &RUNTIME
}

/// The one scene that is up, and the stage it was built for: two clusters at a time are too much for a small machine.
pub struct Open<K, S>(Mutex<Option<(K, S)>>);

impl<K: Copy + PartialEq, S: Deref<Target = Staged>> Open<K, S> {
    /// None is up yet.
    pub const fn none() -> Self {
        Self(Mutex::new(None))
    }

    /// Plays on a stage, which is built when it is not there, and healed in any case.
    pub fn on<T>(
        &self,
        stage: K,
        build: impl FnOnce(K) -> Result<S>,
        act: impl FnOnce(&S) -> Result<T>,
    ) -> Result<T> {
        let mut open = self.lock();
        if open.as_ref().is_none_or(|(there, _)| *there != stage) {
            // The old one ends before the new one begins.
            *open = None;
            *open = Some((stage, build(stage)?));
        }
        let (_, scene) = open.as_ref().context("just built")?;
        run(scene.fleet.heal(scene.patience)).context("failed to heal the cluster beforehand")?;
        act(scene)
    }

    /// Stops what still runs.
    pub fn close(&self) {
        *self.lock() = None;
    }

    fn lock(&self) -> MutexGuard<'_, Option<(K, S)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A fleet that is played on, with the steps that every play takes.
pub struct Staged {
    /// The nodes, and pillion beside them.
    pub fleet: Fleet,
    patience: Duration,
}

impl Staged {
    /// `patience`: long enough for anything that will happen at all.
    pub fn new(fleet: Fleet, patience: Duration) -> Self {
        Self { fleet, patience }
    }

    /// One of its nodes.
    pub fn node(&self, id: i32) -> &Node {
        self.fleet.cluster.node(id)
    }

    /// A topic with three copies of each of its six partitions, led by all brokers in turn; made once.
    pub fn topic(&self, name: &str) -> Result<()> {
        run(self.fleet.cluster.create_topic(Topic::in_turn(name)))
    }

    /// Waits until pillion calls a node ready, or not.
    pub fn wait(&self, id: i32, ready: bool) -> Result<Instant> {
        run(self.fleet.wait(id, ready, self.patience))
    }

    /// Waits until this is true of a node.
    pub fn wait_truth(&self, id: i32, truth: Truth) -> Result<()> {
        run(self.fleet.truth.wait(id, truth, self.patience))
    }

    /// Waits until the other brokers see a broker out.
    pub fn wait_dropped(&self, id: i32) -> Result<()> {
        run(self.fleet.truth.wait_dropped(id, self.patience))
    }

    /// Starts a node that is down, as soon as it can stay.
    pub fn start(&self, id: i32) -> Result<()> {
        run(self.fleet.cluster.start_again(id, self.patience))
    }

    /// SIGTERM, and waits for the end.
    pub fn stop(&self, id: i32) -> Result<()> {
        let node = self.node(id);
        node.term()?;
        run(node.wait_exit(self.patience)).map(drop)
    }
}
