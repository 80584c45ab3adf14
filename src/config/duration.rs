//! Durations as people write them: `9s`, `500ms`, `1m30s`, `2h`.

use std::{borrow::Cow, time::Duration};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de::Error};

/// The `format` in the JSON Schema by which a duration is known.
pub(super) const FORMAT: &str = "pillion-duration";

/// A week.
const LONGEST: Duration = Duration::from_secs(7 * 24 * 3600);

/// A positive duration in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written(pub Duration);

/// Parses `9s`, `500ms`, `1m30s`, `1.5h`; more than nothing, at most a week.
pub fn parse(text: &str) -> Option<Duration> {
    // What jiff takes beyond this (blanks, words, signs, ISO 8601) the published schema does not.
    if !text.chars().all(|c| c.is_ascii_digit() || "hms.".contains(c)) {
        return None;
    }
    let signed: jiff::SignedDuration = text.parse().ok()?;
    let duration = Duration::try_from(signed).ok()?;
    // Kafka counts in milliseconds.
    let whole = duration.subsec_nanos() % 1_000_000 == 0;
    (whole && !duration.is_zero() && duration <= LONGEST).then_some(duration)
}

/// As [`parse`] takes it: the largest unit that needs no fraction.
pub fn show(duration: Duration) -> String {
    let ms = duration.as_millis();
    match ms {
        _ if ms.is_multiple_of(3_600_000) => format!("{}h", ms / 3_600_000),
        _ if ms.is_multiple_of(60_000) => format!("{}m", ms / 60_000),
        _ if ms.is_multiple_of(1_000) => format!("{}s", ms / 1_000),
        _ => format!("{ms}ms"),
    }
}

impl<'de> Deserialize<'de> for Written {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        parse(&text).map(Self).ok_or_else(|| D::Error::custom("not a duration"))
    }
}

impl JsonSchema for Written {
    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "format": FORMAT,
            "pattern": "^([0-9]+(\\.[0-9]+)?(h|ms|m|s))+$",
            "examples": ["9s", "500ms", "1m30s"],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_positive_durations() {
        assert_eq!(parse("1m30s"), Some(Duration::from_secs(90)));
        assert_eq!(parse("500ms"), Some(Duration::from_millis(500)));
        assert_eq!(parse("1.5s"), Some(Duration::from_millis(1500)));
        for bad in ["", "9", "0s", "-1s", "9 s", "9 seconds", "PT9S", "1y", "999999h", "s", "1e3s", "0.1ms"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn shown_as_it_is_read() {
        for ms in [1, 500, 1000, 90_000, 120_000, 7_200_000] {
            let duration = Duration::from_millis(ms);
            assert_eq!(parse(&show(duration)), Some(duration));
        }
    }
}
