//! Feeds the bytes of one frame to a reader of items, at any boundaries.

use crate::kafka::scan::ScanError;
use crate::kafka::scan::window::{Stop, Window};

/// How much is added at a time to an item that was cut off by the end of a feed.
const MEND: usize = 512;

/// What a reader of items does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Another item.
    Item,
    /// A section of tagged fields to be skipped, then another item.
    Tags,
    /// Nothing: the message is complete.
    Done,
}

/// Reads a message item by item. An item is of bounded size, and nothing of it may be kept before all of it
/// has been read: it is read again when it was incomplete.
pub(super) trait Items {
    fn item(&mut self, window: &mut Window<'_>) -> Result<Next, Stop>;
}

/// Where a frame stands after a feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// This many bytes of the frame are still to be fed.
    More(u64),
    /// The message is complete, and so is its frame.
    Complete,
}

#[derive(Clone, Copy, Debug)]
enum Tags {
    No,
    Count,
    Field { left: u32 },
    Content { bytes: u64, left: u32 },
}

/// Drives `Items` over a frame of known length, response header's tagged fields first.
#[derive(Clone, Debug)]
pub(super) struct Push<I> {
    items: I,
    tags: Tags,
    done: bool,
    failed: Option<ScanError>,
    /// Bytes of the frame that have not been read for good, the carried ones included.
    left: u64,
    /// The start of an item whose rest has not come.
    carry: Vec<u8>,
}

impl<I: Items> Push<I> {
    pub(super) fn new(items: I, bytes: u64) -> Self {
        Self { items, tags: Tags::Count, done: false, failed: None, left: bytes, carry: Vec::new() }
    }

    pub(super) fn items(&self) -> &I {
        &self.items
    }

    pub(super) fn items_mut(&mut self) -> &mut I {
        &mut self.items
    }

    pub(super) fn into_items(self) -> I {
        self.items
    }

    pub(super) fn feed(&mut self, bytes: &[u8]) -> Result<Step, ScanError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        self.advance(bytes).inspect_err(|error| self.failed = Some(error.clone()))
    }

    fn advance(&mut self, mut bytes: &[u8]) -> Result<Step, ScanError> {
        let beyond = (self.carry.len() as u64 + bytes.len() as u64).saturating_sub(self.left);
        if beyond > 0 {
            return Err(ScanError::Trailing(beyond));
        }
        while !self.carry.is_empty() && !bytes.is_empty() {
            let before = self.carry.len();
            let (mend, rest) = bytes.split_at(bytes.len().min(MEND));
            let mut carry = std::mem::take(&mut self.carry);
            carry.extend_from_slice(mend);
            let used = self.read(&carry)?;
            if used > before {
                bytes = bytes.get(used - before..).unwrap_or_default();
                carry.clear();
            } else {
                // An item ends behind what was carried, or is still cut off: `used` is 0 here.
                bytes = rest;
                carry.drain(..used);
            }
            self.carry = carry;
        }
        if self.carry.is_empty() {
            let used = self.read(bytes)?;
            self.carry.extend_from_slice(bytes.get(used..).unwrap_or_default());
        }
        match (self.done, self.left) {
            (true, 0) => Ok(Step::Complete),
            (true, left) => Err(ScanError::Trailing(left)),
            (false, left) => Ok(Step::More(left - self.carry.len() as u64)),
        }
    }

    /// Reads items from `data`; returns how many bytes of it are done with.
    fn read(&mut self, data: &[u8]) -> Result<usize, ScanError> {
        let mut window = Window::new(data, self.left);
        while !self.done {
            let outcome = match self.tags {
                Tags::No => self.items.item(&mut window).map(|next| match next {
                    Next::Item => {}
                    Next::Tags => self.tags = Tags::Count,
                    Next::Done => self.done = true,
                }),
                tags => skip_tags(tags, &mut window).map(|tags| self.tags = tags),
            };
            match outcome {
                Ok(()) => window.commit(),
                Err(Stop::Incomplete) => break,
                Err(Stop::Bad(error)) => return Err(error),
            }
        }
        self.left -= window.committed() as u64;
        Ok(window.committed())
    }
}

/// One step through a section of tagged fields; their content is never held.
fn skip_tags(tags: Tags, window: &mut Window<'_>) -> Result<Tags, Stop> {
    let next = |left: u32| if left == 0 { Tags::No } else { Tags::Field { left } };
    match tags {
        Tags::No => Ok(Tags::No),
        Tags::Count => {
            let count = window.varint()?;
            window.expect(u64::from(count) * 2)?;
            Ok(next(count))
        }
        Tags::Field { left } => {
            window.varint()?;
            let bytes = u64::from(window.varint()?);
            window.expect(bytes)?;
            Ok(if bytes == 0 { next(left - 1) } else { Tags::Content { bytes, left: left - 1 } })
        }
        Tags::Content { bytes, left } => match window.skip(bytes) {
            0 => Err(Stop::Incomplete),
            skipped if skipped == bytes => Ok(next(left)),
            skipped => Ok(Tags::Content { bytes: bytes - skipped, left }),
        },
    }
}
