//! Batches of records, as they lie in segments and snapshots (`DefaultRecordBatch`, magic 2).

use super::bytes::{Bytes, Malformed};

/// Bytes before the first record.
pub const HEADER: usize = 61;
/// Bytes before the length of the rest, and that length.
const BEFORE: u32 = 12;
/// Where the bytes begin that the checksum covers: the attributes.
const CHECKED: usize = 21;
/// Kafka makes none larger than 8 MiB (`KafkaRaftClient.MAX_BATCH_SIZE_BYTES`), the header aside.
pub const LARGEST: u32 = (8 << 20) + 4096;

/// Why it is no batch that can be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// Another format.
    #[error("a batch of magic {0}")]
    Magic(i8),
    /// A length that no batch has.
    #[error("a batch of {0} bytes")]
    Size(i64),
    /// It was changed after it was written.
    #[error("a wrong checksum")]
    Checksum,
    /// Kafka does not compress the metadata log.
    #[error("a compressed batch")]
    Compressed,
    /// Its records are not what they should be.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// Another offset should come next.
    #[error("a batch of offset {found}")]
    Gap {
        /// The first offset of the batch.
        found: i64,
    },
    /// Epochs never fall.
    #[error("a batch of the older epoch {found}")]
    Epoch {
        /// The epoch of the batch.
        found: i32,
    },
    /// A snapshot that was not finished.
    #[error("a snapshot without an end")]
    Unfinished,
}

/// The head of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Offset of its first record.
    pub base_offset: i64,
    /// Bytes of the whole batch, this head included.
    pub size: u32,
    /// Epoch of the leader that made it.
    pub epoch: i32,
    /// Its records are of the quorum itself.
    pub control: bool,
    /// Offset of its last record, from that of its first.
    pub last_offset_delta: i32,
    /// When its last record was made, in milliseconds since 1970.
    pub max_timestamp: i64,
}

impl Header {
    /// Reads a head. `None` where nothing was written yet: files may be longer than what is in them.
    pub fn read(head: &[u8; HEADER]) -> Result<Option<Self>, BatchError> {
        let mut bytes = Bytes::new(head);
        let (base_offset, length) = (bytes.int64()?, bytes.int32()?);
        if length == 0 {
            return Ok(None);
        }
        let size = u32::try_from(length).ok().and_then(|length| length.checked_add(BEFORE));
        let size = size.filter(|size| (HEADER..=LARGEST as usize).contains(&(*size as usize)));
        let size = size.ok_or(BatchError::Size(i64::from(length)))?;
        let (epoch, magic) = (bytes.int32()?, bytes.int8()?);
        if magic != 2 {
            return Err(BatchError::Magic(magic));
        }
        bytes.int32()?;
        let attributes = bytes.int16()?;
        if attributes & 0x07 != 0 {
            return Err(BatchError::Compressed);
        }
        let last_offset_delta = bytes.int32()?;
        bytes.int64()?;
        let max_timestamp = bytes.int64()?;
        if base_offset < 0 || last_offset_delta < 0 {
            return Err(Malformed("a negative offset").into());
        }
        if base_offset.checked_add(i64::from(last_offset_delta) + 1).is_none() {
            return Err(Malformed("an offset beyond all").into());
        }
        let control = attributes & 0x20 != 0;
        Ok(Some(Self { base_offset, size, epoch, control, last_offset_delta, max_timestamp }))
    }

    /// The first offset behind it.
    pub fn end(&self) -> i64 {
        // It was read: there is such an offset.
        self.base_offset + i64::from(self.last_offset_delta) + 1
    }
}

/// One record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Its offset, from that of the first record of its batch.
    pub delta: i64,
    /// Its key; empty where it has none.
    pub key: &'a [u8],
    /// What it says.
    pub value: &'a [u8],
}

/// The records of a batch.
#[derive(Clone, Debug)]
pub struct Records<'a> {
    bytes: Bytes<'a>,
    /// Of the next record, from that of the first; and how many there are.
    next: i64,
    count: i64,
}

/// The records of a whole batch with this head, whose checksum (CRC-32C) must be right.
///
/// This log is never compacted, and every offset of it has a record (`BatchBuilder` counts them up one by one): a batch with
/// fewer would leave something out in silence.
pub fn records<'a>(header: &Header, whole: &'a [u8]) -> Result<Records<'a>, BatchError> {
    let mut bytes = Bytes::new(whole);
    bytes.take(CHECKED - 4)?;
    let told = bytes.int32()?.cast_unsigned();
    if crc32c::crc32c(whole.get(CHECKED..).unwrap_or_default()) != told {
        return Err(BatchError::Checksum);
    }
    bytes.take(HEADER - 4 - CHECKED)?;
    let count = i64::from(bytes.int32()?);
    if count != i64::from(header.last_offset_delta) + 1 {
        return Err(Malformed("not one record for each offset").into());
    }
    Ok(Records { bytes, next: 0, count })
}

impl<'a> Iterator for Records<'a> {
    type Item = Result<Entry<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next == self.count {
            // Whatever is left belongs to no record.
            return (!std::mem::replace(&mut self.bytes, Bytes::new(&[])).is_empty())
                .then_some(Err(Malformed("more than its records")));
        }
        let entry = entry(&mut self.bytes).and_then(|entry| {
            (entry.delta == self.next).then_some(entry).ok_or(Malformed("a record of another offset"))
        });
        self.next += 1;
        if entry.is_err() {
            (self.next, self.bytes) = (self.count, Bytes::new(&[]));
        }
        Some(entry)
    }
}

fn entry<'a>(bytes: &mut Bytes<'a>) -> Result<Entry<'a>, Malformed> {
    let mut record = Bytes::new(sized(bytes)?.ok_or(Malformed("a record without a length"))?);
    record.int8()?;
    record.varlong()?;
    let delta = record.varlong()?;
    let key = sized(&mut record)?.unwrap_or_default();
    let value = sized(&mut record)?.unwrap_or_default();
    // Headers follow, which no record of the metadata log has.
    Ok(Entry { delta, key, value })
}

/// Bytes behind their length; `None` where that is negative.
fn sized<'a>(bytes: &mut Bytes<'a>) -> Result<Option<&'a [u8]>, Malformed> {
    match bytes.varlong()? {
        len if len < 0 => Ok(None),
        len => bytes.take(usize::try_from(len).unwrap_or(usize::MAX)).map(Some),
    }
}

/// The key of a control record says that a snapshot ends here (`ControlRecordType.SNAPSHOT_FOOTER`).
pub fn ends_snapshot(key: &[u8]) -> bool {
    const SNAPSHOT_FOOTER: i16 = 4;
    let mut bytes = Bytes::new(key);
    bytes.int16().is_ok() && bytes.int16() == Ok(SNAPSHOT_FOOTER)
}
