//! How much is kept, and whether there is room for it.

use super::{Finding, hazards::Settings, rules, view::View};
use crate::properties::catalogue::Release;

const TIMES: [&str; 3] = ["log.retention.ms", "log.retention.minutes", "log.retention.hours"];
const BYTES: &str = "log.retention.bytes";
const SEGMENT: &str = "log.segment.bytes";
const POLICY: &str = "log.cleanup.policy";

pub(super) fn find(settings: &Settings<'_>, release: Release, disk: Option<u64>) -> Option<Finding> {
    let view = View::new(settings, release);
    let deletes = view.text(POLICY).is_some_and(|policy| policy.contains("delete"));
    if !deletes || !view.tells(&[BYTES, SEGMENT, POLICY]) || !view.tells(&TIMES) {
        return None;
    }
    let (key, time) = TIMES.iter().find_map(|key| Some((*key, view.number(key)?)))?;
    let bytes = view.number(BYTES)?;
    if time < 0 && bytes < 0 {
        let what = format!("{key} is {time}, and {BYTES} {bytes}");
        return Some(view.finding(&rules::ENDLESS, key, what, "a time, a size, or both"));
    }
    let (kept, disk) = (u64::try_from(bytes).ok()?, disk?);
    let most = kept.saturating_add(u64::try_from(view.number(SEGMENT)?).ok()?);
    let what =
        format!("a partition holds up to {most} bytes before a segment is deleted, and the disk {disk}");
    let remedy = format!("less than {disk} by the number of partitions that a broker has, or a larger disk");
    (most > disk).then(|| view.finding(&rules::DISK, BYTES, what, remedy))
}
