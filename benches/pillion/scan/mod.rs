//! The scanner against `kafka-protocol` decoding the same bytes, in the same run.

mod answers;
mod hostile;

use std::hint::black_box;
use std::time::{Duration, Instant};

use bytes::Bytes;
use kafka_protocol::messages::{DescribeTopicPartitionsResponse, MetadataResponse};
use kafka_protocol::protocol::Decodable;
use pillion::kafka::scan::{ScanBuffer, ScanKind, Scanner};

use crate::row::Row;
use answers::{Kind, answers};
pub use answers::{OWN, described_pages};

/// Runs the work it is given and returns the peak of its heap, in bytes. The binary's allocator knows.
pub type Peak<'a> = &'a dyn Fn(&mut dyn FnMut()) -> usize;

/// Heap in KiB, at most `cap` bytes.
fn heap(name: &str, bytes: usize, cap: usize, baseline: Option<usize>) -> Row {
    Row::at_most(name, kib(bytes), "KiB", kib(cap), baseline.map(kib))
}

fn kib(bytes: usize) -> f64 {
    u32::try_from(bytes).map_or(f64::MAX, f64::from) / 1024.0
}

fn median(runs: u32, mut work: impl FnMut() -> Duration) -> f64 {
    let mut times: Vec<_> = (0..runs).map(|_| work()).collect();
    times.sort();
    times.get(times.len() / 2).map_or(f64::NAN, |time| time.as_secs_f64() * 1e3)
}

/// Scans all answers as a socket would deliver them; returns partitions seen and own ones.
fn scan(kind: Kind, answers: &[Vec<u8>]) -> (u64, u64) {
    let kind = match kind {
        Kind::Metadata => ScanKind::Metadata { version: 12 },
        Kind::Described => ScanKind::DescribeTopicPartitions,
    };
    let (mut partitions, mut assigned) = (0, 0);
    for answer in answers {
        let Ok(mut scanner) = Scanner::new(kind, OWN, answer.len() as u64, None) else { return (0, 0) };
        for chunk in answer.chunks(ScanBuffer::BYTES) {
            if scanner.feed(chunk).is_err() {
                return (0, 0);
            }
        }
        let tally = scanner.finish().tally;
        partitions += tally.partitions;
        assigned += tally.assigned;
    }
    (partitions, assigned)
}

/// Decodes all answers into structures; the time excludes dropping them.
fn decode(kind: Kind, answers: &[Bytes]) -> Duration {
    let mut took = Duration::ZERO;
    for answer in answers {
        let mut body = answer.slice(1..);
        let began = Instant::now();
        match kind {
            Kind::Metadata => {
                let decoded = black_box(MetadataResponse::decode(&mut body, 12));
                took += began.elapsed();
                drop(decoded);
            }
            Kind::Described => {
                let decoded = black_box(DescribeTopicPartitionsResponse::decode(&mut body, 0));
                took += began.elapsed();
                drop(decoded);
            }
        }
    }
    took
}

fn compare(kind: Kind, name: &str, partitions: u32, peak: Peak<'_>) -> [Row; 2] {
    let answers = answers(kind, partitions);
    let whole = u64::from(partitions / 12 * 12);
    let name = format!("{name}, {partitions} partitions");
    let mut seen = (0, 0);
    let needed = peak(&mut || seen = scan(kind, &answers));
    let right = seen.0 == whole && seen.1.abs_diff(whole / 10) <= 3;
    let runs = if partitions > 100_000 { 5 } else { 15 };
    let value = median(runs, || {
        let began = Instant::now();
        black_box(scan(kind, black_box(&answers)));
        began.elapsed()
    });
    let shared: Vec<Bytes> = answers.into_iter().map(Bytes::from).collect();
    let decoded_heap = peak(&mut || {
        black_box(decode(kind, &shared));
    });
    let baseline = median(runs, || decode(kind, black_box(&shared)));
    let mut time = Row::ratio(&format!("scan time, {name}"), value, "ms", 0.2, baseline);
    time.met &= right;
    let memory = heap(&format!("scan heap, {name}"), needed, 64 << 10, Some(decoded_heap));
    [time, memory]
}

/// All rows: time and peak heap at three sizes of cluster, and the bound on hostile answers.
pub fn rows(peak: Peak<'_>) -> Vec<Row> {
    let mut rows = Vec::new();
    for partitions in [10_000, 100_000, 1_000_000] {
        rows.extend(compare(Kind::Metadata, "Metadata v12", partitions, peak));
        rows.extend(compare(Kind::Described, "DescribeTopicPartitions v0", partitions, peak));
    }
    rows.extend(hostile::rows(peak));
    rows
}
