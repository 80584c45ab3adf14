//! Notices when the wall clock and the boot clock part, and starts from fresh evidence. Questions in between are
//! answered by the board, which looks at the clocks itself.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use super::desk::Desk;

/// Between two comparisons.
const PERIOD: Duration = Duration::from_millis(250);

/// Runs for ever.
pub async fn watch(desk: &Desk) {
    let mut ticks = interval(PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        desk.compare_clocks();
    }
}
