//! The other brokers, asked for a word just before this one stops.
//!
//! A broker that was killed stands in every ISR until the controllers fence it, a session timeout later
//! (`BrokerHeartbeatManager`), and by all metadata the next one may stop. But it answers nobody. So a broker that is listed
//! as live and is silent is waited for: until it answers, or is not listed any more, or the time is over in which the
//! controllers would have fenced it: then they hear of it, and only the way from here is closed.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use crate::{reason::spoken, time::BootTime};

/// The controllers look for sessions that are over, and the list of brokers follows, within this.
const FENCING: Duration = Duration::from_secs(3);

/// The code of a stop that waits for them.
pub const SILENT: &str = "neighbour-silent";
/// Brokers that are told by their ids.
const NAMED: usize = 8;

/// For how long one that was killed may count as live, from when it was first found silent.
pub fn patience(session: Duration) -> Duration {
    session + FENCING
}

/// That these, which count as live, are silent, and when the controllers will have noticed if they are down.
pub fn words(silent: &[i32], left: Duration) -> String {
    let named: Vec<String> = silent.iter().take(NAMED).map(ToString::to_string).collect();
    let more = if silent.len() > NAMED { " and others" } else { "" };
    let [s, does, counts, it_is] =
        if silent.len() > 1 { ["s", "do", "count", "they are"] } else { ["", "does", "counts", "it is"] };
    format!(
        "broker{s} {}{more} {does} not answer and {counts} as live: if {it_is} down the controllers will have noticed in {}",
        named.join(", "),
        spoken(left)
    )
}

/// What is remembered of them from one look to the next.
#[derive(Clone, Debug)]
pub struct Neighbours {
    session: Duration,
    /// Since when each that is silent was found so.
    silent: BTreeMap<i32, BootTime>,
    /// What is known of the cluster must be younger.
    after: Option<BootTime>,
}

impl Neighbours {
    /// None is known yet. `session`: `broker.session.timeout.ms`, or with `ZooKeeper` its session timeout.
    pub fn new(session: Duration) -> Self {
        Self { session, silent: BTreeMap::new(), after: None }
    }

    /// Those that have to be waited for, after a look that was begun then and found these silent; and for how long yet.
    pub fn heard(&mut self, silent: &BTreeSet<i32>, began: BootTime) -> Option<(Vec<i32>, Duration)> {
        self.silent.retain(|id, _| silent.contains(id));
        for id in silent {
            self.silent.entry(*id).or_insert(began);
        }
        let patience = patience(self.session);
        let left = |since: BootTime| patience.saturating_sub(began.since(since));
        let waited: Vec<(i32, Duration)> = self
            .silent
            .iter()
            .map(|(id, since)| (*id, left(*since)))
            .filter(|(_, left)| !left.is_zero())
            .collect();
        let longest = waited.iter().map(|(_, left)| *left).max()?;
        // What became of them is known only from what is asked for after it was over.
        self.after = None;
        Some((waited.into_iter().map(|(id, _)| id).collect(), longest))
    }

    /// It does not go now: before it does everything is looked at anew.
    pub fn forget(&mut self) {
        self.after = None;
    }

    /// Nobody is waited for, as of a look that was begun then. Whether what is known of the cluster is young enough.
    pub fn settled(&mut self, began: BootTime, as_of: Option<BootTime>) -> bool {
        let after = *self.after.get_or_insert(began);
        as_of.is_some_and(|as_of| as_of >= after)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SESSION: u64 = 9000;

    fn at(ms: u64) -> BootTime {
        BootTime::from_millis(ms)
    }

    fn set(ids: &[i32]) -> BTreeSet<i32> {
        ids.iter().copied().collect()
    }

    #[test]
    fn one_that_is_silent_is_waited_for_as_long_as_it_may_be_dead_unnoticed() {
        let mut seen = Neighbours::new(Duration::from_millis(SESSION));
        let left = |ms| Duration::from_millis(ms);
        assert_eq!(seen.heard(&set(&[2]), at(1000)), Some((vec![2], left(12_000))));
        assert_eq!(seen.heard(&set(&[2, 3]), at(5000)), Some((vec![2, 3], left(12_000))));
        assert_eq!(seen.heard(&set(&[2, 3]), at(13_000)), Some((vec![3], left(4000))));
        assert_eq!(seen.heard(&set(&[2, 3]), at(17_000)), None, "the controllers hear of them");
        assert_eq!(seen.heard(&set(&[3]), at(18_000)), None);
        assert_eq!(seen.heard(&set(&[2]), at(19_000)), Some((vec![2], left(12_000))), "it had answered");
    }

    proptest! {
        /// A broker is killed at `killed`, fenced a session later, and known to be so by the list and the scan a poll
        /// later; this one looks each `pace`. It never goes while the other is dead and its own image has it in the ISR.
        #[test]
        fn nobody_goes_by_an_image_from_before_the_fencing(
            killed in 0_u64..20_000,
            detect in 0_u64..1500,
            list_lag in 0_u64..1000,
            scan_lag in 0_u64..1000,
            pace in 100_u64..1500,
            begin in 0_u64..40_000,
        ) {
            let mut seen = Neighbours::new(Duration::from_millis(SESSION));
            let fenced = killed + SESSION + detect;
            let mut now = begin;
            while now < begin + 60_000 {
                // The list and the scan are of a while ago, each at its own age.
                let listed = now.saturating_sub(list_lag) < fenced;
                let as_of = now.saturating_sub(scan_lag);
                let dead = now >= killed;
                let silent = if dead && listed { set(&[2]) } else { set(&[]) };
                let goes = seen.heard(&silent, at(now)).is_none() && seen.settled(at(now), Some(at(as_of)));
                if goes {
                    prop_assert!(!dead || as_of >= fenced, "went at {now}: killed {killed}, fenced {fenced}, as of {as_of}");
                    return Ok(());
                }
                now += pace;
            }
            prop_assert!(false, "it never went");
        }
    }
}
