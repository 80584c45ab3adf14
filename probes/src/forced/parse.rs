//! The override's text: `ready,for=30m,reason=INC-1,by=alice`.

use std::{fmt, time::Duration};

use jiff::{SignedDuration, Timestamp};

use super::Kind;

/// Longest text that is looked at.
pub const MAX_BYTES: usize = 4096;

/// Longest reason or name.
const MAX_VALUE: usize = 200;

/// When an override ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// This long after it was first seen.
    For(Duration),
    /// At this instant of the wall clock, in milliseconds since 1970.
    Until(i64),
}

/// A well-formed override.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// What it says.
    pub kind: Kind,
    /// Why.
    pub reason: String,
    /// Who says it.
    pub by: Option<String>,
    /// When it ends.
    pub end: End,
}

impl Request {
    /// Two statements with the same identity are one override, restated.
    pub fn same(&self, other: &Self) -> bool {
        (self.kind, &self.reason, &self.by) == (other.kind, &other.reason, &other.by)
    }
}

/// The canonical text, which parses to the same request.
impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.word())?;
        match self.end {
            End::For(length) => write!(f, ",for={:#}", SignedDuration::try_from(length).unwrap_or_default())?,
            End::Until(ms) => {
                write!(f, ",until={}", Timestamp::from_millisecond(ms).unwrap_or(Timestamp::MAX))?;
            }
        }
        write!(f, ",reason={}", self.reason)?;
        self.by.iter().try_for_each(|by| write!(f, ",by={by}"))
    }
}

/// What is wrong with a text, in one sentence with the remedy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed(String);

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Malformed {}

fn malformed<T>(why: impl Into<String>) -> Result<T, Malformed> {
    Err(Malformed(why.into()))
}

/// Parses bytes that may be anything.
pub fn parse_bytes(bytes: &[u8]) -> Result<Request, Malformed> {
    if bytes.len() > MAX_BYTES {
        return malformed(format!("it is longer than {MAX_BYTES} bytes"));
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => parse(text),
        Err(_) => malformed("it is not text (UTF-8)"),
    }
}

/// Parses an override: `ready` or `hold`, then `for=` or `until=`, `reason=`, and `by=` if wanted, split by commas.
pub fn parse(text: &str) -> Result<Request, Malformed> {
    if text.len() > MAX_BYTES {
        return malformed(format!("it is longer than {MAX_BYTES} bytes"));
    }
    let text = text.trim();
    if text.is_empty() {
        return malformed("it is empty; write for example ready,for=30m,reason=INC-1,by=alice");
    }
    if text.chars().any(char::is_control) {
        return malformed("it must be one line without control characters");
    }
    let mut parts = text.split(',').map(str::trim);
    let kind = match parts.next() {
        Some("ready") => Kind::Ready,
        Some("hold") => Kind::Hold,
        other => {
            return malformed(format!("it must begin with `ready` or `hold`, not {}", quoted(other)));
        }
    };
    let mut fields = Fields::default();
    parts.try_for_each(|part| fields.take(part))?;
    fields.finish(kind)
}

#[derive(Default)]
struct Fields<'a> {
    reason: Option<&'a str>,
    by: Option<&'a str>,
    length: Option<&'a str>,
    until: Option<&'a str>,
}

impl<'a> Fields<'a> {
    fn take(&mut self, part: &'a str) -> Result<(), Malformed> {
        let Some((key, value)) = part.split_once('=') else {
            return malformed(format!(
                "{} is no key=value (a value cannot hold a comma)",
                quoted(Some(part))
            ));
        };
        let (key, value) = (key.trim(), value.trim());
        let field = match key {
            "reason" => &mut self.reason,
            "by" => &mut self.by,
            "for" => &mut self.length,
            "until" => &mut self.until,
            _ => {
                let key = quoted(Some(key));
                return malformed(format!("{key} is no known key; for, until, reason and by are"));
            }
        };
        if value.is_empty() {
            return malformed(format!("{key}= has no value"));
        }
        if value.chars().count() > MAX_VALUE {
            return malformed(format!("{key}= is longer than {MAX_VALUE} characters"));
        }
        if field.replace(value).is_some() {
            return malformed(format!("{key}= is given twice"));
        }
        Ok(())
    }

    fn finish(self, kind: Kind) -> Result<Request, Malformed> {
        let Some(reason) = self.reason else {
            return malformed("reason= is required, so that whoever finds it knows why");
        };
        let end = match (self.length, self.until) {
            (Some(length), None) => End::For(duration(length)?),
            (None, Some(until)) => End::Until(instant(until)?),
            (None, None) => return malformed("an end is required: for=30m, or until=2026-01-31T18:00:00Z"),
            (Some(_), Some(_)) => return malformed("give for= or until=, not both"),
        };
        Ok(Request { kind, reason: reason.to_owned(), by: self.by.map(str::to_owned), end })
    }
}

fn duration(text: &str) -> Result<Duration, Malformed> {
    let parsed = text.parse::<SignedDuration>().ok().and_then(|length| Duration::try_from(length).ok());
    match parsed {
        Some(length) if !length.is_zero() => Ok(length),
        Some(_) => malformed("for= must be longer than nothing"),
        None => malformed(format!("for={} is no length of time; write 30m, 90s or 1h30m", shown(text))),
    }
}

fn instant(text: &str) -> Result<i64, Malformed> {
    match text.parse::<Timestamp>() {
        Ok(at) => Ok(at.as_millisecond()),
        Err(_) => malformed(format!(
            "until={} is no instant; write RFC 3339 with its offset, as 2026-01-31T18:00:00Z",
            shown(text)
        )),
    }
}

fn quoted(part: Option<&str>) -> String {
    format!("`{}`", shown(part.unwrap_or_default()))
}

/// Enough of a wrong value to find it by.
fn shown(text: &str) -> String {
    let mut short: String = text.chars().take(40).collect();
    if short.len() < text.len() {
        short.push_str("...");
    }
    short
}
