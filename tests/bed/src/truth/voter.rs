//! What is true of a controller, asked of the leader of the quorum.
//!
//! * Out: a leader that a majority follows does not count it among the voters, or says that it has not been caught up for
//!   longer than a normal failover takes. What the bed itself did to it is known sooner (`ground.rs`).
//! * In sync: that leader says that it was caught up within the time after which a follower looks for another leader.
//! * Unknowable: between the two, and while there is no such leader.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::Truth;
use crate::wire::Quorum;

/// `controller.quorum.fetch.timeout.ms`.
const FETCH_TIMEOUT: Duration = Duration::from_secs(2);
/// That, an election, the wait before one is repeated, and a fetch's wait before and after: Kafka's defaults.
const FAILOVER: Duration = Duration::from_secs(5);
/// An answer older than this is none: they are asked for each 250 ms.
const FRESH: Duration = Duration::from_secs(1);

/// What one controller answered last.
#[derive(Debug, Clone)]
pub(super) struct Elector {
    pub asked: Instant,
    /// Its answer, when it takes itself for the leader.
    pub quorum: Option<Quorum>,
}

/// The answer of the leader that a majority follows, of the latest epoch.
pub(super) fn leader(electors: &HashMap<i32, Elector>, now: Instant) -> Option<&Quorum> {
    let fresh = electors.values().filter(|elector| now.saturating_duration_since(elector.asked) <= FRESH);
    fresh
        .filter_map(|elector| elector.quorum.as_ref())
        .filter(|quorum| followed(quorum))
        .max_by_key(|q| q.epoch)
}

fn followed(quorum: &Quorum) -> bool {
    let Some(now) = leader_now(quorum) else { return false };
    let near = |fetch: i64| fetch >= 0 && between(fetch, now) < FETCH_TIMEOUT;
    quorum.voters.iter().filter(|voter| near(voter.last_fetch)).count() * 2 > quorum.voters.len()
}

/// The leader's own entry carries its present time.
fn leader_now(quorum: &Quorum) -> Option<i64> {
    quorum.voters.iter().find(|voter| voter.id == quorum.leader).map(|voter| voter.last_fetch)
}

fn between(earlier: i64, later: i64) -> Duration {
    Duration::from_millis(u64::try_from(later - earlier).unwrap_or(0))
}

/// The truth about controller `id`; `term` is how long its leader has led.
pub(super) fn decide_voter(id: i32, leader: Option<&Quorum>, term: Duration) -> Truth {
    let Some((quorum, now)) = leader.and_then(|quorum| Some((quorum, leader_now(quorum)?))) else {
        return Truth::Unknowable;
    };
    let Some(own) = quorum.voters.iter().find(|voter| voter.id == id) else { return Truth::Out };
    let lag =
        if own.last_caught_up >= 0 { between(own.last_caught_up, now) } else { term.max(FETCH_TIMEOUT) };
    match lag {
        lag if lag < FETCH_TIMEOUT => Truth::InSync,
        lag if lag > FAILOVER => Truth::Out,
        _ => Truth::Unknowable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Member;

    fn quorum(leader: i32, epoch: i32, caught_up: [i64; 3]) -> Quorum {
        let member = |(id, at): (i32, i64)| Member { id, log_end: 9, last_fetch: at, last_caught_up: at };
        let voters = (1..).zip(caught_up).map(member).collect();
        Quorum { leader, epoch, high_watermark: 9, voters, observers: vec![], request_version: 2 }
    }

    #[test]
    fn the_leader_that_is_followed_decides() {
        let now = Instant::now();
        let elector = |quorum| Elector { asked: now, quorum };
        let mut all = HashMap::from([
            (1, elector(Some(quorum(1, 4, [20_000, 19_900, 19_900])))),
            (2, elector(Some(quorum(2, 5, [-1, 20_000, 17_000])))),
        ]);
        assert_eq!(leader(&all, now).unwrap().epoch, 4, "nobody follows the other");
        all.insert(2, elector(Some(quorum(2, 5, [-1, 20_000, 19_500]))));
        assert_eq!(leader(&all, now).unwrap().epoch, 5);
        assert!(leader(&all, now + FRESH + Duration::from_millis(1)).is_none());
    }

    #[test]
    fn a_voter_is_in_or_out_or_in_between() {
        let s = Duration::from_secs;
        let at = |caught_up| decide_voter(3, Some(&quorum(1, 4, [20_000, 20_000, caught_up])), s(60));
        let (near, between, far) = (at(18_500), at(16_000), at(14_000));
        assert_eq!((near, between, far), (Truth::InSync, Truth::Unknowable, Truth::Out));
        let never = |term| decide_voter(3, Some(&quorum(1, 4, [20_000, 20_000, -1])), term);
        assert_eq!((never(s(1)), never(s(6))), (Truth::Unknowable, Truth::Out));
        assert_eq!(decide_voter(4, Some(&quorum(1, 4, [20_000; 3])), s(60)), Truth::Out);
        assert_eq!(decide_voter(3, None, s(60)), Truth::Unknowable);
    }
}
