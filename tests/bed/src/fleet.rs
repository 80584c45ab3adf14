//! Nodes as pillion runs them: each prepared by `pillion init` and watched by a `pillion sidecar` beside it.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};

use crate::cluster::{Builder, Cluster, Node, Role};
use crate::fetch::succeeded;
use crate::process;
use crate::score::{Score, score};
use crate::truth::{Truth, TruthWatch};
use crate::wait::eventually;
use crate::watch::{Watch, get, reasons};

/// The port of the agent's HTTP server, in each namespace.
pub const AGENT_PORT: u16 = 9440;
/// What `pillion init` computes; the rest of the bed's settings is handed to it as the user's.
const COMPUTED: [&str; 5] = ["node.id", "broker.id", "process.roles", "log.dirs", "broker.rack"];

/// A cluster whose nodes have pillion beside them, and watches on all of it.
#[derive(Debug)]
pub struct Fleet {
    /// What is true of each node, asked of the others.
    pub truth: TruthWatch,
    members: BTreeMap<i32, Member>,
    pillion: PathBuf,
    /// The brokers and controllers. Dropped last.
    pub cluster: Cluster,
}

#[derive(Debug)]
struct Member {
    agent: Mutex<Option<Child>>,
    ready: Watch,
    live: Watch,
    tcp: Watch,
}

impl Fleet {
    /// Prepares every broker with `pillion init`, starts brokers and sidecars, and begins to watch.
    ///
    /// `pillion` is the binary; `agent` is added to the `sidecar:` part of every configuration, as YAML.
    pub async fn start(builder: Builder, pillion: &Path, agent: &str) -> Result<Self> {
        let ids = builder.broker_ids();
        Self::start_beside(ids, builder, pillion, agent).await
    }

    /// [`Fleet::start`], with pillion beside every node: dedicated controllers too.
    pub async fn start_beside_all(builder: Builder, pillion: &Path, agent: &str) -> Result<Self> {
        let ids = builder.ids();
        Self::start_beside(ids, builder, pillion, agent).await
    }

    async fn start_beside(ids: Vec<i32>, builder: Builder, pillion: &Path, agent: &str) -> Result<Self> {
        let cluster = builder.unformatted(ids.iter().copied()).start().await?;
        for id in &ids {
            configure(&cluster, *id, agent)?;
            init(&cluster, pillion, *id, &["--bootstrap"])?;
            let node = cluster.node(*id);
            node.start_with(run_dir(node).join("server.properties"))?;
        }
        let truth = TruthWatch::of(&cluster, &ids);
        let mut fleet = Self { truth, members: BTreeMap::new(), pillion: pillion.to_owned(), cluster };
        for id in ids {
            let (node, agent) = (fleet.cluster.node(id), fleet.agent(id));
            let (ready, live) = (Watch::http(agent, "/readyz"), Watch::http(agent, "/livez"));
            let tcp =
                Watch::tcp(if node.role().is_broker() { node.bootstrap() } else { node.controller_addr() });
            fleet.members.insert(id, Member { agent: Mutex::new(None), ready, live, tcp });
            fleet.start_agent(id)?;
        }
        Ok(fleet)
    }

    /// The ids of the nodes that have pillion beside them.
    pub fn ids(&self) -> Vec<i32> {
        self.members.keys().copied().collect()
    }

    /// Where the agent of a broker answers.
    pub fn agent(&self, id: i32) -> SocketAddr {
        (self.cluster.node(id).ip(), AGENT_PORT).into()
    }

    /// The run directory that init and sidecar of a broker share.
    pub fn run_dir(&self, id: i32) -> PathBuf {
        run_dir(self.cluster.node(id))
    }

    /// The configuration file of a broker.
    pub fn config(&self, id: i32) -> PathBuf {
        self.cluster.node(id).dir().join("pillion.yaml")
    }

    /// The binary.
    pub fn binary(&self) -> &Path {
        &self.pillion
    }

    /// A pillion command beside a broker, in its namespace.
    pub fn pillion(&self, id: i32) -> Command {
        self.cluster.node(id).in_netns(&self.pillion)
    }

    /// Runs `pillion init` for a broker again.
    pub fn init(&self, id: i32, flags: &[&str]) -> Result<()> {
        init(&self.cluster, &self.pillion, id, flags)
    }

    /// Starts the sidecar of a broker.
    pub fn start_agent(&self, id: i32) -> Result<()> {
        let node = self.cluster.node(id);
        let log = File::options().create(true).append(true).open(self.agent_log(id))?;
        let mut command = node.in_netns_tied(&self.pillion);
        command.args(["sidecar", "--config"]).arg(self.config(id));
        command.env("PILLION_LOG", "pillion=debug").stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let child = process::spawn(command).context("failed to start the sidecar")?;
        *self.member(id).agent.lock().expect("agent") = Some(child);
        Ok(())
    }

    /// What the sidecar of a broker logs.
    pub fn agent_log(&self, id: i32) -> PathBuf {
        self.cluster.node(id).dir().join("pillion.log")
    }

    /// Process id of the sidecar.
    pub fn agent_pid(&self, id: i32) -> Option<u32> {
        self.member(id).agent.lock().expect("agent").as_ref().map(Child::id)
    }

    /// Sends a signal to the sidecar.
    pub fn signal_agent(&self, id: i32, signal: Signal) -> Result<()> {
        let pid =
            self.agent_pid(id).and_then(|pid| Pid::from_raw(pid.cast_signed())).context("no sidecar")?;
        Ok(kill_process(pid, signal)?)
    }

    /// Waits for the sidecar's end and says how long it took.
    pub fn reap_agent(&self, id: i32, deadline: Duration) -> Result<Duration> {
        let began = Instant::now();
        let mut child = self.member(id).agent.lock().expect("agent").take().context("no sidecar")?;
        while child.try_wait()?.is_none() {
            if began.elapsed() > deadline {
                child.kill()?;
                child.wait()?;
                bail!("the sidecar of {id} did not end within {deadline:?}");
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(began.elapsed())
    }

    /// What `/status` says.
    pub async fn status(&self, id: i32) -> Result<serde_json::Value> {
        let (_, body) = get(self.agent(id), "/status").await?;
        Ok(serde_json::from_str(&body)?)
    }

    /// The answer of one endpoint now.
    pub async fn ask(&self, id: i32, path: &str) -> Result<(u16, String)> {
        get(self.agent(id), path).await
    }

    /// Does pillion call this broker ready now, as its prober sees it?
    pub fn is_ready(&self, id: i32) -> bool {
        self.member(id).ready.last().is_some_and(|answer| answer.ready())
    }

    /// What the last poll of `/readyz` brought.
    pub fn said(&self, id: i32) -> String {
        match self.member(id).ready.last().map(|answer| answer.outcome) {
            Some(crate::watch::Outcome::Http { body, .. }) => body,
            other => format!("{other:?}"),
        }
    }

    /// Waits until pillion calls the broker ready, or not; the error shows what it said and what was true.
    pub async fn wait(&self, id: i32, ready: bool, deadline: Duration) -> Result<Instant> {
        eventually(
            &format!("{id} is called {}", if ready { "ready" } else { "unready" }),
            deadline,
            async || {
                ensure!(self.is_ready(id) == ready, "{} (truth: {:?})", self.said(id), self.truth.now(id));
                Ok(Instant::now())
            },
        )
        .await
    }

    /// Waits until all nodes are in sync and called ready; a controller that has yet to be added to its quorum is not.
    pub async fn wait_all_ready(&self, deadline: Duration) -> Result<()> {
        for id in self.ids() {
            if self.cluster.node(id).is_joiner() {
                self.wait(id, false, deadline).await?;
                continue;
            }
            self.truth.wait(id, Truth::InSync, deadline).await?;
            self.wait(id, true, deadline).await?;
        }
        Ok(())
    }

    /// Undoes what a fault may have left behind, links, pauses, processes, and waits until all is well.
    pub async fn heal(&self, deadline: Duration) -> Result<()> {
        self.cluster.net().heal_all()?;
        for node in self.cluster.nodes() {
            // A node that does not run is not concerned.
            let _ = node.resume();
            if !node.running() {
                self.cluster.start_again(node.id(), deadline).await?;
            }
        }
        for id in self.ids() {
            if self.agent_pid(id).is_none() {
                self.start_agent(id)?;
            }
        }
        self.wait_all_ready(deadline).await
    }

    /// Polls of `/readyz` since an instant, as (when answered, ready).
    pub fn ready_since(&self, id: i32, since: Instant) -> Vec<(Instant, bool)> {
        after(&self.member(id).ready, since)
    }

    /// Why pillion called the broker not ready since an instant, each reason once; see [`reasons`].
    pub fn said_since(&self, id: i32, since: Instant) -> Vec<String> {
        let mut answers = self.member(id).ready.answers();
        answers.retain(|answer| answer.at >= since);
        reasons(&answers)
    }

    /// Polls of `/livez` since an instant, as (when answered, alive). An agent that does not answer counts as alive:
    /// a probe that fails open would say so.
    pub fn live_since(&self, id: i32, since: Instant) -> Vec<(Instant, bool)> {
        let dead = |answer: &crate::watch::Answer| {
            matches!(&answer.outcome, crate::watch::Outcome::Http { status: 503, .. })
        };
        let answers = self.member(id).live.answers();
        answers.iter().filter(|answer| answer.at >= since).map(|answer| (answer.at, !dead(answer))).collect()
    }

    /// From now on polls the broker's port each `every`; see [`Watch::pace`].
    pub fn pace_tcp(&self, id: i32, every: Duration) {
        self.member(id).tcp.pace(every);
    }

    /// From now on polls the agent of a broker each so often; see [`Watch::pace`].
    pub fn pace_probes(&self, id: i32, ready: Duration, live: Duration) {
        self.member(id).ready.pace(ready);
        self.member(id).live.pace(live);
    }

    /// Polls of the broker's port since an instant.
    pub fn tcp_since(&self, id: i32, since: Instant) -> Vec<(Instant, bool)> {
        after(&self.member(id).tcp, since)
    }

    /// The truth about a broker since an instant.
    pub fn truth_since(&self, id: i32, since: Instant) -> Vec<(Instant, Truth)> {
        self.truth.timeline(id).into_iter().filter(|(at, _)| *at >= since).collect()
    }

    /// What the other brokers said of a broker since an instant.
    pub fn others_since(&self, id: i32, since: Instant) -> Vec<(Instant, Truth)> {
        self.truth.others(id).into_iter().filter(|(at, _)| *at >= since).collect()
    }

    /// Seconds of wrong verdict since an instant: pillion's, and a TCP probe's.
    pub fn score_since(&self, id: i32, since: Instant) -> (Score, Score) {
        let truth = self.truth_since(id, since);
        (score(&truth, &self.ready_since(id, since)), score(&truth, &self.tcp_since(id, since)))
    }

    fn member(&self, id: i32) -> &Member {
        self.members.get(&id).unwrap_or_else(|| panic!("no pillion beside {id}"))
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        for member in self.members.values() {
            if let Some(child) = member.agent.lock().expect("agent").as_mut() {
                // It may have ended by itself; either way it must be gone.
                let _ = child.kill();
                let _ = child.wait();
            }
        }
    }
}

fn after(watch: &Watch, since: Instant) -> Vec<(Instant, bool)> {
    watch.timeline().into_iter().filter(|(at, _)| *at >= since).collect()
}

fn run_dir(node: &Node) -> PathBuf {
    node.dir().join("run")
}

/// Writes `pillion.yaml` into the directory of a node: the bed's settings as the user's, the identity for pillion to compute.
pub fn configure(cluster: &Cluster, id: i32, agent: &str) -> Result<()> {
    let node = cluster.node(id);
    let text = fs::read_to_string(node.properties())?;
    let properties: String = text
        .lines()
        .filter_map(|line| line.split_once('='))
        .filter(|(key, _)| !COMPUTED.contains(key))
        .fold(String::new(), |mut all, (key, value)| {
            let _ = writeln!(all, "    {key}: {value:?}");
            all
        });
    let dirs: Vec<String> =
        node.data_dirs().iter().map(|dir| format!("{:?}", dir.display().to_string())).collect();
    let (mode, base) = match node.role() {
        Role::Broker if cluster.zookeeper().is_some() => ("zookeeper", 1000),
        Role::Broker | Role::ZooKeeper => ("kraft-broker", 1000),
        Role::Combined => ("kraft-combined", 1000),
        Role::Controller => ("kraft-controller", 0),
    };
    let (cluster_id, version) = (cluster.cluster_id(), cluster.kafka().version());
    let ordinal = id - base;
    let joins = node.joins().map(|joins| format!("  initialControllers: {joins:?}\n")).unwrap_or_default();
    let [broker_part, sidecar_part] = ["broker", "sidecar"].map(|part| cluster.pillion(part, node));
    let certificates = match cluster.pillion("certificates", node) {
        lines if lines.is_empty() => lines,
        lines => format!("certificates:\n{lines}"),
    };
    let zone = ["a", "b", "c"][usize::try_from(id)? % 3];
    let turn = if node.role() == Role::Controller { "turn-controllers.json" } else { "turn.json" };
    let turn = node.dir().parent().context("a directory of the cluster")?.join(turn);
    let config = format!(
        "cluster:\n  name: bed\n  id: {cluster_id:?}\nbroker:\n  mode: {mode}\n  idBase: {base}\n  \
         ordinal: {ordinal}\n  zone:\n    value: zone-{zone}\n{broker_part}kafka:\n  version: {version:?}\n  home: {:?}\n  \
         properties:\n{properties}storage:\n  logDirs: [{}]\n{joins}runDir: {:?}\nsidecar:\n  listen: 0.0.0.0:{AGENT_PORT}\n{agent}{sidecar_part}{certificates}\
         turn:\n  file: {}\n",
        cluster.kafka().libs().canonicalize()?.parent().context("libs lie in a home")?.display().to_string(),
        dirs.join(", "),
        run_dir(node).display().to_string(),
        turn.display(),
    );
    Ok(fs::write(node.dir().join("pillion.yaml"), config)?)
}

fn init(cluster: &Cluster, pillion: &Path, id: i32, flags: &[&str]) -> Result<()> {
    let node = cluster.node(id);
    let mut command = node.in_netns(pillion);
    command.args(["init", "--config"]).arg(node.dir().join("pillion.yaml")).args(flags);
    succeeded(&command.output()?).with_context(|| format!("failed to prepare node {id}"))
}
