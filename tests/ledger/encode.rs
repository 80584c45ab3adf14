//! Writes what Kafka writes: records, batches, segments and snapshots of the metadata log.

use std::{
    fs::{self, File, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
};

/// The id of a topic made of a number.
pub fn topic_id(number: u8) -> [u8; 16] {
    let mut id = [number; 16];
    id[0] = 0x40;
    id
}

fn uvarint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(u8::try_from(value & 0x7f).unwrap() | 0x80);
        value >>= 7;
    }
    out.push(u8::try_from(value).unwrap());
}

fn varint(out: &mut Vec<u8>, value: i64) {
    uvarint(out, ((value << 1) ^ (value >> 63)).cast_unsigned());
}

fn text(out: &mut Vec<u8>, text: &str) {
    uvarint(out, text.len() as u64 + 1);
    out.extend(text.as_bytes());
}

fn ids(out: &mut Vec<u8>, ids: &[i32]) {
    uvarint(out, ids.len() as u64 + 1);
    for id in ids {
        out.extend(id.to_be_bytes());
    }
}

/// A record's value up to its message.
fn begin(key: u64, version: u64) -> Vec<u8> {
    let mut out = Vec::new();
    for number in [1, key, version] {
        uvarint(&mut out, number);
    }
    out
}

/// `TopicRecord`, version 0.
pub fn topic(name: &str, number: u8) -> Vec<u8> {
    let mut out = begin(2, 0);
    text(&mut out, name);
    out.extend(topic_id(number));
    out.push(0);
    out
}

/// `RemoveTopicRecord`, version 0.
pub fn remove_topic(number: u8) -> Vec<u8> {
    let mut out = begin(9, 0);
    out.extend(topic_id(number));
    out.push(0);
    out
}

/// `PartitionRecord`, version 0.
pub fn partition(number: u8, index: i32, replicas: &[i32], isr: &[i32], leader: i32) -> Vec<u8> {
    let mut out = begin(3, 0);
    out.extend(index.to_be_bytes());
    out.extend(topic_id(number));
    for list in [replicas, isr, &[], &[]] {
        ids(&mut out, list);
    }
    for value in [leader, 0, 0] {
        out.extend(value.to_be_bytes());
    }
    out.push(0);
    out
}

/// What a `PartitionChangeRecord` changes.
#[derive(Clone, Debug, Default)]
pub struct Change {
    pub isr: Option<Vec<i32>>,
    pub leader: Option<i32>,
    pub replicas: Option<Vec<i32>>,
    pub removing: Option<Vec<i32>>,
    pub adding: Option<Vec<i32>>,
}

/// A change of a partition of the topic made of a number.
pub fn change(number: u8, index: i32, told: &Change) -> Vec<u8> {
    change_of(&topic_id(number), index, told)
}

/// `PartitionChangeRecord`, version 0: all but the partition is tagged.
pub fn change_of(topic: &[u8; 16], index: i32, change: &Change) -> Vec<u8> {
    let mut out = begin(5, 0);
    out.extend(index.to_be_bytes());
    out.extend(topic);
    let list = |list: &Option<Vec<i32>>| {
        list.as_ref().map(|list| {
            let mut bytes = Vec::new();
            ids(&mut bytes, list);
            bytes
        })
    };
    let tags = [
        list(&change.isr),
        change.leader.map(|leader| leader.to_be_bytes().to_vec()),
        list(&change.replicas),
        list(&change.removing),
        list(&change.adding),
    ];
    uvarint(&mut out, tags.iter().flatten().count() as u64);
    for (tag, bytes) in tags.iter().enumerate() {
        if let Some(bytes) = bytes {
            uvarint(&mut out, tag as u64);
            uvarint(&mut out, bytes.len() as u64);
            out.extend(bytes);
        }
    }
    out
}

/// `ConfigRecord`, version 0, of a topic.
pub fn topic_config(name: &str, key: &str, value: Option<&str>) -> Vec<u8> {
    let mut out = begin(4, 0);
    out.push(2);
    text(&mut out, name);
    text(&mut out, key);
    match value {
        Some(value) => text(&mut out, value),
        None => out.push(0),
    }
    out.push(0);
    out
}

/// `FeatureLevelRecord`, version 0.
pub fn feature(name: &str, level: i16) -> Vec<u8> {
    let mut out = begin(12, 0);
    text(&mut out, name);
    out.extend(level.to_be_bytes());
    out.push(0);
    out
}

/// `RegisterBrokerRecord`, version 0, without listeners and features.
pub fn register(broker: i32, fenced: bool) -> Vec<u8> {
    let mut out = begin(0, 0);
    out.extend(broker.to_be_bytes());
    out.extend(topic_id(99));
    out.extend(7_i64.to_be_bytes());
    // Listeners, features, rack.
    out.extend([1, 1, 0]);
    out.push(u8::from(fenced));
    out.push(0);
    out
}

/// `BrokerRegistrationChangeRecord`, version 0: fences (1) or unfences (-1).
pub fn registration_change(broker: i32, fenced: i8) -> Vec<u8> {
    let mut out = begin(17, 0);
    out.extend(broker.to_be_bytes());
    out.extend(7_i64.to_be_bytes());
    out.extend([1, 0, 1, fenced.cast_unsigned()]);
    out
}

/// `NoOpRecord`.
pub fn no_op() -> Vec<u8> {
    let mut out = begin(20, 0);
    out.push(0);
    out
}

/// `BeginTransactionRecord`, `EndTransactionRecord` or `AbortTransactionRecord`, version 0, by their keys.
pub fn transaction(key: u64) -> Vec<u8> {
    let mut out = begin(key, 0);
    out.push(0);
    out
}

/// A record of a key and a version.
pub fn other(key: u64, version: u64) -> Vec<u8> {
    let mut out = begin(key, version);
    out.push(0);
    out
}

/// One batch.
pub fn batch(base: i64, epoch: i32, records: &[Vec<u8>], control: Option<i16>) -> Vec<u8> {
    let mut body = Vec::new();
    for (delta, value) in records.iter().enumerate() {
        let mut record = vec![0];
        varint(&mut record, 0);
        varint(&mut record, i64::try_from(delta).unwrap());
        match control {
            Some(kind) => {
                varint(&mut record, 4);
                record.extend(0_i16.to_be_bytes());
                record.extend(kind.to_be_bytes());
            }
            None => varint(&mut record, -1),
        }
        varint(&mut record, i64::try_from(value.len()).unwrap());
        record.extend(value);
        varint(&mut record, 0);
        varint(&mut body, i64::try_from(record.len()).unwrap());
        body.extend(record);
    }
    let count = i32::try_from(records.len()).unwrap();
    let mut rest = Vec::new();
    rest.extend(if control.is_some() { 0x20_i16 } else { 0 }.to_be_bytes());
    rest.extend((count - 1).to_be_bytes());
    rest.extend(1_000_000_i64.to_be_bytes());
    rest.extend(1_000_000_i64.to_be_bytes());
    rest.extend((-1_i64).to_be_bytes());
    rest.extend((-1_i16).to_be_bytes());
    rest.extend((-1_i32).to_be_bytes());
    rest.extend(count.to_be_bytes());
    rest.extend(body);
    let mut out = Vec::new();
    out.extend(base.to_be_bytes());
    out.extend(i32::try_from(rest.len() + 9).unwrap().to_be_bytes());
    out.extend(epoch.to_be_bytes());
    out.push(2);
    out.extend([0; 4]);
    out.extend(rest);
    checked(out)
}

/// The same batch with the checksum that what is in it should have.
pub fn checked(mut batch: Vec<u8>) -> Vec<u8> {
    let checksum = crc32c::crc32c(&batch[21..]);
    batch[17..21].copy_from_slice(&checksum.to_be_bytes());
    batch
}

/// A directory that is written as Kafka writes it.
pub struct Disk {
    pub dir: PathBuf,
    /// The segment that is appended to.
    base: i64,
    /// The next offset.
    pub next: i64,
    pub epoch: i32,
}

impl Disk {
    pub fn new(dir: &Path) -> Self {
        let dir = dir.join("__cluster_metadata-0");
        fs::create_dir_all(&dir).unwrap();
        Self { dir, base: 0, next: 0, epoch: 1 }
    }

    pub fn segment(&self) -> PathBuf {
        self.dir.join(format!("{:020}.log", self.base))
    }

    fn file(&self) -> File {
        OpenOptions::new().create(true).append(true).open(self.segment()).unwrap()
    }

    pub fn write(&self, bytes: &[u8]) {
        self.file().write_all(bytes).unwrap();
    }

    /// The next batch, for who wants to write it in pieces.
    pub fn next_batch(&mut self, records: &[Vec<u8>]) -> Vec<u8> {
        let bytes = batch(self.next, self.epoch, records, None);
        self.next += i64::try_from(records.len()).unwrap();
        bytes
    }

    pub fn append(&mut self, records: &[Vec<u8>]) {
        let bytes = self.next_batch(records);
        self.write(&bytes);
    }

    /// Another leader.
    pub fn elect(&mut self) {
        self.epoch += 1;
        let bytes = batch(self.next, self.epoch, &[vec![0, 0]], Some(2));
        self.next += 1;
        self.write(&bytes);
    }

    /// Another segment.
    pub fn roll(&mut self) {
        self.base = self.next;
        drop(self.file());
    }

    /// Cuts the segment off where `next` is a batch's first offset, as a follower does.
    pub fn truncate(&mut self, next: i64) {
        let bytes = fs::read(self.segment()).unwrap();
        let mut at = 0;
        while at < bytes.len() {
            let base = i64::from_be_bytes(bytes[at..at + 8].try_into().unwrap());
            if base >= next {
                break;
            }
            at +=
                12 + usize::try_from(i32::from_be_bytes(bytes[at + 8..at + 12].try_into().unwrap())).unwrap();
        }
        OpenOptions::new().write(true).open(self.segment()).unwrap().set_len(at as u64).unwrap();
        self.next = next;
    }

    /// A snapshot of everything before `end`.
    pub fn snapshot(&self, end: i64, records: &[Vec<u8>]) {
        let mut bytes = batch(0, self.epoch, &[vec![0, 0]], Some(3));
        let mut next = 1;
        for some in records.chunks(100) {
            bytes.extend(batch(next, self.epoch, some, None));
            next += i64::try_from(some.len()).unwrap();
        }
        bytes.extend(batch(next, self.epoch, &[vec![0, 0]], Some(4)));
        let name = format!("{end:020}-{:010}.checkpoint", self.epoch);
        let part = self.dir.join(format!("{name}.part"));
        fs::write(&part, bytes).unwrap();
        fs::rename(part, self.dir.join(name)).unwrap();
    }

    /// The log is replaced by a snapshot that ends at `end`, as that of a follower that was away for too long.
    pub fn start_at(&mut self, end: i64) {
        for entry in fs::read_dir(&self.dir).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "log") {
                let mut gone = path.clone().into_os_string();
                gone.push(".deleted");
                fs::rename(&path, gone).unwrap();
            }
        }
        (self.base, self.next) = (end, end);
        drop(self.file());
    }
}
