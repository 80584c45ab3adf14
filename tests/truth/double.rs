//! A second agent beside a broker, within this process: its clock can be stepped, and it can be led astray.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Instant,
};

use anyhow::{Context, Result, anyhow, ensure};
use bed::{Watch, watch::Outcome};
use pillion::{
    clock::{Clock, Now},
    config::{self, Sources},
    init::Identity,
    sidecar,
};
use tokio_util::sync::CancellationToken;

use super::scene::{Scene, runtime};

/// Stops when dropped.
pub struct Double {
    offset_ms: Arc<AtomicI64>,
    stop: CancellationToken,
    watch: Watch,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Double {
    /// Starts one with the configuration and the identity of the broker's own agent, which asks at `broker` if that is
    /// given.
    pub fn start(scene: &Scene, id: i32, broker: Option<SocketAddr>) -> Result<Self> {
        let address = free()?;
        let mut sources = Sources { file: Some(scene.fleet.config(id)), ..Sources::default() };
        sources.flag("--set", "sidecar.listen", address.to_string());
        let told = |problems: Vec<pillion::problem::Problem>| anyhow!("{problems:?}");
        let config = config::load(&sources).map_err(told)?.config;
        let mut identity = Identity::read(&config.run_dir).map_err(|problem| anyhow!("{problem}"))?;
        if let Some(broker) = broker {
            identity.listener.host = broker.ip().to_string();
            identity.listener.port = broker.port();
        }
        let offset_ms = Arc::<AtomicI64>::default();
        let (system, offset) = (Clock::system(), Arc::clone(&offset_ms));
        let clock = Clock::from_fn(move || {
            let Now { boot, wall_ms } = system.now();
            Now { boot, wall_ms: wall_ms + offset.load(Ordering::Relaxed) }
        });
        let stop = CancellationToken::new();
        let token = stop.clone();
        // Its futures stay on one thread.
        let thread = std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(sidecar::run(&config, &identity, clock, token)).expect("the second agent runs");
        });
        let watch = {
            let _within = runtime().enter();
            Watch::http(address, "/readyz")
        };
        Ok(Self { offset_ms, stop, watch, thread: Some(thread) })
    }

    /// Steps its wall clock.
    pub fn step(&self, by_ms: i64) {
        self.offset_ms.fetch_add(by_ms, Ordering::Relaxed);
    }

    pub fn ready(&self) -> Result<()> {
        let last = self.watch.last().context("not asked yet")?;
        ensure!(last.ready(), "{:?}", last.outcome);
        Ok(())
    }

    /// `/readyz` has given this reason since then.
    pub fn says(&self, code: &str, since: Instant) -> Result<()> {
        let said = |outcome: &Outcome| matches!(outcome, Outcome::Http { body, .. } if body.contains(code));
        let answers = self.watch.answers();
        ensure!(
            answers.iter().any(|answer| answer.at >= since && said(&answer.outcome)),
            "{:?}",
            self.watch.last()
        );
        Ok(())
    }

    /// Why it said unready since then, each reason once.
    pub fn reasons(&self, since: Instant) -> Vec<String> {
        let mut answers = self.watch.answers();
        answers.retain(|answer| answer.at >= since);
        bed::watch::reasons(&answers)
    }

    pub fn timeline(&self) -> Vec<(Instant, bool)> {
        self.watch.timeline()
    }
}

impl Drop for Double {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A port that nobody listens on.
fn free() -> Result<SocketAddr> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}
