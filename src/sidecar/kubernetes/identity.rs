//! Who the broker is, on its own pod.

use super::{begun, done, failed};
use crate::{
    board::{Board, Errand},
    config::Mode,
    init::Identity,
    kube::{self, Fault, Marks, PODS},
};

pub(super) fn marks(identity: &Identity) -> Marks {
    Marks {
        cluster: identity.cluster.clone(),
        role: match identity.mode {
            Mode::KraftController => "controller",
            Mode::KraftCombined => "combined",
            Mode::KraftBroker | Mode::ZooKeeper => "broker",
        },
        broker_id: identity.id,
        zone: identity.zone.clone(),
        listeners: identity.advertised.clone(),
    }
}

/// Writes the marks by `write`, until they are written: once in the life of an agent.
pub(super) async fn publish(write: impl AsyncFn() -> Result<(), Fault>, board: &Board) {
    begun(board, Errand::Identity);
    kube::forever(write, |fault| failed(board, Errand::Identity, &PODS, fault)).await;
    done(board, Errand::Identity);
}
