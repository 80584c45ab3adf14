//! Remembers on the volumes that the broker was once in sync with everything assigned to it.
//!
//! From then on replicas that are being added to it do not count, unless `sidecar.addingReplicas` says otherwise.

use std::{path::PathBuf, time::Duration};

use pillion_probes::judge;
use tokio::{task::spawn_blocking, time::timeout};

use super::{Target, desk::Desk, mark};
use crate::{files::Disk, storage::MetaProperties};

/// Between two looks whether the broker is in sync.
const PERIOD: Duration = Duration::from_secs(1);

/// Runs for ever. A volume that hangs holds up nothing but this.
pub async fn watch(desk: &Desk, target: &Target) {
    let dirs: Vec<PathBuf> = target.log_dirs.iter().map(PathBuf::from).collect();
    let mut lives = desk.life();
    let mut looked = None;
    // Whose volumes this agent found in sync: what cannot be written there it knows for itself.
    let mut known: Option<Vec<MetaProperties>> = None;
    loop {
        // The desk holds the sender as long as it lives.
        let _ = timeout(PERIOD, lives.changed()).await;
        let Some(number) = lives.borrow_and_update().as_ref().map(|life| life.number) else { continue };
        let dirs = dirs.clone();
        if looked != Some(number) {
            let Ok((owners, marked)) = spawn_blocking(move || look(&dirs)).await else { return };
            let once = marked || (owners.is_some() && owners == known);
            desk.note(|seen| seen.in_sync_once = once);
            looked = Some(number);
        } else if desk
            .read(|seen| !seen.in_sync_once && judge::in_sync_with_all(seen, &desk.limits, desk.now()))
        {
            let Ok(owners) = spawn_blocking(move || leave(&dirs)).await else { return };
            known = owners;
            desk.note_in(number, |seen| seen.in_sync_once = true);
        }
    }
}

/// Whose the log dirs are, and whether the mark stands in all of them.
fn look(dirs: &[PathBuf]) -> (Option<Vec<MetaProperties>>, bool) {
    let owners: Option<Vec<_>> = dirs.iter().map(|dir| mark::owner(dir)).collect();
    let marked = owners.as_ref().is_some_and(|owners| {
        !owners.is_empty() && dirs.iter().zip(owners).all(|(dir, owner)| mark::stands(dir, owner))
    });
    (owners, marked)
}

fn leave(dirs: &[PathBuf]) -> Option<Vec<MetaProperties>> {
    let (owners, _) = look(dirs);
    for (dir, owner) in dirs.iter().zip(owners.iter().flatten()) {
        if let Err(error) = mark::leave(&Disk::default(), dir, owner) {
            tracing::warn!(
                %error,
                "that this broker was in sync cannot be noted on its volume: once the agent is restarted, replicas \
                 that are being added count until they are in sync"
            );
        }
    }
    owners
}
