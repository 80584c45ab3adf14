//! Version 1: a hierarchy a controller (`Documentation/admin-guide/cgroup-v1` and `scheduler/sched-bwc.rst` of the
//! kernel). It knows no pressure: `/proc/pressure` is the whole machine's, and is not told for a container's.

use std::path::PathBuf;

use pillion_probes::resources::Container;

use super::{cores, keyed, number, seconds, text};

/// A limit above this is none (`PAGE_COUNTER_MAX`).
const NO_LIMIT: u64 = 1 << 60;
const NANOS: f64 = 1e9;

/// The groups of a process, where they are in sight.
pub(super) struct Groups {
    pub(super) memory: Option<PathBuf>,
    pub(super) cpu: Option<PathBuf>,
    /// Of `cpuacct`.
    pub(super) usage: Option<PathBuf>,
}

impl Groups {
    pub(super) fn read(&self) -> Option<Container> {
        let found = [&self.memory, &self.cpu, &self.usage].into_iter().any(Option::is_some);
        found.then(|| {
            let mut seen = Container { version: 1, ..Container::default() };
            self.memory(&mut seen);
            self.cpu(&mut seen);
            seen
        })
    }

    fn memory(&self, seen: &mut Container) {
        let Some(group) = &self.memory else { return };
        let stat = text(group, "memory.stat");
        let stat = |key: &str| keyed(stat.as_deref(), key);
        let usage = number(group, "memory.usage_in_bytes");
        seen.memory_limit = number(group, "memory.limit_in_bytes").filter(|limit| *limit < NO_LIMIT);
        seen.memory_usage = usage;
        // What lies in groups below it counts too: `total_`.
        let idle = stat("total_inactive_file");
        seen.working_set = usage.zip(idle).map(|(usage, idle)| usage.saturating_sub(idle));
        seen.page_cache = stat("total_cache");
        seen.oom_kills = keyed(text(group, "memory.oom_control").as_deref(), "oom_kill");
    }

    fn cpu(&self, seen: &mut Container) {
        let usage = self.usage.as_ref().and_then(|group| number(group, "cpuacct.usage"));
        seen.cpu_seconds = usage.map(|usage| seconds(usage, NANOS));
        let Some(group) = &self.cpu else { return };
        // -1 is no limit, and no number here.
        let [quota, period] = ["cpu.cfs_quota_us", "cpu.cfs_period_us"].map(|name| number(group, name));
        seen.cpu_limit = quota.zip(period).and_then(|(quota, period)| cores(quota, period));
        if seen.cpu_limit.is_none() {
            return;
        }
        let stat = text(group, "cpu.stat");
        let stat = |key: &str| keyed(stat.as_deref(), key);
        seen.periods = stat("nr_periods");
        seen.throttled_periods = stat("nr_throttled");
        seen.throttled_seconds = stat("throttled_time").map(|time| seconds(time, NANOS));
    }
}
