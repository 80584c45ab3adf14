//! What changed, as Events of the pod.

use std::time::Duration;

use tokio::{
    sync::broadcast::{Receiver, error::RecvError},
    time::{Instant, sleep_until},
};

use super::{begun, done, failed, news};
use crate::{
    board::{Board, Errand, Transition},
    kube::{EVENTS, Event, Fault, Pace},
};

/// Between two attempts while the API server is away: the first pause, which doubles, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// Tells what is heard of `changes` by `send`, for ever.
pub(super) async fn tell(
    send: impl AsyncFn(&Event) -> Result<(), Fault>,
    board: &Board,
    mut changes: Receiver<Transition>,
) {
    begun(board, Errand::Events);
    let mut pace = Pace::new(Instant::now());
    let (mut pause, mut not_before) = (PAUSES.0, Instant::now());
    loop {
        let next = pace.next().map(|at| at.max(not_before));
        tokio::select! {
            heard = changes.recv() => match heard {
                Ok(change) => {
                    if let Some((topic, event)) = news::of(&change, board)
                        && pace.push(&topic, event)
                    {
                        dropped(board, 1);
                    }
                }
                Err(RecvError::Lagged(missed)) => dropped(board, missed),
                Err(RecvError::Closed) => return,
            },
            () = until(next) => {
                let Some((topic, event)) = pace.take(Instant::now()) else { continue };
                pause = match send(&event).await {
                    Ok(()) => {
                        done(board, Errand::Events);
                        PAUSES.0
                    }
                    Err(fault) => {
                        failed(board, Errand::Events, &EVENTS, &fault);
                        if fault.heals() {
                            pace.put_back(topic, event);
                        } else {
                            dropped(board, 1);
                        }
                        not_before = Instant::now() + pause;
                        (pause * 2).min(PAUSES.1)
                    }
                };
            }
        }
    }
}

async fn until(next: Option<Instant>) {
    match next {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}

fn dropped(board: &Board, count: u64) {
    board.errand(Errand::Events, |course| course.dropped += count);
}

#[cfg(test)]
#[path = "events_tests.rs"]
mod tests;
