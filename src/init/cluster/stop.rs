//! What would a stop of these brokers hurt?

use std::{collections::BTreeSet, time::Duration};

use pillion_probes::{
    limits::Limits,
    neighbours::patience,
    reason::{Reason, Told, spoken},
    replicas::Tally,
    stops::{Block, VoterSeen, unseats},
};
use tokio::time::sleep;

use super::{CLIENT_ID, ClusterError, Doubt, Proven, first, unseen, zookeeper};
use crate::{
    config::Timing,
    kafka::{
        Address, Security, alive,
        requests::{Kind, ListedBrokers, ReplicaState},
        scan::{Asked, Scan, ScanBuffer, minimums, scan_round},
    },
};

/// How often one that is silent is asked, and the pause before it is asked again.
const ASKED: usize = 3;
const PAUSE: Duration = Duration::from_millis(500);
/// Brokers that are told by their ids.
const NAMED: usize = 8;

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
    pub reasons: Vec<Told>,
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
    let mut reasons: Vec<Told> = unseated(&proven, &leaving).iter().map(Told::from).collect();
    reasons.extend(against(&round.tally));
    // After the scan: whoever was counted as in sync by it has lived since.
    reasons.extend(silent(&proven, &leaving).await);
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

/// One that was killed a moment ago is in every ISR until the controllers fence it; but it answers nobody.
async fn silent(proven: &Proven, leaving: &BTreeSet<i32>) -> Option<Told> {
    let security = proven.at.security.by_host();
    let mut silent: BTreeSet<i32> = proven.alive().difference(leaving).copied().collect();
    for turn in 0..ASKED {
        if turn > 0 {
            sleep(PAUSE).await;
        }
        let asked = proven.listed.brokers.iter().filter(|broker| silent.contains(&broker.id));
        silent = alive::silent(asked, &security, CLIENT_ID).await;
        if silent.is_empty() {
            return None;
        }
    }
    Some(unheard(&silent))
}

fn unheard(silent: &BTreeSet<i32>) -> Told {
    let named: Vec<String> = silent.iter().take(NAMED).map(ToString::to_string).collect();
    let more = if silent.len() > NAMED { " and others" } else { "" };
    let [s, does, counts, it_is] =
        if silent.len() > 1 { ["s", "do", "count", "they are"] } else { ["", "does", "counts", "it is"] };
    // Of a cluster that sets none.
    let session = Timing::default().session_timeout;
    Told {
        code: "neighbour-silent".to_owned(),
        text: format!(
            "broker{s} {}{more} {does} not answer and {counts} as live: if {it_is} down the controllers will have \
             noticed in {} (by a broker.session.timeout.ms of {})",
            named.join(", "),
            spoken(patience(session)),
            spoken(session)
        ),
        remedy: "ask again then; if it runs, ask from where it can be reached at what it advertises"
            .to_owned(),
        hopeless: false,
        count: u64::try_from(silent.len()).ok(),
        partitions: Vec::new(),
    }
}

fn unseated(proven: &Proven, leaving: &BTreeSet<i32>) -> Option<Reason> {
    let seen = |voter: &ReplicaState| VoterSeen { id: voter.id, caught_up_ms: voter.last_caught_up_ms };
    let voters: Vec<VoterSeen> = proven.quorum.voters.iter().map(seen).collect();
    let ids: Vec<i32> = leaving.iter().copied().collect();
    unseats(&voters, proven.quorum.leader_id, &ids, Limits::default().fetch).map(Reason::WouldUnseat)
}

pub(super) fn against(tally: &Tally) -> Vec<Told> {
    let mut reasons = Vec::new();
    if let Some(stops) = &tally.stops {
        for block in Block::ALL.into_iter().filter(|block| stops.count(*block) > 0) {
            let named = stops.of(block).cloned().collect();
            reasons.push(Reason::WouldLack { block, count: stops.count(block), named });
        }
    }
    reasons.extend(unseen(tally));
    reasons.iter().map(Told::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_silent_is_told_by_id_and_for_how_long() {
        let one = unheard(&[1002].into());
        assert!(
            one.text.starts_with("broker 1002 does not answer and counts as live: if it is down"),
            "{}",
            one.text
        );
        assert!(one.text.contains("noticed in 12.0 s"), "{}", one.text);
        assert_eq!((one.count, one.hopeless), (Some(1), false));
        let many = unheard(&(0..20).collect());
        assert!(
            many.text.starts_with("brokers 0, 1, 2, 3, 4, 5, 6, 7 and others do not answer"),
            "{}",
            many.text
        );
    }
}
