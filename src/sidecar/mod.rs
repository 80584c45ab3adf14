//! The sidecar: observers wired to the desk, the desk to the board, and a clean stop.
//!
//! Each observer has a connection of its own, for a broker serves one request a connection at a time and some of them
//! may hang. All of them end with the life of the broker they watch; only the one that samples the
//! applied offset decides when the next begins.

mod applied;
mod canary;
mod certificates;
mod desk;
mod hosting;
mod kubernetes;
mod lag;
mod latch;
mod ledger;
mod listing;
mod lives;
mod log_dirs;
mod mark;
mod minimums;
mod moves;
mod process;
mod quorum;
mod refill;
mod resources;
mod run;
mod scan;
pub mod server;
mod stepped;
mod together;
pub mod turn;
mod vote;
mod zookeeper;

use std::{cell::RefCell, path::PathBuf, sync::Arc, time::Duration};

pub use desk::Desk;
use pillion_probes::{moves::Moves, observe::Role, set::Key, stops::Minimums};
pub use run::{RunError, run};
use together::together;
use tokio::{
    sync::Notify,
    time::{Instant, sleep},
};

use crate::{
    config::Timing,
    kafka::{
        Address, Connection, Security, WireError,
        requests::{ApiVersions, ListedBrokers, api_versions},
    },
};

/// How the agent names itself to brokers; shows up in their request logs and quotas.
const CLIENT_ID: &str = "pillion";
/// Wait before an observer that lost its connection tries again.
const PAUSE: Duration = Duration::from_millis(250);
/// A connection that would rest for longer is closed, and another one made afterwards: brokers close idle ones
/// (`connections.max.idle.ms`, ten minutes as a rule), and that would look like the end of the broker.
const IDLE: Duration = Duration::from_secs(5);
/// Between two attempts to make it.
const AGAIN: Duration = Duration::from_secs(1);
/// A broker gives up forwarding a request to the controller after 60 s; longer than this the connection itself is lost.
const GIVE_UP: Duration = Duration::from_secs(75);

/// The node to watch: what it was prepared with, and what one observer of it tells the others.
#[derive(Debug)]
pub struct Target {
    /// What it is.
    pub role: Role,
    /// Node id.
    pub id: i32,
    /// Cluster id.
    pub cluster_id: String,
    /// The node's own listener: a controller's, where it is nothing else.
    pub broker: Address,
    /// How connections to it and to others are secured.
    pub security: Secured,
    /// The controllers' listeners, as the node itself knows them.
    pub controllers: Vec<Address>,
    /// The servers of `ZooKeeper`, as the broker itself knows them; none elsewhere, or where they speak only TLS.
    pub zookeeper: Vec<Address>,
    /// The log dirs of the broker, as rendered; a node that is only a controller has none.
    pub log_dirs: Vec<String>,
    /// The dir of the metadata log, whose `meta.properties` holds the directory id of the broker in the quorum.
    pub metadata_dir: PathBuf,
    /// The directory id that stands there.
    directory: quorum::Directory,
    /// The rendered server.properties, by which the broker's process is told from others.
    pub properties: PathBuf,
    /// Whether all logs had been closed in order when the broker was prepared; `None` when that is not known.
    pub clean_shutdown: Option<bool>,
    /// Deadlines and intervals.
    pub timing: Timing,
    /// What the broker last said of who is alive.
    pub roster: RefCell<Option<ListedBrokers>>,
    /// Keys the digests of sets of partitions.
    pub key: Key,
    /// The last list of the reassignments that concern this broker.
    pub moves: RefCell<Option<Arc<Moves>>>,
    /// That list is needed now.
    pub doubted: Notify,
    /// The metadata log on the broker's own volume.
    pub ledger: ledger::Source,
    /// What topics need, as it was told last.
    pub minimums: RefCell<Option<Arc<Minimums>>>,
}

/// How connections are secured.
#[derive(Debug)]
pub struct Secured {
    /// To the node's own listener.
    pub own: Security,
    /// To the same listener of other brokers.
    pub peers: Security,
    /// To the controllers.
    pub controllers: Security,
}

impl Secured {
    /// To this controller, which may be the node itself.
    fn of(&self, target: &Target, controller: &Address) -> &Security {
        if *controller == target.broker { &self.own } else { &self.controllers }
    }
}

impl Target {
    /// A connection to the node's own listener, secured as that wants it.
    async fn connect(&self, deadline: Instant) -> Result<Connection, WireError> {
        Connection::open(&self.broker, &self.security.own, CLIENT_ID, deadline).await
    }

    /// A connection after a rest. What fails is no news of the node: whoever holds a connection to it hears of its end, and
    /// what was found out before grows old.
    async fn connect_again(&self) -> Connection {
        loop {
            match self.connect(Instant::now() + self.timing.request_timeout).await {
                Ok(connection) => return connection,
                Err(error) => tracing::debug!(%error, "no connection after a rest"),
            }
            sleep(AGAIN).await;
        }
    }

    /// A connection to another broker, secured as the same listener there wants it, and what that broker speaks.
    async fn connect_to(
        &self,
        address: &Address,
        deadline: Instant,
    ) -> Result<(Connection, ApiVersions), WireError> {
        let mut connection = Connection::open(address, &self.security.peers, CLIENT_ID, deadline).await?;
        let versions = api_versions(&mut connection, deadline).await?;
        Ok((connection, versions))
    }

    /// Where a broker is; `None` for one that is not listed, and where what it advertises leads back here.
    fn address_of(&self, id: i32) -> Option<Address> {
        let roster = self.roster.borrow();
        let brokers = &roster.as_ref()?.brokers;
        let of = |id| brokers.iter().find(|broker| broker.id == id).map(|broker| &broker.address);
        of(id).filter(|address| Some(*address) != of(self.id)).cloned()
    }

    /// Live brokers that the last listing named.
    fn brokers(&self) -> u32 {
        let count = self.roster.borrow().as_ref().map_or(0, |roster| roster.brokers.len());
        u32::try_from(count).unwrap_or(u32::MAX)
    }
}

/// Watches the node for ever; ends only by being dropped.
pub async fn observe(desk: &Desk, target: &Target) {
    together([
        Box::pin(applied::watch(desk, target)),
        Box::pin(process::watch(desk, target)),
        Box::pin(stepped::watch(desk)),
        Box::pin(if_broker(desk, target)),
        Box::pin(if_controller(desk, target)),
    ])
    .await;
}

/// What is asked of a broker, and of a broker that is a controller too: it tells of the quorum.
async fn if_broker(desk: &Desk, target: &Target) {
    if !target.role.has_broker() {
        return;
    }
    together([
        Box::pin(who_can_tell(desk, target)),
        Box::pin(lives::each(desk, async |life| listing::watch(desk, target, &life).await)),
        Box::pin(lives::each(desk, async |life| scan::watch(desk, target, &life).await)),
        Box::pin(lives::each(desk, async |life| log_dirs::watch(desk, target, &life).await)),
        Box::pin(lives::each(desk, async |life| minimums::watch(desk, target, &life).await)),
        Box::pin(lives::each(desk, async |life| refill::watch(desk, target, &life).await)),
    ])
    .await;
}

/// What is asked of others than the broker: of its quorum, or of the brokers beside it. With `ZooKeeper` only the
/// controller has the list of reassignments, and it tells of it behind what it asks `ZooKeeper`: all replicas count.
async fn who_can_tell(desk: &Desk, target: &Target) {
    if target.role == Role::ZooKeeper {
        let peers = lives::each(desk, async |life| zookeeper::watch(desk, target, &life).await);
        return together([Box::pin(peers), Box::pin(zookeeper::ensemble(desk, target))]).await;
    }
    together([
        Box::pin(lives::each(desk, async |life| quorum::watch(desk, target, &life).await)),
        Box::pin(lives::each(desk, async |life| moves::watch(desk, target, &life).await)),
        Box::pin(lives::each(desk, async |life| ledger::watch(desk, target, &life).await)),
        Box::pin(latch::watch(desk, target)),
    ])
    .await;
}

/// What is asked for a node that is nothing but a controller.
async fn if_controller(desk: &Desk, target: &Target) {
    if !target.role.has_broker() {
        lives::each(desk, async |life| vote::watch(desk, target, &life).await).await;
    }
}

/// An observer lost its connection: a closed or refused one ends the life of the broker.
fn lost(desk: &Desk, what: &str, error: &WireError) {
    tracing::debug!(%error, "{what}: lost");
    if error.voids_incarnation() {
        desk.unreached(applied::reach(error));
    }
}
