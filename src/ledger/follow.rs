//! Follows the metadata log on disk: the newest snapshot, the records behind it, and what is appended.
//!
//! Read only. Whatever looks as if the log had been changed under the reader (cut off after a change of leader, replaced by
//! a snapshot, deleted, formatted anew) makes it begin again; whatever it does not know makes it stop and say so.

use std::{
    collections::HashSet,
    io,
    path::{Path, PathBuf},
};

use pillion_probes::set::Key;

use super::{
    batch::{self, BatchError, Header, Records},
    placement::TopicId,
    records::{RecordError, decode},
    segment::{ReadError, Reading, list, segment},
    state::{Beyond, State},
};

/// Batches taken in one step, so that whoever reads can be stopped.
const STEP: usize = 4096;

/// Why the log is not followed.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// It is another log than a moment ago: begin again.
    #[error("the metadata log was {0}")]
    Changed(&'static str),
    /// The file system.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// What is there is not what Kafka writes.
    #[error("the metadata log is damaged at offset {at}: {what}")]
    Damaged {
        /// The offset that should have been next.
        at: i64,
        /// What is wrong.
        what: BatchError,
    },
    /// A record that this program does not know.
    #[error("the metadata log has at offset {at} what this pillion does not know: {what}")]
    Unknown {
        /// Its offset.
        at: i64,
        /// What it is.
        what: RecordError,
    },
    /// Something that cannot be followed.
    #[error(transparent)]
    Beyond(#[from] Beyond),
}

/// What to look at.
#[derive(Clone, Debug)]
pub struct Log {
    /// The directory `__cluster_metadata-0`.
    pub dir: PathBuf,
    /// Id of the broker whose replicas are wanted.
    pub own: i32,
    /// Keys the hashes of topics.
    pub key: Key,
}

/// A log that is followed.
#[derive(Debug)]
pub struct Follower {
    dir: PathBuf,
    reading: Reading,
    /// First offset of the segment that is read.
    base: i64,
    /// The offset that the file goes on with, and the first one that the state lacks: a snapshot may reach further.
    place: i64,
    next: i64,
    epoch: i32,
    state: State,
    /// When the last batch was made, in milliseconds since 1970 by the clock of its controller.
    stamped: Option<i64>,
}

impl Follower {
    /// Reads the newest snapshot, and finds the segment that goes on from it. Takes as long as the snapshot is large.
    ///
    /// `wanted`: see [`State::wanted`]; `committed`: below this offset everything is; `go_on` is asked now and then.
    pub fn open(
        log: &Log,
        wanted: HashSet<(TopicId, i32)>,
        committed: i64,
        go_on: impl Fn() -> bool,
    ) -> Result<Self, Trouble> {
        let (snapshot, bases) = list(&log.dir)?;
        let mut state = State::new(log.own, log.key, wanted);
        let (mut next, mut epoch) = (0, 0);
        if let Some(snapshot) = snapshot {
            // What is in a snapshot is committed.
            state.commit(committed.max(snapshot.end));
            load(&snapshot.path(&log.dir), &mut state, snapshot.end, go_on)?;
            (next, epoch) = (snapshot.end, snapshot.epoch);
        } else {
            state.commit(committed);
        }
        // The last one that does not begin behind it; where a snapshot replaced the log, the first one is still to come.
        let base = bases.iter().rev().find(|base| **base <= next);
        let base = *base.ok_or(Trouble::Changed("deleted up to where its snapshot ends"))?;
        let reading = Reading::open(segment(&log.dir, base)).map_err(gone)?;
        Ok(Self { dir: log.dir.clone(), reading, base, place: base, next, epoch, state, stamped: None })
    }

    /// Whether there is more in the file that is read than what was read of it: the cheapest question, which a log that was
    /// replaced, or goes on in another file, does not answer.
    pub fn has_grown(&self) -> io::Result<bool> {
        self.reading.has_grown()
    }

    /// Takes what has been appended; `true` when there may be more. What it read before stands.
    pub fn step(&mut self) -> Result<bool, Trouble> {
        self.reading.look_again();
        for _ in 0..STEP {
            match self.reading.next() {
                Ok(Some((header, whole))) => {
                    let end = header.end();
                    // What lies before the end of the snapshot is of older epochs.
                    let epoch = if end > self.next { self.epoch } else { 0 };
                    check(&header, self.place, epoch).map_err(|what| damaged(self.place, what))?;
                    self.place = end;
                    if end > self.next {
                        take(&mut self.state, &header, whole, self.next)?;
                        (self.next, self.epoch) = (end, header.epoch);
                        self.stamped = Some(header.max_timestamp);
                    }
                }
                Ok(None) => return self.roll(),
                Err(ReadError::Replaced) => return Err(Trouble::Changed("cut off or replaced")),
                Err(ReadError::Io(error)) => return Err(gone(error)),
                Err(ReadError::Batch(what)) => return Err(damaged(self.place, what)),
            }
        }
        Ok(true)
    }

    /// At the end of a segment: goes over to the next one, when there is one; `true` when it did.
    fn roll(&mut self) -> Result<bool, Trouble> {
        if !self.reading.stands()? {
            return Err(Trouble::Changed("cut off or replaced"));
        }
        // A log that a snapshot replaced goes on where the snapshot ends.
        for base in [self.place, self.next] {
            if base == self.base {
                continue;
            }
            match Reading::open(segment(&self.dir, base)) {
                Ok(reading) => {
                    (self.reading, self.base, self.place) = (reading, base, base);
                    return Ok(true);
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(false)
    }

    /// What was read says this.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The same, to be told what is committed.
    pub fn state_mut(&mut self) -> &mut State {
        &mut self.state
    }

    /// The offset of the last record that was read; negative when there was none.
    pub fn end(&self) -> i64 {
        self.next - 1
    }

    /// When the last batch that was read from the log was made, in milliseconds since 1970 by its controller's clock.
    pub fn stamped(&self) -> Option<i64> {
        self.stamped
    }
}

/// Reads a snapshot into `state`. Its offsets are its own; `end` stands for all of them.
fn load(path: &Path, state: &mut State, end: i64, go_on: impl Fn() -> bool) -> Result<(), Trouble> {
    let mut reading = Reading::open(path.to_owned()).map_err(gone)?;
    let (mut place, mut closed) = (0, false);
    while let Some((header, whole)) = reading.next().map_err(|error| unread(error, end))? {
        if !go_on() {
            return Err(Trouble::Changed("left"));
        }
        check(&header, place, 0).map_err(|what| damaged(end, what))?;
        place = header.end();
        let records = batch::records(&header, whole).map_err(|what| damaged(end, what))?;
        if header.control {
            closed = closes(records).map_err(|what| damaged(end, what))?;
        } else {
            apply(state, records, end - 1, |_| Some(end - 1))?;
        }
    }
    // Kafka renames a snapshot when it is complete, so this is no moment's matter.
    if closed { Ok(()) } else { Err(damaged(end, BatchError::Unfinished)) }
}

fn closes(records: Records<'_>) -> Result<bool, BatchError> {
    let mut closed = false;
    for entry in records {
        closed = batch::ends_snapshot(entry?.key);
    }
    Ok(closed)
}

/// Takes the records of one batch, from the offset `from` on.
fn take(state: &mut State, header: &Header, whole: &[u8], from: i64) -> Result<(), Trouble> {
    let records = batch::records(header, whole).map_err(|what| damaged(header.base_offset, what))?;
    // Those of the quorum itself: who leads, who votes.
    if header.control {
        return Ok(());
    }
    let base = header.base_offset;
    // None of them lies behind the end of the batch.
    apply(state, records, base, |delta| Some(base + delta).filter(|offset| *offset >= from))
}

fn apply(
    state: &mut State,
    records: Records<'_>,
    place: i64,
    offset: impl Fn(i64) -> Option<i64>,
) -> Result<(), Trouble> {
    state.begin_batch();
    for entry in records {
        let entry = entry.map_err(|what| damaged(place, what.into()))?;
        let Some(at) = offset(entry.delta) else { continue };
        let record = decode(entry.value).map_err(|what| Trouble::Unknown { at, what })?;
        state.apply(at, &record)?;
    }
    Ok(())
}

/// The batch is the next one.
fn check(header: &Header, place: i64, epoch: i32) -> Result<(), BatchError> {
    if header.base_offset != place {
        return Err(BatchError::Gap { found: header.base_offset });
    }
    if header.epoch < epoch { Err(BatchError::Epoch { found: header.epoch }) } else { Ok(()) }
}

fn damaged(at: i64, what: BatchError) -> Trouble {
    Trouble::Damaged { at, what }
}

fn unread(error: ReadError, at: i64) -> Trouble {
    match error {
        ReadError::Replaced => Trouble::Changed("cut off or replaced"),
        ReadError::Io(error) => gone(error),
        ReadError::Batch(what) => damaged(at, what),
    }
}

/// A file that was there a moment ago.
fn gone(error: io::Error) -> Trouble {
    if error.kind() == io::ErrorKind::NotFound { Trouble::Changed("deleted") } else { error.into() }
}
