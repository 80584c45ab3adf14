//! What the bed itself did: which processes run, and which links are cut. It knows at once what the cluster learns later.

use std::time::Instant;

use super::{FROZEN, Truth, Witness};
use crate::cluster::{Cluster, Doing, Pulse};
use crate::net::Links;

#[derive(Debug)]
pub(super) struct Ground {
    nodes: Vec<(i32, Pulse)>,
    controllers: Vec<(i32, Pulse)>,
    links: Links,
}

impl Ground {
    pub(super) fn of(cluster: &Cluster) -> Self {
        let nodes = cluster.nodes().map(|node| (node.id(), node.pulse())).collect();
        // What a broker must reach to stay in the cluster.
        let controllers = cluster.controllers().chain(cluster.zookeeper());
        let controllers = controllers.map(|node| (node.id(), node.pulse())).collect();
        Self { nodes, controllers, links: cluster.net().links() }
    }

    /// The truth, given what the other brokers say of `id` and what it last answered itself.
    ///
    /// A process that is gone, stopped, or has not answered since it was started is out, although the others count it
    /// in until its session ends. One that has no way to a live quorum, or does not follow it, is as it was until it is
    /// fenced, and no contact can tell when that will be: unknowable.
    pub(super) fn correct(&self, id: i32, said: Truth, own: Option<&Witness>, now: Instant) -> Truth {
        let doing = self.nodes.iter().find(|(node, _)| *node == id).map(|(_, pulse)| pulse.now());
        let Some(Doing::Running(since)) = doing else { return Truth::Out };
        match own {
            Some(own) if own.asked >= since => {
                let frozen = own.moved.is_some_and(|moved| now.saturating_duration_since(moved) > FROZEN);
                let cut = said == Truth::InSync && (frozen || !self.reaches_quorum(id));
                if cut { Truth::Unknowable } else { said }
            }
            _ => Truth::Out,
        }
    }

    /// The same of a controller, given what the leader of the quorum says of it.
    pub(super) fn correct_voter(&self, id: i32, said: Truth) -> Truth {
        match self.nodes.iter().find(|(node, _)| *node == id).map(|(_, pulse)| pulse.now()) {
            Some(Doing::Running(_)) if said == Truth::InSync && !self.reaches_quorum(id) => Truth::Unknowable,
            Some(Doing::Running(_)) => said,
            _ => Truth::Out,
        }
    }

    /// There is a controller that runs, that a majority of the controllers can follow, and that `id` reaches.
    fn reaches_quorum(&self, id: i32) -> bool {
        let up: Vec<i32> =
            self.controllers.iter().filter(|(_, pulse)| runs(pulse)).map(|(id, _)| *id).collect();
        let joined = |a: i32, b: i32| a == b || self.links.joined(a, b);
        up.iter().any(|&leader| {
            let followers = up.iter().filter(|&&other| joined(leader, other)).count();
            followers * 2 > self.controllers.len() && joined(id, leader)
        })
    }
}

fn runs(pulse: &Pulse) -> bool {
    matches!(pulse.now(), Doing::Running(_))
}
