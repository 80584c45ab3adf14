//! Asks again what may heal.

use std::{cell::RefCell, time::Duration};

use backon::{BackoffBuilder, ExponentialBuilder, Retryable};
use tokio::time::{sleep, timeout};

use super::Fault;

/// The longest pause of a request that somebody waits for.
const SHORT: Duration = Duration::from_secs(4);
/// The longest pause of one that nobody waits for. Jitter makes it up to twice as long.
const LONG: Duration = Duration::from_secs(150);

fn pauses(longest: Duration) -> ExponentialBuilder {
    ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(250))
        .with_max_delay(longest)
        .with_jitter()
        .without_max_times()
}

/// Tries again for `patience` in all what may heal without anybody's doing.
///
/// # Errors
/// What stood in the way last.
pub async fn within<T>(patience: Duration, request: impl AsyncFn() -> Result<T, Fault>) -> Result<T, Fault> {
    let last = RefCell::new(Fault::Silent);
    let attempts = (async || request().await)
        .retry(pauses(SHORT))
        .sleep(sleep)
        .when(Fault::heals)
        .notify(|fault, _| *last.borrow_mut() = fault.clone());
    match timeout(patience, attempts).await {
        Ok(outcome) => outcome,
        Err(_) => Err(last.into_inner()),
    }
}

/// Tries until it succeeds, whatever stands in the way: somebody may grant a right meanwhile. `told` hears of each
/// failure.
pub async fn forever<T>(request: impl AsyncFn() -> Result<T, Fault>, told: impl Fn(&Fault)) -> T {
    let mut pauses = pauses(LONG).build();
    loop {
        match request().await {
            Ok(done) => return done,
            Err(fault) => told(&fault),
        }
        sleep(pauses.next().unwrap_or(LONG)).await;
    }
}
