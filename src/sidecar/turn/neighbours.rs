//! Asks the brokers that are listed as live for a sign of life.

use std::{collections::BTreeSet, time::Duration};

use futures_util::future::join_all;
use tokio::time::Instant;

use super::super::{CLIENT_ID, Target};
use crate::kafka::{
    Connection, WireError,
    requests::{ListedBroker, api_versions},
};

/// How long one may take; a pause of its JVM that lasts longer is waited for like a death.
const PATIENCE: Duration = Duration::from_secs(1);
/// So many are asked at once.
const AT_ONCE: usize = 64;

/// Those of them that are silent.
pub async fn silent(target: &Target) -> BTreeSet<i32> {
    let listed = target.roster.borrow().as_ref().map(|roster| roster.brokers.clone()).unwrap_or_default();
    let others: Vec<ListedBroker> = listed.into_iter().filter(|broker| broker.id != target.id).collect();
    let mut silent = BTreeSet::new();
    for some in others.chunks(AT_ONCE) {
        let asked = some.iter().map(async |broker| (broker.id, answers(target, broker).await));
        silent.extend(join_all(asked).await.into_iter().filter(|(_, answers)| !answers).map(|(id, _)| id));
    }
    silent
}

/// Any answer will do, a refusal of who we are included; a closed port, or nothing, will not.
async fn answers(target: &Target, broker: &ListedBroker) -> bool {
    let deadline = Instant::now() + PATIENCE;
    let asked = async {
        let mut open = Connection::open(&broker.address, &target.security.peers, CLIENT_ID, deadline).await?;
        api_versions(&mut open, deadline).await
    };
    match asked.await {
        // What we have to show may be unusable: that says nothing of the broker.
        Ok(_) | Err(WireError::Credentials { .. }) => true,
        // One that is being stopped closes what it had taken.
        Err(WireError::Closed { .. }) => false,
        Err(error) => {
            tracing::debug!(id = broker.id, %error, "a neighbour");
            error.shows_life()
        }
    }
}
