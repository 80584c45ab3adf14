//! Answers of any size, written straight as bytes: RF 3, twelve partitions a topic.

use std::ops::Range;

/// Partitions of one topic.
const TOPIC: u32 = 12;
/// Brokers of the cluster.
const BROKERS: u32 = 30;

/// The broker that is scanned for.
pub const OWN: i32 = 7;

/// Which answer is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `Metadata` v12.
    Metadata,
    /// A page of `DescribeTopicPartitions` v0.
    Described,
}

/// Writes an unsigned variable-length number.
pub fn varint(out: &mut Vec<u8>, mut value: u32) {
    while value >= 0x80 {
        out.push(value.to_be_bytes()[3] | 0x80);
        value >>= 7;
    }
    out.push(value.to_be_bytes()[3]);
}

fn text(out: &mut Vec<u8>, text: &str) {
    varint(out, u32::try_from(text.len() + 1).unwrap_or(u32::MAX));
    out.extend_from_slice(text.as_bytes());
}

fn ids(out: &mut Vec<u8>, ids: &[u32]) {
    varint(out, u32::try_from(ids.len() + 1).unwrap_or(u32::MAX));
    out.extend(ids.iter().flat_map(|id| id.to_be_bytes()));
}

fn partition(out: &mut Vec<u8>, kind: Kind, number: u32) {
    let replicas = [number % BROKERS, (number + 1) % BROKERS, (number + 2) % BROKERS];
    out.extend_from_slice(&[0, 0]);
    out.extend_from_slice(&(number % TOPIC).to_be_bytes());
    out.extend_from_slice(&replicas[0].to_be_bytes());
    out.extend_from_slice(&[0, 0, 0, 4]);
    ids(out, &replicas);
    ids(out, &replicas);
    if kind == Kind::Described {
        out.extend_from_slice(&[0, 0]);
    }
    ids(out, &[]);
    out.push(0);
}

/// The answer about the partitions in `range`, a whole number of topics, from the response header's tags on.
pub fn answer(kind: Kind, range: Range<u32>) -> Vec<u8> {
    let mut out = vec![0; 5];
    if kind == Kind::Metadata {
        varint(&mut out, BROKERS + 1);
        for broker in 0..BROKERS {
            out.extend_from_slice(&broker.to_be_bytes());
            text(&mut out, &format!("kafka-{broker}.kafka.example.svc.cluster.local"));
            out.extend_from_slice(&[0, 0, 0x23, 0x84]);
            text(&mut out, "zone-a");
            out.push(0);
        }
        text(&mut out, "5L6g3nShT-eMCtK--X86sw");
        out.extend_from_slice(&[0, 0, 0, 1]);
    }
    varint(&mut out, (range.len() as u64 / u64::from(TOPIC)).try_into().map_or(u32::MAX, |n: u32| n + 1));
    for first in range.step_by(TOPIC as usize) {
        out.extend_from_slice(&[0, 0]);
        text(&mut out, &topic(first / TOPIC));
        out.extend_from_slice(&u128::from(first + 1).to_be_bytes());
        out.push(0);
        varint(&mut out, TOPIC + 1);
        for number in first..first + TOPIC {
            partition(&mut out, kind, number);
        }
        out.extend_from_slice(&[0x80, 0, 0, 0, 0]);
    }
    if kind == Kind::Described {
        out.push(0xff);
    }
    out.push(0);
    out
}

/// The whole cluster: one `Metadata` answer, or pages of about 2000 partitions.
pub fn answers(kind: Kind, partitions: u32) -> Vec<Vec<u8>> {
    let whole = partitions / TOPIC * TOPIC;
    let page = if kind == Kind::Metadata { whole } else { 2000 / TOPIC * TOPIC };
    (0..whole).step_by(page as usize).map(|first| answer(kind, first..whole.min(first + page))).collect()
}

/// As a broker sends the pages of `DescribeTopicPartitions`: each but the last names where the next one starts.
pub fn described_pages(partitions: u32) -> Vec<Vec<u8>> {
    let mut pages = answers(Kind::Described, partitions);
    let last = pages.len().saturating_sub(1);
    for (number, page) in (1..).zip(pages.iter_mut().take(last)) {
        // The cursor that is not there, and the tags behind it.
        page.truncate(page.len() - 2);
        page.push(1);
        text(page, &topic(number * (2000 / TOPIC)));
        page.extend_from_slice(&[0, 0, 0, 0, 0, 0]);
    }
    pages
}

fn topic(number: u32) -> String {
    format!("orders.region-{number:08}.events")
}
