//! What is told beside the verdicts: a refill, consumer groups.

use std::{sync::Arc, time::Duration};

use pillion::board::{Group, Groups};
use pillion_probes::{
    lag::{Behind, Excluded, Lag},
    observe::Observations,
    refill::{Lacking, Refill, Throttle},
    time::BootTime,
};

use super::lagging;

/// Three partitions behind: 300 of 400 MiB are left, and it takes half a minute more.
pub fn refilling(now: BootTime) -> Observations {
    let mut lacking = Lacking { partitions: 2, ..Lacking::default() };
    lacking.add(100 << 20, Some(400 << 20));
    let setting = "follower.replication.throttled.rate".to_owned();
    let refill = Refill {
        asked: now.back(Duration::from_secs(4)),
        lacking,
        rate_bytes_per_second: Some(10 << 20),
        time_left_seconds: Some(30),
        throttles: vec![Throttle { broker: 1003, setting, rate: 20 << 20 }],
    };
    Observations { refill: Some(Arc::new(refill)), ..lagging(now, "orders", 3) }
}

/// A group in two topics, of one of which the lag in time is not known.
pub fn groups(life: u64, complete: BootTime) -> Groups {
    let about = |messages, seconds| Lag { messages, time: Behind::About(Duration::from_secs(seconds)) };
    let more = Lag { messages: 900, time: Behind::MoreThan(Duration::from_secs(77)) };
    let topics = [("paid".to_owned(), about(12, 3)), ("sent".to_owned(), more)];
    let billing = Group {
        state: "Stable".to_owned(),
        members: Some(4),
        topics: topics.into_iter().collect(),
        partitions: 9,
    };
    Groups {
        began: None,
        life,
        seen: 3,
        left_out: [("noise".to_owned(), Excluded::Lists), ("secret".to_owned(), Excluded::Denied)].into(),
        groups: [("billing".to_owned(), billing), ("idle".to_owned(), Group::default())].into(),
        complete: Some(complete),
        trouble: None,
    }
}
