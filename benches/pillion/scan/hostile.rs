//! The most that a hostile answer of one megabyte can make the decoder allocate.

use bytes::Bytes;
use kafka_protocol::messages::{ApiVersionsRequest, DescribeQuorumRequest, MetadataRequest};
use pillion::kafka::decode_answer;

use super::{Peak, answers::varint, heap};
use crate::row::Row;

const FRAME: usize = 1 << 20;

/// `count` items of `item` behind `head`, and `tail`.
fn frame(head: &[u8], item: &[u8], tail: &[u8]) -> Bytes {
    let count = (FRAME - 32) / item.len();
    let mut out = head.to_vec();
    varint(&mut out, u32::try_from(count + 1).unwrap_or(u32::MAX));
    out.extend(item.iter().copied().cycle().take(count * item.len()));
    out.extend_from_slice(tail);
    out.into()
}

/// No key, and as many empty tagged fields as there is room for, each of another number.
fn tagged() -> Bytes {
    let mut out = vec![0, 0, 1, 0, 0, 0, 0];
    let count = 260_000;
    varint(&mut out, count);
    for tag in 1 << 14..(1 << 14) + count {
        varint(&mut out, tag);
        out.push(0);
    }
    out.into()
}

/// Peak heap of decoding well-formed frames made of the smallest items of the largest structs.
pub fn rows(peak: Peak<'_>) -> Vec<Row> {
    let api_keys = frame(&[0, 0], &[0; 7], &[0, 0, 0, 0, 0]);
    let topics = frame(&[0, 0, 0], &[1, 1, 0], &[0]);
    let voters = frame(
        &[0, 0, 0, 2, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        &[0; 29],
        &[1, 0, 0, 0],
    );
    let mut topic = [0; 26];
    (topic[2], topic[20]) = (1, 1);
    let metadata = frame(&[0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0], &topic, &[0]);
    let tagged = tagged();
    let mut out = Vec::new();
    let mut add = |name: &str, work: &mut dyn FnMut() -> bool| {
        let mut good = false;
        let needed = peak(&mut || good = work());
        out.push(heap(&format!("hostile frame, {name} (decoded: {good})"), needed, 48 << 20, None));
    };
    add("ApiVersions v3, keys", &mut || decode_answer::<ApiVersionsRequest>(&api_keys, 3).is_ok());
    add("DescribeQuorum v1, topics", &mut || decode_answer::<DescribeQuorumRequest>(&topics, 1).is_ok());
    add("DescribeQuorum v1, voters", &mut || decode_answer::<DescribeQuorumRequest>(&voters, 1).is_ok());
    add("Metadata v12, topics", &mut || decode_answer::<MetadataRequest>(&metadata, 12).is_ok());
    add("ApiVersions v3, tags", &mut || decode_answer::<ApiVersionsRequest>(&tagged, 3).is_ok());
    out
}
