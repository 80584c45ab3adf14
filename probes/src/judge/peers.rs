//! The part of the judge that rests on the other brokers: `ZooKeeper` mode.

use super::Case;
use crate::{
    limits::Limits,
    observe::Observations,
    reason::Reason,
    zookeeper::{Doubt, is_faulty},
};

impl Case {
    /// The others found this broker registered and in sync, of late and twice at the least.
    pub(super) fn peers(&mut self, seen: &Observations, limits: &Limits) {
        let told = &seen.testimony;
        if let Some(served) = seen.zookeeper
            && self.rest_on(served, limits.peers).is_none()
        {
            let age = self.now.since(served);
            self.reasons.push(Reason::ZooKeeperUnreachable { age, limit: limits.peers });
        }
        if let Some((controller, since)) = told.mute_controller {
            let since = self.now.since(since);
            // A dead one would have lost its session by now, and another would have taken its place.
            if since > limits.controller {
                self.reasons.push(Reason::ControllerSilent { controller, since });
            }
        }
        let own = seen.round.as_deref().map(|round| &round.tally);
        if let Some(view) = told.against() {
            if !view.lists_us {
                self.reasons.push(Reason::Unregistered { by: view.broker });
            } else if !own.is_some_and(is_faulty) {
                self.faults(&view.tally, true);
            }
            return;
        }
        if own.is_some_and(is_faulty) {
            return; // Told by the broker itself.
        }
        let Some(good) = told.good else {
            self.unproven(seen, Reason::PeersUnknown { doubt: told.doubt }, limits.peers);
            self.leaderless(seen);
            return;
        };
        if self.rest_on(good, limits.peers).is_none() {
            let (age, limit) = (self.now.since(good), limits.peers);
            self.reasons.push(Reason::PeersStale { age, limit, doubt: told.doubt });
            self.leaderless(seen);
        } else if let Some(since) = told.settled_for().filter(|since| *since < limits.settle) {
            self.reasons.push(Reason::Settling { since, needed: limits.settle });
        }
    }

    /// Names the partitions without a leader, where they are what keeps the rounds from being good.
    fn leaderless(&mut self, seen: &Observations) {
        if !matches!(seen.testimony.doubt, Some(Doubt::Leaderless { .. })) {
            return;
        }
        let own = seen.round.as_deref().map(|round| &round.tally);
        let theirs = seen.testimony.witnesses().map(|view| &view.tally);
        if let Some(tally) = own.into_iter().chain(theirs).find(|tally| tally.leaderless > 0) {
            self.faults(tally, true);
        }
    }
}
