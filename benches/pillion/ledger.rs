//! The reader of the metadata log on snapshots that Kafka's own classes wrote, and on a log that grows: broker 1 has some
//! 4,000 replicas, whatever the cluster has.

use std::{
    collections::HashSet,
    fs,
    hint::black_box,
    io::{self, Write},
    path::Path,
    process::Command,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use bed::{NEWEST, fetch::Kafka};
use pillion::ledger::{
    Follower, Log,
    batch::{HEADER, Header, records},
    records::{Record, decode},
};
use pillion_probes::set::Key;
use rustix::time::{ClockId, clock_gettime};

use crate::{
    encode::{Change, Disk, change_of, no_op},
    row::Row,
    scan::Peak,
};

const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/java/Snapshot.java");
const OWN: i32 = 1;
/// The first offset behind the snapshot.
const END: i64 = 5000;
/// As the sidecar looks.
const TICK: Duration = Duration::from_millis(50);
/// What is no worse is told so often.
const AGAIN: Duration = Duration::from_millis(500);
/// How long a growing log is watched.
const WATCHED: Duration = Duration::from_secs(8);
/// The time and the heap that a start may take, at a million partitions.
const START_MS: f64 = 2000.0;
const HEAP_KIB: f64 = 16.0 * 1024.0;

/// All rows.
pub fn rows(peak: Peak<'_>) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for partitions in [10_000, 100_000, 1_000_000] {
        let dir = tempfile::tempdir()?;
        let mut disk = Disk::new(dir.path());
        snapshot(&disk.dir, partitions)?;
        disk.start_at(END);
        disk.epoch = 4;
        rows.extend(start(&disk, partitions, peak)?);
        for a_second in [0, 100, 5000] {
            rows.push(steady(&mut disk, partitions, a_second)?);
        }
    }
    Ok(rows)
}

fn snapshot(dir: &Path, partitions: u32) -> Result<()> {
    writeln!(io::stderr(), "    a snapshot of {partitions} partitions, written by Kafka {NEWEST}")?;
    let mut java = Command::new("java");
    java.args(["-XX:TieredStopAtLevel=1", "-cp"])
        .arg(format!("{}/*", Kafka::fetch(NEWEST)?.libs().display()));
    let output = java.arg(SOURCE).arg(dir).arg(partitions.to_string()).arg(END.to_string()).output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

fn log(disk: &Disk) -> Log {
    Log { dir: disk.dir.clone(), own: OWN, key: Key::new(1) }
}

fn open(disk: &Disk) -> Result<Follower> {
    let mut follower = Follower::open(&log(disk), HashSet::new(), END, || true)?;
    while follower.step()? {}
    Ok(follower)
}

/// A start, beside reading the same file and its checksums and nothing else.
fn start(disk: &Disk, partitions: u32, peak: Peak<'_>) -> Result<[Row; 2]> {
    let path = disk.dir.join(format!("{END:020}-0000000003.checkpoint"));
    let mut opened = None;
    let heap = peak(&mut || opened = open(disk).ok());
    let tally = opened.context("it was not opened")?.state().tally(None);
    ensure!((3000..4500).contains(&tally.assigned) && tally.faulty == 0, "{tally:?}");
    let median = |work: &dyn Fn() -> Result<()>| -> Result<f64> {
        let mut times = Vec::new();
        for _ in 0..5 {
            let began = Instant::now();
            work()?;
            times.push(began.elapsed().as_secs_f64() * 1e3);
        }
        times.sort_by(f64::total_cmp);
        Ok(times[times.len() / 2])
    };
    let took = median(&|| {
        black_box(open(disk)?);
        Ok(())
    })?;
    let bare = median(&|| {
        black_box(crc32c::crc32c(&fs::read(&path)?));
        Ok(())
    })?;
    let size = fs::metadata(&path)?.len();
    let kib = |bytes: u64| u32::try_from(bytes).map_or(f64::MAX, f64::from) / 1024.0;
    Ok([
        Row::at_most(&format!("log: start, {partitions} partitions"), took, "ms", START_MS, Some(bare)),
        Row::at_most(
            &format!("log: heap of a start, {partitions} partitions"),
            kib(u64::try_from(heap)?),
            "KiB",
            HEAP_KIB,
            Some(kib(size)),
        ),
    ])
}

/// Processor time of a reader, in percent of a core, while the log grows by so many changes a second; beside it what a look
/// costs where nothing happens at all.
fn steady(disk: &mut Disk, partitions: u32, a_second: u32) -> Result<Row> {
    let targets = targets(disk)?;
    let mut follower = open(disk)?;
    let own = follower.state().tally(None).assigned;
    let stop = AtomicBool::new(false);
    let percent = std::thread::scope(|scope| -> Result<f64> {
        scope.spawn(|| grow(disk, &targets, a_second, own, partitions, &stop));
        let (began, cpu) = (Instant::now(), thread_seconds());
        let (mut told, mut changed, mut freed) = (began, follower.state().changed(), false);
        while began.elapsed() < WATCHED {
            while follower.step()? {}
            let end = follower.end();
            freed |= follower.state_mut().commit(end);
            let worse = follower.state_mut().take_worse();
            if (worse || told.elapsed() >= AGAIN) && (freed || changed != follower.state().changed()) {
                (told, changed, freed) = (Instant::now(), follower.state().changed(), false);
                black_box(follower.state().tally(None));
            }
            std::thread::sleep(TICK);
        }
        let percent = (thread_seconds() - cpu) / began.elapsed().as_secs_f64() * 100.0;
        stop.store(true, Ordering::Relaxed);
        Ok(percent)
    })?;
    let name = format!("log: {a_second} changes a second, {partitions} partitions");
    // The whole sidecar may take 0.5 % when nothing happens.
    let cap = match a_second {
        0 => 0.5,
        100 => 1.0,
        _ => 5.0,
    };
    Ok(Row::at_most(&name, percent, "% of a core", cap, None))
}

/// Partitions of the snapshot: the broker's own, and others.
type Targets = [Vec<([u8; 16], i32)>; 2];

fn targets(disk: &Disk) -> Result<Targets> {
    let bytes = fs::read(disk.dir.join(format!("{END:020}-0000000003.checkpoint")))?;
    let mut left = bytes.as_slice();
    let mut found: Targets = [Vec::new(), Vec::new()];
    while let Some(head) = left.first_chunk::<HEADER>() {
        let header = Header::read(head)?.context("a batch")?;
        let (batch, rest) = left.split_at_checked(header.size as usize).context("a whole batch")?;
        left = rest;
        for entry in records(&header, batch)? {
            if let Ok(Record::Partition(partition)) = decode(entry?.value) {
                let own = partition.replicas.iter().any(|id| id == OWN);
                let list = &mut found[usize::from(!own)];
                if list.len() < 5000 {
                    list.push((partition.topic_id, partition.partition_id));
                }
            }
        }
    }
    Ok(found)
}

/// Appends as a broker does: what came in a hundredth of a second at a time, and a record of nothing twice a second.
fn grow(disk: &mut Disk, targets: &Targets, a_second: u32, own: u64, partitions: u32, stop: &AtomicBool) {
    let mut random = fastrand::Rng::with_seed(1);
    let began = Instant::now();
    let (mut made, mut idle) = (0, 0);
    while !stop.load(Ordering::Relaxed) {
        std::thread::sleep(Duration::from_millis(10));
        let seconds = began.elapsed().as_secs_f64();
        let mut records = Vec::new();
        while f64::from(made) < seconds * f64::from(a_second) {
            let kind = usize::from(random.u64(0..u64::from(partitions)) >= own);
            let (topic, index) = targets[kind][random.usize(0..targets[kind].len())];
            let isr = if made % 2 == 0 { vec![1, 2] } else { vec![1, 2, 3] };
            records.push(change_of(&topic, index, &Change { isr: Some(isr), ..Change::default() }));
            made += 1;
        }
        if f64::from(idle) < seconds * 2.0 {
            records.push(no_op());
            idle += 1;
        }
        if !records.is_empty() {
            disk.append(&records);
        }
    }
}

fn thread_seconds() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
        .as_secs_f64()
}
