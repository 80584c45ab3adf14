//! What the sidecar takes beside one of three real brokers on which nothing happens, with all settings at their defaults,
//! and with consumer lag and the canary as well.
//!
//! It is asked as the manifests in `deploy/` have a kubelet ask, and scraped as by a Prometheus with the usual interval.

use std::{
    fs,
    io::{self, Write},
    path::Path,
    process::{Child, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use bed::{Cluster, Fleet, NEWEST, Watch, process, topics::Topic, watch::Answer};
use rustix::process::Signal;

use crate::row::Row;

/// How long it is watched, once it has called the broker ready and settled.
const WATCHED: Duration = Duration::from_secs(60);
/// Between ready and the beginning of the watch.
const SETTLE: Duration = Duration::from_secs(10);
/// Long enough for anything that will happen at all.
const SOON: Duration = Duration::from_secs(120);
/// Between two probes of readiness and of liveness, and between two scrapes.
const READY: Duration = Duration::from_secs(1);
const LIVE: Duration = Duration::from_secs(10);
const SCRAPE: Duration = Duration::from_secs(15);
/// Of the cluster, each with one copy.
const TOPICS: u32 = 100;
const PARTITIONS: i32 = 100;
/// Resident memory that is allowed, in megabytes, and the share of one core, in per cent.
const ALONE: (f64, f64) = (12.0, 0.5);
/// The same with consumer lag and the canary.
const WITH_CLIENTS: (f64, f64) = (25.0, 1.0);
const CLIENTS: [&str; 4] = ["--set", "sidecar.lag.enabled=true", "--set", "sidecar.canary.enabled=true"];

/// Resident memory and processor time.
pub fn rows(binary: &Path) -> Result<Vec<Row>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let fleet = Fleet::start(Cluster::builder(NEWEST).controllers(1).brokers(3), binary, "").await?;
        let id = fleet.ids().first().copied().context("no broker")?;
        fleet.wait_all_ready(SOON).await?;
        fill(&fleet, TOPICS, PARTITIONS, 1).await?;
        fleet.wait_all_ready(SOON).await?;
        fleet.pace_probes(id, READY, LIVE);
        let scraper = Watch::http(fleet.agent(id), "/metrics");
        scraper.pace(SCRAPE);
        let agent = Agent::instead(&fleet, id, binary)?;
        let mut rows = watched(&fleet, id, &agent, "sidecar idle beside a broker", ALONE).await?;
        drop(agent);
        let agent = Agent::start(&fleet, id, binary, &CLIENTS)?;
        rows.extend(
            watched(&fleet, id, &agent, "the same with consumer lag and the canary", WITH_CLIENTS).await?,
        );
        ensure!(scraper.answers().iter().any(Answer::ready), "it was not scraped");
        Ok(rows)
    })
}

/// Makes so many topics of so many partitions and copies.
pub async fn fill(fleet: &Fleet, topics: u32, partitions: i32, copies: i32) -> Result<()> {
    let name = |number: u32| format!("bench-{number:03}");
    let client = fleet.cluster.client();
    for number in 1..topics {
        Topic::new(&name(number), partitions, copies).make(&client).await?;
    }
    // The last one waits until its partitions are led, and the controller makes them in order.
    fleet.cluster.create_topic(Topic::new(&name(0), partitions, copies)).await
}

async fn watched(fleet: &Fleet, id: i32, agent: &Agent, what: &str, most: (f64, f64)) -> Result<Vec<Row>> {
    tokio::time::sleep(SETTLE).await;
    fleet.wait(id, true, SOON).await?;
    writeln!(io::stderr(), "    {what}: the broker is ready; watching")?;
    tokio::time::sleep(SETTLE).await;
    let (began, before) = (Instant::now(), agent.cpu_seconds()?);
    tokio::time::sleep(WATCHED).await;
    let (took, after) = (began.elapsed().as_secs_f64(), agent.cpu_seconds()?);
    ensure!(fleet.is_ready(id), "the broker is no longer called ready: {}", fleet.said(id));
    let share = (after - before) / took * 100.0;
    Ok(vec![
        Row::at_most(&format!("{what}, resident"), agent.resident_mb()?, "MB", most.0, None),
        Row::at_most(&format!("{what}, of a core"), share, "%", most.1, None),
    ])
}

/// Processor time of all threads of a process so far.
pub fn cpu_seconds(pid: u32) -> Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name may hold anything but ends with the last parenthesis; utime is the 12th word behind it.
    let words = stat.rsplit_once(')').context("no name")?.1;
    let ticks: u32 = words.split_whitespace().skip(11).take(2).filter_map(|n| n.parse::<u32>().ok()).sum();
    let rate = u32::try_from(rustix::param::clock_ticks_per_second())?;
    Ok(f64::from(ticks) / f64::from(rate))
}

/// The sidecar as it is run in earnest: the bed's own one logs every detail.
pub struct Agent(Child);

impl Agent {
    pub fn instead(fleet: &Fleet, id: i32, binary: &Path) -> Result<Self> {
        fleet.signal_agent(id, Signal::TERM)?;
        fleet.reap_agent(id, Duration::from_secs(5))?;
        Self::start(fleet, id, binary, &[])
    }

    fn start(fleet: &Fleet, id: i32, binary: &Path, more: &[&str]) -> Result<Self> {
        let mut command = fleet.cluster.node(id).in_netns_tied(binary);
        command.args(["sidecar", "--config"]).arg(fleet.config(id)).args(more);
        command.env_remove("PILLION_LOG").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Ok(Self(process::spawn(command).context("failed to start the sidecar")?))
    }

    fn cpu_seconds(&self) -> Result<f64> {
        cpu_seconds(self.0.id())
    }

    fn resident_mb(&self) -> Result<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
        let kib: u32 = line.trim().trim_end_matches("kB").trim().parse()?;
        Ok(f64::from(kib) * 1024.0 / 1e6)
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        // It may have ended by itself; either way it must be gone.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
