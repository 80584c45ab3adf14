//! What others take for readiness, polled beside pillion: every 250 ms, with a patience of a second.

mod asked;
mod gauges;
mod rules;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::Result;

use asked::{Asked, Question};
use gauges::{Gauge, Gauges};
pub use rules::{
    ALL, API_VERSIONS, BROKER_STATE, BY_ANSWERS, Contender, OTHERS, OWN_METADATA, PILLION, TCP,
    UNDER_REPLICATED,
};

use crate::cluster::Cluster;
use crate::pace::Pace;

/// Every answer with the instant from which a prober believes it, oldest first. No answer is a no.
pub type Timeline = Vec<(Instant, bool)>;

/// How often each broker is asked, unless told.
pub const EVERY: Duration = Duration::from_millis(250);

/// All contenders but pillion, at work on every broker of a cluster. They stop when dropped.
#[derive(Debug)]
pub struct Contenders {
    brokers: BTreeMap<i32, Clients>,
    gauges: Gauges,
}

/// The contenders that ask a broker's client listener. They stop when dropped.
#[derive(Debug)]
pub struct Clients {
    pace: Pace,
    tcp: Asked,
    api_versions: Asked,
    own_metadata: Asked,
}

impl Clients {
    /// Asks broker `id` at an address, which may be that of something in between.
    pub fn start(id: i32, addr: SocketAddr) -> Self {
        let pace = Pace::new(EVERY);
        let ask = |question| Asked::start(question, id, addr, pace.clone());
        Self {
            tcp: ask(Question::Tcp),
            api_versions: ask(Question::ApiVersions),
            own_metadata: ask(Question::OwnMetadata(None)),
            pace,
        }
    }

    /// All that a contender said; none for one that does not ask the listener.
    pub fn timeline(&self, contender: Contender) -> Option<Timeline> {
        match contender {
            TCP => Some(self.tcp.timeline()),
            API_VERSIONS => Some(self.api_versions.timeline()),
            OWN_METADATA => Some(self.own_metadata.timeline()),
            _ => None,
        }
    }
}

impl Contenders {
    /// Begins. The cluster must have been built with [`jmx`](crate::Builder::jmx).
    pub fn start(cluster: &Cluster) -> Result<Self> {
        let brokers = cluster.brokers().map(|node| (node.id(), Clients::start(node.id(), node.bootstrap())));
        Ok(Self { brokers: brokers.collect(), gauges: Gauges::start(cluster)? })
    }

    /// From now on asks this broker's listener each `every`. A paused broker accepts as many connects as its
    /// backlog holds (50): quick pollers use that up within seconds and so flatter each other, a kubelet's
    /// pace of 10 s does not. The gauges have a listener of their own and keep their pace.
    pub fn pace(&self, id: i32, every: Duration) {
        self.broker(id).pace.set(every);
    }

    /// All that a contender said of a broker. Panics on pillion, which the fleet watches, and on a broker that
    /// the cluster does not have: mistakes of the test.
    pub fn timeline(&self, contender: Contender, id: i32) -> Timeline {
        if let Some(timeline) = self.broker(id).timeline(contender) {
            return timeline;
        }
        match contender {
            UNDER_REPLICATED => self.gauges.timeline(id, Gauge::UnderReplicatedPartitions),
            BROKER_STATE => self.gauges.timeline(id, Gauge::BrokerState),
            other => panic!("{} is not polled here", other.name),
        }
    }

    /// The last answer of a contender; none before its first.
    pub fn now(&self, contender: Contender, id: i32) -> Option<bool> {
        self.timeline(contender, id).last().map(|(_, ready)| *ready)
    }

    /// An error when a poller is ill: what it no longer says must not count as its verdict.
    pub fn check(&self) -> Result<()> {
        self.gauges.check()
    }

    fn broker(&self, id: i32) -> &Clients {
        self.brokers.get(&id).unwrap_or_else(|| panic!("no broker {id}"))
    }
}
