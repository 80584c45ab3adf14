//! One of the other brokers, and the connection to it.

use std::time::Duration;

use pillion_probes::zookeeper::View;
use tokio::time::Instant;

use super::super::{Target, desk::Desk};
use crate::kafka::{
    Address, Connection, WireError,
    requests::{ApiVersions, Kind, listed_brokers},
    scan::{Scan, ScanBuffer, scan_page},
};

/// How long one that was silent in the last round is waited for in the next: it must not slow down all of them.
const BRIEF: Duration = Duration::from_secs(1);

/// Why a broker's answer is none.
#[derive(Debug, thiserror::Error)]
pub enum Useless {
    /// It did not answer, or not as it should.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// Another cluster, or another mode.
    #[error("it is not one of this cluster in ZooKeeper mode")]
    Foreign,
}

/// Another broker.
pub struct Peer {
    id: i32,
    address: Address,
    open: Option<(Connection, ApiVersions)>,
    buffer: ScanBuffer,
    silent: bool,
}

impl Peer {
    /// One that was not asked yet.
    pub fn new(id: i32, address: Address) -> Self {
        Self { id, address, open: None, buffer: ScanBuffer::default(), silent: false }
    }

    /// Its id.
    pub fn id(&self) -> i32 {
        self.id
    }

    /// Where it is.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// It did not answer when it was last asked.
    pub fn is_silent(&self) -> bool {
        self.silent
    }

    /// It is listed at this address now.
    pub fn moved_to(&mut self, address: &Address) {
        if self.address != *address {
            *self = Self::new(self.id, address.clone());
        }
    }

    /// Asks who is in the cluster, and how the replicas of the broker that is watched stand.
    pub async fn ask(&mut self, desk: &Desk, target: &Target) -> Result<View, Useless> {
        let outcome = self.tell(desk, target).await;
        self.silent = outcome.is_err();
        outcome
    }

    async fn tell(&mut self, desk: &Desk, target: &Target) -> Result<View, Useless> {
        let sent = desk.now();
        let patience = if self.silent {
            BRIEF.min(target.timing.request_timeout)
        } else {
            target.timing.request_timeout
        };
        let deadline = Instant::now() + patience;
        // Taken out: what fails or is dropped half-way is not used again.
        let (mut connection, versions) = match self.open.take() {
            Some(there) => there,
            None => self.connect(target, deadline).await?,
        };
        let list = listed_brokers(&mut connection, &versions, deadline).await?;
        if list.cluster_id.as_ref().is_some_and(|id| *id != target.cluster_id) {
            return Err(Useless::Foreign);
        }
        let minimums = target.minimums.borrow().clone();
        let scan = Scan { key: target.key, minimums, ..Scan::pick(&versions, target.id)? };
        // The one huge answer of a large cluster takes longer than a small one may.
        let deadline = Instant::now() + target.timing.request_timeout.max(desk.limits.peers / 2);
        let page = scan_page(&mut connection, &scan, None, &mut self.buffer, deadline).await?;
        self.open = Some((connection, versions));
        let also_here = page.brokers.is_some_and(|brokers| brokers.own);
        let controller = page.brokers.map_or(-1, |brokers| brokers.controller_id);
        Ok(View {
            broker: self.id,
            sent,
            answered: desk.now(),
            lists_us: list.lists(target.id) && also_here,
            brokers: list.brokers.iter().map(|broker| broker.id).collect(),
            controller,
            tally: page.tally,
        })
    }

    async fn connect(
        &self,
        target: &Target,
        deadline: Instant,
    ) -> Result<(Connection, ApiVersions), Useless> {
        let (connection, versions) = target.connect_to(&self.address, deadline).await?;
        if versions.kind != Kind::ZooKeeper || versions.zk_migration_ready {
            return Err(Useless::Foreign);
        }
        Ok((connection, versions))
    }
}
