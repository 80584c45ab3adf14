//! How a broker that is not in sync refills.

use std::time::Duration;

use pillion_probes::refill::Refill;

use super::Sheet;
use crate::board::Published;

impl Sheet {
    /// Nothing is left where all is in sync; while that is not measured yet, nothing is said.
    pub(super) fn refill(&mut self, published: &Published) {
        let (seen, now) = (&published.seen, published.now.boot);
        let refill = match seen.refill.as_deref().filter(|refill| refill.is_fresh(now)) {
            Some(refill) => refill.clone(),
            None if seen.is_in_isr() => Refill { time_left_seconds: Some(0), ..Refill::default() },
            None => return,
        };
        let lacking = refill.lacking;
        let help = "Partitions that are to be in sync here and are not";
        self.count("refill", help, "partitions", lacking.partitions);
        let help = "Bytes that their leaders' logs are larger by; unless a leader is not reached";
        self.bytes("refill_left", help, lacking.left_bytes);
        if let Some(rate) = refill.rate_bytes_per_second {
            let rate = i64::try_from(rate).unwrap_or(i64::MAX);
            let help = "How fast that becomes less, over the last minute and a half";
            self.plain("refill_rate_bytes_per_second", help, rate);
        }
        if let Some(left) = refill.time_left_seconds {
            let help = "How long it will take at that rate; absent where that is not known";
            self.age("refill_time_left", help, Duration::from_secs(left));
        }
    }
}
