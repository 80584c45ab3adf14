//! The files of the metadata log: which there are, and what lies next in one of them.
//!
//! Kafka appends to the newest segment, and puts snapshots beside them by a rename (`Snapshots`, `KafkaRaftLog`). Names
//! are offsets: `<base>.log`, and `<end>-<epoch>.checkpoint`, where `end` is the first offset that a snapshot lacks.

use std::{
    fs::{self, File, Metadata},
    io,
    os::unix::fs::{FileExt, MetadataExt},
    path::{Path, PathBuf},
};

use super::batch::{BatchError, HEADER, Header};

/// Read at a time; a batch that is larger is read whole.
const CHUNK: usize = 64 << 10;
/// Names in the directory that are looked at. Kafka keeps a few dozen.
const NAMES_MAX: usize = 10_000;

/// A snapshot by name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Snapshot {
    /// The first offset that it lacks.
    pub end: i64,
    /// Epoch of the last record that it has.
    pub epoch: i32,
}

impl Snapshot {
    /// Where it is.
    pub fn path(&self, dir: &Path) -> PathBuf {
        dir.join(format!("{:020}-{:010}.checkpoint", self.end, self.epoch))
    }

    fn named(name: &str) -> Option<Self> {
        let (end, epoch) = name.strip_suffix(".checkpoint")?.split_once('-')?;
        (end.len() == 20 && epoch.len() == 10)
            .then(|| Some(Self { end: end.parse().ok()?, epoch: epoch.parse().ok()? }))?
    }
}

/// Where the segment is that begins with the offset `base`.
pub fn segment(dir: &Path, base: i64) -> PathBuf {
    dir.join(format!("{base:020}.log"))
}

/// The newest snapshot, and the first offsets of all segments, in order.
pub fn list(dir: &Path) -> io::Result<(Option<Snapshot>, Vec<i64>)> {
    let (mut newest, mut bases) = (None, Vec::new());
    for entry in fs::read_dir(dir)?.take(NAMES_MAX) {
        let name = entry?.file_name();
        let Some(name) = name.to_str() else { continue };
        newest = newest.max(Snapshot::named(name));
        let base: Option<i64> =
            name.strip_suffix(".log").filter(|base| base.len() == 20).and_then(|base| base.parse().ok());
        bases.extend(base);
    }
    bases.sort_unstable();
    Ok((newest, bases))
}

/// One file, read from its start on, batch by batch.
#[derive(Debug)]
pub struct Reading {
    file: File,
    path: PathBuf,
    /// Place in the file of the first byte of `buffer`.
    start: u64,
    buffer: Vec<u8>,
    /// Where the next batch begins in `buffer`, and where what was read ends.
    from: usize,
    to: usize,
    /// There are bytes in `buffer` that were read since it was last looked whether the file is still the same.
    fresh: bool,
    /// The head of the last batch that was taken, and its place in the file.
    last: Option<(u64, [u8; HEADER])>,
}

impl Reading {
    /// Opens a file.
    pub fn open(path: PathBuf) -> io::Result<Self> {
        let file = File::open(&path)?;
        Ok(Self { file, path, start: 0, buffer: vec![0; CHUNK], from: 0, to: 0, fresh: false, last: None })
    }

    /// It is the file at this path, and what was read of it still stands there. Kafka cuts off what a new leader does not
    /// have, and may write something else in its place.
    pub fn stands(&self) -> io::Result<bool> {
        let id = |metadata: &Metadata| (metadata.dev(), metadata.ino());
        match fs::metadata(&self.path) {
            Ok(there) if id(&there) == id(&self.file.metadata()?) => {}
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => return Ok(false),
        }
        let Some((place, head)) = &self.last else { return Ok(true) };
        let mut now = [0; HEADER];
        match self.file.read_exact_at(&mut now, *place) {
            Ok(()) => Ok(now == *head),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The file does not end where the last batch that was taken does.
    pub fn has_grown(&self) -> io::Result<bool> {
        Ok(self.file.metadata()?.len() != self.start + self.from as u64)
    }

    /// Forgets what was read and not taken: a batch whose end was not there yet may be another by now.
    pub fn look_again(&mut self) {
        self.to = self.from;
        if self.buffer.len() > CHUNK {
            self.start += self.from as u64;
            (self.from, self.to) = (0, 0);
            self.buffer = vec![0; CHUNK];
        }
    }

    /// The next batch, with its head; `None` where it is not there, or not all of it.
    pub fn next(&mut self) -> Result<Option<(Header, &[u8])>, ReadError> {
        let Some(head) = self.head()? else { return Ok(None) };
        self.check()?;
        let Some(header) = Header::read(&head)? else { return Ok(None) };
        let size = header.size as usize;
        if !self.have(size)? {
            return Ok(None);
        }
        self.check()?;
        self.last = Some((self.start + self.from as u64, head));
        let from = self.from;
        self.from += size;
        Ok(self.buffer.get(from..self.from).map(|whole| (header, whole)))
    }

    /// After bytes were read: what follows something else now is not what follows the last batch.
    fn check(&mut self) -> Result<(), ReadError> {
        if std::mem::take(&mut self.fresh) && !self.stands()? { Err(ReadError::Replaced) } else { Ok(()) }
    }

    fn head(&mut self) -> io::Result<Option<[u8; HEADER]>> {
        let there = self.have(HEADER)?;
        let head = self.buffer.get(self.from..self.to).and_then(<[u8]>::first_chunk);
        Ok(head.copied().filter(|_| there))
    }

    /// Reads on until there are `len` bytes; `false` when the file ends before.
    fn have(&mut self, len: usize) -> io::Result<bool> {
        while self.to - self.from < len {
            if len > self.buffer.len() {
                // Read once more what is there of it, rather than hold two buffers of 8 MiB for a moment.
                (self.start, self.from, self.to) = (self.start + self.from as u64, 0, 0);
                self.buffer = Vec::new();
                self.buffer = vec![0; len];
            } else if self.from + len > self.buffer.len() {
                self.buffer.copy_within(self.from..self.to, 0);
                self.start += self.from as u64;
                (self.from, self.to) = (0, self.to - self.from);
            }
            let room = self.buffer.get_mut(self.to..).unwrap_or_default();
            match self.file.read_at(room, self.start + self.to as u64) {
                Ok(0) => return Ok(false),
                Ok(read) => {
                    self.to += read;
                    self.fresh = true;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }
}

/// Why a batch was not read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file system.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// What was read of the file does not stand there any more.
    #[error("it was cut off or replaced")]
    Replaced,
    /// What is there is no batch.
    #[error(transparent)]
    Batch(#[from] BatchError),
}
