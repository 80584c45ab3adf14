//! What would a stop of these brokers hurt?

use std::collections::BTreeSet;

use pillion_probes::{
    limits::Limits,
    reason::Reason,
    replicas::Tally,
    stops::{Block, VoterSeen, unseats},
};

use super::{ClusterError, Doubt, Proven, first, unseen, zookeeper};
use crate::kafka::{
    Address, Security,
    requests::{Kind, ListedBrokers, ReplicaState},
    scan::{Asked, Scan, ScanBuffer, minimums, scan_round},
};

/// Who would stop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Leaving {
    /// These nodes.
    Ids(BTreeSet<i32>),
    /// All brokers of a zone (`broker.rack`).
    Zone(String),
}

/// What was found.
#[derive(Debug)]
pub struct Found {
    /// Who told it.
    pub asked: Address,
    /// Who would stop.
    pub leaving: BTreeSet<i32>,
    /// What the pass over the partitions found.
    pub tally: Tally,
    /// What speaks against it, the gravest first; empty: they may stop.
    pub reasons: Vec<Reason>,
}

/// Asks these brokers in turn.
///
/// # Errors
/// Who would stop is not there, or nobody can be asked.
pub async fn ask(brokers: &[(Address, Security)], leaving: &Leaving) -> Result<Found, ClusterError> {
    first(brokers, async |opened| match opened.versions.kind {
        Kind::ZooKeeper => zookeeper::look(opened, leaving).await,
        _ => look(opened.prove().await?, leaving).await,
    })
    .await
}

async fn look(mut proven: Proven, leaving: &Leaving) -> Result<Found, Doubt> {
    let leaving = who(leaving, &proven.listed, |id| proven.is_voter(id))?;
    let mut buffer = ScanBuffer::default();
    // Nobody has the id -1: it is not about one broker's own replicas.
    let ids = leaving.iter().copied().collect();
    let mut scan = Scan { leaving: ids, ..Scan::pick(&proven.at.versions, -1)? };
    let (left, now) = (proven.at.left(), proven.at.now());
    let own = Asked { connection: &mut proven.at.connection, versions: &proven.at.versions };
    scan.minimums = Some(minimums(own, &scan, None, &mut buffer, left, &now).await?.into());
    let left = proven.at.left();
    let round = scan_round(&mut proven.at.connection, &scan, &mut buffer, left, &now, |_, _| {}).await?;
    let mut reasons: Vec<Reason> = unseated(&proven, &leaving).into_iter().collect();
    reasons.extend(against(&round.tally));
    Ok(Found { asked: proven.at.address, leaving, tally: round.tally, reasons })
}

/// Brokers, and controllers that are nothing else.
pub(super) fn who(
    leaving: &Leaving,
    listed: &ListedBrokers,
    votes: impl Fn(i32) -> bool,
) -> Result<BTreeSet<i32>, Doubt> {
    match leaving {
        Leaving::Ids(ids) => match ids.iter().find(|id| !listed.lists(**id) && !votes(**id)) {
            Some(id) => Err(unknown(listed, format!("node {id} is not there, or fenced"))),
            None => Ok(ids.clone()),
        },
        Leaving::Zone(zone) => {
            let there = listed.brokers.iter().filter(|broker| broker.rack.as_ref() == Some(zone));
            let ids: BTreeSet<i32> = there.map(|broker| broker.id).collect();
            if ids.is_empty() {
                Err(unknown(listed, format!("no broker is in zone {zone}")))
            } else {
                Ok(ids)
            }
        }
    }
}

fn unknown(listed: &ListedBrokers, what: String) -> Doubt {
    let zone = |rack: &Option<String>| rack.as_ref().map_or(String::new(), |rack| format!(" in {rack}"));
    let all = listed.brokers.iter().map(|broker| format!("{}{}", broker.id, zone(&broker.rack)));
    Doubt::Unknown(ClusterError::Unknown { what, known: all.collect::<Vec<_>>().join(", ") })
}

fn unseated(proven: &Proven, leaving: &BTreeSet<i32>) -> Option<Reason> {
    let seen = |voter: &ReplicaState| VoterSeen { id: voter.id, caught_up_ms: voter.last_caught_up_ms };
    let voters: Vec<VoterSeen> = proven.quorum.voters.iter().map(seen).collect();
    let ids: Vec<i32> = leaving.iter().copied().collect();
    unseats(&voters, proven.quorum.leader_id, &ids, Limits::default().fetch).map(Reason::WouldUnseat)
}

pub(super) fn against(tally: &Tally) -> Vec<Reason> {
    let mut reasons = Vec::new();
    if let Some(stops) = &tally.stops {
        for block in Block::ALL.into_iter().filter(|block| stops.count(*block) > 0) {
            let named = stops.of(block).cloned().collect();
            reasons.push(Reason::WouldLack { block, count: stops.count(block), named });
        }
    }
    reasons.extend(unseen(tally));
    reasons
}
