//! A process, as `/proc` tells it.

use std::{fs, os::unix::ffi::OsStrExt, path::Path};

use pillion_probes::{resources::Process, time::BootTime};
use procfs::process::{LimitValue, Process as Proc};

/// Open files that are counted in passing. A process with more is counted more seldom: at each look as many in the mean.
const AT_ONCE: u64 = 5000;
/// The same process began at the same instant, in seconds, though clocks are slewed and two are read one after the other.
const SAME: f64 = 1.0;

/// Looks at one process, again and again.
#[derive(Debug, Default)]
pub struct Sight {
    last: Option<(u64, Process)>,
    /// Looks until open files are counted again.
    rest: u64,
}

impl Sight {
    /// The process now; `None` when it is gone. `boot` and `wall_ms` are the present instant, by both clocks.
    pub fn look(&mut self, pid: i32, boot: BootTime, wall_ms: i64) -> Option<Process> {
        let process = Proc::new(pid).ok()?;
        let (stat, status) = (process.stat().ok()?, process.status().ok()?);
        let ticks = float(procfs::ticks_per_second().max(1));
        let before = self.last.filter(|(began, before)| (*began, before.pid) == (stat.starttime, pid));
        let before = before.map(|(_, before)| before);
        let files = match before {
            Some(before) if self.rest > 0 => {
                self.rest -= 1;
                before.open_files.zip(before.sockets)
            }
            _ => {
                let files = files(&Path::new("/proc").join(pid.to_string()).join("fd"));
                self.rest = files.map_or(0, |(open, _)| open / AT_ONCE);
                files
            }
        };
        let booted = millis(wall_ms) - boot.since_boot().as_secs_f64();
        let began = booted + float(stat.starttime) / ticks;
        let kept = before.map(|before| before.started).filter(|kept| (kept - began).abs() < SAME);
        let seen = Process {
            pid,
            cpu_seconds: float(stat.utime + stat.stime) / ticks,
            threads: status.threads,
            resident: status.vmrss.unwrap_or(0).saturating_mul(1024),
            open_files: files.map(|(open, _)| open),
            sockets: files.map(|(_, sockets)| sockets),
            open_files_limit: process.limits().ok().and_then(|limits| {
                match limits.max_open_files.soft_limit {
                    LimitValue::Value(limit) => Some(limit),
                    LimitValue::Unlimited => None,
                }
            }),
            started: kept.unwrap_or(began),
        };
        self.last = Some((stat.starttime, seen));
        Some(seen)
    }
}

/// Open files, and the sockets among them. Only root and the process's own user may look.
fn files(dir: &Path) -> Option<(u64, u64)> {
    let (mut open, mut sockets) = (0, 0);
    for entry in fs::read_dir(dir).ok()?.flatten() {
        open += 1;
        let target = fs::read_link(entry.path()).unwrap_or_default();
        sockets += u64::from(target.as_os_str().as_bytes().starts_with(b"socket:"));
    }
    Some((open, sockets))
}

#[expect(clippy::cast_precision_loss, reason = "below 2^53 nothing is lost")]
fn float(count: u64) -> f64 {
    count as f64
}

#[expect(clippy::cast_precision_loss, reason = "below 2^53 nothing is lost")]
fn millis(ms: i64) -> f64 {
    ms as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step should stop the test where it stands")]
    use std::{
        io::{Read, Write},
        net::TcpListener,
        process::{Command, Stdio},
    };

    use super::*;
    use crate::clock::Clock;

    #[test]
    fn it_is_the_process_that_ps_sees() {
        // It answers, and then waits where it has waited before: at rest, so that two looks see the same.
        let mut child = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (mut to, mut from) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        for _ in 0..3 {
            to.write_all(b"x").unwrap();
            from.read_exact(&mut [0]).unwrap();
        }
        let pid = i32::try_from(child.id()).unwrap();
        let mut sight = Sight::default();
        let now = Clock::system().now();
        let seen = sight.look(pid, now.boot, now.wall_ms).unwrap();
        let ps = Command::new("ps").args(["-o", "rss=,nlwp=", "-p", &pid.to_string()]).output().unwrap();
        let text = String::from_utf8(ps.stdout).unwrap();
        let words: Vec<u64> = text.split_whitespace().map(|word| word.parse().unwrap()).collect();
        assert_eq!(words, [seen.resident / 1024, seen.threads]);
        assert!((seen.started - millis(now.wall_ms)).abs() < 60.0, "{seen:?}");
        // The wall clock is stepped by an hour: so is the start.
        let later = sight.look(pid, now.boot, now.wall_ms + 3_600_000).unwrap();
        assert!((later.started - seen.started - 3600.0).abs() < 0.001);
        let slewed = sight.look(pid, now.boot, now.wall_ms + 3_600_010).unwrap();
        assert!((slewed.started - later.started).abs() < 1e-9);
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(sight.look(pid, now.boot, now.wall_ms), None);
    }

    #[test]
    fn sockets_are_told_apart() {
        let own = Path::new("/proc/self/fd");
        let (_, before) = files(own).unwrap();
        let listeners: Vec<_> = (0..40).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
        let (open, after) = files(own).unwrap();
        // Other tests of this process open and close some of their own.
        assert!(after + 20 > before + 40 && open > after, "{before} {after} of {open}");
        drop(listeners);
        assert_eq!(files(Path::new("/proc/self/none")), None);
    }
}
