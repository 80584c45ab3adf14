//! How far consumer groups lag.

use std::time::Duration;

use pillion_probes::lag::Lists;

use super::{
    super::{
        file::{self, Mode},
        model::Lag,
    },
    Check,
};

/// Where nothing is said.
const INTERVAL: Duration = Duration::from_secs(30);
/// Below that the questions would be a load of their own.
const LEAST: Duration = Duration::from_secs(1);
const MAX_GROUPS: i64 = 100;
const MAX_PARTITIONS: i64 = 2000;
/// The longest name that a pattern is for, in bytes.
const LONGEST: usize = 255;

impl Check<'_> {
    /// `None` where it is not asked for; `Err` where a mistake was added.
    pub(super) fn lag(&mut self, file: &file::Lag, mode: Option<Mode>) -> Result<Option<Lag>, ()> {
        let before = self.problems.len();
        let interval = file.interval.map_or(INTERVAL, |written| written.0);
        if interval < LEAST {
            let what = "so many questions would be a load of their own";
            self.wrong::<()>("sidecar.lag.interval", what, "write 1s at the least");
        }
        for (path, patterns) in [("sidecar.lag.allow", &file.allow), ("sidecar.lag.deny", &file.deny)] {
            if let Some(bad) = patterns.iter().find(|one| one.is_empty() || one.len() > LONGEST) {
                let shown: String = bad.chars().take(60).collect();
                let what = format!("{shown:?} describes no group");
                self.wrong::<()>(path, what, "write names of groups, with * for any characters");
            }
        }
        let enabled = file.enabled.unwrap_or(false);
        if enabled && mode == Some(Mode::KraftController) {
            let what = "a controller coordinates no consumer groups";
            self.wrong::<()>("sidecar.lag.enabled", what, "take it out here; the brokers tell");
        }
        if self.problems.len() > before {
            return Err(());
        }
        let count = |written: Option<i64>, usual| usize::try_from(written.unwrap_or(usual)).unwrap_or(0);
        let any = || vec!["*".to_owned()];
        Ok(enabled.then(|| Lag {
            interval,
            lists: Lists {
                allow: if file.allow.is_empty() { any() } else { file.allow.clone() },
                deny: file.deny.clone(),
            },
            max_groups: count(file.max_groups, MAX_GROUPS),
            max_partitions: count(file.max_partitions, MAX_PARTITIONS),
        }))
    }
}
