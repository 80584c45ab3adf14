//! What is true of a node, asked of the others.

mod ground;
mod view;
mod voter;
mod watch;

pub use view::{Counts, Partition, View};
pub use watch::{Sample, TruthWatch};

use std::time::{Duration, Instant};

/// A healthy image moves every half second; one that stood still for this long follows no live quorum.
const FROZEN: Duration = Duration::from_secs(2);

/// What is true of a node: what the others say of it, and what the bed itself did to it. Of a broker as it stands here,
/// of a controller as `voter.rs` argues it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Truth {
    /// Listed, and for every partition it is assigned: in the ISR, not offline, and there is a leader.
    InSync,
    /// Not so.
    Out,
    /// Nobody can know: no broker that could tell follows a live quorum, or this one has no way to the quorum and is
    /// not fenced yet. With `ZooKeeper`: it does not answer, or this broker has no way to it.
    Unknowable,
}

/// The last answer of one broker, and when its image was last seen to move.
#[derive(Debug, Clone)]
struct Witness {
    id: i32,
    view: View,
    asked: Instant,
    moved: Option<Instant>,
}

/// The truth about `id`: the newest image that moved of late decides. The broker's own image counts only
/// where there is no other broker in the whole cluster.
fn decide(id: i32, witnesses: &[Witness], alone: bool, now: Instant) -> Truth {
    let fresh = |at: Instant| now.saturating_duration_since(at) <= FROZEN;
    witnesses
        .iter()
        .filter(|witness| alone || witness.id != id)
        .filter(|witness| witness.moved.is_some_and(fresh))
        .max_by_key(|witness| witness.view.epoch)
        .map_or(
            Truth::Unknowable,
            |witness| {
                if witness.view.in_sync(id) { Truth::InSync } else { Truth::Out }
            },
        )
}

#[cfg(test)]
mod tests {
    use super::{FROZEN, Partition, Truth, View, Witness, decide};
    use std::time::{Duration, Instant};

    fn witness(id: i32, epoch: i64, isr: &[i32], moved: Option<Instant>) -> Witness {
        let partition = Partition {
            topic: "t".to_owned(),
            index: 0,
            leader: 1,
            replicas: vec![1, 2, 3],
            isr: isr.to_vec(),
            offline: vec![],
        };
        Witness {
            id,
            view: View { brokers: vec![1, 2, 3], partitions: vec![partition], epoch },
            asked: Instant::now(),
            moved,
        }
    }

    #[test]
    fn the_newest_image_of_another_broker_decides() {
        let now = Instant::now();
        let all = [
            witness(1, 5, &[1, 2, 3], Some(now)),
            witness(2, 9, &[1, 2], Some(now)),
            witness(3, 99, &[1, 2, 3], Some(now)),
        ];
        assert_eq!(decide(3, &all, false, now), Truth::Out);
        assert_eq!(decide(1, &all, false, now), Truth::InSync);
        assert_eq!(decide(3, &all[2..], false, now), Truth::Unknowable);
        assert_eq!(decide(3, &all[2..], true, now), Truth::InSync);
    }

    #[test]
    fn an_image_that_stands_still_is_no_witness() {
        let now = Instant::now();
        let later = now + FROZEN + Duration::from_millis(1);
        assert_eq!(decide(3, &[witness(1, 5, &[1, 2, 3], None)], false, now), Truth::Unknowable);
        assert_eq!(decide(3, &[witness(1, 5, &[1, 2, 3], Some(now))], false, later), Truth::Unknowable);
    }
}
