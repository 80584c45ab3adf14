//! How often something is polled.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// A pace that is changed while the poller runs is kept at the latest after this long.
const STEP: Duration = Duration::from_millis(250);

/// The time from one poll to the next, to be changed at will; clones are the same pace.
#[derive(Debug, Clone)]
pub struct Pace(Arc<AtomicU64>);

impl Pace {
    /// A poll each `every`.
    pub fn new(every: Duration) -> Self {
        let pace = Self(Arc::default());
        pace.set(every);
        pace
    }

    /// From now on a poll each `every`.
    pub fn set(&self, every: Duration) {
        self.0.store(u64::try_from(every.as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Waits until the next poll is due, when the last one began at `last`. A poll that took longer
    /// than the pace delays the next; none is made up for.
    pub async fn wait(&self, last: Instant) {
        loop {
            let every = Duration::from_millis(self.0.load(Ordering::Relaxed));
            let left = every.saturating_sub(last.elapsed());
            if left.is_zero() {
                // Even a poll that fails at once must let others run.
                return tokio::task::yield_now().await;
            }
            tokio::time::sleep(left.min(STEP)).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Pace;
    use std::time::{Duration, Instant};

    #[tokio::test]
    async fn a_change_counts_at_once() {
        let (pace, began) = (Pace::new(Duration::from_hours(1)), Instant::now());
        let kept = pace.clone();
        let waiting = tokio::spawn(async move { kept.wait(began).await });
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(!waiting.is_finished(), "an hour has not passed");
        pace.set(Duration::from_millis(10));
        tokio::time::timeout(Duration::from_secs(60), waiting).await.unwrap().unwrap();
    }
}
