//! What the node was started with: its raft client goes on to show that, and to trust by it, until the node is restarted.
//!
//! Kept in the run directory, for the agent may be restarted while the node goes on.

use std::{path::PathBuf, time::Duration};

use pillion_probes::{
    certificates::{Life, Print},
    observe::Reach,
};
use serde::{Deserialize, Serialize};
use tokio::time::sleep;

use super::{Keeper, plan::Listener, take::life};
use crate::{
    certs::{self, Installed},
    files::{Disk, read_if_present},
};

/// How often it is looked at.
const LOOK: Duration = Duration::from_secs(1);
const NAME: &str = "started-with.json";
const MAX_BYTES: u64 = 64 << 10;

/// What the node was started with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Memory {
    /// The process, where it is seen: id, and start in ticks since boot.
    process: Option<(i32, u64)>,
    /// Its certificate.
    leaf: Life,
    /// The authorities that it trusts.
    trust: Vec<Print>,
}

/// Follows it for ever.
pub(super) async fn follow(keeper: &Keeper<'_>) {
    let Some(listener) = keeper.listeners.iter().find(|listener| listener.raft) else {
        return std::future::pending().await;
    };
    let mut was_down = false;
    loop {
        let seen = keeper.board.observations().borrow().clone();
        let process = seen.process.as_ref().map(|process| (process.pid, process.started_ticks));
        let is_down = matches!(seen.reach.0, Reach::Refused) && process.is_none();
        let restarted = was_down && !is_down;
        was_down = is_down;
        note(keeper, listener, process, restarted);
        sleep(LOOK).await;
    }
}

fn note(keeper: &Keeper<'_>, listener: &Listener, process: Option<(i32, u64)>, restarted: bool) {
    let Ok(Some(there)) = certs::installed(&keeper.dir(listener)) else { return };
    let held = read(keeper, listener);
    let another = |held: &Memory| process.is_some() && held.process.is_some() && held.process != process;
    let memory = match held {
        Some(held) if !restarted && !another(&held) => {
            let known = Memory { process: held.process.or(process), ..held.clone() };
            if known != held {
                write(keeper, listener, &known);
            }
            known
        }
        _ => {
            let known = of(&there, process);
            write(keeper, listener, &known);
            known
        }
    };
    let now = life(&there.leaf);
    keeper.known(&listener.name, |known| {
        known.started_with = (memory.leaf.print != now.print).then_some(memory.leaf);
    });
}

fn of(there: &Installed, process: Option<(i32, u64)>) -> Memory {
    let trust = there.trust.iter().map(|one| Print(one.sha256)).collect();
    Memory { process, leaf: life(&there.leaf), trust }
}

/// Whether the node was started with trust in these authorities; where that is not known it was not.
pub(super) fn trusts(keeper: &Keeper<'_>, listener: &Listener, authorities: &[u8]) -> bool {
    let prints = certs::prints(authorities);
    read(keeper, listener).is_some_and(|held| prints.iter().all(|print| held.trust.contains(&Print(*print))))
}

/// Whether the node was started with another certificate than the one that is installed.
pub(super) fn shows_old(keeper: &Keeper<'_>, listener: &Listener) -> bool {
    keeper.known(&listener.name, |known| known.started_with.is_some())
}

fn path(keeper: &Keeper<'_>, listener: &Listener) -> PathBuf {
    keeper.dir(listener).join(NAME)
}

fn read(keeper: &Keeper<'_>, listener: &Listener) -> Option<Memory> {
    let bytes = read_if_present(&path(keeper, listener), MAX_BYTES).ok().flatten()?;
    serde_json::from_slice(&bytes).ok()
}

fn write(keeper: &Keeper<'_>, listener: &Listener, memory: &Memory) {
    let json = serde_json::to_vec(memory).unwrap_or_default();
    if let Err(error) = Disk::default().write(&path(keeper, listener), &json, 0o640) {
        tracing::warn!("what the node was started with will be forgotten: {error}");
    }
}
