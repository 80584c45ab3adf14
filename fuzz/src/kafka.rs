//! What a hostile broker can send.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use kafka_protocol::messages as m;
use pillion::kafka::scan::{LogDirsScanner, ScanError, ScanKind, Scanner, Step};
use pillion::kafka::{decode_answer, frame_length};
use pillion_probes::set::{Key, Sieve};
use pillion_probes::stops::Minimums;
use pillion_probes::time::BootTime;

/// Splits off the first byte, by which a target chooses among its variants.
fn choice(data: &[u8]) -> (u8, &[u8]) {
    data.split_first().map_or((0, data), |(first, rest)| (*first, rest))
}

/// A frame with its length, answered to one of the requests that are decoded whole.
pub fn frame(data: &[u8]) {
    decodes(data);
}

fn decodes(data: &[u8]) -> bool {
    let (choice, data) = choice(data);
    let Some((prefix, rest)) = data.split_first_chunk() else { return false };
    let Ok(len) = frame_length(*prefix, 1 << 20) else { return false };
    let body = rest.get(4..rest.len().min(usize::try_from(len).unwrap_or(0))).unwrap_or_default();
    let body = Bytes::copy_from_slice(body);
    let version = i16::from(choice >> 4);
    match choice & 15 {
        0 => decode_answer::<m::ApiVersionsRequest>(&body, version).is_ok(),
        1 => decode_answer::<m::DescribeQuorumRequest>(&body, version).is_ok(),
        2 => decode_answer::<m::MetadataRequest>(&body, version).is_ok(),
        3 => decode_answer::<m::DescribeClusterRequest>(&body, version).is_ok(),
        4 => decode_answer::<m::DescribeAclsRequest>(&body, version).is_ok(),
        5 => decode_answer::<m::DescribeConfigsRequest>(&body, version).is_ok(),
        6 => decode_answer::<m::UnregisterBrokerRequest>(&body, version).is_ok(),
        8 => decode_answer::<m::ListGroupsRequest>(&body, version).is_ok(),
        9 => decode_answer::<m::OffsetFetchRequest>(&body, version).is_ok(),
        10 => decode_answer::<m::DescribeGroupsRequest>(&body, version).is_ok(),
        11 => decode_answer::<m::ConsumerGroupDescribeRequest>(&body, version).is_ok(),
        12 => decode_answer::<m::ListOffsetsRequest>(&body, version).is_ok(),
        13 => decode_answer::<m::ProduceRequest>(&body, version).is_ok(),
        14 => decode_answer::<m::FetchRequest>(&body, version).is_ok(),
        15 => decode_answer::<m::CreateTopicsRequest>(&body, version).is_ok(),
        _ => decode_answer::<m::ListPartitionReassignmentsRequest>(&body, version).is_ok(),
    }
}

/// Feeds `data` whole and in pieces of `size`: the outcome must not depend on it.
fn same<T>(data: &[u8], size: usize, make: impl Fn() -> T, feed: impl Fn(&mut T, &[u8]) -> Fed) -> bool {
    let (mut whole, mut pieces) = (make(), make());
    let at_once = feed(&mut whole, data);
    let mut in_pieces = feed(&mut pieces, &[]);
    for piece in data.chunks(size.max(1)) {
        if in_pieces.is_err() {
            break;
        }
        in_pieces = feed(&mut pieces, piece);
    }
    assert_eq!(at_once.is_ok(), in_pieces.is_ok(), "{at_once:?} at once, {in_pieces:?} in pieces of {size}");
    assert!(!matches!(at_once, Ok(Step::More(_))), "all bytes of the frame were fed: {at_once:?}");
    at_once.is_ok()
}

type Fed = Result<Step, ScanError>;

fn scans(kind: ScanKind, size: u8, data: &[u8]) -> bool {
    let make = || {
        let scanner = Scanner::new(kind, 1, data.len() as u64, None)?;
        let scanner = scanner.with_sieve(Some(Sieve::slice(0, 2))).with_names(true);
        Ok::<_, ScanError>(scanner.leaving(&[1, 2], Some(Arc::new(needs_two()))))
    };
    same(data, usize::from(size), make, |scanner, bytes| match scanner {
        Ok(scanner) => scanner.feed(bytes),
        Err(error) => Err(error.clone()),
    })
}

/// Every topic needs two in-sync replicas.
fn needs_two() -> Minimums {
    Minimums { asked: BootTime::default(), usual: 2, others: HashMap::new(), capped: true }
}

/// The body of a `Metadata` answer of any flexible version.
pub fn scan_metadata(data: &[u8]) {
    scans_metadata(data);
}

fn scans_metadata(data: &[u8]) -> bool {
    let (version, data) = choice(data);
    let (size, data) = choice(data);
    scans(ScanKind::Metadata { version: 9 + i16::from(version % 5) }, size, data)
}

/// The body of a `DescribeTopicPartitions` answer.
pub fn scan_describe(data: &[u8]) {
    scans_describe(data);
}

fn scans_describe(data: &[u8]) -> bool {
    let (size, data) = choice(data);
    scans(ScanKind::DescribeTopicPartitions, size, data)
}

/// The body of a `DescribeLogDirs` answer.
pub fn describe_log_dirs(data: &[u8]) {
    reads_log_dirs(data);
}

fn reads_log_dirs(data: &[u8]) -> bool {
    let (version, data) = choice(data);
    let (size, data) = choice(data);
    let make = || {
        let scanner = LogDirsScanner::new(2 + i16::from(version % 3), data.len() as u64)?;
        Ok::<_, ScanError>(scanner.keyed(Key::new(1), Some(Sieve::wanted(vec![0]))))
    };
    same(data, usize::from(size), make, |scanner, bytes| match scanner {
        Ok(scanner) => scanner.feed(bytes),
        Err(error) => Err(error.clone()),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step should stop the test where it stands")]

    use super::{decodes, reads_log_dirs, scans_describe, scans_metadata};

    /// Seeds that a target refuses at once would leave everything behind the refusal untried.
    #[test]
    fn seeds_are_well_formed() {
        let seeds = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds");
        for (name, accepts) in [
            ("kafka_frame", decodes as fn(&[u8]) -> bool),
            ("kafka_scan_metadata", scans_metadata),
            ("kafka_scan_describe", scans_describe),
            ("kafka_log_dirs", reads_log_dirs),
        ] {
            for seed in std::fs::read_dir(seeds.join(name)).unwrap().map(|entry| entry.unwrap().path()) {
                assert!(accepts(&std::fs::read(&seed).unwrap()), "{}", seed.display());
            }
        }
    }
}
