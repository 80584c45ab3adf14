//! Asks which replicas of the broker come and go by a reassignment.
//!
//! The broker forwards the question to the active controller, so it may hang as `DescribeQuorum` does (see
//! `quorum.rs`): it has a connection of its own, and one question at a time is waited for. It is asked while replicas
//! are out of the ISR, and now and then.

use std::{sync::Arc, time::Duration};

use pillion_probes::{
    moves::{LIST_LIMIT, Moves},
    replicas::Tally,
};
use tokio::time::{Instant, sleep};

use super::{
    Target,
    desk::{Desk, Life},
};
use crate::kafka::{WireError, codes, requests::list_partition_reassignments};

/// Between two questions while the answer matters.
const OFTEN: Duration = Duration::from_secs(2);
/// Between two questions while it does not.
const NOW_AND_THEN: Duration = Duration::from_secs(60);
/// The request's name, for people.
const NAME: &str = "ListPartitionReassignments";

/// Watches the reassignments for one life of the broker, until the connection is lost.
pub async fn watch(desk: &Desk, target: &Target, life: &Life) {
    let Err(error) = ask(desk, target, life).await;
    super::lost(desk, "the list of reassignments", &error);
    // A list beyond the cap, or one that is refused, will be so the next time, too.
    if !error.voids_incarnation() && !error.is_timeout() {
        sleep(LIST_LIMIT).await;
    }
}

async fn ask(desk: &Desk, target: &Target, life: &Life) -> Result<std::convert::Infallible, WireError> {
    let mut kept = Some(target.connect(Instant::now() + target.timing.request_timeout).await?);
    loop {
        let mut connection = match kept.take() {
            Some(connection) => connection,
            None => target.connect_again().await,
        };
        let asked = desk.now();
        let answer = list_partition_reassignments(
            &mut connection,
            &life.versions,
            target.id,
            Instant::now() + super::GIVE_UP,
        );
        match answer.await {
            Ok(list) => {
                let hashes = |adding: bool| {
                    let of = list.iter().filter(|own| own.adding == adding);
                    of.map(|own| target.key.topic(own.topic.as_bytes()).partition(own.partition)).collect()
                };
                let moves = Moves::new(asked, hashes(true), hashes(false));
                let told = moves.told();
                target.moves.replace(Some(Arc::new(moves)));
                desk.denied(life.number, NAME, false);
                desk.note_in(life.number, |seen| seen.moves = Some(told));
            }
            Err(WireError::Answered { code, .. }) => {
                // Denied, or the controller was not found in time: the last list ages, and then all replicas count.
                desk.denied(life.number, NAME, code == codes::CLUSTER_AUTHORIZATION_FAILED);
            }
            Err(error) => return Err(error),
        }
        let pause = if matters(desk) { OFTEN } else { NOW_AND_THEN };
        kept = (pause <= super::IDLE).then_some(connection);
        tokio::select! {
            () = sleep(pause) => {}
            () = target.doubted.notified() => {}
        }
    }
}

/// Replicas are out of the ISR, or a reassignment is all that excuses them; or the answer was refused.
fn matters(desk: &Desk) -> bool {
    let out = |tally: &Tally| tally.out_of_isr + tally.adding + tally.removing > 0;
    desk.read(|seen| {
        seen.round.as_deref().is_some_and(|round| out(&round.tally))
            || seen.partial.as_deref().is_some_and(out)
            || seen.denied.iter().any(|request| request == NAME)
    })
}
