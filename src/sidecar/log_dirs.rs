//! Asks the broker how its log dirs are, and what is in them.
//!
//! What is in them is as large an answer as the broker has replicas. Where the metadata log counts, it tells which replicas
//! those should be, so they are gone through when they become others, when the volumes show that they have grown or shrunk,
//! and now and then; how the directories are is asked for as often as ever.

use std::{sync::Arc, time::Duration};

use pillion_probes::{
    observe::{LogDir, LogDirs},
    time::BootTime,
};
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::{
    Target,
    desk::{Desk, Life},
    hosting::{self, Assigned, assigned},
};
use crate::kafka::{
    WireError, codes,
    requests::{describe_log_dirs, log_dir_health},
    scan::{self, ScanBuffer},
};

/// The request's name, for people.
const NAME: &str = "DescribeLogDirs";
/// What is in the log dirs is gone through at least so often: verdicts rest on a comparison of the last three minutes
/// (`Limits::hosting`).
const WHOLE: Duration = Duration::from_secs(120);

/// A volume on which more was written or deleted than a hundredth of what Kafka had there, and than this many bytes, shows
/// that the replicas are of another size.
const MOVED: u64 = 256 << 10;
/// For that alone no more replicas are gone through in a second than so many, at 22 bytes each.
const A_SECOND: u64 = 40;

/// What was found in the log dirs: the replicas that are assigned.
struct Found {
    asked: BootTime,
    assigned: Assigned,
    dirs: Vec<LogDir>,
}

/// Watches the log dirs for one life of the broker, until the connection is lost.
pub async fn watch(desk: &Desk, target: &Target, life: &Life) {
    match ask(desk, target, life).await {
        Ok(never) => match never {},
        Err(WireError::Answered { code: codes::CLUSTER_AUTHORIZATION_FAILED, .. }) => {
            desk.denied(life.number, NAME, true);
        }
        Err(error) => super::lost(desk, "the state of the log dirs", &error),
    }
}

async fn ask(desk: &Desk, target: &Target, life: &Life) -> Result<std::convert::Infallible, WireError> {
    let deadline = || Instant::now() + target.timing.log_dir_timeout();
    let mut connection = target.connect(deadline()).await?;
    let mut buffer = ScanBuffer::default();
    let mut hosting = hosting::Watch::new(desk, target, life);
    let mut ticks = interval(target.timing.log_dir_interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut uncompared, mut found): (_, Option<Found>) = (None, None);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            // Until the first scan is there, there is nothing to hold it against.
            () = scanned(desk), if uncompared.is_some() => {
                if let Some((sent, hosted)) = uncompared
                    && hosting.compare(sent, hosted, &mut buffer).await.is_some()
                {
                    uncompared = None;
                }
                continue;
            }
        }
        let sent = desk.now();
        found = if let Some(found) = found.filter(|found| holds(desk, target, found, sent)) {
            let told = log_dir_health(&mut connection, &life.versions, &mut buffer, deadline()).await?;
            let (dirs, same) = with_contents(told.dirs, &found.dirs);
            let outdated = is_outdated(&found, &dirs, sent);
            publish(desk, target, life, sent, dirs);
            if outdated {
                ticks.reset_immediately();
            }
            Some(found).filter(|_| same && !outdated)
        } else {
            let assigned = assigned(desk);
            let told =
                describe_log_dirs(&mut connection, &life.versions, target.key, None, &mut buffer, deadline())
                    .await?;
            let dirs: Vec<LogDir> = told.dirs.into_iter().map(observed).collect();
            publish(desk, target, life, sent, dirs.clone());
            let compared = hosting.compare(sent, told.hosted, &mut buffer).await;
            uncompared = compared.is_none().then_some((sent, told.hosted));
            // A difference is looked at again soon: it counts when it lasts.
            assigned.filter(|_| compared == Some(true)).map(|assigned| Found { asked: sent, assigned, dirs })
        };
    }
}

/// What was found is there still, for all that is known.
fn holds(desk: &Desk, target: &Target, found: &Found, now: BootTime) -> bool {
    target.ledger.counts(now) && now.since(found.asked) < WHOLE && assigned(desk) == Some(found.assigned)
}

/// The volumes show that the sizes are others by now, and it is worth asking.
fn is_outdated(found: &Found, dirs: &[LogDir], now: BootTime) -> bool {
    let moved = |then: &LogDir, now: &LogDir| match (then.usable_bytes, now.usable_bytes) {
        (Some(then_free), Some(free)) => then_free.abs_diff(free) > MOVED.max(then.bytes / 100),
        _ => true,
    };
    let replicas: u64 = found.dirs.iter().map(|dir| dir.replicas).sum();
    now.since(found.asked) >= Duration::from_secs(replicas / A_SECOND)
        && found
            .dirs
            .iter()
            .any(|then| dirs.iter().find(|dir| dir.path == then.path).is_none_or(|now| moved(then, now)))
}

/// How the directories are now, with what was found in them; `false` when others are healthy now.
fn with_contents(told: Vec<scan::LogDir>, found: &[LogDir]) -> (Vec<LogDir>, bool) {
    let mut same = told.len() == found.len();
    let dirs = told.into_iter().map(observed).map(|mut dir| {
        let before = found.iter().find(|before| before.path == dir.path);
        same &= before.is_some_and(|before| before.error == dir.error);
        if let Some(before) = before.filter(|_| dir.error == codes::NONE) {
            (dir.replicas, dir.bytes) = (before.replicas, before.bytes);
        }
        dir
    });
    (dirs.collect(), same)
}

fn publish(desk: &Desk, target: &Target, life: &Life, sent: BootTime, dirs: Vec<LogDir>) {
    let known = |own: &String| dirs.iter().any(|dir| dir.is_at(own));
    let missing = target.log_dirs.iter().filter(|own| !known(own)).cloned().collect();
    let log_dirs = Arc::new(LogDirs { sent, answered: desk.now(), dirs, missing });
    desk.denied(life.number, NAME, false);
    desk.note_in(life.number, |seen| seen.log_dirs = Some(log_dirs));
}

/// Waits for a scan that is complete.
async fn scanned(desk: &Desk) {
    desk.until(|| desk.read(|seen| seen.round.is_some().then_some(()))).await;
}

fn observed(dir: crate::kafka::scan::LogDir) -> LogDir {
    LogDir {
        path: dir.path,
        error: dir.error_code,
        replicas: dir.replicas,
        total_bytes: dir.total_bytes,
        usable_bytes: dir.usable_bytes,
        bytes: dir.bytes,
    }
}
