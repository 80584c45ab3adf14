//! The canary: writes a record to a partition that this broker leads and reads it back, as a client would. No verdict rests
//! on it, and none of its connections tells of the broker's life.

mod tend;
mod trip;

use std::{collections::BTreeMap, time::Duration};

use pillion_probes::{canary::Partition, time::BootTime};
use tokio::time::{Instant, sleep};

use super::{
    Target,
    desk::{Desk, Life},
    lives,
};
use crate::{
    board::{Board, Canary, Outcome},
    config,
    kafka::{Connection, WireError, requests::canary_partitions},
};

/// Between two round trips.
const EVERY: Duration = Duration::from_secs(10);

/// Keeps the canary, for ever; nothing where `settings` are none.
pub async fn keep(desk: &Desk, target: &Target, board: &Board, settings: Option<&config::Canary>) {
    let Some(settings) = settings else { return };
    board.canary(|canary| *canary = Some(Canary::new(&settings.topic)));
    // Since when brokers are away, over the lives of this one.
    let mut away = BTreeMap::new();
    lives::each(desk, async |life| {
        let away = &mut away;
        // What an earlier life took says nothing of this one.
        board.canary(|canary| canary.iter_mut().for_each(|canary| canary.last = None));
        let keeper = Keeper {
            desk,
            target,
            board,
            topic: &settings.topic,
            life,
            away,
            own: None,
            why: None,
            tend_at: None,
        };
        keeper.watch().await;
    })
    .await;
}

struct Keeper<'a> {
    desk: &'a Desk,
    target: &'a Target,
    board: &'a Board,
    topic: &'a str,
    life: Life,
    away: &'a mut BTreeMap<i32, BootTime>,
    own: Option<Connection>,
    /// Why the round trip was not good.
    why: Option<String>,
    /// When the topic is looked after again.
    tend_at: Option<BootTime>,
}

impl Keeper<'_> {
    /// Never ends by itself.
    async fn watch(mut self) {
        loop {
            let began = self.desk.now();
            let outcome = match self.partitions().await {
                Ok(partitions) => {
                    if self.is_time(began) {
                        self.tend(&partitions, began).await;
                    }
                    let partitions = self.lead(partitions).await;
                    self.trip(&partitions).await
                }
                // A client who finds no leader writes nothing either.
                Err(error) => {
                    tracing::debug!(%error, "canary: the topic is not told");
                    self.own = None;
                    self.why = Some(error.to_string());
                    let outcome = match error {
                        WireError::Answered { code, .. } => trip::refused(code, Outcome::ProduceFailed),
                        _ => Outcome::ProduceFailed,
                    };
                    (outcome, Duration::ZERO)
                }
            };
            let why = self.why.take();
            self.board.canary(|canary| {
                if let Some(canary) = canary {
                    canary.note(outcome.0, began, outcome.1);
                    canary.why = why;
                }
            });
            sleep(EVERY.saturating_sub(self.desk.now().since(began))).await;
        }
    }

    fn is_time(&self, now: BootTime) -> bool {
        self.tend_at.is_none_or(|at| now >= at)
    }

    async fn partitions(&mut self) -> Result<Vec<Partition>, WireError> {
        let deadline = self.deadline();
        let topic = self.topic;
        let (mut own, versions) = (self.lend().await?, self.life.versions.clone());
        let partitions = canary_partitions(&mut own, &versions, topic, deadline).await?;
        self.own = Some(own);
        Ok(partitions)
    }

    /// The connection to the broker, to be given back while it is good.
    async fn lend(&mut self) -> Result<Connection, WireError> {
        match self.own.take() {
            Some(own) if own.is_usable() => Ok(own),
            _ => self.target.connect(self.deadline()).await,
        }
    }

    fn deadline(&self) -> Instant {
        Instant::now() + self.target.timing.request_timeout
    }
}
