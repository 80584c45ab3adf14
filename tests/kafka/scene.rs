//! The clusters that the tests play on, healed before each test.

use std::{
    ops::Deref,
    path::Path,
    time::{Duration, Instant},
};

use super::{certificates, secured};
use anyhow::{Context, Result, ensure};
pub use bed::scene::{BLUR, run};
use bed::{Builder, Cluster, Fleet, NEWEST, Staged, Tls, Truth, V2_8, V3_9, V4_1, scene::Open, score::Score};

/// Long enough for anything that will happen at all.
pub const SOON: Duration = Duration::from_secs(120);
/// A killed broker is out at once, and the next poll says so.
pub const GONE: Duration = Duration::from_millis(750);
/// How old contact with the quorum may be: so long may a broker that fell silent be called ready.
pub const AGE: Duration = Duration::from_millis(4500);
/// From a change in the ISR to the answer of a prober: a scan each 500 ms, a poll each 250 ms, and their blur.
pub const NOTICE: Duration = Duration::from_secs(2);
/// From being in sync to being called so: contact by two polls, a complete scan, the log dirs, and a loaded machine.
pub const RETURN: Duration = Duration::from_secs(4);

/// Asks how far consumer groups lag, often.
const LAG: &str = "  lag: {enabled: true, interval: 1s}\n";

/// Which cluster a test needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Three controllers and three brokers of the newest release.
    Main,
    /// One node that is broker and controller, with a log dir that can be filled up.
    Combined,
    /// One controller and three brokers of the newest release with rules about who may do what, and two log dirs each;
    /// the second one of 1003 can be filled up.
    Dirs,
    /// One controller and three brokers of 4.1.
    V41,
    /// One controller and three brokers of 3.9.
    V39,
    /// A controller and three brokers of the newest release, asked by TLS and SASL alone, pillion beside all.
    Secured,
    /// The same of 3.9, with other mechanisms, and TLS 1.2.
    Secured39,
    /// `ZooKeeper` and three brokers of 3.9.
    Zk39,
    /// `ZooKeeper` and three brokers of 2.8.
    Zk28,
    /// A controller and three brokers of the newest release, which close idle connections early, and whose agents ask how far
    /// consumer groups lag.
    Lag,
    /// The same with `ZooKeeper` and 3.9.
    LagZk39,
    /// A controller and three brokers of the newest release, where two must be in sync, and topics are compressed, with a
    /// canary.
    Canary,
    /// The same with two brokers: what the cluster wants in sync forbids to stop either of them.
    Pair,
    /// Three controllers with pillion beside them, and one broker.
    Voters,
    /// Three nodes that are broker and controller in one.
    CombinedVoters,
    /// A dynamic quorum of three, and a joiner.
    Dynamic,
    /// The same of 3.9, the first release that has one.
    Dynamic39,
    /// One controller and three brokers of the newest release, which speak TLS with each other and with clients, and ask
    /// for certificates; pillion keeps these.
    Tls,
    /// One controller and two brokers that speak TLS with each other on every listener; pillion beside all.
    TlsQuorum,
    /// The same as `Tls` of 3.9.
    Tls39,
    /// `ZooKeeper` and three brokers of 2.8, the same.
    Tls28,
}

impl Stage {
    /// pillion is beside the dedicated controllers too.
    fn beside_controllers(self) -> bool {
        matches!(self, Self::Voters | Self::Dynamic | Self::Dynamic39 | Self::TlsQuorum) || self.is_secured()
    }
}

impl Stage {
    /// The log dirs of `Dirs` are probed.
    fn sidecar(self) -> &'static str {
        if self == Self::Dirs { "  resources:\n    writeProbe: 10s\n" } else { "" }
    }

    fn is_secured(self) -> bool {
        matches!(self, Self::Secured | Self::Secured39)
    }
}

static OPEN: Open<Stage, Scene> = Open::none();

/// A running cluster with pillion beside each broker.
pub struct Scene(Staged);

impl Deref for Scene {
    type Target = Staged;

    fn deref(&self) -> &Staged {
        &self.0
    }
}

/// Plays one test on its stage.
pub fn play(name: &str, stage: Stage, act: fn(&Scene) -> Result<()>) -> Result<()> {
    OPEN.on(stage, Scene::build, |scene| {
        let began = Instant::now();
        let outcome = act(scene);
        println!("    {name}: {:.1} s", began.elapsed().as_secs_f64());
        if let Err(error) = &outcome {
            // First of all: what captures this may cut the rest.
            println!("--- {name} failed: {error:#}");
            scene.dump(name);
        }
        outcome
    })
}

/// Stops what still runs.
pub fn close() {
    OPEN.close();
}

impl Scene {
    fn build(stage: Stage) -> Result<Self> {
        let builder = match stage {
            // A follower that stops fetching leaves the ISR after 10 s here instead of 30 s, to save time.
            Stage::Main => snapshots(Cluster::builder(NEWEST).controllers(3).brokers(3))
                .broker_property("replica.lag.time.max.ms", "10000"),
            Stage::Combined => {
                Cluster::builder(NEWEST).combined(1).log_dirs(2).small_log_dir(1001, 1, 64 << 20)
            }
            Stage::Dirs => Cluster::builder(NEWEST)
                .controllers(1)
                .brokers(3)
                .log_dirs(2)
                .small_log_dir(1003, 1, 96 << 20)
                .broker_property("replica.lag.time.max.ms", "10000")
                .property("authorizer.class.name", "org.apache.kafka.metadata.authorizer.StandardAuthorizer")
                .property("allow.everyone.if.no.acl.found", "true"),
            Stage::V41 => snapshots(Cluster::builder(V4_1).controllers(1).brokers(3)),
            Stage::V39 => snapshots(Cluster::builder(V3_9).controllers(1).brokers(3)),
            Stage::Secured => secured::newest(),
            Stage::Secured39 => secured::older(),
            Stage::Voters => Cluster::builder(NEWEST).controllers(3).brokers(1),
            Stage::CombinedVoters => Cluster::builder(NEWEST).combined(3),
            Stage::Dynamic => Cluster::builder(NEWEST).controllers(4).dynamic([1, 2, 3]),
            Stage::Dynamic39 => Cluster::builder(V3_9).controllers(4).dynamic([1, 2, 3]),
            Stage::Zk39 => Cluster::builder(V3_9)
                .zookeeper()
                .brokers(3)
                .broker_property("replica.lag.time.max.ms", "10000"),
            Stage::Tls => tls(Cluster::builder(NEWEST).controllers(1).brokers(3)),
            Stage::TlsQuorum => certificates::quorum::stage(),
            Stage::Tls39 => tls(Cluster::builder(V3_9).controllers(1).brokers(3)),
            Stage::Tls28 => tls(Cluster::builder(V2_8).zookeeper().brokers(3)),
            Stage::Lag => Cluster::builder(NEWEST)
                .controllers(1)
                .brokers(3)
                .broker_property("connections.max.idle.ms", "20000")
                .pillion("sidecar", LAG),
            Stage::Canary => canary(Cluster::builder(NEWEST).controllers(1).brokers(3)),
            Stage::Pair => canary(Cluster::builder(NEWEST).controllers(1).brokers(2)),
            Stage::LagZk39 => Cluster::builder(V3_9).zookeeper().brokers(3).pillion("sidecar", LAG),
            Stage::Zk28 => Cluster::builder(V2_8).zookeeper().brokers(3),
        };
        let began = Instant::now();
        let pillion = Path::new(env!("CARGO_BIN_EXE_pillion"));
        let fleet = if stage.beside_controllers() {
            run(Fleet::start_beside_all(builder, pillion, ""))?
        } else {
            run(Fleet::start(builder, pillion, stage.sidecar()))?
        };
        if stage.is_secured() {
            secured::let_in(&fleet)?;
        }
        println!("    {stage:?}: prepared and started in {:.1} s", began.elapsed().as_secs_f64());
        Ok(Self(Staged::new(fleet, SOON)))
    }

    /// Shows the end of the logs of a test that failed.
    fn dump(&self, name: &str) {
        for id in self.fleet.ids() {
            let node = self.fleet.cluster.node(id);
            for (what, path) in [("pillion beside it", self.fleet.agent_log(id)), ("it", node.log())] {
                let log = std::fs::read_to_string(path).unwrap_or_default();
                let lines: Vec<&str> = log.lines().collect();
                println!("--- {name}: {id} runs: {}; the last lines of {what}", node.running());
                for line in &lines[lines.len().saturating_sub(12)..] {
                    println!("{}", line.chars().take(200).collect::<String>());
                }
            }
        }
    }

    /// Prints the seconds of wrong verdict since an instant and returns pillion's.
    pub fn score(&self, id: i32, since: Instant) -> Score {
        let (ours, tcp) = self.fleet.score_since(id, since);
        let s = |duration: Duration| duration.as_secs_f64();
        println!(
            "    {id}: pillion false ready {:.1} s, false unready {:.1} s, unready while unknowable {:.1} s; \
             TCP false ready {:.1} s",
            s(ours.false_ready),
            s(ours.false_unready),
            s(ours.unready_unknowable),
            s(tcp.false_ready)
        );
        ours
    }

    /// No answer since an instant called this broker unready, and there is one.
    pub fn no_blip(&self, id: i32, since: Instant) -> Result<()> {
        let answers = || self.fleet.ready_since(id, since);
        run(bed::eventually(&format!("{id} is asked"), SOON, async || {
            ensure!(!answers().is_empty(), "it was not");
            Ok(())
        }))?;
        let answers = answers();
        let unready = answers.iter().filter(|(_, ready)| !ready).count();
        ensure!(unready == 0, "{id} was called unready {unready} times of {}", answers.len());
        Ok(())
    }

    /// No answer since an instant called this broker dead.
    pub fn never_dead(&self, id: i32, since: Instant) -> Result<()> {
        let dead = self.fleet.live_since(id, since).iter().filter(|(_, alive)| !alive).count();
        ensure!(dead == 0, "{id} was called dead {dead} times");
        Ok(())
    }

    /// The broker was called unready no later than the others could see it out (and the blur of both samplings).
    pub fn unready_before_out(&self, id: i32, since: Instant) -> Result<Duration> {
        let first =
            |found: Option<Instant>, what: &str| found.with_context(|| format!("{id} was never {what}"));
        let unready = first(
            self.fleet.ready_since(id, since).into_iter().find(|(_, ready)| !ready).map(|(at, _)| at),
            "called unready",
        )?;
        let out = first(
            self.fleet
                .others_since(id, since)
                .into_iter()
                .find(|(_, truth)| *truth == Truth::Out)
                .map(|(at, _)| at),
            "out by the others",
        )?;
        println!(
            "    {id}: called unready after {:.1} s, out by the others after {:.1} s",
            (unready - since).as_secs_f64(),
            (out - since).as_secs_f64()
        );
        ensure!(unready <= out + BLUR, "{id} was out {:?} before it was called unready", unready - out);
        Ok(unready - since)
    }

    /// `/readyz` says this reason now.
    pub fn says(&self, id: i32, code: &str) -> Result<()> {
        let said = self.fleet.said(id);
        ensure!(said.contains(code), "{id} does not say {code}: {said}");
        Ok(())
    }

    /// Waits until `/readyz` says this reason.
    pub fn wait_says(&self, id: i32, code: &str) -> Result<()> {
        run(bed::eventually(&format!("{id} says {code}"), SOON, async || self.says(id, code)))
    }
}

/// Listeners for clients and for brokers with certificates that pillion keeps, by files beside each broker.
fn tls(builder: Builder) -> Builder {
    let lines = ["EXTERNAL", "INTERNAL"]
        .map(|name| format!("    {name}:\n      directory: {{path: \"{{dir}}/tls\"}}\n"))
        .concat();
    builder
        .tls(Tls::new().client_auth().managed())
        .pillion("certificates", &format!("  authorityChange: \"{{dir}}/change\"\n  listeners:\n{lines}"))
}

/// With snapshots of the metadata, as hours would bring them.
fn snapshots(builder: Builder) -> Builder {
    builder.broker_property("metadata.log.max.snapshot.interval.ms", "15000")
}

fn canary(builder: Builder) -> Builder {
    builder
        .property("min.insync.replicas", "2")
        .broker_property("compression.type", "gzip")
        .pillion("sidecar", "  canary: {enabled: true}\n")
}

/// Lets the fault last.
pub fn pass(time: Duration) {
    std::thread::sleep(time);
}
