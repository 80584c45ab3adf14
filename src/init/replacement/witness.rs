//! One broker's testimony, and what makes it one.
//!
//! It has to show first that its image of the cluster is current: see [`crate::kafka::current`].

use pillion_probes::replicas::Tally;
use tokio::time::Instant;

use super::hidden::{self, Sight};
use crate::{
    clock::Clock,
    init::ReplacementAnswer,
    kafka::{
        Address, Connection, Security, WireError,
        current::{Unproven, prove},
        requests::{ApiVersions, api_versions, listed_brokers},
        scan::{Scan, ScanBuffer, scan_round},
    },
};

/// How init names itself to brokers.
const CLIENT_ID: &str = "pillion-init";

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
    /// Its image of the cluster may be old.
    #[error("{0}")]
    Unproven(Unproven),
    /// Another cluster.
    #[error("it belongs to the cluster {0}, which is not cluster.id")]
    Foreign(String),
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
        matches!(self, Self::Unproven(Unproven::Denied) | Self::Hidden { .. })
    }
}

impl From<WireError> for Unbelieved {
    fn from(error: WireError) -> Self {
        Self::Wire(error.into())
    }
}

impl From<Unproven> for Unbelieved {
    fn from(unproven: Unproven) -> Self {
        match unproven {
            Unproven::Wire(error) => error.into(),
            other => Self::Unproven(other),
        }
    }
}

/// Asks one broker. It has until `proof` to show that it is current, and until `end` to tell of all partitions.
pub(super) async fn ask(
    broker: &Address,
    security: &Security,
    whom: Whom<'_>,
    proof: Instant,
    end: Instant,
) -> Result<ReplacementAnswer, Unbelieved> {
    let clock = Clock::system();
    let mut connection = Connection::open(broker, security, CLIENT_ID, proof).await?.pinned();
    let versions = api_versions(&mut connection, proof).await?;
    listed(&mut connection, &versions, whom, proof).await?;
    prove(&mut connection, &versions, || clock.boot(), proof).await?;
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
