//! A configuration that has been checked: what the rest of pillion is given.

use std::{
    collections::BTreeMap,
    fmt,
    net::SocketAddr,
    ops::RangeInclusive,
    path::{Path, PathBuf},
    time::Duration,
};

use pillion_probes::moves::AddingReplicas;

pub mod canary;
pub mod certificates;
pub mod client;
pub mod lag;

pub use self::{canary::Canary, certificates::Certificates, client::Client, lag::Lag};
use super::{file::Mode, pattern::Pattern, place::Places, timing::Timing};

/// A checked configuration.
#[derive(Debug, Clone)]
pub struct Config {
    /// The cluster.
    pub cluster: Cluster,
    /// This broker.
    pub broker: Broker,
    /// Kafka and its settings.
    pub kafka: Kafka,
    /// The volumes.
    pub storage: Storage,
    /// Where init leaves what the sidecar and Kafka read.
    pub run_dir: PathBuf,
    /// How the sidecar watches.
    pub sidecar: Sidecar,
    /// This pod.
    pub kubernetes: Kubernetes,
    /// Where the certificates of TLS listeners come from.
    pub certificates: Certificates,
    /// The turn, where turns are taken.
    pub turn: Option<Turn>,
    /// Where each setting was written, for messages.
    pub places: Places,
}

/// The cluster this broker belongs to.
#[derive(Debug, Clone)]
pub struct Cluster {
    /// A name for people.
    pub name: String,
    /// Kafka's cluster id.
    pub id: String,
    /// Brokers that can be asked about the cluster while this one is down.
    pub bootstrap: Vec<Endpoint>,
}

/// A broker's address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Host name or address, without brackets.
    pub host: String,
    /// Port.
    pub port: u16,
}

/// Who this broker is.
#[derive(Debug, Clone)]
pub struct Broker {
    /// The roles of this node.
    pub mode: Mode,
    /// id = this + ordinal.
    pub id_base: i32,
    /// The ids this map may use.
    pub id_range: Option<RangeInclusive<i32>>,
    /// Which one of its map this is; `None` means by the name of the pod or the host.
    pub ordinal: Option<i32>,
    /// The failure domain.
    pub zone: Zone,
    /// The address the agent asks.
    pub listener: Listener,
    /// Who the agent is to that listener, and to the controllers'.
    pub client: Client,
    /// What is advertised, by the name of the listener.
    pub advertised: BTreeMap<String, Pattern>,
}

/// The failure domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Zone {
    /// Settled, the policy for a missing one applied: `None` is no rack.
    Known(Option<String>),
    /// The node's label tells it.
    OfNode {
        /// What a node without that label comes to; `None`: init stops.
        missing: Option<Option<String>>,
    },
}

impl Zone {
    /// The zone, as far as it is settled.
    pub fn known(&self) -> Option<&str> {
        match self {
            Self::Known(zone) => zone.as_deref(),
            Self::OfNode { .. } => None,
        }
    }

    /// The node has yet to be asked for.
    pub fn is_open(&self) -> bool {
        matches!(self, Self::OfNode { .. })
    }
}

/// The address the agent asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listener {
    /// Found in `listeners`.
    Auto,
    /// Given.
    At {
        /// Host name or address, without brackets.
        host: String,
        /// Port.
        port: u16,
    },
}

impl Mode {
    /// Whether a broker runs in this process.
    pub fn has_broker(self) -> bool {
        self != Self::KraftController
    }

    /// Whether a controller runs in this process.
    pub fn has_controller(self) -> bool {
        matches!(self, Self::KraftController | Self::KraftCombined)
    }

    /// Whether it belongs to a metadata quorum.
    pub fn is_kraft(self) -> bool {
        self != Self::ZooKeeper
    }

    /// As it is written in the file.
    pub fn name(self) -> &'static str {
        match self {
            Self::KraftBroker => "kraft-broker",
            Self::KraftController => "kraft-controller",
            Self::KraftCombined => "kraft-combined",
            Self::ZooKeeper => "zookeeper",
        }
    }
}

/// Kafka and its settings.
#[derive(Debug, Clone)]
pub struct Kafka {
    /// Its version.
    pub version: KafkaVersion,
    /// Where it is installed.
    pub home: PathBuf,
    /// Shared settings, the lowest first.
    pub layers: Vec<Layer>,
    /// The user's settings.
    pub properties: BTreeMap<String, String>,
    /// Settings of single brokers, by their ordinal.
    pub overrides: BTreeMap<i32, BTreeMap<String, String>>,
    /// The environment variables that templates may read.
    pub env: Vec<String>,
    /// What the broker's container has, as far as it is told.
    pub resources: Resources,
}

/// Shared settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// What people call it.
    pub name: String,
    /// Where they are.
    pub source: LayerSource,
}

/// Where shared settings are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LayerSource {
    /// In a `.properties` file.
    File(PathBuf),
    /// In all `*.properties` of a directory.
    Directory(PathBuf),
    /// In the config file.
    Inline(BTreeMap<String, String>),
}

/// What the broker's container has, as far as it is told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Resources {
    /// Its memory limit, in bytes.
    pub memory: Option<u64>,
    /// Its CPU limit in whole cores, rounded up.
    pub cpu: Option<u64>,
    /// The size of all log directories together, in bytes.
    pub disk: Option<u64>,
}

/// A version of Kafka.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct KafkaVersion {
    /// 4 of 4.3.1.
    pub major: u16,
    /// 3 of 4.3.1.
    pub minor: u16,
    /// 1 of 4.3.1.
    pub patch: u16,
}

impl KafkaVersion {
    /// Whether this is at least `major.minor`.
    pub fn at_least(self, major: u16, minor: u16) -> bool {
        (self.major, self.minor) >= (major, minor)
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('.').map(|part| {
            let digits = !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
            digits.then(|| part.parse().ok()).flatten()
        });
        let version =
            Self { major: parts.next()??, minor: parts.next()??, patch: parts.next().unwrap_or(Some(0))? };
        parts.next().is_none().then_some(version)
    }
}

impl fmt::Display for KafkaVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// The volumes of this node.
#[derive(Debug, Clone)]
pub struct Storage {
    /// Kafka's log directories, at least one.
    pub log_dirs: Vec<PathBuf>,
    /// Where the metadata log lies, when it is not the first log directory.
    pub metadata_log_dir: Option<PathBuf>,
    /// Refuse a log directory that is no mount.
    pub must_be_mount: bool,
    /// Empty volumes are formatted: the first start of this node.
    pub bootstrap: bool,
    /// How a controller of a dynamic quorum joins at bootstrap.
    pub initial_controllers: Option<InitialControllers>,
}

impl Storage {
    /// Where the metadata log lies.
    pub fn metadata_dir(&self) -> &Path {
        let first = || self.log_dirs.first().map_or(Path::new(""), PathBuf::as_path);
        self.metadata_log_dir.as_deref().unwrap_or_else(first)
    }

    /// Every directory that has a `meta.properties`, the metadata directory last when it stands alone.
    pub fn all_dirs(&self) -> Vec<PathBuf> {
        let extra = self.metadata_log_dir.iter().filter(|dir| !self.log_dirs.contains(dir));
        self.log_dirs.iter().chain(extra).cloned().collect()
    }
}

/// How a controller of a dynamic quorum (KIP-853) joins at bootstrap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InitialControllers {
    /// The only voter of a new quorum.
    Standalone,
    /// A joiner, which becomes a voter later.
    None,
    /// One of these: the value of `--initial-controllers`.
    Voters(String),
}

/// How the sidecar watches.
#[derive(Debug, Clone)]
pub struct Sidecar {
    /// Address and port of the probes and metrics.
    pub listen: SocketAddr,
    /// Deadlines, ages and intervals that fit each other.
    pub timing: Timing,
    /// Whether replicas that a reassignment is adding count against readiness.
    pub adding_replicas: AddingReplicas,
    /// The break-glass.
    pub override_: Override,
    /// Read the metadata log on the broker's own volume.
    pub ledger: bool,
    /// Between two probes of how fast the log directories take a write; `None`: they are not written to.
    pub write_probe: Option<Duration>,
    /// How far consumer groups lag, where that is asked for.
    pub lag: Option<Lag>,
    /// The canary, where there is one.
    pub canary: Option<Canary>,
}

/// This pod, as far as it is told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Kubernetes {
    /// Its name.
    pub pod: Option<String>,
    /// Its namespace.
    pub namespace: Option<String>,
    /// Its UID; told where `events` is on.
    pub pod_uid: Option<String>,
    /// Its node; told where the zone comes from it.
    pub node: Option<String>,
    /// Where the downward API volume with the annotation is mounted.
    pub pod_info: Option<PathBuf>,
    /// Write on the pod who the broker is; `pod` and `namespace` are told then.
    pub publish_identity: bool,
    /// Tell what changes as Events; `pod`, `namespace` and `pod_uid` are told then.
    pub events: bool,
}

/// The turn, by which the nodes of a cluster stop one at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    /// Where it is kept.
    pub keeper: TurnKeeper,
    /// How long a node keeps it that is not heard of.
    pub expires: Duration,
}

/// Where the turn is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TurnKeeper {
    /// In a Lease.
    Lease {
        /// Its namespace, the pod's.
        namespace: String,
        /// Its name.
        name: String,
    },
    /// In a file, for the nodes of this machine.
    File(PathBuf),
}

/// The break-glass.
#[derive(Debug, Clone)]
pub struct Override {
    /// The longest a forced verdict may last.
    pub max_duration: Duration,
}
