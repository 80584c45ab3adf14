//! What would a stop of these brokers hurt?

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use pillion_probes::{
    limits::Limits,
    neighbours,
    reason::{Reason, Told, spoken},
    replicas::Tally,
    stops::{Block, VoterSeen, unseats},
};
use tokio::time::{Instant, sleep};

use super::{CLIENT_ID, ClusterError, Doubt, Proven, first, unseen, zookeeper};
use crate::{
    config::Timing,
    kafka::{
        Address, Security, alive,
        requests::{Kind, ListedBrokers, Registered, ReplicaState, listed_brokers},
        scan::{Asked, Scan, ScanBuffer, minimums, scan_round},
    },
};

/// How often one that is silent is asked, and the pause before it is asked again.
const ASKED: usize = 3;
const PAUSE: Duration = Duration::from_millis(500);

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
    /// Who was to stop and is down already: nothing goes with it.
    pub down: BTreeSet<i32>,
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
    let Who { leaving, down } =
        who(leaving, &proven.listed, proven.registered.as_ref(), |id| proven.is_voter(id))?;
    if leaving.is_empty() {
        let (tally, reasons) = (Tally::default(), Vec::new());
        return Ok(Found { asked: proven.at.address, leaving, down, tally, reasons });
    }
    let mut buffer = ScanBuffer::default();
    // Nobody has the id -1: it is not about one broker's own replicas.
    let ids = leaving.iter().copied().collect();
    let mut scan = Scan { leaving: ids, ..Scan::pick(&proven.at.versions, -1)? };
    let (left, now) = (proven.at.left(), proven.at.now());
    let own = Asked { connection: &mut proven.at.connection, versions: &proven.at.versions };
    scan.minimums = Some(minimums(own, &scan, None, &mut buffer, left, &now).await?.into());
    let left = proven.at.left();
    let round = scan_round(&mut proven.at.connection, &scan, &mut buffer, left, &now, |_, _| {}).await?;
    if !down.is_empty() {
        let deadline = Instant::now() + proven.at.left();
        let now = listed_brokers(&mut proven.at.connection, &proven.at.versions, deadline).await?;
        if let Some(id) = down.iter().find(|id| now.lists(**id)) {
            return Err(Doubt::Unsure(format!("{id}, which was down, came up meanwhile: ask again")));
        }
    }
    let mut reasons: Vec<Told> = unseated(&proven, &leaving).iter().map(Told::from).collect();
    reasons.extend(against(&round.tally));
    // After the scan: whoever was counted as in sync by it has lived since.
    reasons.extend(silent(&proven, &leaving).await);
    Ok(Found { asked: proven.at.address, leaving, down, tally: round.tally, reasons })
}

/// Whom it is about.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Who {
    /// Brokers that are live, and voters.
    pub leaving: BTreeSet<i32>,
    /// Brokers that are registered and fenced.
    pub down: BTreeSet<i32>,
}

/// Brokers, and controllers that are nothing else. `registered`: those that are down too, where they are told of.
pub(super) fn who(
    leaving: &Leaving,
    listed: &ListedBrokers,
    registered: Option<&BTreeMap<i32, Registered>>,
    votes: impl Fn(i32) -> bool,
) -> Result<Who, Doubt> {
    let fenced: BTreeMap<i32, &Registered> = registered
        .into_iter()
        .flatten()
        .filter(|(id, broker)| broker.fenced && !listed.lists(**id))
        .map(|(id, broker)| (*id, broker))
        .collect();
    let or_down = if registered.is_some() { "" } else { ", or down, which these brokers do not tell" };
    match leaving {
        Leaving::Ids(ids) => {
            let (leaving, others): (BTreeSet<i32>, BTreeSet<i32>) =
                ids.iter().partition(|id| listed.lists(**id) || votes(**id));
            match others.iter().find(|id| !fenced.contains_key(id)) {
                Some(id) => Err(unknown(listed, format!("node {id} is not there{or_down}"))),
                None => Ok(Who { leaving, down: others }),
            }
        }
        Leaving::Zone(zone) => {
            let there = listed.brokers.iter().filter(|broker| broker.rack.as_ref() == Some(zone));
            let leaving: BTreeSet<i32> = there.map(|broker| broker.id).collect();
            let down = fenced.iter().filter(|(_, broker)| broker.rack.as_ref() == Some(zone));
            let down: BTreeSet<i32> = down.map(|(id, _)| *id).collect();
            if leaving.is_empty() && down.is_empty() {
                Err(unknown(listed, format!("no broker is in zone {zone}{or_down}")))
            } else {
                Ok(Who { leaving, down })
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
    let ids: Vec<i32> = silent.iter().copied().collect();
    // Of a cluster that sets none.
    let session = Timing::default().session_timeout;
    let words = neighbours::words(&ids, neighbours::patience(session));
    Told {
        code: neighbours::SILENT.to_owned(),
        text: format!("{words} (by a broker.session.timeout.ms of {})", spoken(session)),
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
    use crate::kafka::requests::ListedBroker;

    fn broker(id: i32, zone: &str) -> ListedBroker {
        let address = Address { host: "h".to_owned(), port: 9092 };
        ListedBroker { id, address, rack: Some(zone.to_owned()) }
    }

    #[test]
    fn who_is_down_is_told_apart_from_who_is_not_there() {
        let listed = ListedBrokers {
            cluster_id: None,
            controller_id: 1,
            brokers: vec![broker(1, "a"), broker(2, "b")],
        };
        let one = |fenced, rack: &str| Registered { fenced, rack: Some(rack.to_owned()) };
        // 2 was fenced a moment ago, and is live as the younger list has it.
        let all = BTreeMap::from([
            (1, one(false, "a")),
            (2, one(true, "b")),
            (3, one(true, "a")),
            (4, one(true, "c")),
        ]);
        let ask = |leaving: &Leaving, all| {
            who(leaving, &listed, all, |id| id == 9).map_err(|doubt| doubt.to_string())
        };
        let ids = |ids: &[i32]| Leaving::Ids(ids.iter().copied().collect());
        let zone = |zone: &str| Leaving::Zone(zone.to_owned());
        let found = |leaving: &[i32], down: &[i32]| {
            Ok(Who { leaving: leaving.iter().copied().collect(), down: down.iter().copied().collect() })
        };
        assert_eq!(ask(&ids(&[1, 3]), Some(&all)), found(&[1], &[3]));
        assert_eq!(ask(&ids(&[2, 9]), Some(&all)), found(&[2, 9], &[]));
        assert_eq!(ask(&ids(&[3, 4]), Some(&all)), found(&[], &[3, 4]));
        assert_eq!(ask(&zone("a"), Some(&all)), found(&[1], &[3]));
        assert_eq!(ask(&zone("c"), Some(&all)), found(&[], &[4]));
        assert_eq!(ask(&ids(&[1, 2]), None), found(&[1, 2], &[]));
        for (leaving, all, words) in [
            (ids(&[1, 5]), Some(&all), "node 5 is not there: the brokers are 1 in a, 2 in b"),
            (zone("x"), Some(&all), "no broker is in zone x: the brokers are"),
            (
                ids(&[1, 3]),
                None,
                "node 3 is not there, or down, which these brokers do not tell: the brokers are",
            ),
            (
                zone("c"),
                None,
                "no broker is in zone c, or down, which these brokers do not tell: the brokers are",
            ),
        ] {
            let said = ask(&leaving, all);
            assert!(said.as_ref().is_err_and(|said| said.starts_with(words)), "{said:?}");
        }
    }

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
