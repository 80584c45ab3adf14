//! May this broker be removed for ever?

use pillion_probes::reason::{Reason, Told};
use tokio::time::Instant;

use super::{ClusterError, Doubt, Proven, first, unseen};
use crate::kafka::{
    Address, Security, codes,
    requests::{self, Refusal, list_partition_reassignments},
    scan::{Scan, ScanBuffer, scan_round},
};

/// Topics that are told by name.
const NAMED: usize = 8;

/// What was found.
#[derive(Debug)]
pub struct Found {
    /// Who told it.
    pub asked: Address,
    /// It is alive.
    pub alive: bool,
    /// It is in the list of brokers; `None`: that is not told (before Kafka 4.0).
    pub registered: Option<bool>,
    /// Partitions seen.
    pub partitions: u64,
    /// What speaks against it; empty: it may go.
    pub reasons: Vec<Told>,
}

/// Asks these brokers in turn.
///
/// # Errors
/// Nobody can be asked.
pub async fn ask(brokers: &[(Address, Security)], id: i32) -> Result<Found, ClusterError> {
    first(brokers, async |opened| look(&mut opened.prove().await?, id).await).await
}

/// What became of it.
#[derive(Debug)]
pub enum Outcome {
    /// It is taken out of the list.
    Gone,
    /// It was not in the list.
    Unknown,
    /// It may not be taken out.
    Against(Found),
    /// Kafka refuses.
    Refused(Refusal),
}

/// Takes a broker out of the list of those that there are, if it may be and does not run.
///
/// # Errors
/// Nobody can be asked.
pub async fn unregister(brokers: &[(Address, Security)], id: i32) -> Result<Outcome, ClusterError> {
    first(brokers, async |opened| {
        let mut proven = opened.prove().await?;
        let found = look(&mut proven, id).await?;
        if found.alive || !found.reasons.is_empty() {
            return Ok(Outcome::Against(found));
        }
        let deadline = Instant::now() + proven.at.left();
        let refused =
            requests::unregister(&mut proven.at.connection, &proven.at.versions, id, deadline).await?;
        Ok(match refused {
            None => Outcome::Gone,
            Some(refusal) if refusal.code == codes::BROKER_ID_NOT_REGISTERED => Outcome::Unknown,
            Some(refusal) => Outcome::Refused(refusal),
        })
    })
    .await
}

async fn look(proven: &mut Proven, id: i32) -> Result<Found, Doubt> {
    let mut buffer = ScanBuffer::default();
    let scan = Scan { names: true, ..Scan::pick(&proven.at.versions, id)? };
    let (left, now) = (proven.at.left(), proven.at.now());
    let mut topics: Vec<String> = Vec::new();
    let keep = |_, page: &crate::kafka::scan::Page| {
        topics.extend_from_slice(&page.topics.names);
        topics.dedup();
        topics.truncate(NAMED);
    };
    // Before the reassignments: what they add shows up in either of the two.
    let round = scan_round(&mut proven.at.connection, &scan, &mut buffer, left, &now, keep).await?;
    let deadline = Instant::now() + proven.at.left();
    let moves =
        list_partition_reassignments(&mut proven.at.connection, &proven.at.versions, id, deadline).await?;
    let mut reasons = Vec::new();
    if proven.is_voter(id) {
        reasons.push(told(
            "still-a-voter",
            format!("{id} is a voter of the controllers' quorum"),
            "take it out first: kafka-metadata-quorum.sh remove-controller, or out of controller.quorum.voters of all nodes",
            None,
        ));
    }
    let assigned = round.tally.assigned;
    if assigned > 0 {
        let more = if topics.len() == NAMED { ", ..." } else { "" };
        reasons.push(told(
            "has-replicas",
            format!(
                "{assigned} partition(s) have a replica on {id}, of the topics {}{more}",
                topics.join(", ")
            ),
            "move them first: kafka-reassign-partitions.sh, or what you use for it",
            Some(assigned),
        ));
    }
    let coming = moves.iter().filter(|own| own.adding).count();
    if coming > 0 {
        reasons.push(told(
            "being-added",
            format!("a reassignment adds {coming} partition(s) to {id}"),
            "cancel it, or whatever plans it",
            u64::try_from(coming).ok(),
        ));
    }
    reasons.extend(unseen(&round.tally).iter().map(|reason: &Reason| Told::from(reason)));
    let alive = proven.alive().contains(&id);
    let listed = proven.registered.as_ref().map(|all| all.contains_key(&id));
    let registered = if alive { Some(true) } else { listed };
    Ok(Found {
        asked: proven.at.address.clone(),
        alive,
        registered,
        partitions: round.tally.partitions,
        reasons,
    })
}

fn told(code: &str, text: String, remedy: &str, count: Option<u64>) -> Told {
    Told {
        code: code.to_owned(),
        text,
        remedy: remedy.to_owned(),
        hopeless: true,
        count,
        partitions: Vec::new(),
    }
}
