//! Asks the broker how its log dirs are.

use std::sync::Arc;

use pillion_probes::observe::{LogDir, LogDirs};
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::{
    Target,
    desk::{Desk, Life},
    hosting,
};
use crate::kafka::{WireError, codes, requests::describe_log_dirs, scan::ScanBuffer};

/// The request's name, for people.
const NAME: &str = "DescribeLogDirs";

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
    let mut uncompared = None;
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            // Until the first scan is there, there is nothing to hold it against.
            () = scanned(desk), if uncompared.is_some() => {
                if let Some((sent, hosted)) = uncompared
                    && hosting.compare(sent, hosted, &mut buffer).await
                {
                    uncompared = None;
                }
                continue;
            }
        }
        let sent = desk.now();
        let told =
            describe_log_dirs(&mut connection, &life.versions, target.key, None, &mut buffer, deadline())
                .await?;
        let hosted = told.hosted;
        let dirs: Vec<LogDir> = told.dirs.into_iter().map(observed).collect();
        let missing = target
            .log_dirs
            .iter()
            .filter(|own| !dirs.iter().any(|dir| dir.path.trim_end_matches('/') == own.trim_end_matches('/')))
            .cloned()
            .collect();
        let log_dirs = Arc::new(LogDirs { sent, answered: desk.now(), dirs, missing });
        desk.denied(life.number, NAME, false);
        desk.note_in(life.number, |seen| seen.log_dirs = Some(log_dirs));
        let compared = hosting.compare(sent, hosted, &mut buffer).await;
        uncompared = (!compared).then_some((sent, hosted));
    }
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
