//! How far the consumer groups lag that this broker coordinates: no other agent tells of the same ones.

use std::sync::atomic::AtomicU64;

use pillion_probes::lag::{Behind, Excluded};
use prometheus_client::{
    metrics::{family::Family, gauge::Gauge},
    registry::Unit,
};

use super::{Labels, Sheet};
use crate::board::{Board, Published};

/// Nothing where it is not asked for; no group while the groups may be another broker's.
pub(super) fn fill(sheet: &mut Sheet, board: &Board, published: &Published) {
    let now = published.now.boot;
    board.lag(|lag| {
        let Some(groups) = lag else { return };
        if !groups.are_told(&published.seen, board.limits(), now) {
            return;
        }
        let (messages, members) = (Family::<Labels, Gauge>::default(), Family::<Labels, Gauge>::default());
        let seconds = Family::<Labels, Gauge<f64, AtomicU64>>::default();
        for (name, group) in &groups.groups {
            let of_group = || ("group", name.clone());
            if let Some(count) = group.members {
                members.get_or_create(&vec![of_group()]).set(number(count));
            }
            for (topic, lag) in &group.topics {
                let labels = vec![of_group(), ("topic", topic.clone())];
                messages.get_or_create(&labels).set(i64::try_from(lag.messages).unwrap_or(i64::MAX));
                if let Behind::About(time) = lag.time {
                    seconds.get_or_create(&labels).set(time.as_secs_f64());
                }
            }
        }
        let unit = |unit: &str| Unit::Other(unit.to_owned());
        let help = "Messages from what a consumer group has committed to the log end, over the topic's partitions";
        sheet.0.register_with_unit("group_lag", help, unit("messages"), messages);
        let help = "How long ago the next message of a consumer group was written, in its worst partition of the topic; \
                    absent when it is longer ago than was looked";
        sheet.0.register_with_unit("group_lag", help, Unit::Seconds, seconds);
        sheet.0.register("group_members", "Members of a consumer group", members);
        sheet.plain("groups_seen", "Consumer groups that this broker coordinates", number(groups.seen));
        let left_out = Family::<Labels, Gauge>::default();
        for why in Excluded::ALL {
            let count = groups.left_out.values().filter(|one| **one == why).count();
            left_out.get_or_create(&vec![("why", why.word().to_owned())]).set(number(count));
        }
        sheet.0.register("groups_left_out", "Of them, those not looked at, by why; /status names them", left_out);
        if let Some(at) = groups.complete.or(groups.began) {
            let help = "Age of the last complete round of questions about them; of the first one while none was complete";
            sheet.age("group_lag_age", help, now.since(at));
        }
    });
}

fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
