//! Looks at what the node has and uses, each ten seconds: `/metrics` and `/status` tell the last look.
//!
//! A file system may hang, and then so does who looks at it. So each log dir is looked at from a thread of its own, by one
//! look at a time, and nobody waits for it; the thread is left behind at the end.

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use futures_util::future::join_all;
use pillion_probes::time::BootTime;
use tokio::{
    task::spawn_blocking,
    time::{Interval, MissedTickBehavior, interval},
};

use super::{Target, mark};
use crate::{
    board::{Board, LogDir},
    resources::{Sight, container, interfaces, space, write},
};

/// Between two looks.
const PERIOD: Duration = Duration::from_secs(10);

/// Runs for ever. `probe`: between two probes of how fast the log dirs take a write; `None`: there are none.
pub async fn watch(board: &Board, target: &Target, probe: Option<Duration>) {
    let mut dirs = target.log_dirs.clone();
    let metadata = target.metadata_dir.display().to_string();
    if !dirs.contains(&metadata) {
        dirs.push(metadata);
    }
    board.measure(|all| all.log_dirs = dirs.iter().map(|dir| LogDir::new(dir, probe)).collect());
    let each = dirs.iter().enumerate().map(|(index, dir)| {
        let owner = (target.cluster_id.clone(), target.id);
        Watched { board, index, dir: dir.into(), probe, owner }.watch()
    });
    tokio::join!(join_all(each), node(board));
}

fn ticks() -> Interval {
    let mut ticks = interval(PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

/// The broker's process and its container, and the network.
async fn node(board: &Board) {
    let mut ticks = ticks();
    let mut sight = Sight::default();
    loop {
        ticks.tick().await;
        let now = board.clock().now();
        let pid = board.observations().borrow().process.map(|process| process.pid);
        let look = move || {
            let process = pid.and_then(|pid| sight.look(pid, now.boot, now.wall_ms));
            let container = process.and_then(|process| container(process.pid));
            (process, container, interfaces(), sight)
        };
        let Ok((process, container, network, next)) = spawn_blocking(look).await else { return };
        sight = next;
        board.measure(|all| {
            all.process = process.map(|seen| (now.boot, seen));
            all.container = container.map(|seen| (now.boot, seen));
            all.network = network.map(|seen| (now.boot, seen));
        });
    }
}

/// A log dir that is looked at.
struct Watched<'a> {
    board: &'a Board,
    index: usize,
    dir: PathBuf,
    probe: Option<Duration>,
    /// Whose it must be before anything is written: the cluster's id, and the node's.
    owner: (String, i32),
}

impl Watched<'_> {
    async fn watch(self) {
        let mut ticks = ticks();
        let mut probed: Option<BootTime> = None;
        loop {
            ticks.tick().await;
            let sent = self.ask();
            let dir = self.dir.clone();
            let Ok(told) = spawn_blocking(move || space(&dir)).await else { return };
            let writable = told.as_ref().is_ok_and(|space| !space.read_only);
            self.note(|dir| dir.answer(sent, told));
            // Ticks come a little early or late.
            let wait = self.probe.map(|probe| probe.saturating_sub(PERIOD / 2));
            let is_due = |wait| probed.is_none_or(|probed| sent.since(probed) >= wait);
            if writable && wait.is_some_and(is_due) {
                let sent = self.ask();
                let (dir, owner) = (self.dir.clone(), self.owner.clone());
                let Ok(told) = spawn_blocking(move || try_write(&dir, &owner)).await else { return };
                self.note(|dir| dir.wrote(sent, told));
                probed = Some(sent);
            }
            self.note(LogDir::rest);
        }
    }

    fn ask(&self) -> BootTime {
        let now = self.board.clock().boot();
        self.note(|dir| dir.ask(now));
        now
    }

    fn note(&self, note: impl FnOnce(&mut LogDir)) {
        self.board.measure(|all| all.log_dirs.get_mut(self.index).map(note));
    }
}

/// Nothing is written to a directory that is not provably the node's own: a mount that is missing, another's volume.
fn try_write(dir: &Path, (cluster, id): &(String, i32)) -> io::Result<Duration> {
    let ours = mark::owner(dir).is_some_and(|owner| {
        owner.node_id == Some(*id) && owner.cluster_id.as_ref().is_none_or(|theirs| theirs == cluster)
    });
    if ours { write(dir) } else { Err(io::Error::other("its meta.properties does not name this node")) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step should stop the test where it stands")]
    use super::*;
    use crate::storage::{META_PROPERTIES, MetaProperties, fresh_directory_id};

    #[test]
    fn only_the_own_log_dir_is_written_to() {
        let dir = tempfile::tempdir().unwrap();
        let owner = ("abc".to_owned(), 7);
        let files = || std::fs::read_dir(dir.path()).unwrap().count();
        assert!(try_write(dir.path(), &owner).is_err());
        assert_eq!(files(), 0);
        let own = MetaProperties::render("abc", 7, &fresh_directory_id());
        std::fs::write(dir.path().join(META_PROPERTIES), own).unwrap();
        for other in [("abd".to_owned(), 7), ("abc".to_owned(), 8)] {
            assert!(try_write(dir.path(), &other).is_err());
        }
        assert_eq!(files(), 1);
        assert!(try_write(dir.path(), &owner).unwrap() > Duration::ZERO);
        assert_eq!(files(), 2);
    }
}
