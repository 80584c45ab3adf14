//! Who is out of the ISR, through time, as the brokers themselves tell it to anybody who asks for metadata.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tokio::net::lookup_host;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;

use crate::truth::View;
use crate::wire::Connection;

/// How often all are asked.
const EVERY: Duration = Duration::from_millis(250);
/// How long one may take.
const PATIENCE: Duration = Duration::from_secs(1);

/// One round of questions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Round {
    /// When the answers were there.
    pub at: Instant,
    /// The brokers that are not listed, or out of the ISR of a partition that they have. None when nobody answered.
    pub out: Option<BTreeSet<i32>>,
    /// Partitions whose ISR is smaller than their `min.insync.replicas` would have it, taken as 2.
    pub below_min: usize,
    /// Partitions without a leader.
    pub leaderless: usize,
}

/// Asks every broker in the background, by name, for its pod may have another address next time. The newest image of
/// a round decides: one that has just started may show an old one.
#[derive(Debug)]
pub struct IsrWatch {
    rounds: Arc<Mutex<Vec<Round>>>,
    task: JoinHandle<()>,
}

impl IsrWatch {
    /// `brokers`: each id, with a host and port.
    pub fn start(brokers: Vec<(i32, String)>) -> Self {
        let rounds: Arc<Mutex<Vec<Round>>> = Arc::default();
        let kept = Arc::clone(&rounds);
        let task = tokio::spawn(async move {
            let ids: BTreeSet<i32> = brokers.iter().map(|(id, _)| *id).collect();
            let mut seats: Vec<Seat> =
                brokers.into_iter().map(|(_, name)| Seat { name, open: None }).collect();
            loop {
                let began = Instant::now();
                let mut asked = JoinSet::new();
                for seat in seats.drain(..) {
                    asked.spawn(seat.ask());
                }
                let (back, views): (Vec<_>, Vec<_>) = asked.join_all().await.into_iter().unzip();
                seats = back;
                let newest = views.into_iter().flatten().max_by_key(|view| view.epoch);
                kept.lock().expect("rounds").push(Round::of(&ids, newest.as_ref()));
                tokio::time::sleep(EVERY.saturating_sub(began.elapsed())).await;
            }
        });
        Self { rounds, task }
    }

    /// The rounds since an instant.
    pub fn since(&self, when: Instant) -> Vec<Round> {
        self.rounds.lock().expect("rounds").iter().filter(|round| round.at >= when).cloned().collect()
    }

    /// Who is out now; None while nobody tells.
    pub fn now(&self) -> Option<BTreeSet<i32>> {
        self.rounds.lock().expect("rounds").last().and_then(|round| round.out.clone())
    }
}

impl Drop for IsrWatch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Round {
    fn of(ids: &BTreeSet<i32>, view: Option<&View>) -> Self {
        let partitions = view.map(|view| view.partitions.as_slice()).unwrap_or_default();
        Self {
            at: Instant::now(),
            out: view.map(|view| ids.iter().copied().filter(|id| !view.in_sync(*id)).collect()),
            below_min: partitions.iter().filter(|one| one.replicas.len() > 2 && one.isr.len() < 2).count(),
            leaderless: partitions.iter().filter(|one| one.leader < 0).count(),
        }
    }
}

/// A broker with the connection that is kept to it.
struct Seat {
    name: String,
    open: Option<Connection>,
}

impl Seat {
    async fn ask(mut self) -> (Self, Option<View>) {
        let answer = timeout(PATIENCE, self.view()).await;
        let view = answer.ok().and_then(Result::ok);
        if view.is_none() {
            self.open = None;
        }
        (self, view)
    }

    async fn view(&mut self) -> Result<View> {
        if self.open.is_none() {
            let address = lookup_host(&self.name).await?.next().context("no address")?;
            self.open = Some(Connection::open(address, PATIENCE).await?);
        }
        let connection = self.open.as_mut().context("just opened")?;
        View::ask_on(connection).await
    }
}
