//! The part of the judge that says whether the broker may stop: what its partitions would have left, by evidence that is
//! as good as that for readiness. Whether it is in sync itself does not matter.

use super::{Case, lapsed, unreached};
use crate::{
    limits::Limits,
    observe::{Observations, Role},
    reason::Reason,
    replicas::Tally,
    stops::{Block, Stops},
    voter::Flaw,
};

impl Case {
    pub(super) fn stop(&mut self, seen: &Observations, limits: &Limits) {
        if self.unheard(seen) {
            return;
        }
        if seen.role == Role::ZooKeeperServer {
            self.server_stop(seen);
            return;
        }
        self.image(seen, limits);
        if seen.role.has_controller() {
            self.seat(seen, limits);
        }
        if !self.reasons.is_empty() {
            self.reasons.extend(unreached(seen, self.now));
        }
        if !seen.role.has_broker() {
            return;
        }
        let Some(round) = seen.round.as_deref().filter(|round| !lapsed(seen, round.as_of)) else {
            self.reasons.push(Reason::ScanMissing);
            return;
        };
        if self.rest_on(round.as_of, limits.scan).is_none() {
            self.reasons.push(Reason::ScanStale { age: self.now.since(round.as_of), limit: limits.scan });
        }
        self.contradiction(seen);
        self.unseen(&round.tally);
        // What nobody can look at may be the last copy, however long ago it was noticed.
        self.denials(seen);
        if let Some(hosting) = seen.hosting.as_ref() {
            self.hidden(hosting);
        }
        self.left(seen, &round.tally, limits);
    }

    /// The voters without this one. One that is none yet, or none any more, takes nothing.
    fn seat(&mut self, seen: &Observations, limits: &Limits) {
        let vote = &seen.vote;
        if matches!(vote.flaw, Some(Flaw::NotAVoter { .. })) && vote.doubt.is_none() {
            self.oldest.get_or_insert((self.now, limits.voter));
            return;
        }
        match vote.standing {
            Some(standing) if vote.flaw.is_none() && self.rest_on(standing.at, limits.voter).is_some() => {
                self.reasons.extend(standing.unseats.map(Reason::WouldUnseat));
            }
            _ => self.vote(seen, limits),
        }
    }

    fn left(&mut self, seen: &Observations, tally: &Tally, limits: &Limits) {
        // With ZooKeeper nothing dates what the broker itself says: the worst word of all counts, so all must have weighed it.
        let others: Option<Vec<&Stops>> =
            seen.testimony.witnesses().map(|view| view.tally.stops.as_ref()).collect();
        let Some((stops, others)) = tally.stops.as_ref().zip(others) else {
            self.reasons.push(Reason::MinimumsUnknown { lack: seen.minimums_lack });
            return;
        };
        if self.rest_on(stops.asked, limits.minimums).is_none() {
            let age = self.now.since(stops.asked);
            self.reasons.push(Reason::MinimumsStale { age, lack: seen.minimums_lack });
        }
        for block in Block::ALL {
            let worst = others.iter().copied().chain([stops]).max_by_key(|stops| stops.count(block));
            let Some(worst) = worst.filter(|stops| stops.count(block) > 0) else { continue };
            let named = worst.of(block).cloned().collect();
            self.reasons.push(Reason::WouldLack { block, count: worst.count(block), named });
        }
    }
}
