//! A view of the bytes at hand, within a frame whose rest may not have come yet.

use crate::kafka::scan::ScanError;

/// Entries allowed in a list of replicas. Kafka's own limit is the number of brokers.
const LIST_MAX: u64 = 1024;

/// Why an item could not be read.
#[derive(Debug)]
pub(super) enum Stop {
    /// More bytes of the frame are needed: read the item again from its start then.
    Incomplete,
    /// More bytes will not help.
    Bad(ScanError),
}

impl From<ScanError> for Stop {
    fn from(error: ScanError) -> Self {
        Self::Bad(error)
    }
}

/// Reads items off a slice. A length that the frame cannot hold fails at once; one that the frame can hold and
/// the slice does not is [`Stop::Incomplete`].
#[derive(Debug)]
pub(super) struct Window<'a> {
    data: &'a [u8],
    at: usize,
    committed: usize,
    /// Bytes of the frame from the start of `data`; `data` is no longer than that.
    frame: u64,
}

impl<'a> Window<'a> {
    pub(super) fn new(data: &'a [u8], frame: u64) -> Self {
        Self { data, at: 0, committed: 0, frame }
    }

    /// What was read so far needs not be read again.
    #[inline]
    pub(super) fn commit(&mut self) {
        self.committed = self.at;
    }

    /// Bytes read for good.
    pub(super) fn committed(&self) -> usize {
        self.committed
    }

    /// Bytes of the frame that have not been read.
    fn left(&self) -> u64 {
        self.frame.saturating_sub(self.at as u64)
    }

    #[inline]
    pub(super) fn take(&mut self, len: usize) -> Result<&'a [u8], Stop> {
        let end = self.at.saturating_add(len);
        match self.data.get(self.at..end) {
            Some(taken) => {
                self.at = end;
                Ok(taken)
            }
            None => Err(self.short(len as u64)),
        }
    }

    #[cold]
    fn short(&self, needed: u64) -> Stop {
        let left = self.left();
        if needed > left { ScanError::Overrun { needed, left }.into() } else { Stop::Incomplete }
    }

    #[inline]
    fn array<const N: usize>(&mut self) -> Result<[u8; N], Stop> {
        match self.data.get(self.at..).and_then(<[u8]>::first_chunk) {
            Some(taken) => {
                self.at += N;
                Ok(*taken)
            }
            None => Err(self.short(N as u64)),
        }
    }

    pub(super) fn int8(&mut self) -> Result<i8, Stop> {
        self.array().map(i8::from_be_bytes)
    }

    #[inline]
    pub(super) fn int16(&mut self) -> Result<i16, Stop> {
        self.array().map(i16::from_be_bytes)
    }

    #[inline]
    pub(super) fn int32(&mut self) -> Result<i32, Stop> {
        self.array().map(i32::from_be_bytes)
    }

    #[inline]
    pub(super) fn int64(&mut self) -> Result<i64, Stop> {
        self.array().map(i64::from_be_bytes)
    }

    #[inline]
    pub(super) fn varint(&mut self) -> Result<u32, Stop> {
        let [first] = self.array()?;
        if first < 0x80 { Ok(u32::from(first)) } else { self.long_varint(first) }
    }

    fn long_varint(&mut self, first: u8) -> Result<u32, Stop> {
        let mut value = u64::from(first & 0x7f);
        for shift in [7, 14, 21, 28] {
            let [byte] = self.array()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return u32::try_from(value).map_err(|_| ScanError::Varint.into());
            }
        }
        Err(ScanError::Varint.into())
    }

    /// The count of an array of structs that take `least` bytes each or more.
    pub(super) fn count(&mut self, what: &'static str, least: u64) -> Result<u32, Stop> {
        let count = self.varint()?.checked_sub(1).ok_or(ScanError::Null { what })?;
        let (needed, left) = (u64::from(count) * least, self.left());
        if needed > left { Err(ScanError::Overrun { needed, left }.into()) } else { Ok(count) }
    }

    /// An array of `int32`, as its bytes; `None` for null.
    #[inline]
    pub(super) fn nullable_ids(&mut self, what: &'static str) -> Result<Option<&'a [u8]>, Stop> {
        let Some(count) = self.varint()?.checked_sub(1).map(u64::from) else { return Ok(None) };
        if count > LIST_MAX {
            return Err(ScanError::TooLong { what, len: count, cap: LIST_MAX }.into());
        }
        // At most LIST_MAX entries: no truncation.
        #[expect(clippy::cast_possible_truncation, reason = "checked against LIST_MAX just above")]
        self.take(count as usize * 4).map(Some)
    }

    /// An array of `int32`, as its bytes.
    #[inline]
    pub(super) fn ids(&mut self, what: &'static str) -> Result<&'a [u8], Stop> {
        self.nullable_ids(what)?.ok_or(Stop::Bad(ScanError::Null { what }))
    }

    /// A string of at most `cap` bytes; `None` for null.
    pub(super) fn nullable_text(&mut self, what: &'static str, cap: u16) -> Result<Option<&'a [u8]>, Stop> {
        let Some(len) = self.varint()?.checked_sub(1) else { return Ok(None) };
        let Some(len) = u16::try_from(len).ok().filter(|len| *len <= cap) else {
            return Err(ScanError::TooLong { what, len: u64::from(len), cap: u64::from(cap) }.into());
        };
        self.take(usize::from(len)).map(Some)
    }

    /// A string of at most `cap` bytes.
    pub(super) fn text(&mut self, what: &'static str, cap: u16) -> Result<&'a [u8], Stop> {
        self.nullable_text(what, cap)?.ok_or(Stop::Bad(ScanError::Null { what }))
    }

    /// Skips a section of tagged fields when it is at hand and empty, as it nearly always is.
    #[inline]
    pub(super) fn skip_empty_tags(&mut self) -> bool {
        let empty = self.data.get(self.at) == Some(&0);
        self.at += usize::from(empty);
        empty
    }

    /// Skips up to `len` bytes of those at hand; returns how many.
    pub(super) fn skip(&mut self, len: u64) -> u64 {
        let here = self.data.len().saturating_sub(self.at);
        let skipped = usize::try_from(len).map_or(here, |len| len.min(here));
        self.at += skipped;
        skipped as u64
    }

    /// Fails when `len` more bytes are more than the frame has.
    pub(super) fn expect(&self, len: u64) -> Result<(), Stop> {
        let left = self.left();
        if len > left { Err(ScanError::Overrun { needed: len, left }.into()) } else { Ok(()) }
    }
}
