//! The canary.

use prometheus_client::{
    metrics::{counter::Counter, family::Family},
    registry::Unit,
};

use super::{Labels, Sheet};
use crate::board::{Board, CANARY_LIMIT, Outcome, Published};

/// Nothing where there is none.
pub(super) fn fill(sheet: &mut Sheet, board: &Board, published: &Published) {
    let now = published.now.boot;
    board.canary(|canary| {
        let Some(canary) = canary else { return };
        let help = "The last round trip was good, not longer ago than 20 s: 1 yes, 0 no";
        sheet.plain("canary_up", help, i64::from(canary.is_up(now, CANARY_LIMIT)));
        let attempts = Family::<Labels, Counter>::default();
        for outcome in Outcome::ALL {
            let labels = vec![("outcome", outcome.word().to_owned())];
            attempts.get_or_create(&labels).inc_by(canary.counts.get(&outcome).copied().unwrap_or(0));
        }
        sheet.0.register("canary_attempts", "Round trips, by how they ended", attempts);
        let help = "From produce to consume, of the round trips that were good";
        sheet.0.register_with_unit("canary_latency", help, Unit::Seconds, canary.latency.clone());
        if let Some(at) = canary.good {
            sheet.age("canary_age", "Since the last good round trip began", now.since(at));
        }
    });
}
