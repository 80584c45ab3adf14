//! Asks the controllers for the state of the quorum, on behalf of one of them.
//!
//! Only the leader tells; the others answer `NOT_LEADER_OR_FOLLOWER` and do not say who leads (seen on 3.9 and 4.3). So
//! the one that led last is asked as long as what it says is good, and all of them while it is not: another may lead by
//! then. Where they are is known from the node's own settings, and from what a leader said of the voters.

use std::cell::{Cell, RefCell};

use futures_util::future::join_all;
use pillion_probes::{contact::Doubt, time::BootTime};
use tokio::time::{Duration, sleep};

use super::{
    Target,
    desk::{Desk, Life},
    quorum::{DIRECT, NAME, OVERDUE, Own, ask},
};
use crate::kafka::{Address, codes, requests::Quorum};

/// Controllers that are asked, at the most: a quorum has three or five voters.
const MOST: usize = 12;
/// Place of the node's own listener in the list.
const OWN: usize = 0;
/// How often a place that nobody is known for is looked at.
const VACANT: Duration = Duration::from_secs(1);

/// What has been heard in this life.
struct Heard {
    /// The controllers, this one first.
    controllers: RefCell<Vec<Address>>,
    /// Which one led last and told nothing bad, and when it answered.
    good: Cell<Option<(usize, BootTime)>>,
    /// When one last answered as the leader.
    led: Cell<BootTime>,
    /// When one other than this node last answered that it does not lead.
    denied: Cell<Option<BootTime>>,
}

/// Watches the quorum for one life of the controller.
pub async fn watch(desk: &Desk, target: &Target, life: &Life) {
    let own = Own::of(desk, target).await;
    let mut controllers = vec![target.broker.clone()];
    learn(&mut controllers, &target.controllers);
    let heard = Heard {
        controllers: RefCell::new(controllers),
        good: Cell::new(None),
        led: Cell::new(desk.now()),
        denied: Cell::new(None),
    };
    let asks = (0..MOST).map(|place| each(desk, target, life, &own, &heard, place));
    tokio::join!(join_all(asks), doubt(desk, target, life, &heard));
}

/// Asks the controller at this place of the list, whenever it has to be asked.
async fn each(desk: &Desk, target: &Target, life: &Life, own: &Own, heard: &Heard, place: usize) {
    let mut open = None;
    loop {
        let Some(controller) = heard.controllers.borrow().get(place).cloned() else {
            sleep(VACANT).await;
            continue;
        };
        if heard.enough_without(place, desk.now()) {
            open = None;
        } else {
            match ask(desk, target, life, own, place, &controller, &mut open).await {
                Ok(quorum) => {
                    heard.hear(desk, life, place, &quorum);
                    if quorum.error_code != codes::NONE {
                        // One name may stand for all controllers: the next try may reach another.
                        open = None;
                    }
                }
                Err(error) => {
                    tracing::trace!(%controller, %error, "a controller does not answer");
                    open = None;
                }
            }
        }
        sleep(target.timing.applied_interval).await;
    }
}

/// Says why nothing is proven while nobody answers as the leader.
async fn doubt(desk: &Desk, target: &Target, life: &Life, heard: &Heard) {
    loop {
        sleep(target.timing.applied_interval).await;
        let now = desk.now();
        if now.since(heard.led.get()) > DIRECT {
            let others_answer = heard.denied.get().is_some_and(|at| now.since(at) <= DIRECT + OVERDUE);
            desk.doubt(life.number, if others_answer { Doubt::NoLeader } else { Doubt::Unanswered });
        }
    }
}

impl Heard {
    /// Another controller leads, answers in time, and says nothing bad.
    fn enough_without(&self, place: usize, now: BootTime) -> bool {
        self.good.get().is_some_and(|(leader, at)| leader != place && now.since(at) <= OVERDUE)
    }

    fn hear(&self, desk: &Desk, life: &Life, place: usize, quorum: &Quorum) {
        let now = desk.now();
        let denied = quorum.error_code == codes::CLUSTER_AUTHORIZATION_FAILED;
        desk.denied(life.number, NAME, denied);
        match quorum.error_code {
            codes::NONE => {
                self.led.set(now);
                let good = desk.read(|seen| seen.vote.flaw.is_none() && seen.vote.doubt.is_none());
                self.good.set(good.then_some((place, now)));
                learn(&mut self.controllers.borrow_mut(), &quorum.endpoints);
            }
            codes::NOT_LEADER_OR_FOLLOWER if place != OWN => self.denied.set(Some(now)),
            _ => {}
        }
    }
}

/// Adds those that are not known yet. A place in the list stays that controller's.
fn learn(known: &mut Vec<Address>, more: &[Address]) {
    for address in more {
        if known.len() < MOST && !known.contains(address) {
            known.push(address.clone());
        }
    }
}
