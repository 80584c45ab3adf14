//! Version 2: one hierarchy (`Documentation/admin-guide/cgroup-v2.rst` of the kernel).

use std::path::Path;

use pillion_probes::resources::{Container, Pressure, Stall};

use super::{cores, keyed, number, seconds, text};

const MICROS: f64 = 1e6;

pub(super) fn read(group: &Path) -> Container {
    let cpu = text(group, "cpu.stat");
    let cpu = |key: &str| keyed(cpu.as_deref(), key);
    let memory = text(group, "memory.stat");
    let memory = |key: &str| keyed(memory.as_deref(), key);
    let usage = number(group, "memory.current");
    let limit = text(group, "cpu.max").and_then(|text| {
        let (quota, period) = text.trim().split_once(' ')?;
        cores(quota.parse().ok()?, period.parse().ok()?)
    });
    let enforced = |count: Option<u64>| count.filter(|_| limit.is_some());
    let pressure = Pressure {
        cpu: stall(text(group, "cpu.pressure")),
        memory: stall(text(group, "memory.pressure")),
        io: stall(text(group, "io.pressure")),
    };
    Container {
        version: 2,
        cpu_seconds: cpu("usage_usec").map(|usage| seconds(usage, MICROS)),
        cpu_limit: limit,
        periods: enforced(cpu("nr_periods")),
        throttled_periods: enforced(cpu("nr_throttled")),
        throttled_seconds: enforced(cpu("throttled_usec")).map(|time| seconds(time, MICROS)),
        // `max` is no number.
        memory_limit: number(group, "memory.max"),
        memory_usage: usage,
        working_set: usage.zip(memory("inactive_file")).map(|(usage, idle)| usage.saturating_sub(idle)),
        page_cache: memory("file"),
        oom_kills: keyed(text(group, "memory.events").as_deref(), "oom_kill"),
        pressure: (pressure != Pressure::default()).then_some(pressure),
    }
}

/// `some avg10=0.00 avg60=0.00 avg300=0.00 total=0`, and the same with `full`; microseconds.
fn stall(text: Option<String>) -> Option<Stall> {
    let text = text?;
    let total = |kind: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(kind))?;
        let total = line.split(' ').find_map(|word| word.strip_prefix("total="))?;
        Some(seconds(total.trim().parse().ok()?, MICROS))
    };
    Some(Stall { some: total("some ")?, full: total("full ") })
}
