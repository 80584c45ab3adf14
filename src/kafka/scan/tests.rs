#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::needless_pass_by_value,
    reason = "a failed step should stop the test where it stands; proptest hands out values"
)]

mod answers;

use std::collections::HashMap;
use std::sync::Arc;

use kafka_protocol::messages::DescribeLogDirsResponse;
use kafka_protocol::messages::describe_log_dirs_response as dirs;
use kafka_protocol::protocol::StrBytes;
use pillion_probes::moves::Moves;
use pillion_probes::replicas::{NAMED, PartitionName, Tally};
use pillion_probes::set::{Digest, Key};
use pillion_probes::stops::{Left, Minimums, Stops};
use pillion_probes::time::BootTime;
use proptest::prelude::*;

use answers::{OWN, Part, Tags, Topic, described_bytes, encode, metadata_bytes, name, topics};

use super::{Behind, Cursor, LogDirsScanner, Page, ScanError, ScanKind, Scanner, Step};

/// The tally as a plain loop over the generated structure makes it.
fn expected(topics: &[Topic], with_elr: bool) -> Tally {
    let mut stops = Stops::by(&minimums());
    let mut tally = Tally::default();
    for topic in topics {
        tally.topics += u64::from(topic.error != 3);
        if topic.error == 29 {
            tally.unauthorized_topics += 1;
            tally.unauthorized_named.push(topic.name.clone());
            tally.unauthorized_named.truncate(NAMED);
        }
        tally.failed_topics += u64::from(![0, 3, 29].contains(&topic.error));
        for (index, part) in (0..).zip(&topic.parts) {
            tally.partitions += 1;
            if part.replicas.contains(&OWN) {
                let (isr, offline) = (part.isr.contains(&OWN), part.offline.contains(&OWN));
                tally.led += u64::from(part.leader == OWN);
                let led = part.leader >= 0
                    || part.error == 72
                    || (with_elr && isr && !offline && part.isr.len() > 1);
                tally.count_assigned(index, isr, led, offline, || topic.name.clone());
                let hash = Key::default().topic(topic.name.as_bytes()).partition(index);
                tally.own.add(hash);
                if offline {
                    tally.own_offline.add(hash);
                }
                if part.only_copy(with_elr) {
                    tally.count_only_copy(index, || topic.name.clone());
                }
            }
            if part.isr.contains(&OWN) {
                stops.under += u64::from(part.isr.len() < 2);
                if let Some(block) = without_us(part, with_elr).block(2) {
                    stops.add(block, || PartitionName { topic: topic.name.clone(), partition: index });
                }
            }
        }
    }
    tally.stops = Some(stops);
    tally
}

/// The partitions that are behind, the same way.
fn expected_behind(topics: &[Topic]) -> Vec<Behind> {
    let mut behind = Vec::new();
    for topic in topics {
        for (partition, part) in (0..).zip(&topic.parts) {
            let here = part.replicas.contains(&OWN) && !part.offline.contains(&OWN);
            if here && !part.isr.contains(&OWN) {
                behind.push(Behind { topic: topic.name.as_str().into(), partition, leader: part.leader });
            }
        }
    }
    behind
}

/// What a partition has left without this broker.
fn without_us(part: &Part, with_elr: bool) -> Left {
    let others = |ids: &[i32]| ids.iter().filter(|id| **id != OWN).count();
    let elr = part.elr.clone().filter(|_| with_elr).unwrap_or_default();
    let waits = |id: &i32| !part.isr.contains(id) && !part.offline.contains(id);
    let waiting: Vec<i32> = elr.into_iter().filter(waits).collect();
    Left {
        replicas: part.replicas.len(),
        isr: part.isr.len(),
        in_sync: others(&part.isr),
        eligible: others(&waiting),
    }
}

/// Every topic needs two.
fn minimums() -> Minimums {
    Minimums { asked: BootTime::from_millis(7), usual: 2, others: HashMap::new(), capped: false }
}

/// Feeds `bytes` in chunks of the sizes given, over and over.
fn scan(kind: ScanKind, bytes: &[u8], chunks: &[usize]) -> Result<Page, ScanError> {
    let scanner = Scanner::new(kind, OWN, bytes.len() as u64, None)?;
    let mut scanner = scanner.leaving(&[OWN], Some(Arc::new(minimums()))).with_names(true).with_behind(true);
    let mut rest = bytes;
    let mut sizes = chunks.iter().copied().cycle();
    let mut step = scanner.feed(&[])?;
    while !rest.is_empty() {
        assert_eq!(step, Step::More(rest.len() as u64));
        let (chunk, after) = rest.split_at(sizes.next().unwrap().min(rest.len()));
        step = scanner.feed(chunk)?;
        rest = after;
    }
    assert_eq!(step, Step::Complete);
    Ok(scanner.finish())
}

fn chunks() -> impl Strategy<Value = Vec<usize>> {
    prop_oneof![
        Just(vec![1]),
        prop::collection::vec(1..40_usize, 1..20),
        prop::collection::vec(1..5_000_usize, 1..20),
        Just(vec![usize::MAX]),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn metadata_in_any_chunks(
        topics in topics(),
        brokers in prop::collection::vec(0..6, 0..5),
        version in 9_i16..=13,
        chunks in chunks(),
    ) {
        let bytes = metadata_bytes(&topics, &brokers, version);
        let page = scan(ScanKind::Metadata { version }, &bytes, &chunks).unwrap();
        prop_assert_eq!(&page.tally, &expected(&topics, false));
        prop_assert_eq!(&page.behind, &expected_behind(&topics));
        let listed = page.brokers.unwrap();
        prop_assert_eq!(listed.listed as usize, brokers.len());
        prop_assert_eq!(listed.own, brokers.contains(&OWN));
        prop_assert_eq!(listed.controller_id, 7);
        prop_assert_eq!(page.next_cursor, None);
    }

    #[test]
    fn described_pages_in_any_chunks(
        topics in topics(),
        next in prop::option::of(("[a-z]{1,249}", 0..9)),
        chunks in chunks(),
    ) {
        let next = next.map(|(topic, partition)| Cursor { topic, partition });
        let bytes = described_bytes(&topics, next.as_ref());
        let page = scan(ScanKind::DescribeTopicPartitions, &bytes, &chunks).unwrap();
        prop_assert_eq!(&page.tally, &expected(&topics, true));
        prop_assert_eq!(&page.behind, &expected_behind(&topics));
        let mut own: Vec<_> = topics
            .iter()
            .filter(|topic| topic.parts.iter().any(|part| part.replicas.contains(&OWN)))
            .map(|topic| topic.name.clone())
            .collect();
        own.dedup();
        prop_assert_eq!(&page.topics.names, &own);
        prop_assert_eq!(page.next_cursor, next);
        prop_assert_eq!(page.throttle_ms, 11);
        prop_assert_eq!(page.brokers, None);
    }

    /// Whatever the bytes: an outcome that does not depend on how they were cut, and no panic.
    #[test]
    fn a_broken_answer_fails_the_same_way_in_any_chunks(
        topics in topics(),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        cut in any::<bool>(),
        chunks in chunks(),
    ) {
        let mut bytes = described_bytes(&topics, None);
        let at = at.index(bytes.len());
        if cut { bytes.truncate(at) } else { bytes[at] = byte }
        let whole = std::panic::catch_unwind(|| scan_to_end(&bytes, &[usize::MAX])).unwrap();
        prop_assert_eq!(whole.is_ok(), scan_to_end(&bytes, &chunks).is_ok());
        if cut { prop_assert!(whole.is_err()) }
    }
}

/// Like `scan`, for frames that may end early or late.
fn scan_to_end(bytes: &[u8], chunks: &[usize]) -> Result<Page, ScanError> {
    let mut scanner = Scanner::new(ScanKind::DescribeTopicPartitions, OWN, bytes.len() as u64, None)?;
    let mut sizes = chunks.iter().copied().cycle();
    let mut rest = bytes;
    let mut step = scanner.feed(&[])?;
    while !rest.is_empty() {
        let (chunk, after) = rest.split_at(sizes.next().unwrap().min(rest.len()));
        step = scanner.feed(chunk)?;
        rest = after;
    }
    assert_eq!(step, Step::Complete, "all bytes of the frame were fed without an error");
    Ok(scanner.finish())
}

#[test]
fn a_topic_over_two_pages_is_one_topic() {
    let part = Part::leaderless(&[OWN], None, None);
    let topic = Topic { error: 0, name: "orders".to_owned(), parts: vec![part; 3], tags: Tags::new() };
    let bytes = described_bytes(&[topic], None);
    for (partition, topics) in [(0, 1), (1, 0)] {
        let cursor = Cursor { topic: "orders".to_owned(), partition };
        let kind = ScanKind::DescribeTopicPartitions;
        let mut scanner = Scanner::new(kind, OWN, bytes.len() as u64, Some(&cursor)).unwrap();
        assert_eq!(scanner.feed(&bytes), Ok(Step::Complete));
        let page = scanner.finish();
        assert_eq!((page.tally.topics, page.tally.partitions), (topics, 3));
    }
}

/// Each case is one partition: what its lists say, whether an answer with an ELR counts it, and one without.
#[test]
fn a_copy_that_nobody_else_has_is_told() {
    let cases: [(&str, Part, bool, bool); 11] = [
        ("alone in the ISR", Part::leaderless(&[OWN], None, None), true, true),
        ("alone in the ISR, empty ELR", Part::leaderless(&[OWN], Some(&[]), Some(&[])), true, true),
        ("another in the ISR", Part::leaderless(&[1, OWN], None, None), false, false),
        ("only another in the ISR", Part::leaderless(&[1], Some(&[OWN]), Some(&[OWN])), false, false),
        ("alone in the ELR", Part::leaderless(&[], Some(&[OWN]), None), true, false),
        ("alone in both", Part::leaderless(&[OWN], Some(&[OWN]), None), true, true),
        ("another in the ELR", Part::leaderless(&[OWN], Some(&[1]), None), false, true),
        ("both in the ELR", Part::leaderless(&[], Some(&[OWN, 1]), Some(&[OWN])), false, false),
        ("the last known leader", Part::leaderless(&[], Some(&[]), Some(&[OWN])), true, false),
        ("another was the last known leader", Part::leaderless(&[], Some(&[]), Some(&[1])), false, false),
        (
            "not assigned here",
            Part { replicas: vec![1], ..Part::leaderless(&[OWN], None, None) },
            false,
            false,
        ),
    ];
    for (what, part, described, listed) in cases {
        let topics = [Topic { error: 0, name: "orders".to_owned(), parts: vec![part], tags: Tags::new() }];
        let version = 12;
        for (kind, bytes, counted) in [
            (ScanKind::DescribeTopicPartitions, described_bytes(&topics, None), described),
            (ScanKind::Metadata { version }, metadata_bytes(&topics, &[1], version), listed),
        ] {
            let tally = scan(kind, &bytes, &[usize::MAX]).unwrap().tally;
            let named: Vec<String> = tally.only_copies_named.iter().map(ToString::to_string).collect();
            assert_eq!(tally.only_copies, u64::from(counted), "{what}, {kind:?}");
            assert_eq!(named, if counted { vec!["orders-0"] } else { vec![] }, "{what}, {kind:?}");
        }
    }
}

/// The leader of a partition lacks the listener by which this broker was asked.
#[test]
fn a_leader_that_is_not_named_leads_all_the_same() {
    let named = Part { error: 0, ..Part::leaderless(&[1, OWN], None, None) };
    let cases = [
        ("in sync with another", named.clone(), true, false),
        ("told by its code", Part { error: 72, ..named.clone() }, true, true),
        ("in sync alone", Part { isr: vec![OWN], ..named.clone() }, false, false),
        ("out of the ISR", Part { isr: vec![1], ..named.clone() }, false, false),
        ("its directory is offline", Part { offline: vec![OWN], ..named }, false, false),
    ];
    for (what, part, described, listed) in cases {
        let topics = [Topic { error: 0, name: "orders".to_owned(), parts: vec![part], tags: Tags::new() }];
        let version = 12;
        for (kind, bytes, led) in [
            (ScanKind::DescribeTopicPartitions, described_bytes(&topics, None), described),
            (ScanKind::Metadata { version }, metadata_bytes(&topics, &[1], version), listed),
        ] {
            let tally = scan(kind, &bytes, &[usize::MAX]).unwrap().tally;
            assert_eq!(tally.leaderless == 0, led, "{what}, {kind:?}");
        }
    }
}

/// The disks of both others stood still, and then they died: they stay eligible, and this broker alone serves.
#[test]
fn eligible_leaders_that_are_dead_are_not_left() {
    let part = |offline: &[i32]| Part {
        leader: OWN,
        replicas: vec![1, OWN, 3],
        offline: offline.to_vec(),
        ..Part::leaderless(&[OWN], Some(&[1, 3]), None)
    };
    for (offline, blocks) in [(&[][..], 0), (&[1][..], 1), (&[1, 3][..], 1)] {
        let parts = vec![part(offline)];
        let topics = [Topic { error: 0, name: "orders".to_owned(), parts, tags: Tags::new() }];
        let bytes = described_bytes(&topics, None);
        let tally = scan(ScanKind::DescribeTopicPartitions, &bytes, &[usize::MAX]).unwrap().tally;
        assert_eq!(tally.stops.unwrap().counts.iter().sum::<u64>(), blocks, "{offline:?}");
    }
}

#[test]
fn only_the_first_copies_are_named() {
    let parts = vec![Part::leaderless(&[OWN], None, None); 3 * NAMED];
    let topics = [Topic { error: 0, name: "orders".to_owned(), parts, tags: Tags::new() }];
    let page = scan(ScanKind::DescribeTopicPartitions, &described_bytes(&topics, None), &[100]).unwrap();
    let mut total = Tally::default();
    super::add(&mut total, &page.tally);
    super::add(&mut total, &page.tally);
    assert_eq!((total.only_copies, total.only_copies_named.len()), (6 * NAMED as u64, NAMED));
}

#[test]
fn replicas_that_leave_or_are_offline_are_not_behind() {
    let part = |offline: &[i32]| Part {
        leader: 1,
        isr: vec![1],
        offline: offline.to_vec(),
        ..Part::leaderless(&[], None, None)
    };
    let parts = vec![part(&[]), part(&[]), part(&[OWN])];
    let bytes =
        described_bytes(&[Topic { error: 0, name: "orders".to_owned(), parts, tags: Tags::new() }], None);
    let hash = Key::default().topic(b"orders").partition(1);
    let moves = Moves::new(BootTime::default(), Vec::new(), vec![hash]);
    let scanner = Scanner::new(ScanKind::DescribeTopicPartitions, OWN, bytes.len() as u64, None).unwrap();
    let mut scanner = scanner.with_moves(Some(Arc::new(moves))).with_behind(true);
    assert_eq!(scanner.feed(&bytes), Ok(Step::Complete));
    assert_eq!(scanner.finish().behind, [Behind { topic: "orders".into(), partition: 0, leader: 1 }]);
}

#[test]
fn hostile_lengths_fail_on_their_first_bytes() {
    let huge = [0xff, 0xff, 0xff, 0xff, 0x0f];
    let described = ScanKind::DescribeTopicPartitions;
    let metadata = ScanKind::Metadata { version: 12 };
    let head = [0; 5];
    let cases: [(&str, ScanKind, Vec<u8>); 7] = [
        ("topics", described, [&head[..], &huge].concat()),
        ("brokers", metadata, [&head[..], &huge].concat()),
        ("header tags", described, huge.to_vec()),
        ("name", described, [&head[..], &[2, 0, 0], &huge].concat()),
        ("name of 250 bytes", described, [&head[..], &[2, 0, 0, 0xfb, 0x01]].concat()),
        ("host", metadata, [&head[..], &[2, 0, 0, 0, 1], &huge].concat()),
        ("varint", described, [&head[..], &[0xff; 6]].concat()),
    ];
    for (what, kind, start) in cases {
        // The frame claims a megabyte, of which only the hostile start has come.
        let mut scanner = Scanner::new(kind, OWN, 1 << 20, None).unwrap();
        let error = scanner.feed(&start).expect_err(what);
        assert_eq!(scanner.feed(&[0]), Err(error), "{what}: the error stays");
    }
}

#[test]
fn bytes_behind_the_message_are_refused() {
    let mut bytes = described_bytes(&[], None);
    bytes.push(0);
    let error = scan_to_end(&bytes, &[usize::MAX]).unwrap_err();
    assert_eq!(error, ScanError::Trailing(1));
}

#[test]
fn log_dirs_count_replicas_only() {
    let topic = |name_: &str, parts: &[(i64, bool)]| {
        let parts = (0..).zip(parts).map(|(index, (size, future))| {
            dirs::DescribeLogDirsPartition::default()
                .with_partition_index(index)
                .with_partition_size(*size)
                .with_is_future_key(*future)
        });
        dirs::DescribeLogDirsTopic::default().with_name(name(name_)).with_partitions(parts.collect())
    };
    let good = dirs::DescribeLogDirsResult::default()
        .with_log_dir(StrBytes::from_static_str("/data/a"))
        .with_topics(vec![
            topic("orders", &[(5, false), (6, false), (100, true)]),
            topic("__cluster_metadata", &[(1000, false)]),
            topic("empty", &[]),
        ]);
    let bad = dirs::DescribeLogDirsResult::default()
        .with_log_dir(StrBytes::from_static_str("/data/b"))
        .with_error_code(56);
    for version in 2..=4 {
        let sized =
            if version >= 4 { good.clone().with_total_bytes(70).with_usable_bytes(30) } else { good.clone() };
        let response = DescribeLogDirsResponse::default().with_results(vec![sized, bad.clone()]);
        let bytes = encode(&response, version);
        for size in [1, 7, bytes.len()] {
            let of = |name: &[u8], index| Key::default().topic(name).partition(index);
            let [one, metadata, elsewhere] =
                [of(b"orders", 1), of(b"__cluster_metadata", 0), of(b"elsewhere", 0)];
            let wanted = HashMap::from([(one, None), (metadata, None), (elsewhere, None)]);
            let scanner = LogDirsScanner::new(version, bytes.len() as u64).unwrap();
            let mut scanner = scanner.measuring(wanted);
            for chunk in bytes.chunks(size) {
                scanner.feed(chunk).unwrap();
            }
            let found = scanner.finish();
            assert_eq!(found.dirs.len(), 2);
            let measured = HashMap::from([(one, Some(6)), (metadata, None), (elsewhere, None)]);
            assert_eq!(found.sizes, measured);
            let (a, b) = (&found.dirs[0], &found.dirs[1]);
            assert_eq!((a.replicas, a.bytes, a.future_replicas), (2, 1111, 1));
            let mut hosted = Digest::default();
            let orders = Key::default().topic(b"orders");
            hosted.add(orders.partition(1));
            hosted.add(orders.partition(0));
            assert_eq!(found.hosted, hosted, "neither the future replica nor the metadata log");
            assert_eq!(
                (a.total_bytes, a.usable_bytes),
                if version >= 4 { (Some(70), Some(30)) } else { (None, None) }
            );
            assert_eq!((b.path.as_str(), b.error_code, b.replicas), ("/data/b", 56, 0));
            assert_eq!(b.total_bytes, None);
        }
    }
}
