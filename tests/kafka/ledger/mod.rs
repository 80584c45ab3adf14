//! The metadata log on the broker's own volume: that verdicts rest on it, how soon, and what happens when they cannot.

pub mod replay;

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use bed::{Second, Truth, Watch, topics::Topic, watch::Outcome};
use serde_json::Value;

use super::resources::value;
pub use super::scene::pass;
use super::scene::{NOTICE, SOON, Scene, run};

/// What the status says of the log of a broker.
fn told(scene: &Scene, id: i32) -> Result<(Value, Value)> {
    let status = run(scene.fleet.status(id))?;
    let evidence = status["evidence"].as_array().context("evidence")?.clone();
    let piece =
        evidence.into_iter().find(|piece| piece["name"] == "metadata-log").context("no metadata-log")?;
    Ok((status["observations"]["ledger"].clone(), piece))
}

fn counts(scene: &Scene, id: i32, wanted: bool) -> Result<()> {
    run(bed::eventually(&format!("the log of {id} counts: {wanted}"), SOON, async || {
        let status = scene.fleet.status(id).await?;
        let ledger = &status["observations"]["ledger"];
        ensure!(ledger["counts"].as_bool().unwrap_or(false) == wanted, "{ledger}");
        Ok(())
    }))
}

/// It is followed on every broker, agrees with what the brokers answer, and is read soon after it is written.
pub fn followed(scene: &Scene) -> Result<()> {
    scene.topic("logged")?;
    for id in scene.fleet.ids() {
        counts(scene, id, true)?;
        let mut delays = Vec::new();
        for _ in 0..20 {
            let (ledger, piece) = told(scene, id)?;
            ensure!(piece["fresh"] == true, "{piece}");
            delays.extend(ledger["delay_ms"].as_u64());
            pass(Duration::from_millis(200));
        }
        delays.sort_unstable();
        let (_, piece) = told(scene, id)?;
        println!("    {id}: {}; delays in ms: {delays:?}", piece["detail"]);
        ensure!(delays.len() == 20, "{delays:?}");
    }
    // Scans are rare while it counts: the same one is told of seconds later.
    let age = |id| -> Result<f64> {
        let (_, metrics) = run(scene.fleet.ask(id, "/metrics"))?;
        value(&metrics, "metadata_log_agreed_age_seconds").context("no age")
    };
    let mut ages = vec![age(1001)?];
    for _ in 0..2 {
        pass(Duration::from_secs(5));
        ages.push(age(1001)?);
    }
    // One of the rare ones may have come in between.
    ensure!(ages.windows(2).any(|two| two[1] >= two[0] + 4.0), "a scan in each 5 s: {ages:?}");
    Ok(())
}

/// Another broker dies: how soon is it known that this one may not stop any more, by the log and by the broker's answers?
pub fn sooner(scene: &Scene) -> Result<()> {
    let all = scene.fleet.ids();
    let topic = Topic::assigned("shared", &[&[1001, 1002, 1003]]).config("min.insync.replicas", "2");
    run(scene.fleet.cluster.create_topic(topic))?;
    ensure!(all == [1001, 1002, 1003], "{all:?}");
    let second = run(async { Second::start(&scene.fleet, 1001, &["sidecar.ledger=false"]) })?;
    let watches = run(async {
        [Watch::http(scene.fleet.agent(1001), "/stopz"), Watch::http(second.address(), "/stopz")]
    });
    for watch in &watches {
        watch.pace(Duration::from_millis(20));
        run(bed::eventually("it may stop", SOON, async || {
            ensure!(watch.last().is_some_and(|answer| answer.ready()), "{:?}", watch.last());
            Ok(())
        }))?;
    }
    counts(scene, 1001, true)?;
    let killed = Instant::now();
    scene.node(1002).kill()?;
    scene.wait_dropped(1002)?;
    let out = Instant::now();
    let mut first = Vec::new();
    for watch in &watches {
        let no = run(bed::eventually("it may not stop", SOON, async || {
            let no = |answer: &bed::watch::Answer| answer.at > killed && !answer.ready();
            Ok(watch.answers().into_iter().find(no).context("it still may")?.at)
        }))?;
        first.push(no);
    }
    let ago = |at: Instant| (at - killed).as_secs_f64();
    println!(
        "    after the kill: out by the others {:.2} s, may not stop by the log {:.2} s, by the answers {:.2} s",
        ago(out),
        ago(first[0]),
        ago(first[1])
    );
    // The others' word is polled four times a second itself.
    ensure!(first[0] < out + NOTICE, "{:?}", first[0] - out);
    drop(second);
    scene.start(1002)?;
    scene.wait(1002, true)?;
    Ok(())
}

/// What the log says and the broker answers is the same through a storm of changes.
pub fn agrees(scene: &Scene) -> Result<()> {
    let cluster = &scene.fleet.cluster;
    let since = Instant::now();
    let watches = run(async {
        let watch = |id| Watch::http(scene.fleet.agent(id), "/metrics");
        [1001, 1002].map(watch)
    });
    for watch in &watches {
        watch.pace(Duration::from_millis(40));
    }
    for round in 0..8 {
        let name = format!("storm-{round}");
        run(cluster.create_topic(Topic::new(&name, 20, 2)))?;
        if round % 2 == 1 {
            run(cluster.delete_topic(&name))?;
        }
    }
    scene.stop(1003)?;
    scene.start(1003)?;
    scene.wait(1003, true)?;
    read_after(&watches)?;
    for id in scene.fleet.ids() {
        counts(scene, id, true)?;
        let status = run(scene.fleet.status(id))?;
        ensure!(status["observations"]["contradiction"].is_null(), "{status}");
        let assigned = status["partitions"]["assigned"].as_u64().context("assigned")?;
        let hosted = run(cluster.hosted(id))?.len() as u64;
        ensure!(assigned == hosted, "{id}: {assigned} assigned, {hosted} hosted");
        if id != 1003 {
            scene.no_blip(id, since)?;
        }
    }
    Ok(())
}

/// How long after the controller's stamp each of the changes was read that were caught by polling.
fn read_after(watches: &[Watch]) -> Result<()> {
    let mut delays = Vec::new();
    for watch in watches {
        let mut last = None;
        for answer in watch.answers() {
            let Outcome::Http { body, .. } = answer.outcome else { continue };
            let offset = value(&body, "metadata_log_offset");
            if offset.is_some() && offset != last {
                delays.extend(value(&body, "metadata_log_delay_seconds"));
                last = offset;
            }
        }
    }
    delays.sort_unstable_by(f64::total_cmp);
    ensure!(delays.len() > 50, "{delays:?}");
    let at = |share: usize| delays[(delays.len() - 1) * share / 100] * 1e3;
    println!(
        "    {} batches were read {:.0} ms (half of them), {:.0} ms (99 of 100), {:.0} ms (all) after their stamp",
        delays.len(),
        at(50),
        at(99),
        at(100)
    );
    Ok(())
}

/// The log is damaged where the agent reads it: the broker's answers take over, and nobody notices.
pub fn lost(scene: &Scene) -> Result<()> {
    counts(scene, 1002, true)?;
    let since = Instant::now();
    let dir = metadata_dir(scene, 1002)?;
    // What the broker goes on to write is elsewhere; the directory that the agent looks into is gone.
    let aside = dir.with_extension("aside");
    fs::rename(&dir, &aside)?;
    counts(scene, 1002, false)?;
    let (_, piece) = told(scene, 1002)?;
    println!("    {}", piece["detail"]);
    pass(Duration::from_secs(20));
    scene.no_blip(1002, since)?;
    put_back(&aside, &dir)?;
    counts(scene, 1002, true)?;
    scene.no_blip(1002, since)?;
    Ok(())
}

/// A log that stands still while the broker goes on is another one, whatever it says.
pub fn of_old(scene: &Scene) -> Result<()> {
    counts(scene, 1002, true)?;
    let since = Instant::now();
    let dir = metadata_dir(scene, 1002)?;
    let aside = dir.with_extension("aside");
    fs::rename(&dir, &aside)?;
    copy(&aside, &dir)?;
    counts(scene, 1002, false)?;
    // For a moment there was none.
    run(bed::eventually("it is told for another one", SOON, async || {
        let ledger = scene.fleet.status(1002).await?["observations"]["ledger"].clone();
        ensure!(ledger["why"].as_str().is_some_and(|why| why.contains("has applied")), "{ledger}");
        println!("    {ledger}");
        Ok(())
    }))?;
    scene.no_blip(1002, since)?;
    put_back(&aside, &dir)?;
    counts(scene, 1002, true)?;
    Ok(())
}

/// The broker leaves the ISR: the log tells it before the broker's answers can.
pub fn out_of_isr(scene: &Scene) -> Result<()> {
    let led_by_1001: [&[i32]; 1] = [&[1001, 1003]];
    run(scene
        .fleet
        .cluster
        .create_topic(Topic::assigned("shrunk", &led_by_1001).config("min.insync.replicas", "1")))?;
    counts(scene, 1003, true)?;
    let since = Instant::now();
    scene.fleet.cluster.net().cut(1003, 1001)?;
    run(scene.fleet.cluster.fill("shrunk", 1 << 20))?;
    scene.wait_dropped(1003)?;
    scene.wait(1003, false)?;
    let score = scene.score(1003, since);
    ensure!(score.false_ready <= NOTICE, "{score:?}");
    scene.says(1003, "out-of-isr")?;
    counts(scene, 1003, true)?;
    scene.fleet.cluster.net().heal(1003, 1001)?;
    scene.wait_truth(1003, Truth::InSync)?;
    scene.wait(1003, true)?;
    Ok(())
}

fn metadata_dir(scene: &Scene, id: i32) -> Result<PathBuf> {
    let first = scene.fleet.cluster.node(id).data_dirs().first().cloned().context("a data dir")?;
    Ok(first.join("__cluster_metadata-0"))
}

/// The directory that was put aside is there again, with the snapshots that the broker has made at its place meanwhile.
fn put_back(aside: &Path, dir: &Path) -> Result<()> {
    if dir.exists() {
        for entry in fs::read_dir(dir)? {
            let entry = entry?;
            let kept = aside.join(entry.file_name());
            if !kept.exists() {
                fs::rename(entry.path(), kept)?;
            }
        }
        fs::remove_dir_all(dir)?;
    }
    Ok(fs::rename(aside, dir)?)
}

fn copy(from: &PathBuf, to: &PathBuf) -> Result<()> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        fs::copy(entry.path(), to.join(entry.file_name()))?;
    }
    Ok(())
}

/// Brokers close connections that are idle, here after 20 s. While the metadata log counts, scans are a minute apart.
pub fn closes_idle_connections(scene: &Scene) -> Result<()> {
    for id in scene.fleet.ids() {
        scene.wait(id, true)?;
        counts(scene, id, true)?;
    }
    let (since, at) = (Instant::now(), jiff::Timestamp::now().to_string());
    // More than from one scan to the next.
    pass(Duration::from_secs(75));
    for id in scene.fleet.ids() {
        scene.no_blip(id, since)?;
        let log = fs::read_to_string(scene.fleet.agent_log(id))?;
        let lost =
            log.lines().find(|line| *line > at.as_str() && line.contains("scan of the partitions: lost"));
        ensure!(lost.is_none(), "{id}: {lost:?}");
    }
    Ok(())
}
