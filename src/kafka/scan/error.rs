//! How an answer can break its schema.

/// A streamed answer that does not follow its schema. The connection it came from is of no further use.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ScanError {
    /// A field runs past the end of the frame.
    #[error("a field of {needed} bytes runs past the end of the frame, {left} bytes away")]
    Overrun {
        /// Bytes that the field takes at least.
        needed: u64,
        /// Bytes that the frame has left.
        left: u64,
    },
    /// A string or list is longer than anything Kafka sends there.
    #[error("{what} of length {len}, over the cap of {cap}")]
    TooLong {
        /// Which field.
        what: &'static str,
        /// Bytes or entries announced.
        len: u64,
        /// Bytes or entries allowed.
        cap: u64,
    },
    /// A null where the schema has none.
    #[error("{what} is null")]
    Null {
        /// Which field.
        what: &'static str,
    },
    /// A name that is not UTF-8.
    #[error("{what} is not UTF-8")]
    Utf8 {
        /// Which field.
        what: &'static str,
    },
    /// A variable-length number of more than five bytes.
    #[error("a variable-length number of more than five bytes")]
    Varint,
    /// The mark of an optional struct is neither present (1) nor absent (-1).
    #[error("the mark {0} of an optional struct")]
    Mark(i8),
    /// The frame goes on behind the message.
    #[error("{0} bytes behind the message")]
    Trailing(u64),
    /// The next page would not start behind this one.
    #[error("the cursor of the next page is not behind that of the last one")]
    Cursor,
    /// More pages than any cluster has.
    #[error("more than {0} pages in one round")]
    Pages(u32),
    /// A version that this scanner does not decode.
    #[error("version {0} is not decoded by this scanner")]
    Version(i16),
}
