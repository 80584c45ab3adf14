//! The decoder of `DescribeLogDirs` answers, which grow with the partitions that a broker hosts.

use std::collections::HashMap;

use pillion_probes::set::{Digest, Key, Sieve, TopicHash};

use crate::kafka::codes;
use crate::kafka::scan::push::{Items, Next, Push};
use crate::kafka::scan::window::{Stop, Window};
use crate::kafka::scan::{ScanError, Step};

/// Log directories accepted of one broker.
const DIRS_MAX: u32 = 1024;
/// Longest path accepted, in bytes (`PATH_MAX`).
const PATH_MAX: u16 = 4096;
/// Longest name of a topic, in bytes.
const NAME_MAX: u16 = 249;
const METADATA_TOPIC: &[u8] = b"__cluster_metadata";

/// One log directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogDir {
    /// Absolute path, as the broker names it.
    pub path: String,
    /// Kafka's error code; 56 (`KAFKA_STORAGE_ERROR`) when the directory is offline.
    pub error_code: i16,
    /// Bytes of the volume; `None` before v4 (3.3) and on an error.
    pub total_bytes: Option<u64>,
    /// Bytes of the volume that can be used; `None` as above.
    pub usable_bytes: Option<u64>,
    /// Replicas hosted, without future ones (a move between directories) and the metadata log.
    pub replicas: u64,
    /// Future replicas, on their way in from another directory.
    pub future_replicas: u64,
    /// Bytes of all replicas that are told, future ones included.
    pub bytes: u64,
}

/// The log directories of one broker (`DescribeLogDirsResponse`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogDirs {
    /// Error code of the answer as a whole (v3).
    pub error_code: i16,
    /// Milliseconds that the broker's quota asks to wait before the next request.
    pub throttle_ms: i32,
    /// One entry a directory.
    pub dirs: Vec<LogDir>,
    /// The set of the replicas hosted, without future ones and the metadata log.
    pub hosted: Digest,
    /// The closer look at them, where one was asked for.
    pub sieve: Option<Sieve>,
    /// Bytes of the logs of the replicas that were asked for by their hashes; `None` of those that are not here.
    pub sizes: HashMap<u64, Option<u64>>,
}

/// Decodes one answer as its bytes come: one entry a directory, whatever it hosts.
#[derive(Clone, Debug)]
pub struct LogDirsScanner {
    push: Push<Reader>,
}

impl LogDirsScanner {
    /// A decoder for versions 2 to 4; `bytes` as in [`Scanner::new`](crate::kafka::scan::Scanner::new).
    pub fn new(version: i16, bytes: u64) -> Result<Self, ScanError> {
        if !(2..=4).contains(&version) {
            return Err(ScanError::Version(version));
        }
        let reader = Reader {
            version,
            at: At::Head,
            dirs_left: 0,
            topics_left: 0,
            topic: Vec::new(),
            topic_hash: None,
            key: Key::default(),
            found: LogDirs::default(),
            dir: LogDir::default(),
        };
        Ok(Self { push: Push::new(reader, bytes) })
    }

    /// Hashes the replicas with `key`, for the digest, and takes a closer look at them.
    #[must_use]
    pub fn keyed(mut self, key: Key, sieve: Option<Sieve>) -> Self {
        let reader = self.push.items_mut();
        (reader.key, reader.found.sieve) = (key, sieve);
        self
    }

    /// Fills in the sizes of these replicas.
    #[must_use]
    pub fn measuring(mut self, sizes: HashMap<u64, Option<u64>>) -> Self {
        self.push.items_mut().found.sizes = sizes;
        self
    }

    /// Decodes the next bytes of the frame, however few or many.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<Step, ScanError> {
        self.push.feed(bytes)
    }

    /// What was found. Call it after [`Step::Complete`].
    pub fn finish(self) -> LogDirs {
        self.push.into_items().found
    }
}

#[derive(Clone, Copy, Debug)]
enum At {
    Head,
    Dir,
    Topic,
    Partitions { left: u32 },
    DirEnd,
    End,
}

#[derive(Clone, Debug)]
struct Reader {
    version: i16,
    at: At,
    dirs_left: u32,
    topics_left: u32,
    topic: Vec<u8>,
    /// Of the current topic; `None` when its replicas do not count.
    topic_hash: Option<TopicHash>,
    key: Key,
    found: LogDirs,
    dir: LogDir,
}

impl Reader {
    fn head(&mut self, window: &mut Window<'_>) -> Result<(), Stop> {
        let throttle_ms = window.int32()?;
        let error_code = if self.version >= 3 { window.int16()? } else { codes::NONE };
        // Error, path, topics, tagged fields.
        let dirs = window.count("the log directories", 5)?;
        if dirs > DIRS_MAX {
            let what = "the list of log directories";
            return Err(ScanError::TooLong { what, len: u64::from(dirs), cap: u64::from(DIRS_MAX) }.into());
        }
        (self.found.error_code, self.found.throttle_ms) = (error_code, throttle_ms);
        self.dirs_left = dirs;
        Ok(())
    }

    fn dir(&mut self, window: &mut Window<'_>) -> Result<(), Stop> {
        let error_code = window.int16()?;
        let path = window.text("the path of a log directory", PATH_MAX)?;
        // Name, partitions, tagged fields.
        self.topics_left = window.count("the topics of a log directory", 3)?;
        self.dirs_left -= 1;
        self.dir =
            LogDir { path: String::from_utf8_lossy(path).into_owned(), error_code, ..LogDir::default() };
        Ok(())
    }

    fn topic(&mut self, window: &mut Window<'_>) -> Result<u32, Stop> {
        let name = window.text("a topic's name", NAME_MAX)?;
        // Index, size, lag, future, tagged fields.
        let partitions = window.count("the partitions of a topic", 22)?;
        self.topics_left -= 1;
        self.topic.clear();
        self.topic.extend_from_slice(name);
        self.topic_hash = (name != METADATA_TOPIC).then(|| self.key.topic(name));
        Ok(partitions)
    }

    fn partitions(&mut self, mut left: u32, window: &mut Window<'_>) -> Result<Next, Stop> {
        while left > 0 {
            let index = window.int32()?;
            let size = u64::try_from(window.int64()?).unwrap_or(0);
            window.int64()?;
            let future = window.int8()? != 0;
            self.dir.bytes = self.dir.bytes.saturating_add(size);
            match (self.topic_hash, future) {
                (None, _) => {}
                (Some(_), true) => self.dir.future_replicas += 1,
                (Some(topic), false) => {
                    let hash = topic.partition(index);
                    self.found.hosted.add(hash);
                    if let Some(sieve) = &mut self.found.sieve {
                        sieve.see(hash, &self.topic, index);
                    }
                    self.dir.replicas += 1;
                    if let Some(wanted) = self.found.sizes.get_mut(&hash) {
                        *wanted = Some(size);
                    }
                }
            }
            left -= 1;
            self.at = At::Partitions { left };
            if !window.skip_empty_tags() {
                return Ok(Next::Tags);
            }
            window.commit();
        }
        self.at = At::Topic;
        Ok(Next::Tags)
    }

    fn dir_end(&mut self, window: &mut Window<'_>) -> Result<(), Stop> {
        if self.version >= 4 {
            let (total, usable) = (window.int64()?, window.int64()?);
            self.dir.total_bytes = u64::try_from(total).ok();
            self.dir.usable_bytes = u64::try_from(usable).ok();
        }
        self.found.dirs.push(std::mem::take(&mut self.dir));
        Ok(())
    }
}

impl Items for Reader {
    fn item(&mut self, window: &mut Window<'_>) -> Result<Next, Stop> {
        let (at, next) = match self.at {
            At::Head => {
                self.head(window)?;
                (At::Dir, Next::Item)
            }
            At::Dir if self.dirs_left == 0 => (At::End, Next::Tags),
            At::Dir => {
                self.dir(window)?;
                (At::Topic, Next::Item)
            }
            At::Topic if self.topics_left == 0 => (At::DirEnd, Next::Item),
            At::Topic => {
                let left = self.topic(window)?;
                (At::Partitions { left }, Next::Item)
            }
            At::Partitions { left } => return self.partitions(left, window),
            At::DirEnd => {
                self.dir_end(window)?;
                (At::Dir, Next::Tags)
            }
            At::End => (At::End, Next::Done),
        };
        self.at = at;
        Ok(next)
    }
}
