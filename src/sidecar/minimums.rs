//! Asks what topics need (`min.insync.replicas`), for the verdict *stoppable*.
//!
//! A broker answers from its image of the cluster. With `ZooKeeper` it asks that for each topic, on a thread that serves
//! requests; so another broker is asked there, which does not have to bear the agent's other questions. While the metadata
//! log counts it tells what topics say themselves, and the broker is asked for the rest alone.

use std::{sync::Arc, time::Duration};

use pillion_probes::{observe::Role, stops::Lack};
use tokio::time::{Instant, sleep};

use super::{
    Target,
    desk::{Desk, Life},
};
use crate::kafka::{
    Address, WireError, codes,
    requests::usual_minimum,
    scan::{Asked, MinimumsError, Scan, ScanBuffer, minimums},
};

/// Between two times, at the least.
const AGAIN: Duration = Duration::from_secs(30);
/// It may take this share of the time at the most.
const DUTY: u32 = 20;
/// After a refusal, which may be taken back.
const REFUSED: Duration = Duration::from_secs(10);

/// Keeps what topics need up to date for one life of the broker, until a connection is lost.
pub async fn watch(desk: &Desk, target: &Target, life: &Life) {
    let Err(error) = keep(desk, target, life).await;
    let lack = match &error {
        MinimumsError::TooMany => Lack::TooMany,
        MinimumsError::Wire(WireError::Answered {
            code: codes::TOPIC_AUTHORIZATION_FAILED | codes::CLUSTER_AUTHORIZATION_FAILED,
            ..
        }) => Lack::Denied,
        MinimumsError::Wire(error) => {
            tracing::debug!(%error, "what topics need: lost");
            Lack::Unanswered
        }
    };
    desk.note_in(life.number, |seen| seen.minimums_lack = Some(lack));
    sleep(if lack == Lack::Unanswered { super::PAUSE } else { REFUSED }).await;
}

async fn keep(desk: &Desk, target: &Target, life: &Life) -> Result<std::convert::Infallible, MinimumsError> {
    let scan = Scan { key: target.key, ..Scan::pick(&life.versions, target.id)? };
    let timeout = target.timing.page_timeout();
    let deadline = || Instant::now() + timeout;
    let mut buffer = ScanBuffer::default();
    loop {
        // Without contact nobody knows as of when an answer would be current.
        let (began, _) = desk.dated().await;
        let mut connection = target.connect(deadline()).await?;
        let mut usual = None;
        if target.ledger.follows(began) {
            usual = usual_minimum(&mut connection, &life.versions, target.id, deadline()).await?;
        }
        if let Some(usual) = usual.filter(|_| target.ledger.counts(began)) {
            target.ledger.usual.replace(Some((usual, began)));
            desk.note_in(life.number, |seen| seen.minimums_lack = None);
            drop(connection);
            sleep(AGAIN).await;
            continue;
        }
        let own = Asked { connection: &mut connection, versions: &life.versions };
        let mut peer = None;
        if let Some(address) = other(target) {
            peer = Some(target.connect_to(&address, deadline()).await?);
        }
        let peer = peer.as_mut().map(|(connection, versions)| Asked { connection, versions });
        let known = minimums(own, &scan, peer, &mut buffer, timeout, || desk.now()).await?;
        target.ledger.usual.replace(Some((usual.unwrap_or(known.usual), known.asked)));
        target.minimums.replace(Some(Arc::new(known)));
        desk.note_in(life.number, |seen| seen.minimums_lack = None);
        let took = desk.now().since(began);
        drop(connection);
        sleep(AGAIN.max(took.saturating_mul(DUTY))).await;
    }
}

/// With `ZooKeeper`: another broker that is alive.
fn other(target: &Target) -> Option<Address> {
    let roster = target.roster.borrow();
    let mut others = roster.iter().flat_map(|roster| &roster.brokers).filter(|broker| broker.id != target.id);
    if target.role == Role::ZooKeeper { others.next().map(|broker| broker.address.clone()) } else { None }
}
