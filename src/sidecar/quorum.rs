//! Asks for the state of the quorum: through the broker, and straight from the controllers while that hangs.
//!
//! A broker forwards `DescribeQuorum` to the active controller. When that controller has just vanished, the broker
//! waits for it up to 30 s (`controller.socket.timeout.ms`) although a new leader may be there within 3 s. So while
//! an answer is overdue the controllers are asked directly, at the addresses that the broker itself uses.

use std::{
    cell::Cell,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use futures_util::future::join_all;
use pillion_probes::{
    contact::{Asked, Doubt, OwnVote, QuorumAnswer, Voter},
    stops::{Unseats, VoterSeen, unseats},
    time::BootTime,
};
use tokio::{
    task::spawn_blocking,
    time::{Instant, sleep, timeout},
};
use uuid::Uuid;

use super::{
    Target,
    desk::{Desk, Life},
    mark,
};
use crate::kafka::{
    Address, Connection, WireError, codes,
    requests::{
        ApiVersions, Quorum, ReplicaState, api_versions, describe_quorum, describe_quorum_request,
        describe_quorum_version, quorum_of,
    },
};

/// An answer that takes longer than this is overdue. Healthy ones take 2 to 50 ms.
pub(super) const OVERDUE: Duration = Duration::from_millis(500);
/// How long one attempt at a controller may take.
pub(super) const DIRECT: Duration = Duration::from_secs(1);
/// How long the node's directory id is waited for.
const READ: Duration = Duration::from_millis(500);
/// The request's name, for people.
pub(super) const NAME: &str = "DescribeQuorum";

/// Watches the quorum for one life of the broker, until the connection to the broker is lost.
pub async fn watch(desk: &Desk, target: &Target, life: &Life) {
    let overdue = Cell::new(None);
    let own = Own::of(desk, target).await;
    tokio::select! {
        Err(error) = forward(desk, target, life, &own, &overdue) => super::lost(desk, "the state of the quorum", &error),
        () = direct(desk, target, life, &own, &overdue) => {}
    }
}

/// Which entry is this node's.
pub(super) struct Own {
    id: i32,
    directory: Option<Uuid>,
    /// How far a voter may trail.
    patience: Duration,
}

/// How long to wait before the next question: soon while nothing is proven, else by the configured interval, widened
/// in a large cluster so that the one controller that answers everybody is asked 100 times a second at the most.
fn pause(desk: &Desk, target: &Target) -> Duration {
    let (proven, brokers) =
        desk.read(|seen| (seen.contact.is_some() && seen.doubt.is_none(), target.brokers()));
    if !proven {
        return target.timing.applied_interval;
    }
    let fair = Duration::from_millis(10).saturating_mul(brokers);
    target.timing.quorum_interval.max(fair).min((desk.limits.contact / 3).max(target.timing.quorum_interval))
}

async fn forward(
    desk: &Desk,
    target: &Target,
    life: &Life,
    own: &Own,
    overdue: &Cell<Option<BootTime>>,
) -> Result<std::convert::Infallible, WireError> {
    let version = describe_quorum_version(&life.versions)?;
    let opened = Instant::now() + target.timing.request_timeout;
    let mut connection = target.connect(opened).await?;
    loop {
        let sent = desk.now();
        // From the first question that brought nothing, for an error that comes at once is no answer either.
        overdue.set(overdue.get().or(Some(sent)));
        let request = describe_quorum_request();
        let mut pending = connection.start(version, &request, Instant::now() + DIRECT).await?;
        let answer = loop {
            match pending.wait(Instant::now() + OVERDUE).await {
                Err(error) if error.is_timeout() && desk.now().since(sent) < super::GIVE_UP => {
                    if desk.now().since(sent) > DIRECT + DIRECT {
                        desk.doubt(life.number, Doubt::Unanswered);
                    }
                }
                outcome => break outcome?,
            }
        };
        connection = pending.into_connection();
        let quorum = quorum_of(&answer.message)?;
        if take(desk, life, own, sent, &quorum) {
            overdue.set(None);
        }
        sleep(pause(desk, target)).await;
    }
}

/// Asks every controller, each on a connection of its own, while an answer through the broker is overdue. None waits for
/// another, which may hang.
async fn direct(desk: &Desk, target: &Target, life: &Life, own: &Own, overdue: &Cell<Option<BootTime>>) {
    let again = target.timing.applied_interval;
    let asks = target.controllers.iter().enumerate().map(async |(place, controller)| {
        let mut open = None;
        loop {
            let now = desk.now();
            if overdue.get().is_none_or(|sent| now.since(sent) <= OVERDUE) {
                open = None;
            } else if let Err(error) = ask(desk, target, life, own, place, controller, &mut open).await {
                tracing::trace!(%controller, %error, "a controller does not answer");
                open = None;
            }
            sleep(again).await;
        }
    });
    let never: Vec<()> = join_all(asks).await;
    drop(never);
}

/// Asks one controller. Only the leader's answer counts; of a deposed one the tracker thinks its own.
pub(super) async fn ask(
    desk: &Desk,
    target: &Target,
    life: &Life,
    own: &Own,
    place: usize,
    controller: &Address,
    open: &mut Option<(Connection, ApiVersions)>,
) -> Result<Quorum, WireError> {
    let deadline = Instant::now() + DIRECT;
    let (mut connection, versions) = if let Some(there) = open.take() {
        there
    } else {
        let mut connection =
            Connection::open(controller, target.security.of(target, controller), super::CLIENT_ID, deadline)
                .await?;
        let versions = api_versions(&mut connection, deadline).await?;
        (connection, versions)
    };
    let sent = desk.now();
    let quorum = describe_quorum(&mut connection, &versions, deadline).await?;
    *open = Some((connection, versions));
    match quorum.error_code {
        codes::NONE => {
            desk.quorum(life.number, &own.answer(sent, desk.now(), Asked::Controller(place), &quorum));
        }
        codes::NOT_LEADER_OR_FOLLOWER => desk.not_leader(life.number, place, sent),
        code => tracing::debug!(%controller, code, "a controller refuses to tell of the quorum"),
    }
    Ok(quorum)
}

/// Hands an answer that came through the broker to the tracker; `false` when it was an error.
fn take(desk: &Desk, life: &Life, own: &Own, sent: BootTime, quorum: &Quorum) -> bool {
    let denied = quorum.error_code == codes::CLUSTER_AUTHORIZATION_FAILED;
    desk.denied(life.number, NAME, denied);
    if quorum.error_code != codes::NONE {
        desk.doubt(life.number, if denied { Doubt::Denied } else { Doubt::Unanswered });
        return false;
    }
    desk.quorum(life.number, &own.answer(sent, desk.now(), Asked::Broker, quorum));
    true
}

impl Own {
    pub(super) async fn of(desk: &Desk, target: &Target) -> Self {
        let directory = target.directory.read(&target.metadata_dir).await;
        Self { id: target.id, directory, patience: desk.limits.fetch }
    }

    fn answer(&self, sent: BootTime, answered: BootTime, asked: Asked, quorum: &Quorum) -> QuorumAnswer {
        let entry = quorum.voters.iter().chain(&quorum.observers).find(|replica| self.is(replica));
        QuorumAnswer {
            sent,
            answered,
            asked,
            leader: quorum.leader_id,
            epoch: quorum.leader_epoch,
            high_watermark: quorum.high_watermark,
            voters: quorum
                .voters
                .iter()
                .map(|voter| Voter { id: voter.id, last_fetch_ms: voter.last_fetch_ms.unwrap_or(-1) })
                .collect(),
            own_caught_up_ms: entry.map(|entry| entry.last_caught_up_ms.unwrap_or(-1)),
            own_vote: quorum.voters.iter().find(|voter| self.is(voter)).map(|voter| OwnVote {
                leads: voter.id == quorum.leader_id,
                log_end: voter.log_end_offset,
                unseats: self.unseats(quorum),
            }),
        }
    }

    fn unseats(&self, quorum: &Quorum) -> Option<Unseats> {
        let seen = |voter: &ReplicaState| VoterSeen { id: voter.id, caught_up_ms: voter.last_caught_up_ms };
        let voters: Vec<_> = quorum.voters.iter().map(seen).collect();
        unseats(&voters, quorum.leader_id, &[self.id], self.patience)
    }

    /// The entry is this node's: by id, and by directory id where both are known (KIP-853).
    fn is(&self, replica: &ReplicaState) -> bool {
        replica.id == self.id && self.directory.zip(replica.directory_id).is_none_or(|(own, its)| own == its)
    }
}

/// The directory id of the node, read by one thread at a time: a disk may hang, and nobody waits for it.
#[derive(Debug, Default)]
pub(super) struct Directory {
    busy: Arc<AtomicBool>,
    known: Cell<Option<Uuid>>,
}

impl Directory {
    /// As it stands in the directory of the metadata log, or as it stood when it was last to be had.
    async fn read(&self, metadata_dir: &Path) -> Option<Uuid> {
        if !self.busy.swap(true, Ordering::AcqRel) {
            let (dir, busy) = (metadata_dir.to_owned(), Arc::clone(&self.busy));
            let reading = spawn_blocking(move || {
                let id = directory_id(&dir);
                busy.store(false, Ordering::Release);
                id
            });
            if let Ok(Ok(id)) = timeout(READ, reading).await {
                self.known.set(id);
            }
        }
        self.known.get()
    }
}

/// The directory id by which the quorum's leader knows this node, once it has one (Kafka 3.7). Kafka writes ids as
/// URL-safe base64 of the 16 bytes (`org.apache.kafka.common.Uuid`).
fn directory_id(metadata_dir: &Path) -> Option<Uuid> {
    let decoded = URL_SAFE_NO_PAD.decode(mark::owner(metadata_dir)?.directory_id?).ok()?;
    Uuid::from_slice(&decoded).ok()
}
