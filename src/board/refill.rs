//! How far a broker that is out of sync has come, for people.

use std::time::Duration;

use pillion_probes::{refill::Refill, time::BootTime};
use serde::{Deserialize, Serialize};

use super::{Ago, evidence::size};

/// The last look, and how old it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RefillTold {
    /// Age of the look, in seconds.
    pub age_seconds: f64,
    /// What it found.
    #[serde(flatten)]
    pub refill: Refill,
}

impl RefillTold {
    pub(super) fn of(refill: &Refill, now: BootTime) -> Option<Self> {
        let age_seconds = now.since(refill.asked).as_secs_f64();
        refill.is_fresh(now).then(|| Self { age_seconds, refill: refill.clone() })
    }

    /// In a line.
    pub fn words(&self) -> String {
        let Refill { lacking, rate_bytes_per_second: rate, time_left_seconds: left, .. } = &self.refill;
        let lacks = match lacking.unmeasured {
            0 => format!("{} of {}", size(lacking.left_bytes), size(lacking.needs_bytes)),
            some => format!("at least {} ({some} not measured)", size(lacking.left_bytes)),
        };
        let pace = match rate {
            None => "its pace is not known yet".to_owned(),
            Some(0) => "and that does not become less".to_owned(),
            Some(rate) => format!("less by {} a second", size(*rate)),
        };
        let end =
            left.map_or_else(String::new, |left| format!(", about {} to go", Ago(Duration::from_secs(left))));
        format!("{} partition(s) not in sync lack {lacks}, {pace}{end}", lacking.partitions)
    }

    /// What may slow it down, a line each.
    pub fn limits(&self) -> impl Iterator<Item = String> {
        self.refill.throttles.iter().map(|limit| {
            let (setting, broker, rate) = (&limit.setting, limit.broker, size(limit.rate));
            format!("{setting} of broker {broker}: {rate} a second, for replicas that their topics name as throttled")
        })
    }
}

#[cfg(test)]
mod tests {
    use pillion_probes::refill::{Lacking, Throttle};

    use super::*;

    #[test]
    fn what_is_known_is_told() {
        const MIB: u64 = 1 << 20;
        let mut told = RefillTold { age_seconds: 1.0, refill: Refill::default() };
        told.refill.lacking.add(100 * MIB, Some(400 * MIB));
        assert_eq!(
            told.words(),
            "1 partition(s) not in sync lack 300 MiB of 400 MiB, its pace is not known yet"
        );
        told.refill.rate_bytes_per_second = Some(10 * MIB);
        told.refill.time_left_seconds = Some(30);
        let said = told.words();
        assert!(
            said.ends_with("lack 300 MiB of 400 MiB, less by 10 MiB a second, about 30.0 s to go"),
            "{said}"
        );
        told.refill.lacking = Lacking { unmeasured: 1, ..told.refill.lacking };
        assert!(told.words().contains("at least 300 MiB (1 not measured)"));
        let setting = "follower.replication.throttled.rate".to_owned();
        told.refill.throttles.push(Throttle { broker: 1003, setting, rate: 4 * MIB });
        let limits: Vec<String> = told.limits().collect();
        assert!(
            limits[0].starts_with("follower.replication.throttled.rate of broker 1003: 4096 KiB a second")
        );
    }
}
