//! Watches the broker's process in `/proc`: is it the same one, and does it move?
//!
//! Works where the agent shares the broker's process namespace (a virtual machine, a laptop, a pod with
//! `shareProcessNamespace`). Without sight of the process a broker is never called dead.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use pillion_probes::{observe::Process, time::BootTime};
use procfs::process::{Process as Proc, all_processes};
use tokio::{task::spawn_blocking, time::timeout};

use super::{Target, desk::Desk};

/// Between two looks; the end of a life of the broker is a reason to look at once.
const PERIOD: Duration = Duration::from_secs(1);
/// Between two looks while the broker does not answer: how its logs were closed is seen only until it is back.
const ALERT: Duration = Duration::from_millis(250);
/// Kafka's main class, on the command line of every broker.
const KAFKA: &str = "kafka.Kafka";
/// That of a `ZooKeeper` server, alone or not.
const ZOOKEEPER: &str = "org.apache.zookeeper.server.quorum.QuorumPeerMain";
/// Written by a broker that closed its logs in order, deleted as it loads them (`LogLoader.CleanShutdownFile`).
const CLEAN_SHUTDOWN: &str = ".kafka_cleanshutdown";

/// Runs for ever.
pub async fn watch(desk: &Desk, target: &Target) {
    let dirs = target.log_dirs.iter().map(PathBuf::from).collect();
    let properties = Some(target.properties.clone());
    follow(desk, Sight { class: KAFKA, properties, dirs, known: None, clean: target.clean_shutdown }).await;
}

/// Runs for ever.
pub(super) async fn follow(desk: &Desk, mut sight: Sight) {
    let mut lives = desk.life();
    loop {
        // A look may hang on a volume; it is waited for on a thread of its own, one at a time.
        let Ok((seen, next)) = spawn_blocking(move || (sight.look(), sight)).await else { return };
        sight = next;
        let now = desk.now();
        let before = desk.read(|seen| seen.process);
        let process = seen.map(|look| merge(before, look, now, desk.limits.sight));
        if is_another(before, process) {
            tracing::info!(pid = process.map(|process| process.pid), "the broker's process is a new one");
            desk.void();
        }
        if lives.borrow().is_some() {
            // It has loaded its logs. If its port closes now while it runs, it is stopping.
            sight.clean = None;
        }
        let unclean = sight.unclean(process.is_some());
        desk.note(|seen| {
            seen.process = process;
            seen.unclean_start = unclean;
        });
        let pause = if lives.borrow_and_update().is_some() { PERIOD } else { ALERT };
        // The desk holds the sender as long as it lives.
        let _ = timeout(pause, lives.changed()).await;
    }
}

/// A process was known, and it is another one now.
fn is_another(before: Option<Process>, now: Option<Process>) -> bool {
    before.zip(now).is_some_and(|(old, new)| (old.pid, old.started_ticks) != (new.pid, new.started_ticks))
}

/// One look at the process.
#[derive(Clone, Copy)]
struct Look {
    pid: i32,
    started_ticks: u64,
    cpu_ms: u64,
    io_bytes: Option<u64>,
}

/// Joins a look with the one before: has the process moved, and was it watched without a gap?
fn merge(before: Option<Process>, look: Look, now: BootTime, gap: Duration) -> Process {
    let same = before.filter(|old| {
        (old.pid, old.started_ticks) == (look.pid, look.started_ticks) && now.since(old.looked) <= gap
    });
    let still = |old: &Process| old.cpu_ms == look.cpu_ms && old.io_bytes == look.io_bytes;
    Process {
        pid: look.pid,
        started_ticks: look.started_ticks,
        watched_since: same.map_or(now, |old| old.watched_since),
        looked: now,
        moved: same.filter(still).map_or(now, |old| old.moved),
        cpu_ms: look.cpu_ms,
        io_bytes: look.io_bytes,
    }
}

/// What is needed to find the process and to see how its logs were closed.
pub(super) struct Sight {
    class: &'static str,
    /// `None`: it is the only one of its class that is seen.
    properties: Option<PathBuf>,
    dirs: Vec<PathBuf>,
    known: Option<i32>,
    /// All logs were closed in order when no process was seen last.
    clean: Option<bool>,
}

impl Sight {
    /// Of a `ZooKeeper` server, which has no log dirs of Kafka.
    pub(super) fn of_zookeeper(properties: Option<PathBuf>) -> Self {
        Self { class: ZOOKEEPER, properties, dirs: Vec::new(), known: None, clean: None }
    }

    fn look(&mut self) -> Option<Look> {
        let process = self.known.and_then(|pid| self.broker(pid)).or_else(|| self.find());
        let pid = process.as_ref().map(|process| process.pid);
        if pid.is_some() && self.known.is_some() && pid != self.known {
            // It was replaced unseen: how the old one closed its logs is not known.
            self.clean = None;
        }
        self.known = pid;
        match process {
            None => {
                self.clean = Some(self.dirs.iter().all(|dir| closed_in_order(dir)));
                None
            }
            Some(process) => look(&process),
        }
    }

    /// The logs are being recovered, as far as is known: the broker runs and they were not closed in order.
    fn unclean(&self, runs: bool) -> Option<bool> {
        self.clean.filter(|_| runs).map(|clean| !clean)
    }

    fn find(&self) -> Option<Proc> {
        let mut found = all_processes().ok()?.flatten().filter_map(|process| self.broker(process.pid));
        let first = found.next();
        // Which of several it is cannot be told, and then none is seen.
        first.filter(|_| self.properties.is_some() || found.next().is_none())
    }

    /// The process, if it is a broker that runs with our server.properties.
    fn broker(&self, pid: i32) -> Option<Proc> {
        let process = Proc::new(pid).ok()?;
        let arguments = process.cmdline().ok()?;
        let main = arguments.iter().position(|argument| argument == self.class)?;
        let Some(properties) = &self.properties else { return Some(process) };
        // A relative path counts from where the process runs; joining an absolute one replaces that.
        let here = process.cwd().unwrap_or_default();
        let ours = arguments.get(main + 1..)?.iter().any(|argument| here.join(argument) == *properties);
        ours.then_some(process)
    }
}

/// A log dir that needs no recovery: it was closed in order, or holds no partition.
fn closed_in_order(dir: &Path) -> bool {
    let is_partition = |name: &str| {
        let index = name.rsplit_once('-').map(|(_, index)| index);
        index.is_some_and(|index| !index.is_empty() && index.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let mut entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    dir.join(CLEAN_SHUTDOWN).exists()
        || !entries.any(|entry| entry.file_name().to_str().is_some_and(is_partition))
}

fn look(process: &Proc) -> Option<Look> {
    let stat = process.stat().ok()?;
    let ticks = procfs::ticks_per_second().max(1);
    Some(Look {
        pid: process.pid,
        started_ticks: stat.starttime,
        cpu_ms: (stat.utime + stat.stime).saturating_mul(1000) / ticks,
        // Only root and the broker's own user may read it.
        io_bytes: process.io().ok().map(|io| io.rchar.saturating_add(io.wchar)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> BootTime {
        BootTime::from_millis(ms)
    }

    #[test]
    fn movement_is_seen_and_gaps_are_not_taken_for_stillness() {
        let gap = Duration::from_secs(5);
        let look = Look { pid: 7, started_ticks: 1, cpu_ms: 10, io_bytes: Some(5) };
        let first = merge(None, look, at(1000), gap);
        let still = merge(Some(first), look, at(2000), gap);
        assert_eq!((still.moved, still.watched_since, still.looked), (at(1000), at(1000), at(2000)));
        let moved = merge(Some(still), Look { io_bytes: Some(6), ..look }, at(3000), gap);
        assert_eq!((moved.moved, moved.watched_since), (at(3000), at(1000)));
        let after_a_gap = merge(Some(still), look, at(9000), gap);
        assert_eq!((after_a_gap.moved, after_a_gap.watched_since), (at(9000), at(9000)));
        let other = merge(Some(still), Look { started_ticks: 2, ..look }, at(3000), gap);
        assert!(is_another(Some(still), Some(other)) && !is_another(Some(first), Some(still)));
        assert!(!is_another(None, Some(first)) && !is_another(Some(first), None));
    }
}
