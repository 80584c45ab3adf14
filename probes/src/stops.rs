//! What a stop of this broker would take from each partition: its ISR without this broker, held against the number of
//! in-sync replicas that writers with acks=all need (`min.insync.replicas`).

use std::{collections::HashMap, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    replicas::{NAMED, PartitionName},
    set::TopicHash,
    time::BootTime,
};

/// Topics whose minimum differs from the usual one that are kept; more are not judged.
pub const OTHERS_MAX: usize = 100_000;

/// How many in-sync replicas each topic needs, as the brokers said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Minimums {
    /// When the first of them was asked for.
    pub asked: BootTime,
    /// That of topics that say nothing of their own.
    pub usual: i32,
    /// Those of other topics.
    pub others: HashMap<TopicHash, i32>,
    /// All brokers are of Kafka 3.7 or newer: a topic with fewer replicas than its minimum needs them all, and no more
    /// (`Partition.effectiveMinIsr`). Older ones refuse every write to it.
    pub capped: bool,
}

impl Minimums {
    /// What a partition with so many replicas needs.
    pub fn of(&self, topic: TopicHash, replicas: usize) -> usize {
        let told = self.others.get(&topic).copied().unwrap_or(self.usual);
        let least = usize::try_from(told).unwrap_or(0).max(1);
        if self.capped { least.min(replicas) } else { least }
    }
}

/// Why it is not known what topics need.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Lack {
    /// The agent may not read the settings of topics.
    Denied,
    /// More topics than [`OTHERS_MAX`] have a minimum of their own, or their names are too many.
    TooMany,
    /// Nobody answered.
    Unanswered,
}

/// Why a stop of this broker would hurt a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Block {
    /// No other broker is in its ISR, or an eligible leader: nobody could serve it. Another replica may come back.
    Last,
    /// The others would be too few for writers with acks=all. Another replica may come back.
    BelowMin,
    /// Its minimum is as high as its replicas are many: without any one of them nobody can write.
    NoSlack,
    /// It has one replica: it goes with its broker.
    SingleReplica,
}

impl Block {
    /// All of them, the gravest first.
    pub const ALL: [Self; 4] = [Self::Last, Self::BelowMin, Self::NoSlack, Self::SingleReplica];

    /// Waiting can end it.
    pub fn heals(self) -> bool {
        matches!(self, Self::Last | Self::BelowMin)
    }
}

/// One partition, without the brokers that would leave it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Left {
    /// Replicas in all, those that leave included.
    pub replicas: usize,
    /// Members of its ISR now.
    pub isr: usize,
    /// Members of its ISR that stay.
    pub in_sync: usize,
    /// Eligible leaders (ELR, KIP-966) that stay and are not in the ISR.
    pub eligible: usize,
}

impl Left {
    /// Why they should not leave, when the partition needs `least` in-sync replicas; `None` when they may.
    ///
    /// While the ISR is below the minimum, the eligible leaders hold everything that was acknowledged.
    pub fn block(self, least: usize) -> Option<Block> {
        let complete = self.in_sync + if self.isr < least { self.eligible } else { 0 };
        if complete >= least {
            None
        } else if self.replicas == 1 {
            Some(Block::SingleReplica)
        } else if complete == 0 {
            Some(Block::Last)
        } else if least >= self.replicas {
            Some(Block::NoSlack)
        } else {
            Some(Block::BelowMin)
        }
    }
}

/// One voter of the metadata quorum, as its leader sees it (KIP-836).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VoterSeen {
    /// Node id.
    pub id: i32,
    /// Milliseconds of the leader's clock at which it last had all that the leader had; `None` when that is not known. In
    /// the leader's own entry its clock now.
    pub caught_up_ms: Option<i64>,
}

/// What is left of the voters, and is no majority.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unseats {
    /// Voters of the quorum.
    pub voters: usize,
    /// Those that would be left and keep up.
    pub left: usize,
}

/// What would be left of the voters, where that is no majority; `None` where it is, or where none of those that leave is a
/// voter. `patience`: how far one may trail (`controller.quorum.fetch.timeout.ms`).
pub fn unseats(voters: &[VoterSeen], leader: i32, leaving: &[i32], patience: Duration) -> Option<Unseats> {
    if !voters.iter().any(|voter| leaving.contains(&voter.id)) {
        return None;
    }
    let now = voters.iter().find(|voter| voter.id == leader).and_then(|voter| voter.caught_up_ms);
    let keeps_up = |voter: &&VoterSeen| {
        let behind = now.zip(voter.caught_up_ms).map(|(now, last)| now.saturating_sub(last));
        !leaving.contains(&voter.id)
            && behind.is_some_and(|ms| u128::try_from(ms).unwrap_or(0) <= patience.as_millis())
    };
    let left = voters.iter().filter(keeps_up).count();
    (left <= voters.len() / 2).then_some(Unseats { voters: voters.len(), left })
}

/// The partitions that a stop would hurt.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stops {
    /// When the minimums were asked for that they were held against.
    pub asked: BootTime,
    /// How many, by kind, in the order of [`Block::ALL`].
    pub counts: [u64; 4],
    /// Partitions that are below their minimum already, whoever stops: writers with acks=all are refused.
    #[serde(default)]
    pub under: u64,
    /// The first of them, [`NAMED`] of each kind at the most.
    pub named: Vec<(Block, PartitionName)>,
}

impl Stops {
    /// None yet, by these minimums.
    pub fn by(minimums: &Minimums) -> Self {
        Self { asked: minimums.asked, ..Self::default() }
    }

    /// How many of this kind.
    pub fn count(&self, block: Block) -> u64 {
        Block::ALL.iter().zip(self.counts).find(|(kind, _)| **kind == block).map_or(0, |(_, count)| count)
    }

    /// The first of this kind.
    pub fn of(&self, block: Block) -> impl Iterator<Item = &PartitionName> {
        self.named.iter().filter(move |(kind, _)| *kind == block).map(|(_, name)| name)
    }

    /// Counts a partition; `name` is only called when it is to be kept by name.
    pub fn add(&mut self, block: Block, name: impl FnOnce() -> PartitionName) {
        for (kind, count) in Block::ALL.iter().zip(&mut self.counts) {
            *count += u64::from(*kind == block);
        }
        if self.of(block).count() < NAMED {
            self.named.push((block, name()));
        }
    }

    /// Adds those of another page, of the same minimums or of later ones.
    pub fn join(&mut self, page: &Self) {
        self.asked = self.asked.min(page.asked);
        for (count, more) in self.counts.iter_mut().zip(page.counts) {
            *count += more;
        }
        self.under += page.under;
        for (block, name) in &page.named {
            if self.of(*block).count() < NAMED {
                self.named.push((*block, name.clone()));
            }
        }
    }
}
