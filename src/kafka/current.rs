//! The proof that a broker's image of the cluster is current.
//!
//! A broker that is cut off from the controllers serves its last image of the cluster for ever. So it has to show that
//! its image is current first: the quorum leader names its high watermark through it, a majority of voters is seen to
//! fetch from that leader afterwards, and the broker has applied everything below (see [`pillion_probes::contact`]).
//! What it answers then is as of the first of those questions or later.
//!
//! Everything goes over one connection: behind an address that stands for several brokers another connection may lead
//! to another broker, whose image has proven nothing.

use std::time::Duration;

use pillion_probes::contact::{Applied, Asked, Doubt, QuorumAnswer, Tracker, Voter};
use pillion_probes::limits::Limits;
use pillion_probes::time::BootTime;
use tokio::time::{Instant, sleep};

use crate::kafka::requests::{ApiVersions, Kind, Quorum, api_versions, describe_quorum};
use crate::kafka::{Connection, WireError, codes};

/// Between two questions to the quorum.
const PAUSE: Duration = Duration::from_millis(200);

/// Why a broker's image of the cluster cannot be believed.
#[derive(Debug, thiserror::Error)]
pub enum Unproven {
    /// It did not answer, or not as it should.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// Not `KRaft`: there is no quorum to prove anything by.
    #[error("it does not run in KRaft mode")]
    NotKraft,
    /// What listens there serves controllers, and no broker.
    #[error("it is a controller: ask a broker")]
    Controller,
    /// It tells nothing of the quorum.
    #[error("it may not tell of the quorum: grant DESCRIBE on the cluster to who asks")]
    Denied,
    /// Its image of the cluster may be old.
    #[error("nothing shows that its metadata is current: {0}")]
    Stale(String),
}

/// Waits until the broker's image of the cluster is proven to be current.
pub async fn prove(
    connection: &mut Connection,
    versions: &ApiVersions,
    now: impl Fn() -> BootTime,
    deadline: Instant,
) -> Result<(), Unproven> {
    match versions.kind {
        Kind::KraftBroker => {}
        Kind::KraftController => return Err(Unproven::Controller),
        Kind::ZooKeeper | Kind::Unknown => return Err(Unproven::NotKraft),
    }
    let (mut tracker, limits) = (Tracker::new(), Limits::default());
    loop {
        let sent = now();
        // Cut off from the controllers it waits for them, a minute and more.
        let quorum = describe_quorum(connection, versions, deadline).await.map_err(|error| {
            if error.is_timeout() { Unproven::Stale(in_words(None)) } else { error.into() }
        })?;
        match quorum.error_code {
            0 => tracker.quorum(&answer(sent, now(), &quorum), &limits),
            codes::CLUSTER_AUTHORIZATION_FAILED => return Err(Unproven::Denied),
            // An election, or a forwarded request that ran out of time: the next one may fare better.
            _ => tracker.unanswered(Doubt::Unanswered),
        }
        let sent = now();
        let applied = api_versions(connection, deadline).await?.applied;
        let sample = applied.map(|offset| Applied { sent, answered: now(), offset });
        let same = sample.is_none_or(|sample| tracker.sample(sample, &limits));
        if same && tracker.contact().is_some() {
            return Ok(());
        }
        if Instant::now() + PAUSE >= deadline {
            return Err(Unproven::Stale(in_words(tracker.doubt())));
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
