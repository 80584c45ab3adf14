//! A Secret that is followed: what it holds, and what it holds next.
//!
//! It is read, and then watched from what was read on. Whenever the watch ends, of itself after a minute or by any
//! trouble, it is read again; so no event can be missed, a version that is too old needs no case of its own, and a right
//! that was taken away shows within that minute. Where it may not be watched, it is read every few seconds.

use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::{Api, Fault, Secret, SecretName};
use crate::https::Answer;

/// The API server ends a watch after so many seconds.
const WATCH_SECONDS: u64 = 60;
/// One that it does not end is given up.
const WATCH_DEADLINE: Duration = Duration::from_secs(WATCH_SECONDS + 10);
/// Between two reads, at the least.
const SHORT: Duration = Duration::from_secs(1);
/// Between two reads where it is not watched.
const POLL: Duration = Duration::from_secs(5);
/// Between two attempts at the most.
const LONG: Duration = Duration::from_secs(10);
/// The largest event: one object.
const EVENT_CAP: usize = 1 << 20;

/// One that is followed.
#[derive(Debug)]
pub struct SecretWatch {
    api: Api,
    name: SecretName,
    watch: Option<Watch>,
    /// When it is read next, once nothing is watched.
    next: Instant,
    /// After that, should it fail.
    pause: Duration,
    /// The version that was told last; none after a failure.
    told: Option<String>,
    unwatched: Option<Fault>,
}

#[derive(Debug)]
struct Watch {
    answer: Answer,
    ends: Instant,
}

impl SecretWatch {
    /// Reads it at the first call of [`Self::next`].
    pub fn new(api: Api, name: SecretName) -> Self {
        let next = Instant::now();
        Self { api, name, watch: None, next, pause: SHORT, told: None, unwatched: None }
    }

    /// Waits for what it holds: at first, whenever it changed, and after a failure. Each failed attempt is told, and
    /// paced: call again. May be dropped and called again.
    ///
    /// # Errors
    /// Why it cannot be read. It may have been removed.
    pub async fn next(&mut self) -> Result<Secret, Fault> {
        loop {
            let secret = match &mut self.watch {
                Some(watch) => watch.event(&self.name).await,
                None => Some(self.read().await?),
            };
            match secret {
                Some(secret) if self.told.as_ref() == Some(&secret.version) => {}
                Some(secret) => {
                    self.told = Some(secret.version.clone());
                    return Ok(secret);
                }
                None => self.watch = None,
            }
        }
    }

    /// Why it is not watched but read every few seconds.
    pub fn unwatched(&self) -> Option<&Fault> {
        self.unwatched.as_ref()
    }

    /// Reads it when its time has come, and begins to watch it.
    async fn read(&mut self) -> Result<Secret, Fault> {
        sleep_until(self.next).await;
        // Whoever gives up meanwhile has not asked yet.
        self.next = Instant::now() + SHORT;
        let secret = match self.name.read(&self.api).await {
            Ok(secret) => secret,
            Err(fault) => {
                self.told = None;
                self.next = Instant::now() + self.pause;
                self.pause = (self.pause * 2).min(LONG);
                return Err(fault);
            }
        };
        self.pause = SHORT;
        match self.api.watch(&self.name.watch_path(&secret.version, WATCH_SECONDS)).await {
            Ok(answer) => {
                self.next = Instant::now() + SHORT;
                self.watch = Some(Watch { answer, ends: Instant::now() + WATCH_DEADLINE });
                self.unwatched = None;
            }
            Err(fault) => {
                // A version that is too old already is no refusal: there is a newer one to read.
                let stale = fault.code() == Some(410);
                self.next = Instant::now() + if stale { SHORT } else { POLL };
                self.unwatched = (!stale).then_some(fault);
            }
        }
        Ok(secret)
    }
}

impl Watch {
    /// What it holds now; `None`: the watch is over, and only a read can tell.
    async fn event(&mut self, name: &SecretName) -> Option<Secret> {
        let line = timeout_at(self.ends, self.answer.line(EVENT_CAP)).await.ok()?.ok()??;
        let event: Value = serde_json::from_slice(&line).ok()?;
        match event.get("type")?.as_str()? {
            "ADDED" | "MODIFIED" => name.decode(event.get("object")?).ok(),
            // Removed, or an error such as 410 (the version is too old).
            _ => None,
        }
    }
}
