//! The four bytes in front of every answer.

use crate::kafka::WireError;

/// Shortest answer: a correlation id and nothing else.
const SHORTEST: u64 = 4;

/// Length in bytes of the frame that `prefix` announces, refused when it cannot be an answer of Kafka's.
///
/// Called before anything is allocated for the frame. A TLS record and a line of HTTP are recognised, as a
/// port of the wrong kind is the usual reason for an absurd length.
pub fn frame_length(prefix: [u8; 4], cap: u64) -> Result<u64, WireError> {
    let looks_like = match prefix {
        [b'H', b'T', b'T', b'P'] => Some("HTTP"),
        [0x15 | 0x16, 0x03, 0x00..=0x04, _] => Some("TLS"),
        [b'S', b'S', b'H', b'-'] => Some("SSH"),
        _ => None,
    };
    if let Some(looks_like) = looks_like {
        return Err(WireError::NotKafka { looks_like });
    }
    let Ok(len) = u32::try_from(i32::from_be_bytes(prefix)).map(u64::from) else {
        return Err(WireError::Malformed { what: "negative frame length" });
    };
    if len < SHORTEST {
        return Err(WireError::Malformed { what: "frame without a correlation id" });
    }
    if len > cap {
        return Err(WireError::FrameTooLarge { len, cap });
    }
    Ok(len)
}
