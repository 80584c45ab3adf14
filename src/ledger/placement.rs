//! Where the replicas of one partition are, as far as it concerns one broker.

use pillion_probes::{moves::Move, stops::Left};

use super::{
    bytes::{Ids, Uuids},
    records::{PartitionChangeRecord, PartitionRecord},
};

/// The id of a topic (KIP-516).
pub type TopicId = [u8; 16];
/// The id of a log dir (KIP-858).
pub type DirectoryId = [u8; 16];

/// `PartitionChangeRecord`: the leader stays (`LeaderConstants.NO_LEADER_CHANGE`).
const SAME_LEADER: i32 = -2;
/// `LeaderConstants.NO_LEADER`.
const NO_LEADER: i32 = -1;
/// `DirectoryId.MIGRATING`, `UNASSIGNED` and `LOST`.
const MIGRATING: DirectoryId = 0_u128.to_be_bytes();
const UNASSIGNED: DirectoryId = 1_u128.to_be_bytes();
const LOST: DirectoryId = 2_u128.to_be_bytes();

/// One partition at one offset of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    /// Who leads it; negative when nobody does.
    pub leader: i32,
    replicas: Box<[i32]>,
    isr: Box<[i32]>,
    eligible: Box<[i32]>,
    adding: bool,
    removing: bool,
    /// Where this broker has it.
    directory: DirectoryId,
}

impl Placement {
    /// As a record has it that says everything.
    pub fn of(record: &PartitionRecord<'_>, own: i32) -> Self {
        let directory = directory(&record.replicas, &record.directories, own);
        Self {
            leader: record.leader,
            replicas: boxed(&record.replicas),
            isr: boxed(&record.isr),
            eligible: record.eligible_leader_replicas.as_ref().map(boxed).unwrap_or_default(),
            adding: has(&record.adding_replicas, own),
            removing: has(&record.removing_replicas, own),
            directory: directory.unwrap_or(MIGRATING),
        }
    }

    /// One that comes to this broker, of which nothing else is known: not in sync unless the record says so, and led, for a
    /// reassignment of a partition without a leader is nothing that another broker's readiness should hang on.
    pub fn coming(record: &PartitionChangeRecord<'_>, own: i32) -> Self {
        let nothing = Self {
            leader: i32::MAX,
            replicas: Box::default(),
            isr: Box::default(),
            eligible: Box::default(),
            adding: false,
            removing: false,
            directory: MIGRATING,
        };
        nothing.changed(record, own)
    }

    /// What a record makes of it (`PartitionRegistration.merge`).
    #[must_use]
    pub fn changed(&self, record: &PartitionChangeRecord<'_>, own: i32) -> Self {
        let or = |ids: &Option<Ids<'_>>, before: &[i32]| ids.as_ref().map_or_else(|| before.into(), boxed);
        let replicas = or(&record.replicas, &self.replicas);
        let at = replicas.iter().position(|id| *id == own);
        let moved = (record.directories.as_ref()).zip(at).and_then(|(ids, at)| ids.iter().nth(at));
        Self {
            leader: if record.leader == SAME_LEADER { self.leader } else { record.leader },
            isr: or(&record.isr, &self.isr),
            eligible: or(&record.eligible_leader_replicas, &self.eligible),
            adding: record.adding_replicas.as_ref().map_or(self.adding, |ids| has(ids, own)),
            removing: record.removing_replicas.as_ref().map_or(self.removing, |ids| has(ids, own)),
            directory: moved.unwrap_or(self.directory),
            replicas,
        }
    }

    /// Without eligible leaders.
    #[must_use]
    pub fn without_eligible(&self) -> Self {
        Self { eligible: Box::default(), ..self.clone() }
    }

    /// This broker is among the replicas.
    pub fn has(&self, own: i32) -> bool {
        self.replicas.contains(&own)
    }

    /// This broker is in the ISR.
    pub fn in_isr(&self, own: i32) -> bool {
        self.isr.contains(&own)
    }

    /// Somebody leads it.
    pub fn has_leader(&self) -> bool {
        self.leader > NO_LEADER
    }

    /// The directory of the replica here is not online (`DirectoryId.isOnline`).
    pub fn is_offline(&self, online: &[DirectoryId]) -> bool {
        match self.directory {
            UNASSIGNED | MIGRATING => false,
            LOST => true,
            // A registration without ids is one of before directories had some.
            directory => !online.is_empty() && !online.contains(&directory),
        }
    }

    /// What a reassignment does with the replica here.
    pub fn moves(&self) -> Option<Move> {
        match (self.adding, self.removing) {
            (true, _) => Some(Move::Adding),
            (false, true) => Some(Move::Removing),
            (false, false) => None,
        }
    }

    /// How many replicas are in the ISR.
    pub fn in_sync(&self) -> usize {
        self.isr.len()
    }

    /// How many replicas there are.
    pub fn count(&self) -> usize {
        self.replicas.len()
    }

    /// What is left without this broker. An eligible leader that is dead stays one, and serves nobody.
    pub fn without(&self, own: i32, is_live: impl Fn(i32) -> bool) -> Left {
        let others = |ids: &[i32]| ids.iter().filter(|id| **id != own).count();
        let serves = |id: &&i32| **id != own && !self.isr.contains(id) && is_live(**id);
        let eligible = self.eligible.iter().filter(serves).count();
        Left { replicas: self.replicas.len(), isr: self.isr.len(), in_sync: others(&self.isr), eligible }
    }
}

fn boxed(ids: &Ids<'_>) -> Box<[i32]> {
    ids.iter().collect()
}

fn has(ids: &Ids<'_>, own: i32) -> bool {
    ids.iter().any(|id| id == own)
}

fn directory(replicas: &Ids<'_>, directories: &Uuids<'_>, own: i32) -> Option<DirectoryId> {
    let at = replicas.iter().position(|id| id == own)?;
    directories.iter().nth(at)
}
