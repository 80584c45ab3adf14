//! Reads what records are made of, off a slice. Nothing is allocated, and no length is believed before it is there.

/// The bytes do not hold what they should.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is malformed ({0})")]
pub struct Malformed(pub &'static str);

type Result<T> = std::result::Result<T, Malformed>;

const SHORT: Malformed = Malformed("it ends too early");

/// What is left to read.
#[derive(Clone, Copy, Debug)]
pub struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    /// All of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Nothing is left.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next `len` bytes.
    #[inline]
    pub fn take(&mut self, len: usize) -> Result<&'a [u8]> {
        let (taken, left) = self.0.split_at_checked(len).ok_or(SHORT)?;
        self.0 = left;
        Ok(taken)
    }

    #[inline]
    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let (taken, left) = self.0.split_first_chunk().ok_or(SHORT)?;
        self.0 = left;
        Ok(*taken)
    }

    /// One byte.
    #[inline]
    pub fn int8(&mut self) -> Result<i8> {
        self.array().map(i8::from_be_bytes)
    }

    /// A boolean: Kafka reads anything but 0 as true.
    pub fn boolean(&mut self) -> Result<bool> {
        self.int8().map(|byte| byte != 0)
    }

    /// Two bytes.
    pub fn int16(&mut self) -> Result<i16> {
        self.array().map(i16::from_be_bytes)
    }

    /// Four bytes.
    #[inline]
    pub fn int32(&mut self) -> Result<i32> {
        self.array().map(i32::from_be_bytes)
    }

    /// Eight bytes.
    pub fn int64(&mut self) -> Result<i64> {
        self.array().map(i64::from_be_bytes)
    }

    /// A uuid.
    #[inline]
    pub fn uuid(&mut self) -> Result<[u8; 16]> {
        self.array()
    }

    /// An unsigned varint of 32 bits (`ByteUtils.readUnsignedVarint`).
    #[inline]
    pub fn uvarint(&mut self) -> Result<u32> {
        match self.0 {
            [first, left @ ..] if *first < 0x80 => {
                self.0 = left;
                Ok(u32::from(*first))
            }
            _ => u32::try_from(self.long(35)?).map_err(|_| Malformed("a varint is too long")),
        }
    }

    /// A signed varint of 64 bits, in zigzag (`ByteUtils.readVarlong`).
    #[inline]
    pub fn varlong(&mut self) -> Result<i64> {
        let value = self.long(70)?;
        Ok((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
    }

    fn long(&mut self, bits: u32) -> Result<u64> {
        let mut value = 0;
        for shift in (0..bits).step_by(7) {
            let [byte] = self.array()?;
            value |= u64::from(byte & 0x7f).wrapping_shl(shift);
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(Malformed("a varint is too long"))
    }

    /// A compact string; `None` for null.
    pub fn nullable_text(&mut self) -> Result<Option<&'a str>> {
        let Some(len) = self.uvarint()?.checked_sub(1) else { return Ok(None) };
        let bytes = self.take(len as usize)?;
        std::str::from_utf8(bytes).map(Some).map_err(|_| Malformed("a string is not UTF-8"))
    }

    /// A compact string.
    pub fn text(&mut self) -> Result<&'a str> {
        self.nullable_text()?.ok_or(Malformed("a string is null"))
    }

    /// The number of items of a compact array; `None` for null. As many bytes must be there at the least.
    pub fn nullable_count(&mut self) -> Result<Option<u32>> {
        let Some(count) = self.uvarint()?.checked_sub(1) else { return Ok(None) };
        if count as usize > self.0.len() { Err(SHORT) } else { Ok(Some(count)) }
    }

    /// The number of items of a compact array.
    pub fn count(&mut self) -> Result<u32> {
        self.nullable_count()?.ok_or(Malformed("an array is null"))
    }

    /// A compact array of `int32`; `None` for null.
    #[inline]
    pub fn nullable_ids(&mut self) -> Result<Option<Ids<'a>>> {
        let Some(count) = self.nullable_count()? else { return Ok(None) };
        self.take(count as usize * 4).map(|bytes| Some(Ids(bytes)))
    }

    /// A compact array of `int32`.
    #[inline]
    pub fn ids(&mut self) -> Result<Ids<'a>> {
        self.nullable_ids()?.ok_or(Malformed("an array is null"))
    }

    /// A compact array of uuids; `None` for null.
    pub fn nullable_uuids(&mut self) -> Result<Option<Uuids<'a>>> {
        let Some(count) = self.nullable_count()? else { return Ok(None) };
        self.take(count as usize * 16).map(|bytes| Some(Uuids(bytes)))
    }

    /// A compact array of uuids.
    pub fn uuids(&mut self) -> Result<Uuids<'a>> {
        self.nullable_uuids()?.ok_or(Malformed("an array is null"))
    }

    /// Reads the tagged fields: calls `field` with each tag and its bytes (KIP-482).
    #[inline]
    pub fn tags(&mut self, mut field: impl FnMut(u32, &mut Bytes<'a>) -> Result<()>) -> Result<()> {
        for _ in 0..self.count_of_tags()? {
            let (tag, size) = (self.uvarint()?, self.uvarint()?);
            field(tag, &mut Self(self.take(size as usize)?))?;
        }
        Ok(())
    }

    fn count_of_tags(&mut self) -> Result<u32> {
        let count = self.uvarint()?;
        if count as usize > self.0.len() { Err(SHORT) } else { Ok(count) }
    }
}

/// A list of `int32`, as it stands in the record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ids<'a>(&'a [u8]);

impl Ids<'_> {
    /// One after the other.
    pub fn iter(&self) -> impl Iterator<Item = i32> {
        self.0.as_chunks().0.iter().map(|bytes| i32::from_be_bytes(*bytes))
    }
}

/// A list of uuids, as it stands in the record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Uuids<'a>(&'a [u8]);

impl Uuids<'_> {
    /// One after the other.
    pub fn iter(&self) -> impl Iterator<Item = [u8; 16]> {
        self.0.as_chunks().0.iter().copied()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step should stop the test where it stands")]
    use super::*;

    #[test]
    fn varints() {
        let read = |bytes: &[u8]| Bytes::new(bytes).uvarint();
        assert_eq!(read(&[0x7f]), Ok(127));
        assert_eq!(read(&[0xff, 0xff, 0xff, 0xff, 0x0f]), Ok(u32::MAX));
        assert!(read(&[0xff, 0xff, 0xff, 0xff, 0x1f]).is_err());
        assert!(read(&[0x80; 6]).is_err());
        assert!(read(&[0x80]).is_err());
        let read = |bytes: &[u8]| Bytes::new(bytes).varlong().unwrap();
        assert_eq!([read(&[0]), read(&[1]), read(&[2]), read(&[0xac, 0x02])], [0, -1, 1, 150]);
        let most = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
        assert_eq!(read(&most), i64::MIN);
    }

    #[test]
    fn a_length_that_is_not_there_is_refused() {
        assert_eq!(Bytes::new(&[0xff, 0xff, 0xff, 0xff, 0x0f, 1]).ids(), Err(SHORT));
        assert_eq!(Bytes::new(&[4, 0, 0]).nullable_text(), Err(SHORT));
        assert_eq!(Bytes::new(&[9]).tags(|_, _| Ok(())), Err(SHORT));
    }

    #[test]
    fn lists() {
        let bytes = [3, 0, 0, 0, 1, 0, 0, 3, 0xe8];
        let ids = Bytes::new(&bytes).ids().unwrap();
        assert_eq!(ids.iter().collect::<Vec<_>>(), [1, 1000]);
        assert_eq!(Bytes::new(&[0]).nullable_ids(), Ok(None));
    }
}
