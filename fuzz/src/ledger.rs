//! What may lie in the metadata log.

use std::{collections::HashSet, fs, path::Path};

use pillion::ledger::{
    Follower, Log, State,
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
    let whole = with_checksums(data, |header, batch| {
        let Ok(entries) = records(header, batch) else { return false };
        for entry in entries {
            let Ok(entry) = entry else { return false };
            let offset = header.base_offset + entry.delta;
            assert!((header.base_offset..header.end()).contains(&offset), "{offset} in {header:?}");
            if header.control {
                continue;
            }
            let Ok(record) = decode(entry.value) else { return false };
            if state.apply(offset, &record).is_err() {
                return false;
            }
        }
        state.commit(header.end() / 2);
        true
    });
    state.settle();
    let tally = state.tally(None);
    assert!(tally.faulty <= tally.assigned, "{tally:?}");
    whole.len() == data.len()
}

/// Files of these batches, read as a broker's are: as a segment, and as a snapshot that another one goes on from.
pub fn follow(data: &[u8]) {
    follows(data);
}

fn follows(data: &[u8]) -> bool {
    /// Where the snapshot ends.
    const END: i64 = 40;
    let Ok(dir) = tempfile::tempdir_in(scratch()) else { return false };
    let batches = with_checksums(data, |_, _| true);
    let segment = dir.path().join("00000000000000000000.log");
    let log = Log { dir: dir.path().to_owned(), own: 1, key: Key::new(1) };
    let read = || -> Option<()> {
        let from_start = beginning_at(0, &batches);
        fs::write(&segment, &from_start).ok()?;
        reads(&log, batches.len(), None)?;
        fs::remove_file(&segment).ok()?;
        fs::write(dir.path().join(format!("{END:020}-{:010}.checkpoint", 1)), &from_start).ok()?;
        fs::write(dir.path().join(format!("{END:020}.log")), beginning_at(END, &batches)).ok()?;
        reads(&log, batches.len(), Some(END))
    };
    read().is_some() && batches.len() == data.len()
}

/// Follows a log of so many bytes to its end: every offset is read once, and nothing more than there is.
fn reads(log: &Log, bytes: usize, from: Option<i64>) -> Option<()> {
    let mut follower = Follower::open(log, HashSet::new(), 0, || true).ok()?;
    let mut before = follower.end();
    let outcome = loop {
        match follower.step() {
            Ok(true) => {}
            outcome => break outcome,
        }
        assert!(follower.end() >= before, "{} after {before}", follower.end());
        before = follower.end();
    };
    // A record takes some bytes.
    let offsets = usize::try_from(follower.end() + 1 - from.unwrap_or(0)).unwrap_or(0);
    assert!(offsets <= bytes, "{offsets} offsets in {bytes} bytes");
    let end = follower.end() + 1;
    follower.state_mut().commit(end);
    follower.state().tally(None);
    outcome.ok().map(drop)
}

/// The same batches with offsets from `start` on; their checksums do not cover these.
fn beginning_at(start: i64, batches: &[u8]) -> Vec<u8> {
    const OFFSET: usize = 8;
    let mut bytes = batches.to_vec();
    let mut shift = None;
    each_batch(&mut bytes, |header, batch| {
        let shift = *shift.get_or_insert(start.wrapping_sub(header.base_offset));
        batch[..OFFSET].copy_from_slice(&header.base_offset.wrapping_add(shift).to_be_bytes());
        true
    });
    bytes
}

/// Memory, where the system has files in it: millions are written.
fn scratch() -> std::path::PathBuf {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() }
}

/// The batches of `data` with their checksums made right, up to the first one that is none or that `take` does not take.
fn with_checksums(data: &[u8], mut take: impl FnMut(&Header, &[u8]) -> bool) -> Vec<u8> {
    let mut bytes = data.to_vec();
    let end = each_batch(&mut bytes, |header, batch| {
        let checksum = crc32c::crc32c(&batch[CHECKSUM.end..]);
        batch[CHECKSUM].copy_from_slice(&checksum.to_be_bytes());
        take(header, batch)
    });
    bytes.truncate(end);
    bytes
}

/// Goes through whole batches as long as they are taken, and says where the last of these ends.
fn each_batch(bytes: &mut [u8], mut take: impl FnMut(&Header, &mut [u8]) -> bool) -> usize {
    let mut from = 0;
    while let Some(head) = bytes[from..].first_chunk::<HEADER>() {
        let Ok(Some(header)) = Header::read(head) else { break };
        let Some(batch) = bytes[from..].get_mut(..header.size as usize) else { break };
        if !take(&header, batch) {
            break;
        }
        from += batch.len();
    }
    from
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step should stop the test where it stands")]

    use super::{follows, reads_batches, reads_record};

    /// Seeds that a target refuses at once would leave everything behind the refusal untried.
    #[test]
    fn seeds_are_well_formed() {
        let seeds = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds");
        for (name, accepts) in [
            ("ledger_record", reads_record as fn(&[u8]) -> bool),
            ("ledger_batches", reads_batches),
            ("ledger_follow", follows),
        ] {
            for seed in std::fs::read_dir(seeds.join(name)).unwrap().map(|entry| entry.unwrap().path()) {
                assert!(accepts(&std::fs::read(&seed).unwrap()), "{}", seed.display());
            }
        }
    }
}
