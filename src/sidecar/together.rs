//! Runs observers side by side.

use futures_util::{StreamExt, future::LocalBoxFuture, stream::FuturesUnordered};

/// Runs all of them until each has ended.
///
/// Each is woken for itself. `join!` polls all of them whenever one is woken, and there are dozens here which are woken
/// dozens of times a second.
pub async fn together<const N: usize>(all: [LocalBoxFuture<'_, ()>; N]) {
    all.into_iter().collect::<FuturesUnordered<_>>().collect::<()>().await;
}
