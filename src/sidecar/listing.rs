//! Asks the broker which brokers are alive: a fenced one does not list itself.

use std::time::Duration;

use pillion_probes::observe::{Listing, Role};
use tokio::time::{Instant, sleep};

use super::{
    Target,
    desk::{Desk, Life},
};
use crate::kafka::{WireError, requests::listed_brokers};

/// Between two looks while the last one counts; the scan would notice a fenced broker too, by its offline replicas.
const AGAIN: Duration = Duration::from_secs(1);

/// Watches the list for one life of the broker, until the connection is lost.
pub async fn watch(desk: &Desk, target: &Target, life: &Life) {
    let Err(error) = list(desk, target, life).await;
    super::lost(desk, "the list of live brokers", &error);
}

async fn list(desk: &Desk, target: &Target, life: &Life) -> Result<std::convert::Infallible, WireError> {
    let deadline = || Instant::now() + target.timing.page_timeout();
    let mut connection = target.connect(deadline()).await?;
    loop {
        // What the broker says of itself is worth as much as its contact with the quorum, and nothing without it.
        let (sent, as_of) = desk.dated().await;
        let answer = listed_brokers(&mut connection, &life.versions, deadline()).await?;
        // In ZooKeeper mode a broker that was told of nobody names no controller; a fenced one of KRaft may.
        let told = target.role != Role::ZooKeeper || answer.controller_id >= 0;
        let listed = told && answer.lists(target.id);
        let foreign = answer.cluster_id.clone().filter(|id| *id != target.cluster_id);
        target.roster.replace(Some(answer));
        desk.note_in(life.number, |seen| {
            seen.listing = Some(Listing { sent, as_of, listed });
            seen.foreign_cluster = foreign;
        });
        let pause = if good(desk, target.role) { AGAIN } else { target.timing.applied_interval };
        // From question to question: a slow answer has been waited for already.
        sleep(pause.saturating_sub(desk.now().since(sent))).await;
    }
}

/// The last list still counts: the broker was in it, and it is of the lease that holds.
fn good(desk: &Desk, role: Role) -> bool {
    if role == Role::ZooKeeper {
        return desk.read(|seen| seen.listing.is_some_and(|listing| listing.listed));
    }
    desk.read(|seen| {
        seen.listing
            .zip(seen.contact)
            .is_some_and(|(listing, contact)| listing.listed && listing.as_of >= contact.since)
    })
}
