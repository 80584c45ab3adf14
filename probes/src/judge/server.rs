//! The part of the judge that weighs a `ZooKeeper` server by its own word.

use super::{Case, unreached};
use crate::{
    observe::Observations,
    reason::Reason,
    server::{SERVER_LIMIT, Server, State},
    stops::Unseats,
};

impl Case {
    /// Serving requests now.
    pub(super) fn server(&mut self, seen: &Observations) {
        let Some(told) = self.told(seen) else { return };
        match (told.state, told.ensemble) {
            (State::NotServing, _) => self.reasons.push(Reason::NotServing),
            (State::ReadOnly, _) => self.reasons.push(Reason::ReadOnly),
            (State::Withheld, _) => self.reasons.push(Reason::StateWithheld),
            (State::Leader, Some(ensemble)) if !ensemble.has_majority() => {
                self.reasons.push(Reason::Unsynced { voters: ensemble.voters, synced: ensemble.synced });
            }
            (State::Leader | State::Follower | State::Observer | State::Standalone, _) => {}
        }
    }

    /// A majority is in sync without it. Only the leader knows who is.
    pub(super) fn server_stop(&mut self, seen: &Observations) {
        let Some(told) = self.told(seen) else { return };
        match (told.state, told.ensemble) {
            // It has no vote, so it takes none.
            (State::Observer, _) => {}
            (State::Standalone, _) => {
                self.reasons.push(Reason::WouldUnseat(Unseats { voters: 1, left: 0 }));
            }
            (State::Leader, Some(ensemble)) => {
                self.reasons.extend(ensemble.unseats().map(Reason::WouldUnseat));
            }
            _ => self.reasons.push(Reason::OthersUnknown),
        }
    }

    /// What it said last, when that is young enough to rest on.
    fn told(&mut self, seen: &Observations) -> Option<Server> {
        let Some(told) = seen.server else {
            self.unproven(seen, Reason::NotLooked, SERVER_LIMIT);
            return None;
        };
        if self.rest_on(told.sent, SERVER_LIMIT).is_none() {
            let age = self.now.since(told.sent);
            self.reasons.push(Reason::StateStale { age, limit: SERVER_LIMIT });
            self.reasons.extend(unreached(seen, self.now));
            return None;
        }
        Some(told)
    }
}
