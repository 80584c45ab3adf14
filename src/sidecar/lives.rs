//! Runs an observer once for each life of the broker.

use super::desk::{Desk, Life};

/// Calls `observe` for each life and drops its future when that life is over.
///
/// `observe` returns when it lost its connection: it is then called again, after a pause, in the same life.
pub async fn each(desk: &Desk, mut observe: impl AsyncFnMut(Life)) {
    let mut lives = desk.life();
    loop {
        let current = lives.borrow_and_update().clone();
        let Some(life) = current else {
            // The desk holds the sender as long as it lives.
            if lives.changed().await.is_err() {
                return;
            }
            continue;
        };
        tokio::select! {
            () = observe(life) => tokio::time::sleep(super::PAUSE).await,
            changed = lives.changed() => if changed.is_err() { return },
        }
    }
}
