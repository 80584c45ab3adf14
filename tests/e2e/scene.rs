//! The one cluster that most cases play on: brought up by the first, healed before each.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use bed::{
    ClientConfig, View,
    admin::{set_on_brokers, set_on_topic},
    scene::run,
    topics::Topic,
    wire::Connection,
};
use kube_bed::{Bed, Inside};

use crate::{dump, kubectl::Kubectl, pod::Pod, pods::PodWatch};

/// Long enough for anything that will happen at all.
pub const SOON: Duration = Duration::from_secs(240);
/// For one request of a test's own.
const PATIENCE: Duration = Duration::from_secs(5);
/// The namespace of `deploy/base`.
pub const NAMESPACE: &str = "kafka";
/// The container that Kafka runs in.
pub const KAFKA: &str = "kafka";
/// The agent's.
pub const AGENT: &str = "pillion";
/// The brokers' ordinals; their ids are 1001 more.
pub const BROKERS: [&str; 3] = ["kafka-0", "kafka-1", "kafka-2"];
/// The dedicated controllers.
pub const CONTROLLERS: [&str; 3] = ["controller-0", "controller-1", "controller-2"];

/// The way in, which the program took when it began.
pub static INSIDE: OnceLock<Inside> = OnceLock::new();
static OPEN: Mutex<Option<Scene>> = Mutex::new(None);

/// A running Kubernetes, and on it the cluster.
pub struct Scene {
    /// The nodes, the API server, and how they are hurt.
    pub bed: Bed,
    /// The administrator, in the cluster's namespace.
    pub kubectl: Kubectl,
    /// The cluster's pods.
    pub pods: PodWatch,
    /// The short set: what only takes long is taken shorter.
    pub quick: bool,
}

/// Where `deploy/` and the overlays of the tests are.
pub fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Plays on the scene, which is brought up when it is not there.
pub fn on<T>(name: &str, quick: bool, act: impl FnOnce(&Scene) -> Result<T>) -> Result<T> {
    let mut open = lock();
    if open.is_none() {
        *open = Some(Scene::up(quick)?);
    }
    let scene = open.as_ref().context("just brought up")?;
    let outcome = act(scene);
    if outcome.is_err() {
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
        println!("    three nodes ready after {:.1} s", began.elapsed().as_secs_f64());
        let kubectl = Kubectl::of(bed.admin(), NAMESPACE);
        let pods = PodWatch::start(kubectl.clone());
        Ok(Self { bed, kubectl, pods, quick })
    }

    /// The cluster with all features, every pod ready, every broker in sync.
    pub fn heal(&self) -> Result<()> {
        self.settle(&self.features())
    }

    /// `deploy/base` with the features that need rights.
    pub fn features(&self) -> PathBuf {
        project("tests/e2e/overlays/features")
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

    /// Waits until all six pods are ready and their sets have nothing left to roll.
    pub fn all_ready(&self) -> Result<Instant> {
        let patient = self.kubectl.within(SOON);
        for set in ["controller", "kafka"] {
            patient.run(&format!("rollout status statefulset/{set} --timeout=230s"))?;
        }
        let mut last = None;
        for pod in CONTROLLERS.into_iter().chain(BROKERS) {
            last = last.max(Some(self.pods.wait(pod, "ready", SOON, Pod::well)?));
        }
        last.context("there are pods")
    }

    /// Where each broker is found by name.
    pub fn addresses(&self) -> Vec<(i32, String)> {
        (1001..).zip(BROKERS).map(|(id, pod)| (id, address(pod))).collect()
    }

    /// A client that knows nothing but the Service.
    pub fn client(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", format!("kafka.{NAMESPACE}.svc.cluster.local:9092"));
        // Its own chatter about brokers that come and go is turned off.
        config.set("log_level", "0");
        config
    }

    /// A topic with three copies of each of its six partitions, led by all brokers in turn.
    pub fn topic(&self, name: &str) -> Result<()> {
        run(Topic::in_turn(name).make(&self.client()))?;
        run(bed::eventually(&format!("{name} has leaders"), SOON, async || {
            let view = self.view("kafka-0").await?;
            let led = view.partitions.iter().filter(|one| one.topic == name && one.leader >= 0).count();
            ensure!(led == 6, "{led} of 6");
            Ok(())
        }))
    }

    /// What one broker believes.
    pub async fn view(&self, pod: &str) -> Result<View> {
        View::ask(lookup(&address(pod)).await?, PATIENCE).await
    }

    async fn connect(&self, pod: &str) -> Result<Connection> {
        Connection::open(lookup(&address(pod)).await?, PATIENCE).await
    }

    /// So many bytes a second may a broker fetch for replicas that are not in sync; without, as many as it can.
    pub fn throttle(&self, rate: Option<&str>) -> Result<()> {
        run(async {
            let mut broker = self.connect("kafka-0").await?;
            let all = rate.map(|_| "*");
            for topic in self.view("kafka-0").await?.topics() {
                set_on_topic(&mut broker, &topic, "follower.replication.throttled.replicas", all).await?;
            }
            set_on_brokers(&mut broker, "follower.replication.throttled.rate", rate).await
        })
    }

    /// Waits until a pod's agent says this reason for not being ready.
    pub fn says(&self, pod: &str, code: &str) -> Result<()> {
        run(bed::eventually(&format!("{pod} says {code}"), SOON, async || {
            let agent = lookup(&address(pod).replace(":9092", ":9440")).await?;
            let (_, said) = bed::watch::get(agent, "/readyz").await?;
            ensure!(said.contains(code), "{said}");
            Ok(())
        }))
    }

    /// What one broker believes.
    pub async fn view(&self, pod: &str) -> Result<View> {
        View::ask(lookup(&address(pod)).await?, PATIENCE).await
    }

    async fn connect(&self, pod: &str) -> Result<Connection> {
        Connection::open(lookup(&address(pod)).await?, PATIENCE).await
    }

    /// So many bytes a second may a broker fetch for replicas that are not in sync; without, as many as it can.
    pub fn throttle(&self, rate: Option<&str>) -> Result<()> {
        run(async {
            let mut broker = self.connect("kafka-0").await?;
            let all = rate.map(|_| "*");
            for topic in self.view("kafka-0").await?.topics() {
                set_on_topic(&mut broker, &topic, "follower.replication.throttled.replicas", all).await?;
            }
            set_on_brokers(&mut broker, "follower.replication.throttled.rate", rate).await
        })
    }

    /// Waits until a pod's agent says this reason for not being ready.
    pub fn says(&self, pod: &str, code: &str) -> Result<()> {
        run(bed::eventually(&format!("{pod} says {code}"), SOON, async || {
            let agent = lookup(&address(pod).replace(":9092", ":9440")).await?;
            let (_, said) = bed::watch::get(agent, "/readyz").await?;
            ensure!(said.contains(code), "{said}");
            Ok(())
        }))
    }

    /// Sends a signal to the process of a container, from the node.
    pub fn signal(&self, pod: &str, container: &str, signal: Signal) -> Result<()> {
        let pid = self.pid(pod, container)?;
        Ok(kill_process(Pid::from_raw(pid.cast_signed()).context("a process id")?, signal)?)
    }

    /// `full` in the whole run, else `quick`.
    pub fn lasts(&self, full: u64, quick: u64) -> Duration {
        Duration::from_secs(if self.quick { quick } else { full })
    }
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

async fn lookup(name: &str) -> Result<SocketAddr> {
    tokio::net::lookup_host(name).await?.next().with_context(|| format!("{name} has no address"))
}

fn address(pod: &str) -> String {
    format!("{pod}.kafka.{NAMESPACE}.svc.cluster.local:9092")
}

/// Lets it last.
pub fn pass(time: Duration) {
    std::thread::sleep(time);
}
