//! What pillion asks of real brokers on which nothing happens, and what answering takes them: three brokers that hold
//! 3,000 partitions three times, in 250 topics, with all settings at their defaults. Each agent asks its broker through a
//! relay that counts. The bed's own watches ask the brokers more than the agents do, with and without these; so the
//! processor time of a broker is worth something only on a machine that does nothing else.

use std::{
    fs,
    io::{self, Write},
    path::Path,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use bed::{Cluster, Fleet, NEWEST, eventually};
use kafka_protocol::messages::ApiKey;

use crate::{
    idle::{Agent, cpu_seconds, fill},
    relay::{Counts, Relay},
    row::Row,
};

const TOPICS: u32 = 250;
const PARTITIONS: i32 = 12;
/// How long each of the two is watched.
const WATCHED: Duration = Duration::from_secs(90);
/// Before that: a broker that was just asked for much is not quiet at once.
const SETTLE: Duration = Duration::from_secs(20);
/// Long enough for anything that will happen at all.
const SOON: Duration = Duration::from_secs(300);
/// `DescribeConfigs`: what topics need.
const SETTINGS: i16 = 32;
/// `DescribeTopicPartitions`: the scans, and the names of the topics.
const SCANS: i16 = 75;

/// Requests and bytes a minute, of one agent; and the broker's processor time with and without it.
pub fn rows(binary: &Path) -> Result<Vec<Row>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let fleet = Fleet::start(Cluster::builder(NEWEST).controllers(1).brokers(3), binary, "").await?;
        fleet.wait_all_ready(SOON).await?;
        fill(&fleet, TOPICS, PARTITIONS, 3).await?;
        fleet.wait_all_ready(SOON).await?;
        let mut relays = Vec::new();
        let mut agents = Vec::new();
        for id in fleet.ids() {
            let relay =
                Relay::start(fleet.cluster.net().host_ip(), fleet.cluster.node(id).bootstrap()).await?;
            lead_through(&fleet, id, &relay)?;
            agents.push(Agent::instead(&fleet, id, binary)?);
            relays.push(relay);
        }
        fleet.wait_all_ready(SOON).await?;
        wait_stoppable(&fleet).await?;
        writeln!(io::stderr(), "    all are ready and may stop; watching")?;
        let (with, asked) = watch(&fleet, &relays).await?;
        for id in fleet.ids() {
            ensure!(fleet.is_ready(id), "{id} is no longer called ready: {}", fleet.said(id));
        }
        wait_stoppable(&fleet).await?;
        drop(agents);
        let (without, silent) = watch(&fleet, &relays).await?;
        ensure!(silent.is_empty(), "agents that ended went on to ask: {silent:?}");
        Ok(table(with, without, &asked))
    })
}

/// The next agent of this broker asks it through the relay.
fn lead_through(fleet: &Fleet, id: i32, relay: &Relay) -> Result<()> {
    let path = fleet.run_dir(id).join("identity.json");
    let mut identity: serde_json::Value = serde_json::from_slice(&fs::read(&path)?)?;
    let listener = identity.get_mut("listener").context("no listener")?;
    listener["host"] = fleet.cluster.net().host_ip().to_string().into();
    listener["port"] = relay.port.into();
    Ok(fs::write(path, serde_json::to_vec(&identity)?)?)
}

async fn wait_stoppable(fleet: &Fleet) -> Result<()> {
    eventually("all may stop", SOON, async || {
        for id in fleet.ids() {
            let (status, said) = fleet.ask(id, "/stopz").await?;
            ensure!(status == 200, "{id}: {said}");
        }
        Ok(())
    })
    .await
}

/// A broker's share of a core, in per cent, and what agents asked meanwhile: both a broker, and the latter a minute.
async fn watch(fleet: &Fleet, relays: &[Relay]) -> Result<(f64, BTreeCounts)> {
    tokio::time::sleep(SETTLE).await;
    let cpu = || -> Result<f64> {
        let each = fleet.cluster.brokers().map(|node| cpu_seconds(node.pid().context("it does not run")?));
        each.sum()
    };
    let all = || relays.iter().map(Relay::counts).fold(Counts::new(), plus);
    let (before, asked) = (cpu()?, all());
    tokio::time::sleep(WATCHED).await;
    let (after, now) = (cpu()?, all());
    let brokers = f64::from(u32::try_from(relays.len())?);
    let minutes = WATCHED.as_secs_f64() / 60.0;
    let mut a_minute = BTreeCounts::new();
    for (key, (requests, bytes)) in now {
        let (requests_before, bytes_before) = asked.get(&key).copied().unwrap_or_default();
        let each = |more: u64| -> Result<f64> { Ok(f64::from(u32::try_from(more)?) / brokers / minutes) };
        if requests > requests_before {
            a_minute.insert(key, (each(requests - requests_before)?, each(bytes - bytes_before)?));
        }
    }
    Ok(((after - before) / WATCHED.as_secs_f64() / brokers * 100.0, a_minute))
}

/// Requests and bytes a minute, by Kafka's number of the request.
type BTreeCounts = std::collections::BTreeMap<i16, (f64, f64)>;

fn plus(mut all: Counts, more: Counts) -> Counts {
    for (key, (requests, bytes)) in more {
        let count = all.entry(key).or_default();
        *count = (count.0 + requests, count.1 + bytes);
    }
    all
}

fn table(with: f64, without: f64, asked: &BTreeCounts) -> Vec<Row> {
    let of = |key: i16| asked.get(&key).copied().unwrap_or_default();
    let all = asked.values().fold((0.0, 0.0), |all, one| (all.0 + one.0, all.1 + one.1));
    for (key, (requests, bytes)) in asked {
        let name = ApiKey::try_from(*key).map_or_else(|()| key.to_string(), |known| format!("{known:?}"));
        let _ = writeln!(
            io::stderr(),
            "    {name}: {requests:.0} requests, {:.1} kB a minute and broker",
            bytes / 1000.0
        );
    }
    let mut rows = Vec::new();
    // All of it: a hundredth of what an answer about 100,000 partitions (4.68 MB) each 10 s would be. The rare scans may take
    // another 31 kB a minute, once in many.
    let goals = [
        ("what topics need", of(SETTINGS), 8.0, 100.0),
        ("scans", of(SCANS), 4.0, 31.0),
        ("all of it", all, 600.0, 250.0),
    ];
    for (what, (requests, bytes), most, most_kb) in goals {
        let name = |unit: &str| format!("load: {what}, {unit} a minute and broker");
        rows.push(Row::at_most(&name("requests"), requests, "requests", most, None));
        rows.push(Row::at_most(&name("bytes"), bytes / 1e3, "kB", most_kb, None));
    }
    rows.push(Row::at_most(
        "load: a broker with pillion beside it, of a core",
        with,
        "%",
        (without + 10.0).round(),
        Some(without),
    ));
    rows
}
