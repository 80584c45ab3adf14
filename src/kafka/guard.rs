//! Walks an answer by its schema before it is decoded.
//!
//! The decoder of `kafka-protocol` reserves memory for as many items as a count claims: five bytes of a
//! hostile answer ask it for hundreds of gigabytes, and a failed allocation aborts the process. An answer that
//! passed this walk holds every item that its counts claim, so what decoding can allocate is a small multiple
//! of the frame.

use crate::kafka::WireError;

/// How one field lies on the wire.
#[derive(Clone, Copy, Debug)]
pub enum Shape {
    /// A number, boolean or id of this many bytes.
    Fixed(usize),
    /// A string, compact in flexible versions.
    Text,
    /// Bytes, compact in flexible versions.
    Bytes,
    /// An array of numbers of this many bytes each.
    Numbers(usize),
    /// An array of strings, compact in flexible versions.
    Names,
    /// An array of structs.
    Rows(&'static [Field]),
    /// One struct within another.
    Struct(&'static [Field]),
}

/// One field of a message, and the versions that have it.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    shape: Shape,
    since: i16,
    until: i16,
    tag: Option<u32>,
}

impl Field {
    /// In every version.
    pub const fn always(shape: Shape) -> Self {
        Self::within(0, i16::MAX, shape)
    }

    /// From version `since` on.
    pub const fn since(since: i16, shape: Shape) -> Self {
        Self::within(since, i16::MAX, shape)
    }

    /// From version `since` to version `until`.
    pub const fn within(since: i16, until: i16, shape: Shape) -> Self {
        Self { shape, since, until, tag: None }
    }

    /// A tagged field.
    pub const fn tagged(tag: u32, shape: Shape) -> Self {
        Self { shape, since: 0, until: i16::MAX, tag: Some(tag) }
    }
}

/// The schema of an answer, headers apart.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    /// The first flexible version (KIP-482).
    pub flexible: i16,
    /// The fields in the order of the wire.
    pub fields: &'static [Field],
}

impl Layout {
    /// Checks that `body` is one whole message of this layout: every count backed by that many items.
    pub fn check(&self, body: &[u8], version: i16) -> Result<(), WireError> {
        let mut walk = Walk { rest: body, version, flexible: version >= self.flexible };
        walk.fields(self.fields)?;
        walk.end()
    }

    /// Checks the tagged fields at the start of `body` (of a response header) and returns what follows them.
    pub(super) fn skip_header_tags(body: &[u8]) -> Result<&[u8], WireError> {
        let mut walk = Walk { rest: body, version: 0, flexible: true };
        walk.tags(&[])?;
        Ok(walk.rest)
    }
}

struct Walk<'a> {
    rest: &'a [u8],
    version: i16,
    flexible: bool,
}

const SHORT: WireError = WireError::Malformed { what: "a field runs past the end of the frame" };

impl<'a> Walk<'a> {
    fn take(&mut self, len: usize) -> Result<&'a [u8], WireError> {
        let (taken, rest) = self.rest.split_at_checked(len).ok_or(SHORT)?;
        self.rest = rest;
        Ok(taken)
    }

    fn end(&self) -> Result<(), WireError> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(WireError::Malformed { what: "bytes after the message" })
        }
    }

    fn varint(&mut self) -> Result<usize, WireError> {
        let mut value = 0_u64;
        for shift in [0, 7, 14, 21, 28] {
            let byte = self.take(1)?.iter().fold(0, |_, byte| *byte);
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return usize::try_from(value).map_err(|_| SHORT);
            }
        }
        Err(WireError::Malformed { what: "a variable-length number of more than five bytes" })
    }

    /// A length or count: compact ones are off by one, null is nothing.
    fn length(&mut self, plain_width: usize) -> Result<usize, WireError> {
        if self.flexible {
            return Ok(self.varint()?.saturating_sub(1));
        }
        let sign_extended = self.take(plain_width)?.iter().enumerate().fold(0_i64, |value, (at, byte)| {
            if at == 0 { i64::from(byte.cast_signed()) } else { value << 8 | i64::from(*byte) }
        });
        match sign_extended {
            -1 => Ok(0),
            len => usize::try_from(len).map_err(|_| WireError::Malformed { what: "a negative length" }),
        }
    }

    fn shape(&mut self, shape: Shape) -> Result<(), WireError> {
        match shape {
            Shape::Fixed(width) => self.take(width)?,
            Shape::Text => {
                let len = self.length(2)?;
                self.take(len)?
            }
            Shape::Bytes => {
                let len = self.length(4)?;
                self.take(len)?
            }
            Shape::Numbers(width) => {
                let count = self.length(4)?;
                self.take(count.checked_mul(width).ok_or(SHORT)?)?
            }
            Shape::Names => {
                let count = self.length(4)?;
                // Every string takes at least one byte.
                if count > self.rest.len() {
                    return Err(SHORT);
                }
                for _ in 0..count {
                    self.shape(Shape::Text)?;
                }
                return Ok(());
            }
            Shape::Struct(fields) => return self.fields(fields),
            Shape::Rows(fields) => {
                let count = self.length(4)?;
                // Every struct takes at least one byte, so a hostile count fails before the first is walked.
                if count > self.rest.len() {
                    return Err(SHORT);
                }
                for _ in 0..count {
                    self.fields(fields)?;
                }
                return Ok(());
            }
        };
        Ok(())
    }

    fn fields(&mut self, fields: &'static [Field]) -> Result<(), WireError> {
        for field in fields {
            if field.tag.is_none() && (field.since..=field.until).contains(&self.version) {
                self.shape(field.shape)?;
            }
        }
        if self.flexible { self.tags(fields) } else { Ok(()) }
    }

    fn tags(&mut self, fields: &'static [Field]) -> Result<(), WireError> {
        for _ in 0..self.varint()? {
            let tag = self.varint()?;
            let len = self.varint()?;
            let content = self.take(len)?;
            let known = fields.iter().find(|field| field.tag.is_some_and(|known| known as usize == tag));
            if let Some(field) = known {
                let mut inner = Walk { rest: content, ..*self };
                inner.shape(field.shape)?;
                inner.end()?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "guard_tests.rs"]
mod tests;
