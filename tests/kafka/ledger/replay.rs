//! The logs that real brokers wrote through random changes, read batch by batch beside Kafka's own image.

use std::{
    collections::{BTreeMap, HashSet},
    fmt::Write as _,
    fs::{self, OpenOptions},
    io::Write as _,
    path::Path,
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use bed::topics::Topic;
use pillion::ledger::{Follower, Log, Placement, State};
use pillion_probes::{moves::Move, set::Key};

use super::{metadata_dir, pass};
use crate::scene::{Scene, run};

const SEED: u64 = 14_635_824_584_742_220_203;
const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/java/Ledger.java");

/// What is told at every offset is what `MetadataImage` makes of the same records.
pub fn is_as_kafka_has_it(scene: &Scene) -> Result<()> {
    // Another one finds other histories: `SEED=7`.
    let seed = std::env::var("SEED").map_or(Ok(SEED), |seed| seed.parse())?;
    println!("    seed {seed}");
    changes(scene, &mut fastrand::Rng::with_seed(seed))?;
    let mut read = 0;
    for id in scene.fleet.ids() {
        let dir = tempfile::tempdir()?;
        let segments = segments(&metadata_dir(scene, id)?)?;
        let recorded = dir.path().join("recorded");
        fs::create_dir(&recorded)?;
        for (name, bytes) in &segments {
            fs::write(recorded.join(name), bytes)?;
        }
        let kafka = by_kafka(scene, &recorded, id)?;
        let (ours, batches) = by_us(&dir.path().join("__cluster_metadata-0"), &segments, id)?;
        println!("    {id}: {batches} batches, {} changes, all alike: {}", ours.len(), ours == kafka);
        ensure!(ours.len() > 10, "nothing happened: {ours:?}");
        for (ours, kafka) in ours.iter().zip(&kafka) {
            ensure!(ours == kafka, "{id}, seed {seed}:\nours  {ours}\nKafka {kafka}");
        }
        ensure!(ours.len() == kafka.len(), "{} changes, Kafka has {}", ours.len(), kafka.len());
        read += snapshots(scene, id)?;
    }
    // One that was just started has none yet.
    ensure!(read > 0, "no broker has made a snapshot");
    Ok(())
}

/// Each snapshot that the broker made says the same to both; how many there are.
fn snapshots(scene: &Scene, id: i32) -> Result<u32> {
    let mut read = 0;
    for entry in fs::read_dir(metadata_dir(scene, id)?)? {
        let path = entry?.path();
        let end = path.file_stem().and_then(|name| name.to_str()?.split('-').next()?.parse::<i64>().ok());
        let Some(end) = end.filter(|end| *end > 0 && path.extension().is_some_and(|it| it == "checkpoint"))
        else {
            continue;
        };
        let dir = tempfile::tempdir()?;
        let dir = dir.path().join("__cluster_metadata-0");
        fs::create_dir(&dir)?;
        // Kafka may be deleting it.
        if fs::copy(&path, dir.join(path.file_name().context("a name")?)).is_err() {
            continue;
        }
        let kafka = by_kafka(scene, &dir, id)?.pop().context("nothing in it")?;
        fs::write(dir.join(format!("{end:020}.log")), [])?;
        let log = Log { dir, own: id, key: Key::new(7) };
        let follower = Follower::open(&log, HashSet::new(), end, || true)?;
        let ours = tell(&follower, id);
        ensure!(
            kafka.split_once(' ').is_some_and(|(_, kafka)| kafka == ours),
            "{end}:\nours  {ours}\nKafka {kafka}"
        );
        read += 1;
    }
    println!("    {id}: {read} snapshots, all alike");
    Ok(read)
}

/// Topics made, deleted, reassigned, led anew without a clean leader, a broker fenced.
fn changes(scene: &Scene, random: &mut fastrand::Rng) -> Result<()> {
    let cluster = &scene.fleet.cluster;
    let mut alive: Vec<String> = Vec::new();
    for number in 0..24 {
        match random.u8(0..10) {
            0..4 => {
                let name = format!("random-{}-{number}", random.u16(..));
                let copies = random.i32(1..4);
                tried(run(cluster.create_topic(Topic::new(&name, random.i32(1..6), copies))));
                alive.push(name);
            }
            4..6 if alive.len() > 1 => {
                let name = alive.swap_remove(random.usize(0..alive.len()));
                tried(run(cluster.delete_topic(&name)));
            }
            6..9 if !alive.is_empty() => {
                let mut replicas = scene.fleet.ids();
                random.shuffle(&mut replicas);
                replicas.truncate(random.usize(1..=replicas.len()));
                let name = &alive[random.usize(0..alive.len())];
                tried(run(cluster.reassign(name, 1, &replicas)));
            }
            _ => {
                let name = &alive.first().cloned().unwrap_or_else(|| "logged".into());
                let least = (random.bool()).then_some("2");
                tried(run(cluster.set_on_topic(name, "min.insync.replicas", least)));
            }
        }
        pass(Duration::from_millis(100));
    }
    // Out of all ISRs, fenced, and back.
    scene.node(1002).kill()?;
    pass(Duration::from_secs(2));
    for name in alive.iter().take(3) {
        // Those that still have a leader refuse.
        run(cluster.elect_unclean(name, 0)).ok();
    }
    scene.wait_dropped(1002)?;
    let meanwhile = format!("meanwhile-{}", random.u16(..));
    tried(run(cluster.create_topic(Topic::new(&meanwhile, 3, 2))));
    alive.push(meanwhile);
    scene.start(1002)?;
    scene.wait(1002, true)?;
    for name in alive {
        tried(run(cluster.delete_topic(&name)));
    }
    pass(Duration::from_secs(1));
    Ok(())
}

/// What is refused changes nothing in the log; what changed enough is asked at the end.
fn tried(outcome: Result<()>) {
    if let Err(error) = outcome {
        println!("    not done: {error:#}");
    }
}

/// The segments of a log, in order.
fn segments(dir: &Path) -> Result<BTreeMap<String, Vec<u8>>> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).context("a name")?.to_owned();
        if path.extension().is_some_and(|extension| extension == "log") {
            all.insert(name, fs::read(&path)?);
        }
    }
    ensure!(
        all.keys().next().is_some_and(|name| name.starts_with("00000000000000000000")),
        "{:?}",
        all.keys()
    );
    Ok(all)
}

fn by_kafka(scene: &Scene, recorded: &Path, id: i32) -> Result<Vec<String>> {
    let libs = scene.fleet.cluster.kafka().libs();
    let mut java = Command::new("java");
    java.args(["-XX:TieredStopAtLevel=1", "-cp"]).arg(format!("{}/*", libs.display()));
    let output = java.arg(SOURCE).arg(recorded).arg(id.to_string()).output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?.lines().map(str::to_owned).collect())
}

/// Writes the segments batch by batch, as the broker did, and tells what is told after each.
fn by_us(dir: &Path, segments: &BTreeMap<String, Vec<u8>>, id: i32) -> Result<(Vec<String>, usize)> {
    fs::create_dir(dir)?;
    let log = Log { dir: dir.to_owned(), own: id, key: Key::new(7) };
    let (mut lines, mut last, mut batches) = (Vec::new(), String::new(), 0);
    let mut follower: Option<Follower> = None;
    for (name, bytes) in segments {
        let mut file = OpenOptions::new().create(true).append(true).open(dir.join(name))?;
        let mut left = bytes.as_slice();
        while left.len() > 12 {
            let size = 12 + usize::try_from(i32::from_be_bytes(left[8..12].try_into()?))?;
            // The broker was writing when the file was copied.
            let Some((batch, rest)) = left.split_at_checked(size) else { break };
            left = rest;
            file.write_all(batch)?;
            batches += 1;
            let follower = match &mut follower {
                Some(follower) => follower,
                None => follower.insert(Follower::open(&log, HashSet::new(), 0, || true)?),
            };
            catch_up(follower)?;
            if let Some(wanted) = follower.state().wanted() {
                *follower = Follower::open(&log, wanted, 0, || true)?;
                catch_up(follower)?;
                follower.state_mut().settle();
            }
            let told = tell(follower, id);
            if told != last {
                lines.push(format!("{} {told}", follower.end()));
                last = told;
            }
        }
    }
    Ok((lines, batches))
}

fn catch_up(follower: &mut Follower) -> Result<()> {
    while follower.step()? {}
    let end = follower.end() + 1;
    follower.state_mut().commit(end);
    Ok(())
}

fn tell(follower: &Follower, own: i32) -> String {
    let state = follower.state();
    let replicas: BTreeMap<String, String> = (state.replicas())
        .map(|(topic, index, placement, offline)| {
            (format!("{topic}-{index}"), replica(state, placement, own, offline))
        })
        .collect();
    let mut out = format!("{} {} {{", state.topics(), state.is_fenced());
    for (number, (name, replica)) in replicas.iter().enumerate() {
        let _ = write!(out, "{}{name}={replica}", if number > 0 { ", " } else { "" });
    }
    out + "}"
}

fn replica(state: &State, placement: &Placement, own: i32, offline: bool) -> String {
    let left = placement.without(own, |id| state.is_live(id));
    let moves = match placement.moves() {
        Some(Move::Adding) => " adding",
        Some(Move::Removing) => " removing",
        None => "",
    };
    format!(
        "{} {}{}{moves} {}/{}/{}",
        placement.leader,
        if placement.in_isr(own) { "in" } else { "out" },
        if offline { " offline" } else { "" },
        left.replicas,
        left.isr,
        left.eligible
    )
}
