//! The one cluster that most cases play on: brought up by the first, healed before each.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use bed::scene::run;
use kube_bed::{Bed, Inside};

use crate::{dump, kubectl::Kubectl, pod::Pod, pods::PodWatch};

/// Long enough for anything that will happen at all.
pub const SOON: Duration = Duration::from_secs(360);
/// The namespace of `deploy/base`.
pub const NAMESPACE: &str = "kafka";
/// The container that Kafka runs in.
pub const KAFKA: &str = "kafka";
/// The agent's.
pub const AGENT: &str = "pillion";
/// The brokers, from 1001 on.
pub const BROKERS: [&str; 3] = ["kafka-0", "kafka-1", "kafka-2"];
/// The dedicated controllers.
pub const CONTROLLERS: [&str; 3] = ["controller-0", "controller-1", "controller-2"];

/// The way in, which the program took when it began.
pub static INSIDE: OnceLock<Inside> = OnceLock::new();
static OPEN: Mutex<Option<Scene>> = Mutex::new(None);

/// A running Kubernetes, and on it the cluster.
pub struct Scene {
    /// The cluster's pods. Before the bed, so that their watch ends first.
    pub pods: PodWatch,
    /// The administrator, in the cluster's namespace.
    pub kubectl: Kubectl,
    /// The nodes, the API server, and how they are hurt.
    pub bed: Bed,
    /// The short set: what only takes long is taken shorter.
    pub quick: bool,
}

/// A path within the project.
pub fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// `deploy/base` with the features that need rights.
pub fn features() -> PathBuf {
    project("tests/e2e/overlays/features")
}

/// Plays on the scene, which is brought up when it is not there.
pub fn on<T>(name: &str, quick: bool, act: impl FnOnce(&Scene) -> Result<T>) -> Result<T> {
    let mut open = lock();
    if open.is_none() {
        *open = Some(Scene::up(quick)?);
    }
    let scene = open.as_ref().context("just brought up")?;
    let outcome = act(scene);
    if let Err(error) = &outcome {
        println!("--- {name} failed: {error:#}");
        dump::all(scene, name);
    }
    outcome
}

/// Takes everything down.
pub fn close() {
    *lock() = None;
}

fn lock() -> MutexGuard<'static, Option<Scene>> {
    OPEN.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Scene {
    fn up(quick: bool) -> Result<Self> {
        let began = Instant::now();
        let bed = Bed::up(INSIDE.get().context("not inside of the bed's namespaces")?)?;
        println!("    three nodes are ready after {:.1} s", began.elapsed().as_secs_f64());
        let kubectl = Kubectl::of(bed.admin(), NAMESPACE);
        let pods = PodWatch::start(kubectl.clone());
        Ok(Self { pods, kubectl, bed, quick })
    }

    /// The cluster with all features, every pod ready, every broker in sync.
    pub fn heal(&self) -> Result<()> {
        self.mend()?;
        if self.kubectl.run("get pods kafka-0").is_err() {
            // Only the base lets empty volumes be formatted.
            self.settle(&project("deploy/base"))?;
        }
        self.settle(&features())
    }

    /// Takes back what a case that failed may have left.
    pub fn mend(&self) -> Result<()> {
        self.bed.control_plane.api_server.start()?;
        self.bed.control_plane.wait(self.bed.admin())?;
        for node in &self.bed.nodes {
            node.kubelet.start()?;
            self.kubectl.run(&format!("uncordon {}", node.name))?;
            let zone = format!("topology.kubernetes.io/zone={}", node.zone());
            self.kubectl.run(&format!("label --overwrite node {} {zone}", node.name))?;
        }
        // Where there is no cluster yet, there is nothing to take back.
        for pod in BROKERS {
            let _ = self.kubectl.run(&format!("annotate pod {pod} pillion.dev/override-"));
        }
        let _ = self.throttle(None);
        Ok(())
    }

    /// Applies a kustomization of the cluster, and waits until all is well.
    pub fn settle(&self, kustomization: &Path) -> Result<()> {
        self.kubectl.apply(kustomization)?;
        self.all_ready()?;
        run(bed::eventually("every broker is in sync", SOON, async || {
            let view = self.view("kafka-0").await?;
            let out: Vec<i32> = (1001..=1003).filter(|id| !view.in_sync(*id)).collect();
            ensure!(out.is_empty(), "out: {out:?}");
            Ok(())
        }))
    }

    /// Waits until all six pods are ready and their sets have nothing left to roll; says since when.
    pub fn all_ready(&self) -> Result<Instant> {
        self.ready(&["controller", "kafka"])
    }

    /// Waits until each of these sets of three has nothing left to roll, and all its pods are ready; says since when.
    pub fn ready(&self, sets: &[&str]) -> Result<Instant> {
        let patient = self.kubectl.within(SOON);
        for set in sets {
            patient.run(&format!("rollout status statefulset/{set} --timeout=350s"))?;
        }
        let mut last = None;
        for pod in sets.iter().flat_map(|set| (0..3).map(move |ordinal| format!("{set}-{ordinal}"))) {
            last = last.max(Some(self.pods.wait(&pod, "ready", SOON, Pod::well)?));
        }
        last.context("there are pods")
    }

    /// Takes a namespace away with all that is in it, and offers the volumes anew. Kafka is killed: alone it would wait
    /// for minutes to hand over what nobody will miss.
    pub fn raze(&self, namespace: &str) -> Result<()> {
        let kubectl = self.kubectl.in_namespace(namespace);
        kubectl.run("delete statefulset --all --wait=false")?;
        run(bed::eventually(&format!("no pod is left in {namespace}"), SOON, async || {
            let pods = kubectl.json("get pods")?;
            let left: Vec<Pod> = pods["items"].as_array().into_iter().flatten().map(Pod::read).collect();
            for pod in left.iter().filter(|pod| pod.deleting) {
                // It may have ended meanwhile, or never have begun.
                for process in self.bed.processes(namespace, &pod.name, KAFKA).unwrap_or_default() {
                    let _ = process.kill();
                }
            }
            ensure!(left.is_empty(), "{} are left", left.len());
            Ok(())
        }))?;
        // Not before: with pods in it that may take their time to end, it goes only after minutes.
        let line = format!("delete namespace {namespace} --ignore-not-found --wait");
        kubectl.within(SOON).run(&line)?;
        self.bed.volumes.renew().map(drop)
    }

    /// Plays in a namespace of its own, which goes with all that is in it, however it ends. When it fails, what the agent of its
    /// first pod said is shown.
    pub fn alone_in<T>(&self, namespace: &str, play: impl FnOnce(&Kubectl) -> Result<T>) -> Result<T> {
        let kubectl = self.kubectl.in_namespace(namespace);
        let outcome = play(&kubectl);
        if outcome.is_err() {
            let first = kubectl.run("get pods -o name").unwrap_or_default();
            let first = first.lines().next().unwrap_or_default();
            println!("{}", kubectl.run(&format!("logs {first} -c {AGENT} --tail=60")).unwrap_or_default());
        }
        kubectl.within(SOON).run(&format!("delete namespace {namespace} --wait"))?;
        outcome
    }

    /// So many seconds in the whole run, so many in the short set.
    pub fn lasts(&self, whole: u64, quick: u64) -> Duration {
        Duration::from_secs(if self.quick { quick } else { whole })
    }
}

/// Lets it last.
pub fn pass(time: Duration) {
    std::thread::sleep(time);
}
