//! What the log says of one broker, counted as a scan of the cluster counts it.

use std::sync::Arc;

use pillion_probes::{
    moves::Move,
    replicas::{PartitionName, Tally},
    stops::{Block, Minimums, Stops},
    time::BootTime,
};

use super::{
    placement::Placement,
    state::{Partition, State},
};

/// The level of `metadata.version` that only brokers from 3.7 on have (`MetadataVersion.IBP_3_7_IV0`).
const CAPPED_SINCE: i16 = 15;

/// What is wrong with a replica, in the worst of the states that count.
#[derive(Clone, Copy, Debug, Default)]
struct Worst {
    out: bool,
    leaderless: bool,
    offline: bool,
    moving: Option<Move>,
}

impl Worst {
    fn is_faulty(self) -> bool {
        self.out || self.leaderless || self.offline
    }
}

impl State {
    /// What topics need, where those that say nothing themselves need `usual` as of `asked`.
    pub fn minimums(&self, usual: i32, asked: BootTime) -> Minimums {
        let others = self.minimums.iter().filter(|(_, least)| **least != usual);
        let capped = self.metadata_version() >= CAPPED_SINCE;
        Minimums { asked, usual, others: others.map(|(topic, least)| (*topic, *least)).collect(), capped }
    }

    /// The broker's replicas, as the last record has them: topic, partition, where it is, and whether it is offline here.
    pub fn replicas(&self) -> impl Iterator<Item = (&str, i32, &Placement, bool)> {
        self.partitions.iter().filter_map(|((id, index), partition)| {
            let topic = self.topics.get(id).map_or("", |topic| &*topic.name);
            let now = partition.now.as_ref().filter(|now| now.has(self.own))?;
            Some((topic, *index, now, self.is_offline(now)))
        })
    }

    /// Topics of the cluster.
    pub fn topics(&self) -> u64 {
        self.count
    }

    /// Counts the broker's replicas, each by the worst state that is not known to be over. Partitions of others
    /// are not counted.
    pub fn tally(&self, minimums: Option<&Arc<Minimums>>) -> Tally {
        let own = self.own;
        let mut tally = Tally {
            topics: self.count,
            stops: minimums.map(|minimums| Stops::by(minimums)),
            ..Tally::default()
        };
        for ((id, index), partition) in &self.partitions {
            let topic = self.topics.get(id);
            let hash = topic.map_or_else(|| self.key.topic(id), |topic| topic.hash);
            // By its id, while its name has to be looked for.
            let name = || {
                topic.map_or_else(
                    || format!("{:032x}", u128::from_be_bytes(*id)),
                    |topic| topic.name.to_string(),
                )
            };
            let states = || partition.states().filter(|placement| placement.has(own));
            if states().next().is_none() {
                continue;
            }
            let worst = self.worst(states());
            tally.own.add(hash.partition(*index));
            if states().any(|placement| self.is_offline(placement)) {
                tally.own_offline.add(hash.partition(*index));
            }
            tally.led += u64::from(partition.now.as_ref().is_some_and(|now| now.leader == own));
            match worst.moving.filter(|_| !worst.is_faulty()) {
                Some(how) => tally.count_moving(*index, how, name),
                None => tally.count_assigned(*index, !worst.out, !worst.leaderless, worst.offline, name),
            }
            if let (Some(minimums), Some(stops)) = (minimums, &mut tally.stops) {
                let stop = states().filter(|placement| placement.in_isr(own)).fold(
                    (false, None),
                    |(under, block), placement| {
                        let least = minimums.of(hash, placement.count());
                        let left = placement.without(own, |id| self.is_live(id));
                        (under || left.isr < least, graver(block, left.block(least)))
                    },
                );
                stops.under += u64::from(stop.0);
                if let Some(block) = stop.1 {
                    stops.add(block, || PartitionName { topic: name(), partition: *index });
                }
            }
        }
        tally
    }

    /// The replica here is offline: Kafka calls those of a fenced broker so, too (`KRaftMetadataCache.isReplicaOffline`).
    fn is_offline(&self, placement: &Placement) -> bool {
        self.is_fenced() || placement.is_offline(&self.registration.directories)
    }

    fn worst<'a>(&'a self, states: impl Iterator<Item = &'a Placement>) -> Worst {
        let mut worst = Worst::default();
        for placement in states {
            let (out, leaderless) = (!placement.in_isr(self.own), !placement.has_leader());
            let offline = self.is_offline(placement);
            match placement.moves() {
                // As in a scan: what it has is nobody's yet.
                Some(Move::Adding) if out && !offline => worst.moving = Some(Move::Adding),
                Some(Move::Removing) if out || leaderless || offline => {
                    worst.moving = worst.moving.or(Some(Move::Removing));
                }
                _ => {
                    worst.offline |= offline;
                    worst.out |= out;
                    worst.leaderless |= leaderless;
                }
            }
        }
        worst
    }
}

impl Partition {
    /// All that may be in force.
    fn states(&self) -> impl Iterator<Item = &Placement> {
        self.earlier.iter().map(|(_, placement)| placement).chain(&self.now)
    }
}

/// The graver of two, in the order of [`Block::ALL`].
fn graver(one: Option<Block>, other: Option<Block>) -> Option<Block> {
    Block::ALL.into_iter().find(|block| [one, other].contains(&Some(*block)))
}
