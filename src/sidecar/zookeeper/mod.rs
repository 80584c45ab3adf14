//! Asks the other brokers what they know of this one, round after round: `ZooKeeper` mode.
//!
//! Nothing here makes a broker ask `ZooKeeper`: such a request hangs in one that is cut off, and holds one of its
//! request threads (`DescribeConfigs`, `IncrementalAlterConfigs`). `Metadata` is answered from memory.

mod ensemble;
mod peer;
mod roster;

use std::{collections::BTreeMap, time::Duration};

use futures_util::future::join_all;
use pillion_probes::zookeeper::{Round, choose};
use tokio::time::sleep;

pub use self::ensemble::watch as ensemble;
use self::{peer::Peer, roster::Roster};
use super::{
    Target,
    desk::{Desk, Life},
};

/// Between two rounds while this broker is in sync.
const INTERVAL: Duration = Duration::from_secs(1);
/// Between two rounds while it is not.
const EAGER: Duration = Duration::from_millis(500);
/// A round may take this share of the time at the most; what silent ones take is not counted.
const DUTY: u32 = 10;
/// The controller is asked by every agent: together no more often than once in this time.
const FAIR: Duration = Duration::from_millis(20);

/// Watches the others for one life of the broker; never ends by itself.
pub async fn watch(desk: &Desk, target: &Target, life: &Life) {
    let mut roster = Roster::default();
    let mut peers: BTreeMap<i32, Peer> = BTreeMap::new();
    // What was said in an earlier life says nothing of this one.
    target.roster.replace(None);
    loop {
        let Some(alone) = target.roster.borrow().as_ref().map(|listed| roster.learn(target.id, listed))
        else {
            sleep(target.timing.applied_interval).await;
            continue;
        };
        let silent: Vec<i32> = peers.values().filter(|peer| peer.is_silent()).map(Peer::id).collect();
        let controller = desk.read(|seen| seen.testimony.controller());
        let chosen = choose(target.id, &roster.ids(), controller, &silent);
        // A silent one is remembered as such for as long as it may be asked at all.
        peers.retain(|id, peer| chosen.contains(id) || (peer.is_silent() && roster.has(*id, peer.address())));
        for id in chosen.iter().copied() {
            if let Some(address) = roster.address(id) {
                let peer = peers.entry(id).or_insert_with(|| Peer::new(id, address.clone()));
                peer.moved_to(address);
            }
        }
        let round = ask(desk, target, &mut peers, &chosen, alone).await;
        let took = round.views.iter().map(|view| view.answered.since(view.sent)).max().unwrap_or_default();
        desk.testimony(life.number, target.id, round);
        sleep(pause(desk, target, took)).await;
    }
}

async fn ask(
    desk: &Desk,
    target: &Target,
    peers: &mut BTreeMap<i32, Peer>,
    chosen: &[i32],
    alone: bool,
) -> Round {
    let started = desk.now();
    let asked = peers.values_mut().filter(|peer| chosen.contains(&peer.id()));
    let answers = join_all(asked.map(async |peer| (peer.id(), peer.ask(desk, target).await))).await;
    let mut round = Round { started, alone, ..Round::default() };
    for (id, answer) in answers {
        match answer {
            Ok(view) => round.views.push(view),
            Err(error) => {
                tracing::debug!(broker = id, %error, "another broker tells nothing");
                round.silent.push(id);
            }
        }
    }
    round
}

/// How long until the next round, `took` being what the slowest answer of the last one took.
fn pause(desk: &Desk, target: &Target, took: Duration) -> Duration {
    let settled = desk.read(|seen| {
        seen.testimony.settled_for().is_some_and(|since| since >= desk.limits.settle)
            && seen.testimony.doubt.is_none()
    });
    let least = if settled { INTERVAL } else { EAGER };
    let fair = FAIR.saturating_mul(target.brokers());
    least.max(fair).max(took.saturating_mul(DUTY)).min(desk.limits.peers / 3)
}
