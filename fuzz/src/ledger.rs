//! What may lie in the metadata log.

use std::collections::HashSet;

use pillion::ledger::{
    State,
    batch::{HEADER, Header, records},
    records::decode,
};
use pillion_probes::set::Key;

/// Where a batch has its checksum, and where that begins which it covers.
const CHECKSUM: std::ops::Range<usize> = 17..21;

/// One record, and what it makes of what is known.
pub fn record(data: &[u8]) {
    reads_record(data);
}

fn reads_record(data: &[u8]) -> bool {
    let mut state = State::new(1, Key::new(1), HashSet::new());
    let Ok(record) = decode(data) else { return false };
    let applied = state.apply(1, &record).is_ok();
    state.commit(1);
    state.tally(None);
    applied
}

/// Batches as they lie in a segment, whose checksums are made right: damage elsewhere must be found, too.
pub fn batches(data: &[u8]) {
    reads_batches(data);
}

fn reads_batches(data: &[u8]) -> bool {
    let mut state = State::new(1, Key::new(1), HashSet::new());
    let mut left = data.to_vec();
    let mut offset = 0;
    while let Some(head) = left.first_chunk::<HEADER>() {
        let Ok(Some(header)) = Header::read(head) else { return false };
        let size = header.size as usize;
        if size > left.len() {
            return false;
        }
        let rest = left.split_off(size);
        let checksum = crc32c::crc32c(&left[CHECKSUM.end..]);
        left[CHECKSUM].copy_from_slice(&checksum.to_be_bytes());
        let Ok(entries) = records(&left) else { return false };
        for entry in entries {
            let Ok(entry) = entry else { return false };
            if header.control {
                continue;
            }
            let Ok(record) = decode(entry.value) else { return false };
            offset += 1;
            if state.apply(offset, &record).is_err() {
                return false;
            }
        }
        state.commit(offset / 2);
        left = rest;
    }
    state.settle();
    let tally = state.tally(None);
    assert!(tally.faulty <= tally.assigned, "{tally:?}");
    left.is_empty()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step should stop the test where it stands")]

    use super::{reads_batches, reads_record};

    /// Seeds that a target refuses at once would leave everything behind the refusal untried.
    #[test]
    fn seeds_are_well_formed() {
        let seeds = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds");
        for (name, accepts) in
            [("ledger_record", reads_record as fn(&[u8]) -> bool), ("ledger_batches", reads_batches)]
        {
            for seed in std::fs::read_dir(seeds.join(name)).unwrap().map(|entry| entry.unwrap().path()) {
                assert!(accepts(&std::fs::read(&seed).unwrap()), "{}", seed.display());
            }
        }
    }
}
