//! Instants of the wall clock as people and machines read them.

use jiff::Timestamp;
use pillion_probes::forced::Instant;

use crate::clock::Now;

/// RFC 3339 in UTC, to the millisecond.
pub fn rfc3339(wall_ms: i64) -> String {
    let at = Timestamp::from_millisecond(wall_ms).unwrap_or(Timestamp::MAX);
    format!("{at:.3}")
}

/// RFC 3339 in UTC, to the second.
pub fn seconds(wall_ms: i64) -> String {
    let at = Timestamp::from_millisecond(wall_ms).unwrap_or(Timestamp::MAX);
    format!("{at:.0}")
}

/// `11-23 06:30:00` of an instant in RFC 3339: what a person compares with other logs.
pub fn short(rfc3339: &str) -> String {
    rfc3339.get(5..19).unwrap_or(rfc3339).replace('T', " ")
}

/// Milliseconds since 1970 of an RFC 3339 text.
pub fn parse(text: &str) -> Option<i64> {
    text.parse::<Timestamp>().ok().map(Timestamp::as_millisecond)
}

impl From<Now> for Instant {
    fn from(now: Now) -> Self {
        Self { boot: now.boot, wall_ms: now.wall_ms }
    }
}
