//! One broker's testimony, and what makes it one.
//!
//! A broker that is cut off from the controllers serves its last image of the cluster for ever. So it has to show that
//! its image is current first: the quorum leader names its high watermark through it, a majority of voters is seen to
//! fetch from that leader afterwards, and the broker has applied everything below (see [`pillion_probes::contact`]).
//! What it answers then is as of the first of those questions or later.
//!
//! Everything goes over one connection: behind an address that stands for several brokers another connection may lead
//! to another broker, whose image has proven nothing.

use std::time::Duration;

use pillion_probes::{
    contact::{Applied, Asked, Doubt, QuorumAnswer, Tracker, Voter},
    limits::Limits,
    replicas::Tally,
    time::BootTime,
};
use tokio::time::{Instant, sleep};

use super::hidden::{self, Sight};
use crate::{
    clock::Clock,
    init::ReplacementAnswer,
    kafka::{
        Address, Connection, WireError, codes,
        requests::{ApiVersions, Kind, Quorum, api_versions, describe_quorum, listed_brokers},
        scan::{Scan, ScanBuffer, scan_round},
    },
};

/// How init names itself to brokers.
const CLIENT_ID: &str = "pillion-init";
/// Between two questions to the quorum.
const PAUSE: Duration = Duration::from_millis(200);

/// The node whose volumes were lost.
#[derive(Clone, Copy, Debug)]
pub(super) struct Whom<'a> {
    /// Its id.
    pub id: i32,
    /// The cluster it belongs to.
    pub cluster_id: &'a str,
}

/// Why a broker's word is not taken.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unbelieved {
    /// It did not answer, or not as it should.
    #[error("{0:#}")]
    Wire(anyhow::Error),
    /// Not `KRaft`: there is no quorum to prove anything by.
    #[error("it does not run in KRaft mode")]
    NotKraft,
    /// Another cluster.
    #[error("it belongs to the cluster {0}, which is not cluster.id")]
    Foreign(String),
    /// It tells nothing of the quorum.
    #[error("it may not tell of the quorum: grant DESCRIBE on the cluster to this node")]
    Denied,
    /// Its image of the cluster may be old.
    #[error("nothing shows that its metadata is current: {0}")]
    Stale(String),
    /// It does not describe every topic.
    #[error(
        "it does not describe every topic ({denied} for lack of authorization{}, {failed} by errors): grant DESCRIBE \
         on all topics to this node",
        if named.is_empty() { String::new() } else { format!(", such as {}", named.join(", ")) }
    )]
    Hidden {
        /// The first of those that may not be described, where they are known.
        named: Vec<String>,
        /// Topics that may not be described.
        denied: u64,
        /// Topics answered with another error.
        failed: u64,
    },
}

impl Unbelieved {
    /// The broker is well, and may not tell.
    pub(super) fn is_of_rights(&self) -> bool {
        matches!(self, Self::Denied | Self::Hidden { .. })
    }
}

impl From<WireError> for Unbelieved {
    fn from(error: WireError) -> Self {
        Self::Wire(error.into())
    }
}

/// Asks one broker. It has until `proof` to show that it is current, and until `end` to tell of all partitions.
pub(super) async fn ask(
    broker: &Address,
    whom: Whom<'_>,
    proof: Instant,
    end: Instant,
) -> Result<ReplacementAnswer, Unbelieved> {
    let clock = Clock::system();
    let mut connection = Connection::open(broker, CLIENT_ID, proof).await?;
    let versions = api_versions(&mut connection, proof).await?;
    if versions.kind != Kind::KraftBroker {
        return Err(Unbelieved::NotKraft);
    }
    listed(&mut connection, &versions, whom, proof).await?;
    prove(&mut connection, &versions, &clock, proof).await?;
    // Only of a fenced broker are the ISRs final: one that has just died is still in them, and others may leave.
    if listed(&mut connection, &versions, whom, end).await? {
        return Ok(alive(whom.id));
    }
    let scan = Scan::pick(&versions, whom.id)?;
    let left = end.saturating_duration_since(Instant::now());
    let mut buffer = ScanBuffer::default();
    let round = scan_round(&mut connection, &scan, &mut buffer, left, || clock.boot(), |_, _| {}).await?;
    // Somebody else may have come up under this id meanwhile.
    if listed(&mut connection, &versions, whom, end).await? {
        return Ok(alive(whom.id));
    }
    match judge(whom.id, &round.tally)? {
        ReplacementAnswer::Safe => {}
        other => return Ok(other),
    }
    match hidden::look(&mut connection, &versions, &mut buffer, end).await? {
        Sight::Clear => Ok(ReplacementAnswer::Safe),
        Sight::Limited => Ok(ReplacementAnswer::SafeAsSeen),
        Sight::Hidden { count, named } => Err(Unbelieved::Hidden { denied: count, failed: 0, named }),
    }
}

/// Whether the cluster counts this node among its live brokers.
async fn listed(
    connection: &mut Connection,
    versions: &ApiVersions,
    whom: Whom<'_>,
    deadline: Instant,
) -> Result<bool, Unbelieved> {
    let list = listed_brokers(connection, versions, deadline).await?;
    if list.cluster_id.as_deref() != Some(whom.cluster_id) {
        return Err(Unbelieved::Foreign(list.cluster_id.unwrap_or_else(|| "without an id".to_owned())));
    }
    Ok(list.lists(whom.id))
}

/// Waits until the broker's image of the cluster is proven to be current.
async fn prove(
    connection: &mut Connection,
    versions: &ApiVersions,
    clock: &Clock,
    deadline: Instant,
) -> Result<(), Unbelieved> {
    let (mut tracker, limits) = (Tracker::new(), Limits::default());
    loop {
        let sent = clock.boot();
        // Cut off from the controllers it waits for them, a minute and more.
        let quorum = describe_quorum(connection, versions, deadline).await.map_err(|error| {
            if error.is_timeout() { Unbelieved::Stale(in_words(None)) } else { error.into() }
        })?;
        match quorum.error_code {
            0 => tracker.quorum(&answer(sent, clock.boot(), &quorum), &limits),
            codes::CLUSTER_AUTHORIZATION_FAILED => return Err(Unbelieved::Denied),
            // An election, or a forwarded request that ran out of time: the next one may fare better.
            _ => tracker.unanswered(Doubt::Unanswered),
        }
        let sent = clock.boot();
        let applied = api_versions(connection, deadline).await?.applied;
        let sample = applied.map(|offset| Applied { sent, answered: clock.boot(), offset });
        let same = sample.is_none_or(|sample| tracker.sample(sample, &limits));
        if same && tracker.contact().is_some() {
            return Ok(());
        }
        if Instant::now() + PAUSE >= deadline {
            return Err(Unbelieved::Stale(in_words(tracker.doubt())));
        }
        sleep(PAUSE).await;
    }
}

/// The answer for the tracker. Whether the broker that was asked keeps its own session is of no matter here, only what
/// it has applied: its own lag, which would date the lease, counts as none.
fn answer(sent: BootTime, answered: BootTime, quorum: &Quorum) -> QuorumAnswer {
    let voter = |id, last_fetch_ms: Option<i64>| Voter { id, last_fetch_ms: last_fetch_ms.unwrap_or(-1) };
    let voters: Vec<Voter> = quorum.voters.iter().map(|v| voter(v.id, v.last_fetch_ms)).collect();
    QuorumAnswer {
        sent,
        answered,
        asked: Asked::Broker,
        leader: quorum.leader_id,
        epoch: quorum.leader_epoch,
        high_watermark: quorum.high_watermark,
        own_caught_up_ms: voters.iter().find(|v| v.id == quorum.leader_id).map(|v| v.last_fetch_ms),
        own_vote: None,
        voters,
    }
}

fn in_words(doubt: Option<Doubt>) -> String {
    match doubt {
        Some(Doubt::NoLeader) => "the quorum has no leader".to_owned(),
        Some(Doubt::LeaderUnheard { leader } | Doubt::Deposed { leader }) => {
            format!("no majority of the controllers is seen to follow {leader}")
        }
        Some(Doubt::Behind { records }) => format!("it lacks {records} records of the quorum's log"),
        _ => "the quorum does not answer through it".to_owned(),
    }
}

/// What the scan of a broker that is current comes to. No topic at all is an answer, too.
fn judge(id: i32, tally: &Tally) -> Result<ReplacementAnswer, Unbelieved> {
    if tally.only_copies > 0 {
        let mut partitions: Vec<String> = tally.only_copies_named.iter().map(ToString::to_string).collect();
        let unnamed = tally.only_copies - partitions.len() as u64;
        if unnamed > 0 {
            partitions.push(format!("{unnamed} more"));
        }
        return Ok(ReplacementAnswer::OnlyCopy { partitions });
    }
    let (denied, failed) = (tally.unauthorized_topics, tally.failed_topics);
    if denied + failed > 0 {
        let named = tally.unauthorized_named.clone();
        return Err(Unbelieved::Hidden { denied, failed, named });
    }
    // A broker is taken out of every ISR that has another member before it is fenced
    // (`ReplicationControlManager.handleBrokerFenced`): a member is not fenced, whatever the list said.
    if tally.assigned > tally.out_of_isr {
        return Ok(alive(id));
    }
    Ok(ReplacementAnswer::Safe)
}

fn alive(id: i32) -> ReplacementAnswer {
    ReplacementAnswer::Alive { why: format!("the cluster counts broker {id} among the living") }
}

#[cfg(test)]
#[path = "witness_tests.rs"]
mod tests;
