//! Asks how far the consumer groups lag that this broker coordinates. No verdict rests on it, and none of its connections
//! tells of the broker's life.
//!
//! A broker lists the groups that it coordinates and no others, so without any election each group is told of by one agent
//! in the cluster. Who coordinates a group changes with the leader of its partition of `__consumer_offsets`: the list is
//! read every few seconds, and a group that is not on it any more is dropped at once, a new one is asked about at once.

mod ends;
mod round;

use std::time::Duration;

use pillion_probes::{
    lag::{Choice, choose},
    time::BootTime,
};
use tokio::time::{Instant, sleep};

use self::ends::Known;
use super::{
    Target,
    desk::{Desk, Life},
    lives,
};
use crate::{
    board::{Board, Groups, Trouble},
    config,
    kafka::{
        Connection, WireError, codes,
        requests::{ListedGroup, listed_groups},
    },
};

/// Between two looks at which groups there are, at the most.
const LOOK: Duration = Duration::from_secs(5);
/// Largest answer, in bytes: that about 30 000 groups, or a group's 40 000 partitions.
const CAP: u64 = 2 << 20;

/// Keeps the lag up to date, for ever; nothing where `settings` are none.
pub async fn keep(desk: &Desk, target: &Target, board: &Board, settings: Option<&config::Lag>) {
    let Some(settings) = settings else { return };
    board.lag(|lag| *lag = Some(Groups::default()));
    // Log ends are the cluster's, whatever becomes of this broker.
    let mut known = Known::default();
    lives::each(desk, async |life| {
        let groups = Groups { life: life.number, began: Some(desk.now()), ..Groups::default() };
        let known = &mut known;
        let due = BootTime::default();
        Keeper { desk, target, board, settings, life, known, groups, own: None, due }.watch().await;
    })
    .await;
}

struct Keeper<'a> {
    desk: &'a Desk,
    target: &'a Target,
    board: &'a Board,
    settings: &'a config::Lag,
    life: Life,
    known: &'a mut Known,
    groups: Groups,
    /// The connection to the broker.
    own: Option<Connection>,
    /// When all groups are to be asked about again.
    due: BootTime,
}

impl Keeper<'_> {
    /// Never ends by itself.
    async fn watch(&mut self) {
        loop {
            // A broker without contact may name groups that another one has taken over.
            self.desk.dated().await;
            self.groups.trouble = None;
            if let Err(error) = self.look().await {
                tracing::debug!(%error, "consumer groups: not told");
                self.own = None;
                self.trouble(&error);
            }
            let groups = self.groups.clone();
            self.board.lag(|lag| *lag = Some(groups));
            sleep(LOOK.min(self.settings.interval)).await;
        }
    }

    /// Sees which groups there are, and asks about the new ones, or about all of them.
    async fn look(&mut self) -> Result<(), WireError> {
        let began = self.desk.now();
        let deadline = self.deadline();
        let mut own = match self.own.take() {
            Some(own) if own.is_usable() => own,
            _ => self.target.connect(deadline).await?.with_cap(CAP),
        };
        let listed = match listed_groups(&mut own, &self.life.versions, deadline).await {
            Ok(listed) => Some(listed),
            // It has just been given groups, and tells of none before it has read them. Those that it knew are asked
            // about, and one that it lost says so.
            Err(WireError::Answered {
                code: codes::COORDINATOR_LOAD_IN_PROGRESS | codes::COORDINATOR_NOT_AVAILABLE,
                ..
            }) => None,
            Err(error) => return Err(error),
        };
        self.own = Some(own);
        let full = began >= self.due;
        if full {
            self.groups.left_out.clear();
        }
        let wanted = match &listed {
            Some(listed) => self.take(listed),
            None => self.groups.groups.keys().cloned().collect(),
        };
        let asked: Vec<String> = wanted.into_iter().filter(|name| full || self.is_new(name)).collect();
        let complete = self.round(&asked, listed.as_deref(), full).await? && listed.is_some();
        // What lacks an answer is asked for again with the rest: an outage is no time to ask more often.
        if full && listed.is_some() {
            self.due = began.forth(self.settings.interval);
        }
        if full && complete {
            self.groups.complete = Some(began);
        }
        Ok(())
    }

    /// Drops those that this broker does not coordinate any more, and returns those to be looked at.
    fn take(&mut self, listed: &[ListedGroup]) -> Vec<String> {
        let names = listed.iter().map(|group| group.name.clone()).collect();
        let Choice { chosen, left_out } = choose(names, &self.settings.lists, self.settings.max_groups);
        let groups = &mut self.groups;
        groups.seen = chosen.len() + left_out.len();
        groups.groups.retain(|name, _| chosen.binary_search(name).is_ok());
        // What a round said of a group that is still chosen stands until the next full one.
        groups.left_out.retain(|name, _| chosen.binary_search(name).is_ok());
        groups.left_out.extend(left_out);
        chosen
    }

    fn is_new(&self, name: &str) -> bool {
        !self.groups.groups.contains_key(name) && !self.groups.left_out.contains_key(name)
    }

    fn deadline(&self) -> Instant {
        Instant::now() + self.target.timing.request_timeout
    }

    fn trouble(&mut self, error: &WireError) {
        let remedy = match error {
            WireError::FrameTooLarge { .. } => {
                "the broker coordinates more groups than can be listed; spread them"
            }
            WireError::Unsupported { .. } => "Kafka 2.8 at the least is needed; take sidecar.lag out",
            _ => "it is asked again; /readyz tells how the broker itself is",
        };
        self.groups.trouble = Some(Trouble {
            text: format!("consumer groups are not told: {error}"),
            remedy: remedy.to_owned(),
        });
    }
}
