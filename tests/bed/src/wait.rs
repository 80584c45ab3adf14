//! Waiting for a condition instead of sleeping for a time.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// How often a condition is looked at.
const EVERY: Duration = Duration::from_millis(50);

/// Waits until `check` answers `Ok`, and returns what it answered. After `deadline` the error names
/// `what` and carries the last answer: a test that fails should say what it saw.
pub async fn eventually<T, F>(what: &str, deadline: Duration, mut check: F) -> Result<T>
where
    F: AsyncFnMut() -> Result<T>,
{
    let started = Instant::now();
    loop {
        let left = deadline.saturating_sub(started.elapsed());
        let last = match tokio::time::timeout(left, check()).await {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(error)) => format!("{error:#}"),
            Err(_) => "the check itself did not answer".to_owned(),
        };
        if started.elapsed() + EVERY >= deadline {
            bail!("not within {deadline:?}: {what}; last seen: {last}");
        }
        tokio::time::sleep(EVERY).await;
    }
}
