//! Questions to the cluster that need no sidecar: what would a stop of these brokers hurt, may this one be removed?
//!
//! A broker is believed only when it has proven that its image of the cluster is current; in `ZooKeeper` mode, where it
//! cannot, when all others say the same.

pub mod remove;
pub mod stop;
mod zookeeper;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use pillion_probes::{reason::Reason, replicas::Tally, time::BootTime};
use tokio::time::{Instant, timeout_at};

use crate::{
    clock::Clock,
    kafka::{
        Address, Connection, Security, WireError,
        current::{Unproven, prove},
        requests::{
            ApiVersions, ListedBrokers, Quorum, Registered, api_versions, describe_quorum, listed_brokers,
            registered_brokers,
        },
        scan::MinimumsError,
    },
};

/// How long all brokers together may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long one may take to prove that it is current.
const PROOF: Duration = Duration::from_secs(8);
const CLIENT_ID: &str = "pillion-check";

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// Whom it is about is not there.
    #[error("{what}: the brokers are {known}")]
    Unknown {
        /// Whom it is about.
        what: String,
        /// Who is there.
        known: String,
    },
    /// Each broker that was asked, and why its word is not taken.
    #[error("{}", .0.join("; "))]
    Unasked(Vec<String>),
}

/// Why a broker's word is not taken.
#[derive(Debug, thiserror::Error)]
pub(super) enum Doubt {
    #[error(transparent)]
    Unproven(#[from] Unproven),
    #[error(transparent)]
    Minimums(#[from] MinimumsError),
    #[error(transparent)]
    Unknown(ClusterError),
    #[error("{0}")]
    Unsure(String),
}

impl From<WireError> for Doubt {
    fn from(error: WireError) -> Self {
        Self::Unproven(error.into())
    }
}

/// A broker that answers.
pub(super) struct Opened {
    pub address: Address,
    pub security: Security,
    pub connection: Connection,
    pub versions: ApiVersions,
    pub end: Instant,
    clock: Clock,
    proof: Instant,
}

impl Opened {
    async fn open(broker: &Address, security: &Security, end: Instant) -> Result<Self, Doubt> {
        let proof = end.min(Instant::now() + PROOF);
        // Behind one name there may be several brokers, and what one has proven says nothing of another.
        let mut connection = Connection::open(broker, security, CLIENT_ID, proof).await?.pinned();
        let versions = api_versions(&mut connection, proof).await?;
        let (address, security, clock) = (broker.clone(), security.clone(), Clock::system());
        Ok(Self { address, security, connection, versions, end, clock, proof })
    }

    /// Waits for the proof that its image is current.
    async fn prove(mut self) -> Result<Proven, Doubt> {
        let (versions, proof) = (&self.versions, self.proof);
        prove(&mut self.connection, versions, || self.clock.boot(), proof).await?;
        let listed = listed_brokers(&mut self.connection, versions, proof).await?;
        let quorum = describe_quorum(&mut self.connection, versions, proof).await?;
        let registered = registered_brokers(&mut self.connection, versions, proof).await?;
        Ok(Proven { at: self, listed, registered, quorum })
    }

    /// What is left of the time for all.
    fn left(&self) -> Duration {
        self.end.saturating_duration_since(Instant::now())
    }

    fn now(&self) -> impl Fn() -> BootTime + use<> {
        let clock = self.clock.clone();
        move || clock.boot()
    }
}

/// A broker whose image of the cluster is current, and what it said of the cluster.
pub(super) struct Proven {
    pub at: Opened,
    pub listed: ListedBrokers,
    /// Those that are away too; `None` where it cannot tell of them.
    pub registered: Option<BTreeMap<i32, Registered>>,
    pub quorum: Quorum,
}

impl Proven {
    /// Whether this id is a voter of the quorum.
    fn is_voter(&self, id: i32) -> bool {
        self.quorum.voters.iter().any(|voter| voter.id == id)
    }

    /// The brokers that are alive.
    fn alive(&self) -> BTreeSet<i32> {
        self.listed.brokers.iter().map(|broker| broker.id).collect()
    }
}

/// Asks these brokers in turn, until one gives an answer that can be believed.
async fn first<T>(
    brokers: &[(Address, Security)],
    question: impl AsyncFn(Opened) -> Result<T, Doubt>,
) -> Result<T, ClusterError> {
    let end = Instant::now() + PATIENCE;
    let mut doubts = Vec::new();
    for (broker, security) in brokers {
        let asked = async { question(Opened::open(broker, security, end).await?).await };
        let why = match timeout_at(end, asked).await {
            Ok(Ok(found)) => return Ok(found),
            Ok(Err(Doubt::Unknown(unknown))) => return Err(unknown),
            Ok(Err(doubt)) => doubt.to_string(),
            Err(_) => format!("the time for asking, {} s, ran out", PATIENCE.as_secs()),
        };
        doubts.push(format!("{broker}: {why}"));
    }
    Err(ClusterError::Unasked(doubts))
}

/// Topics of which nothing is known.
fn unseen(tally: &Tally) -> Vec<Reason> {
    let mut reasons = Vec::new();
    if tally.unauthorized_topics > 0 {
        let (count, named) = (tally.unauthorized_topics, tally.unauthorized_named.clone());
        reasons.push(Reason::TopicsHidden { count, named });
    }
    if tally.failed_topics > 0 {
        reasons.push(Reason::TopicsFailed { count: tally.failed_topics });
    }
    reasons
}
