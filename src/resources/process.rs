//! A process, as `/proc` tells it.

use std::{
    fs::{self, File},
    path::Path,
};

use pillion_probes::{resources::Process, time::BootTime};
use procfs::process::{LimitValue, Process as Proc};
use rustix::fs::{Dir, readlinkat};

/// Names of open files that are counted at a look, where the kernel does not count them (before Linux 6.2).
const NAMES: u64 = 5000;
/// Open files that are looked at in a look, for sockets.
const LINKS: u64 = 500;
/// The same process began at the same instant, in seconds, though clocks are slewed and two are read one after the other.
const SAME: f64 = 1.0;

/// Looks at one process, again and again.
#[derive(Debug, Default)]
pub struct Sight {
    last: Option<(u64, Process)>,
    names: Seldom,
    links: Seldom,
}

/// What costs as much as there is to go through. The more that is, the more seldom: at each look as much in the mean.
#[derive(Debug, Default)]
struct Seldom {
    /// Looks until it is counted again.
    rest: u64,
}

impl Seldom {
    /// As many as there were `before`, or as `count` finds when it is time for that. It says how many it went through, too,
    /// of which `at_once` are right for one look.
    fn again(
        &mut self,
        before: Option<u64>,
        at_once: u64,
        count: impl FnOnce() -> Option<(u64, u64)>,
    ) -> Option<u64> {
        if before.is_some() && self.rest > 0 {
            self.rest -= 1;
            return before;
        }
        let (found, through) = count()?;
        self.rest = through / at_once;
        Some(found)
    }
}

impl Sight {
    /// The process now; `None` when it is gone. `boot` and `wall_ms` are the present instant, by both clocks.
    pub fn look(&mut self, pid: i32, boot: BootTime, wall_ms: i64) -> Option<Process> {
        let process = Proc::new(pid).ok()?;
        let (stat, status) = (process.stat().ok()?, process.status().ok()?);
        let ticks = float(procfs::ticks_per_second().max(1));
        let before = self.last.filter(|(began, before)| (*began, before.pid) == (stat.starttime, pid));
        let before = before.map(|(_, before)| before);
        let dir = Path::new("/proc").join(pid.to_string()).join("fd");
        let kept = before.and_then(|before| before.open_files);
        let open = counted(&dir).or_else(|| self.names.again(kept, NAMES, || names(&dir)));
        let kept = before.and_then(|before| before.sockets);
        let sockets = self.links.again(kept, LINKS, || sockets(&dir));
        let booted = millis(wall_ms) - boot.since_boot().as_secs_f64();
        let began = booted + float(stat.starttime) / ticks;
        let kept = before.map(|before| before.started).filter(|kept| (kept - began).abs() < SAME);
        let seen = Process {
            pid,
            cpu_seconds: float(stat.utime + stat.stime) / ticks,
            threads: status.threads,
            resident: status.vmrss.unwrap_or(0).saturating_mul(1024),
            open_files: open,
            sockets,
            open_files_limit: process.limits().ok().and_then(|limits| {
                match limits.max_open_files.soft_limit {
                    LimitValue::Value(limit) => Some(limit),
                    LimitValue::Unlimited => None,
                }
            }),
            // To the second: another agent, which reads the clocks anew, says the same of the same process.
            started: kept.unwrap_or(began.round()),
        };
        self.last = Some((stat.starttime, seen));
        Some(seen)
    }
}

/// Open files, where the kernel says how many there are (as the size of the directory, since Linux 6.2).
fn counted(dir: &Path) -> Option<u64> {
    fs::metadata(dir).ok().map(|dir| dir.len()).filter(|open| *open > 0)
}

/// Open files by their names: all that is gone through is found. Only root and the process's own user may look.
fn names(dir: &Path) -> Option<(u64, u64)> {
    let open = fs::read_dir(dir).ok()?.count() as u64;
    Some((open, open))
}

/// Sockets among the open files, and all of these. Only root and the process's own user may look.
fn sockets(dir: &Path) -> Option<(u64, u64)> {
    let dir = File::open(dir).ok()?;
    let (mut found, mut open, mut target) = (0, 0, Vec::new());
    for entry in Dir::read_from(&dir).ok()?.flatten() {
        open += 1;
        // The directory itself and the one above are no links, and a file may have been closed.
        target = readlinkat(&dir, entry.file_name(), target).map(Into::into).unwrap_or_default();
        found += u64::from(target.starts_with(b"socket:"));
    }
    Some((found, open))
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
        let (before, _) = sockets(own).unwrap();
        let listeners: Vec<_> = (0..40).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
        let (after, open) = sockets(own).unwrap();
        // Other tests of this process open and close some of their own.
        assert!(after + 20 > before + 40 && open > after, "{before} {after} of {open}");
        drop(listeners);
        assert_eq!(sockets(Path::new("/proc/self/none")), None);
    }

    #[test]
    fn open_files_are_as_many_by_the_kernel_and_by_their_names() {
        let own = Path::new("/proc/self/fd");
        let files: Vec<_> = (0..400).map(|_| File::open("/dev/null").unwrap()).collect();
        let (open, through) = names(own).unwrap();
        assert!(open == through && open >= 400, "{open} {through}");
        // An older kernel does not count them; other tests of this process open and close some of their own.
        assert!(counted(own).is_none_or(|counted| counted.abs_diff(open) < 40), "{:?} {open}", counted(own));
        drop(files);
        assert_eq!(
            (counted(Path::new("/proc/self/none")), names(Path::new("/proc/self/none"))),
            (None, None)
        );
    }

    #[test]
    fn the_more_there_is_to_go_through_the_more_seldom_that_is_done() {
        let mut seldom = Seldom::default();
        let mut looks = 0;
        let mut before = None;
        for _ in 0..30 {
            before = seldom.again(before, 500, || {
                looks += 1;
                Some((looks, 2500))
            });
        }
        // Each sixth time.
        assert_eq!((looks, before), (5, Some(5)));
        // Where nothing is known it is looked each time.
        assert_eq!(seldom.again(None, 500, || None), None);
        assert_eq!(seldom.again(None, 500, || Some((7, 0))), Some(7));
    }
}
