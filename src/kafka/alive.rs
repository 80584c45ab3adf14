//! Asks brokers for a sign of life: one that was killed is listed as live until the controllers fence it.

use std::{collections::BTreeSet, time::Duration};

use futures_util::future::join_all;
use tokio::time::Instant;

use crate::kafka::{
    Connection, Security, WireError,
    requests::{ListedBroker, api_versions},
};

/// How long one may take; a pause of its JVM that lasts longer is taken for a death.
const PATIENCE: Duration = Duration::from_secs(1);
/// So many are asked at once.
const AT_ONCE: usize = 64;

/// Those of them that are silent.
pub async fn silent<'a>(
    brokers: impl IntoIterator<Item = &'a ListedBroker>,
    security: &Security,
    client_id: &str,
) -> BTreeSet<i32> {
    let brokers: Vec<&ListedBroker> = brokers.into_iter().collect();
    let mut silent = BTreeSet::new();
    for some in brokers.chunks(AT_ONCE) {
        let asked = some.iter().map(async |broker| (broker.id, answers(broker, security, client_id).await));
        silent.extend(join_all(asked).await.into_iter().filter(|(_, answers)| !answers).map(|(id, _)| id));
    }
    silent
}

/// Any answer will do, a refusal of who we are included; a closed port, or nothing, will not.
async fn answers(broker: &ListedBroker, security: &Security, client_id: &str) -> bool {
    let deadline = Instant::now() + PATIENCE;
    let asked = async {
        let mut open = Connection::open(&broker.address, security, client_id, deadline).await?;
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
