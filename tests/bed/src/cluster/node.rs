//! One node: where it lives, and its process.

use std::ffi::OsStr;
use std::fmt::Display;
use std::fs::{self, File};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

use super::properties::Role;
use crate::fetch::{Kafka, succeeded};
use crate::process;
use crate::tls::{self, Files};
use crate::wait::eventually;

/// The port of the JMX agent, in each namespace.
const JMX_PORT: u16 = 9999;

/// What is fixed about a node.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub id: i32,
    pub role: Role,
    pub ip: Ipv4Addr,
    pub netns: String,
    pub dir: PathBuf,
    pub data_dirs: Vec<PathBuf>,
    pub heap: String,
    pub jmx: bool,
    pub cluster_id: String,
    pub kafka: Kafka,
    /// In a dynamic quorum, how a controller joins: its initial voters, or [`JOINER`].
    pub joins: Option<String>,
    /// The controllers' listener speaks TLS; the bed has one of its own.
    pub tls_controllers: bool,
}

/// A controller that is formatted to follow a dynamic quorum, and to vote when it is added; pillion's word for it.
pub(super) const JOINER: &str = "none";

/// A broker or controller of a [`Cluster`](super::Cluster).
#[derive(Debug)]
pub struct Node {
    place: Place,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    properties: PathBuf,
    child: Option<Child>,
    exited: Option<ExitStatus>,
    started: Option<Instant>,
    paused: bool,
}

/// What a node's process does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doing {
    /// It runs since then.
    Running(Instant),
    /// It is stopped by a signal.
    Paused,
    /// There is none.
    Nothing,
}

/// Tells what a node's process does, from anywhere.
#[derive(Debug, Clone)]
pub struct Pulse(Arc<Mutex<State>>);

impl Pulse {
    /// What it does now.
    pub fn now(&self) -> Doing {
        let mut state = locked(&self.0);
        let reaped = state.reap().is_ok();
        match state.started {
            Some(since) if reaped && state.child.is_some() && !state.paused => Doing::Running(since),
            Some(_) if reaped && state.child.is_some() => Doing::Paused,
            _ => Doing::Nothing,
        }
    }
}

fn locked(state: &Mutex<State>) -> MutexGuard<'_, State> {
    // A test that panicked with the lock held must not keep the process from being killed.
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Node {
    pub(super) fn new(place: Place) -> Self {
        let properties = place.dir.join("server.properties");
        let state = State { properties, child: None, exited: None, started: None, paused: false };
        Self { place, state: Arc::new(Mutex::new(state)) }
    }

    /// The node's id.
    pub fn id(&self) -> i32 {
        self.place.id
    }

    /// Broker, controller, or both.
    pub fn role(&self) -> Role {
        self.place.role
    }

    /// The address of its namespace.
    pub fn ip(&self) -> Ipv4Addr {
        self.place.ip
    }

    /// The name of its network namespace, as `ip netns` knows it.
    pub fn netns(&self) -> &str {
        &self.place.netns
    }

    /// Where clients connect. Nothing listens there on a dedicated controller.
    pub fn bootstrap(&self) -> SocketAddr {
        (self.place.ip, 9092).into()
    }

    /// The quorum's listener. Nothing listens there on a broker.
    pub fn controller_addr(&self) -> SocketAddr {
        (self.place.ip, 9093).into()
    }

    /// Where the bed asks a controller: its listener, or the plain one beside it.
    pub fn quorum_addr(&self) -> SocketAddr {
        (self.place.ip, if self.place.tls_controllers { 9097 } else { 9093 }).into()
    }

    /// The listener [`EXTERNAL`](crate::tls::EXTERNAL).
    pub fn external_addr(&self) -> SocketAddr {
        (self.place.ip, 9094).into()
    }

    /// The listener [`INTERNAL`](crate::tls::INTERNAL).
    pub fn internal_addr(&self) -> SocketAddr {
        (self.place.ip, 9095).into()
    }

    /// The listener [`SASL`](crate::tls::SASL).
    pub fn sasl_addr(&self) -> SocketAddr {
        (self.place.ip, 9096).into()
    }

    /// Its certificate, key and trust, in a cluster with TLS.
    pub fn files(&self) -> Files {
        Files::of(&self.place.dir)
    }

    /// What its certificate is to hold: common name, names and addresses, for [`Authority::issue`](crate::tls::Authority::issue).
    pub fn names(&self) -> (String, Vec<String>, Vec<IpAddr>) {
        (format!("broker-{}", self.id()), tls::names(self.id()), tls::addresses(self.ip()))
    }

    /// Where `ZooKeeper` serves. Nothing listens there on any other node.
    pub fn zookeeper_addr(&self) -> SocketAddr {
        (self.place.ip, 2181).into()
    }

    /// Where its JMX agent answers, if the cluster was built with [`Builder::jmx`](super::Builder::jmx).
    pub fn jmx_addr(&self) -> Option<SocketAddr> {
        self.place.jmx.then(|| (self.place.ip, JMX_PORT).into())
    }

    /// Its own directory: properties, log and data dirs are in it; there is room for a test's own files.
    pub fn dir(&self) -> &Path {
        &self.place.dir
    }

    /// Its log dirs, in the order of `log.dirs`.
    pub fn data_dirs(&self) -> &[PathBuf] {
        &self.place.data_dirs
    }

    /// The properties file of the next (or the running) start.
    pub fn properties(&self) -> PathBuf {
        self.state().properties.clone()
    }

    /// What the process prints: Kafka's own log. Restarts append.
    pub fn log(&self) -> PathBuf {
        self.place.dir.join("kafka.log")
    }

    /// The last lines of the log.
    pub fn log_tail(&self, lines: usize) -> String {
        let text = fs::read(self.log()).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let all: Vec<_> = text.lines().collect();
        all[all.len().saturating_sub(lines)..].join("\n")
    }

    /// In a dynamic quorum, how this controller joins, as pillion's `storage.initialControllers` has it.
    pub fn joins(&self) -> Option<&str> {
        self.place.joins.as_deref()
    }

    /// It was formatted to follow a dynamic quorum, not to vote.
    pub fn is_joiner(&self) -> bool {
        self.joins() == Some(JOINER)
    }

    /// Formats its log dirs with Kafka's own tool, for the cluster's id.
    pub fn format(&self) -> Result<()> {
        let mut command = self.place.kafka.tool("kafka.tools.StorageTool");
        command.args(["format", "-t", &self.place.cluster_id, "-c"]).arg(self.properties());
        match self.joins() {
            None => {}
            Some(JOINER) => drop(command.arg("--no-initial-controllers")),
            Some(voters) => drop(command.args(["--initial-controllers", voters])),
        }
        succeeded(&command.output()?).with_context(|| format!("failed to format node {}", self.id()))
    }

    /// Starts the process and returns at once.
    pub fn start(&self) -> Result<()> {
        let mut state = self.state();
        state.reap()?;
        if state.child.is_some() {
            bail!("node {} runs already", self.id());
        }
        let log = File::options().create(true).append(true).open(self.log())?;
        let mut command = self.in_netns_tied("java");
        // Small and quick to start: several nodes share two cores.
        command.arg(format!("-Xmx{}", self.place.heap));
        command.args(["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]);
        command.args(self.jmx_addr().map(jmx_args).into_iter().flatten());
        let class = match self.place.role {
            Role::ZooKeeper => "org.apache.zookeeper.server.quorum.QuorumPeerMain",
            _ => "kafka.Kafka",
        };
        command.args(self.place.kafka.java_args(class)).arg(&state.properties);
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).current_dir(&self.place.dir);
        state.exited = None;
        state.paused = false;
        state.started = Some(Instant::now());
        state.child =
            Some(process::spawn(command).with_context(|| format!("failed to start {}", self.id()))?);
        Ok(())
    }

    /// Starts with a properties file (and log dirs) that someone else prepared; later starts keep it.
    pub fn start_with(&self, properties: impl Into<PathBuf>) -> Result<()> {
        self.state().properties = properties.into();
        self.start()
    }

    /// The process, while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.state().child.as_ref().map(Child::id)
    }

    /// What the process does, to be asked from anywhere while it changes.
    pub fn pulse(&self) -> Pulse {
        Pulse(Arc::clone(&self.state))
    }

    /// Whether the process runs (paused counts).
    pub fn running(&self) -> bool {
        let mut state = self.state();
        state.reap().is_ok() && state.child.is_some()
    }

    /// SIGTERM; returns at once.
    pub fn term(&self) -> Result<()> {
        self.signal(Signal::TERM)
    }

    /// SIGKILL, and waits until the process is gone.
    pub fn kill(&self) -> Result<()> {
        self.signal(Signal::KILL)?;
        let mut state = self.state();
        if let Some(mut child) = state.child.take() {
            state.exited = Some(child.wait()?);
        }
        Ok(())
    }

    /// SIGSTOP: alive, and silent.
    pub fn pause(&self) -> Result<()> {
        self.signal(Signal::STOP)?;
        self.state().paused = true;
        Ok(())
    }

    /// SIGCONT.
    pub fn resume(&self) -> Result<()> {
        self.signal(Signal::CONT)?;
        self.state().paused = false;
        Ok(())
    }

    /// Waits until the process has ended and says how.
    pub async fn wait_exit(&self, deadline: Duration) -> Result<ExitStatus> {
        eventually(&format!("node {} exits", self.id()), deadline, async || {
            let mut state = self.state();
            state.reap()?;
            state.exited.context("still running")
        })
        .await
    }

    /// SIGTERM, wait, start again.
    pub async fn restart(&self, deadline: Duration) -> Result<()> {
        self.term()?;
        self.wait_exit(deadline).await?;
        self.start()
    }

    /// A command that runs in this node's network namespace, as a sidecar does. Its pid is `program`'s
    /// own. For one that must not outlive this process see [`process::spawn`].
    pub fn in_netns(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", self.netns()]).arg(program);
        command
    }

    /// As [`Self::in_netns`], killed by the kernel when this process ends. Start it with [`process::spawn`].
    pub fn in_netns_tied(&self, program: impl AsRef<OsStr>) -> Command {
        let [first, rest @ ..] = process::tied();
        let mut command = self.in_netns(first);
        command.args(rest).arg(program);
        command
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        let mut state = self.state();
        state.reap()?;
        let child = state.child.as_ref().with_context(|| format!("node {} does not run", self.id()))?;
        // Not reaped yet, so the pid is still this child's.
        Ok(kill_process(Pid::from_child(child), signal)?)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        locked(&self.state)
    }
}

/// The JVM's options for its JMX agent: one port for the registry and the calls, open to all.
fn jmx_args(addr: SocketAddr) -> [String; 5] {
    let of = |key: &str, value: &dyn Display| format!("-Dcom.sun.management.jmxremote.{key}={value}");
    [
        of("port", &addr.port()),
        of("rmi.port", &addr.port()),
        of("authenticate", &false),
        of("ssl", &false),
        format!("-Djava.rmi.server.hostname={}", addr.ip()),
    ]
}

impl State {
    fn reap(&mut self) -> Result<()> {
        if let Some(child) = &mut self.child
            && let Some(status) = child.try_wait()?
        {
            self.exited = Some(status);
            self.child = None;
        }
        Ok(())
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if let Some(mut child) = self.state().child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
