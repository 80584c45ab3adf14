//! What has to be done that the canary's topic is as it should be: each live broker leads a partition of it, with as many
//! copies as the cluster allows.
//!
//! The copies of a partition are in as many racks as there are, as those of every other topic: a zone that is stopped, or
//! fails, takes no partition below its minimum.
//!
//! Nothing is moved while a broker is away: it may be restarted at this moment. Partitions cannot be removed, so what a
//! broker that is gone leaves behind is given to one that needs it, or to anybody.

use std::collections::{BTreeMap, BTreeSet};

/// Copies of each partition, where there are so many brokers.
pub const COPIES: usize = 3;
/// With fewer brokers there is no topic: its partition would be one more that stops with the broker.
pub const LEAST_BROKERS: usize = 2;

/// A partition of the topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partition {
    /// Its number.
    pub index: i32,
    /// The brokers that hold it, the preferred leader first.
    pub replicas: Vec<i32>,
    /// Who leads it; negative when nobody does.
    pub leader: i32,
}

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Make the topic with a partition on each of these.
    Create(Vec<Vec<i32>>),
    /// Give it more partitions.
    Add {
        /// How many it has then.
        count: usize,
        /// Where the new ones are.
        rows: Vec<Vec<i32>>,
    },
    /// Give a partition other replicas.
    Move {
        /// Its number.
        index: i32,
        /// The replicas.
        replicas: Vec<i32>,
    },
    /// Let these partitions be led by those that should.
    Elect(Vec<i32>),
}

/// What has to be done. `topic`: its partitions, none where there is no such topic. `gone`: brokers that have been away for
/// so long that they are not waited for. `racks`: those of the brokers that have one.
pub fn plan(
    topic: &[Partition],
    live: &BTreeSet<i32>,
    gone: &BTreeSet<i32>,
    racks: &BTreeMap<i32, String>,
) -> Vec<Step> {
    let row = |first| row(first, live, racks);
    let held: BTreeSet<i32> = topic.iter().flat_map(|one| one.replicas.iter().copied()).collect();
    let away = held.iter().any(|id| !live.contains(id) && !gone.contains(id));
    if live.len() < LEAST_BROKERS {
        return Vec::new();
    }
    if topic.is_empty() {
        return vec![Step::Create(live.iter().map(|id| row(*id)).collect())];
    }
    let (copies, most) = (live.len().min(COPIES), spread(live, racks).min(COPIES));
    let is_right = |one: &Partition| {
        one.replicas.len() == copies
            && one.replicas.iter().all(|id| live.contains(id))
            && spread(&one.replicas, racks) == most
    };
    let mut steps = Vec::new();
    // Each broker keeps the first that it is to lead; the others are spare.
    let (mut owners, mut spare) = (BTreeSet::new(), Vec::new());
    for one in topic {
        match one.replicas.first() {
            Some(first) if !gone.contains(first) && owners.insert(*first) => {
                if !is_right(one) && !away {
                    steps.push(Step::Move { index: one.index, replicas: row(*first) });
                }
            }
            _ => spare.push(one),
        }
    }
    let mut needy: Vec<i32> = live.iter().copied().filter(|id| !owners.contains(id)).collect();
    if !away {
        needy.reverse();
        for one in spare {
            let wants = needy.pop();
            let owner = wants.or_else(|| one.replicas.iter().copied().find(|id| live.contains(id)));
            if let Some(owner) = owner.or_else(|| live.first().copied())
                && (wants.is_some() || !is_right(one))
            {
                steps.push(Step::Move { index: one.index, replicas: row(owner) });
            }
        }
        needy.reverse();
    }
    if !needy.is_empty() {
        let rows: Vec<_> = needy.iter().map(|id| row(*id)).collect();
        steps.push(Step::Add { count: topic.len() + rows.len(), rows });
    }
    let elsewhere = |one: &&Partition| {
        one.leader >= 0
            && one.replicas.first().is_some_and(|first| *first != one.leader && live.contains(first))
    };
    let elect: Vec<i32> = topic.iter().filter(elsewhere).map(|one| one.index).collect();
    if !elect.is_empty() {
        steps.push(Step::Elect(elect));
    }
    steps
}

/// The broker and those that follow it in the order of ids: first of other racks each, then any.
fn row(first: i32, live: &BTreeSet<i32>, racks: &BTreeMap<i32, String>) -> Vec<i32> {
    let mut left: Vec<i32> =
        live.range(first..).chain(live.range(..first)).copied().filter(|id| *id != first).collect();
    let mut row = vec![first];
    while row.len() < COPIES && !left.is_empty() {
        let elsewhere = |id: &i32| row.iter().all(|held| rack(*held, racks) != rack(*id, racks));
        row.push(left.remove(left.iter().position(elsewhere).unwrap_or_default()));
    }
    row
}

/// In how many racks these are.
fn spread<'a>(brokers: impl IntoIterator<Item = &'a i32>, racks: &BTreeMap<i32, String>) -> usize {
    brokers.into_iter().map(|id| rack(*id, racks)).collect::<BTreeSet<_>>().len()
}

/// Where it is; one that has no rack is in none of the others'.
fn rack(id: i32, racks: &BTreeMap<i32, String>) -> Result<&str, i32> {
    racks.get(&id).ok_or(id).map(String::as_str)
}

/// What becomes of the topic's `min.insync.replicas`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Minimum {
    /// It is right.
    Keep,
    /// The topic is to have its own.
    Set(i32),
    /// The topic is to have none of its own.
    Inherit,
}

/// What counts for the topic is the cluster's minimum, unless that forbids to stop one of its brokers. `needed`: what counts
/// now; `own`: the topic says so itself, as it does when it was made while there were fewer brokers.
pub fn minimum(needed: i32, own: bool, copies: usize) -> Minimum {
    let most = i32::try_from(copies).unwrap_or(i32::MAX).saturating_sub(1).max(1);
    match needed {
        needed if needed > most => Minimum::Set(most),
        needed if own && needed < most => Minimum::Inherit,
        _ => Minimum::Keep,
    }
}
