//! Notices when the wall clock and the boot clock part: somebody set the clock, or the machine was suspended and
//! resumed with its boot clock standing still. What was seen before may then be older than it looks.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use super::desk::Desk;

/// Between two comparisons.
const PERIOD: Duration = Duration::from_millis(250);
/// Clocks that are slewed part by 0.5 ms a second at the most; a step is more than this, in milliseconds.
const STEP_MS: u64 = 1000;

/// Runs for ever.
pub async fn watch(desk: &Desk) {
    let mut ticks = interval(PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut anchor = offset_ms(desk);
    loop {
        ticks.tick().await;
        let offset = offset_ms(desk);
        if offset.abs_diff(anchor) > STEP_MS {
            tracing::warn!(by_ms = offset - anchor, "the wall clock stepped: starting from fresh evidence");
            desk.clock_stepped();
        }
        anchor = offset;
    }
}

/// Wall clock less boot clock, in milliseconds.
fn offset_ms(desk: &Desk) -> i64 {
    let now = desk.clock.now();
    now.wall_ms.saturating_sub(i64::try_from(now.boot.since_boot().as_millis()).unwrap_or(i64::MAX))
}
