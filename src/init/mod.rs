//! The init phase: who am I, where am I, my `server.properties`, my volumes are mine.
//!
//! Everything is looked at and decided first; nothing is written while there is a mistake left to tell. All
//! changes go through [`Disk`], in an order in which a kill leaves a state that the next run completes:
//! certificates, settings, volumes, the binary, and `identity.json` last.

mod advertised;
mod apply;
pub mod certificates;
pub mod cluster;
mod consent;
pub mod controllers;
mod error;
mod format_tool;
mod given;
mod identity;
pub mod lint;
mod listeners;
pub mod live;
mod prepare;
pub mod render;
pub mod replacement;
pub mod security;
mod server;
mod settings;
pub mod source;
mod volumes;
mod who;
pub mod zone;

use std::path::PathBuf;

pub use apply::{BINARY, BINARY_MODE, STOP_MARK};
use certificates::Certificates;
pub use error::{Exit, InitError};
pub use given::given;
pub use identity::{
    Controller, FILE_NAME as IDENTITY_FILE, Identity, ListenerAddress, ListenerName, LogDirFacts, PodFacts,
};
pub use prepare::Prepared;
pub use volumes::parse_meta;

use crate::{
    clock::Clock,
    config::{self, Config, Sources, Zone},
    files::{Disk, Outcome},
    problem::Problem,
};

/// The name of the rendered settings in the run directory.
pub const SERVER_PROPERTIES: &str = "server.properties";

/// What the cluster says about a node whose volumes were lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReplacementAnswer {
    /// Every partition has another replica in its ISR or ELR.
    Safe,
    /// The same of all partitions that this node was told of. An authorizer is set up, and a topic that this node may
    /// not describe and of which the broker that was asked has no replica would not show.
    SafeAsSeen,
    /// This id is the only member of the ISR or ELR of these: an empty volume would lose them.
    OnlyCopy {
        /// The first few, as `topic-partition`.
        partitions: Vec<String>,
    },
    /// A broker with this id is not fenced: it runs elsewhere, or has died less than a session timeout ago.
    Alive {
        /// What shows it, in one sentence.
        why: String,
    },
    /// Nobody gave an answer that can be believed.
    CannotAsk {
        /// Why, in one sentence.
        why: String,
        /// What to do about it.
        remedy: String,
    },
}

/// Asks the cluster whether an empty volume may take the place of this node's.
pub type AskCluster = Box<dyn Fn(&Config, &Identity) -> ReplacementAnswer>;

/// Asks Kubernetes for the zone of the node that this pod runs on; `None`: the node is there and has none.
pub type AskZone = Box<dyn Fn(&Config) -> Result<Option<String>, InitError>>;

/// What an init run is given.
pub struct Options {
    /// File, environment, flags.
    pub sources: Sources,
    /// The volumes were lost, and empty ones take their place.
    pub replace: bool,
    /// The name of this host, whose number is the ordinal unless one is given.
    pub host_name: Option<String>,
    /// The binary to leave in the run directory.
    pub binary: Option<PathBuf>,
    /// Asks the cluster about a replacement.
    pub ask: AskCluster,
    /// Asks Kubernetes for the zone of the node.
    pub zone_of_node: AskZone,
    /// Hears what is waited for.
    pub tell: Box<dyn Fn(&str)>,
    /// The time, by which certificates are judged.
    pub clock: Clock,
    /// Makes the changes.
    pub disk: Disk,
}

impl Options {
    /// For this process: its host name and its own binary; neither the cluster nor Kubernetes can be asked.
    pub fn of_process(sources: Sources) -> Self {
        Self {
            sources,
            replace: false,
            host_name: host_name(),
            binary: std::env::current_exe().ok(),
            ask: Box::new(|_, _| ReplacementAnswer::CannotAsk {
                why: "this run has no way to do so".to_owned(),
                remedy: "use the command `pillion init`; nothing was written".to_owned(),
            }),
            zone_of_node: Box::new(|_| {
                let what = "this run has no way to ask for the zone of the node";
                let problem = Problem::new("kubernetes.zoneFromNode", what, "use the command `pillion init`");
                Err(InitError::one(Exit::Unavailable, problem))
            }),
            tell: Box::new(|_| {}),
            clock: Clock::system(),
            disk: Disk::default(),
        }
    }
}

/// The name of this host.
pub fn host_name() -> Option<String> {
    rustix::system::uname().nodename().to_str().ok().map(str::to_owned)
}

/// What a run did.
#[derive(Debug, Clone)]
pub struct Report {
    /// Who this node is.
    pub identity: Identity,
    /// Where the results lie.
    pub run_dir: PathBuf,
    /// Whether `server.properties` changed.
    pub settings: Outcome,
    /// The listeners that were given a new certificate.
    pub certificates: Vec<String>,
    /// The directories that were formatted.
    pub formatted: Vec<PathBuf>,
    /// What a person should know, although it is no mistake.
    pub notices: Vec<String>,
}

/// Looks, decides, writes.
///
/// # Errors
/// Every mistake at once, with the exit code of the worst; see [`Exit`].
pub fn run(options: &Options) -> Result<Report, InitError> {
    let mut loaded = config::load(&options.sources).map_err(InitError::usage)?;
    let mut prepared = prepare::prepare(&loaded.config, options.replace, options.host_name.as_deref())?;
    if let Zone::OfNode { missing } = &loaded.config.broker.zone {
        let told = (options.zone_of_node)(&loaded.config)?;
        loaded.config.broker.zone = Zone::Known(zone::or(told, missing.as_ref(), &loaded.config)?);
        prepared = prepare::prepare(&loaded.config, options.replace, options.host_name.as_deref())?;
    }
    let config = &loaded.config;
    let noticed = consent::ask(config, &prepared, &options.ask)?;
    let certificates = certificates_of(config, &prepared, options)?;
    let lock = apply::lock(&options.disk, &config.run_dir)?;
    // Another run may have formatted between the look and the lock.
    let again = prepare::prepare(config, options.replace, options.host_name.as_deref())?;
    if again.plan != prepared.plan {
        let what = "the log directories changed while they were looked at";
        let place = config.run_dir.display().to_string();
        return Err(InitError::one(Exit::TryLater, Problem::new(place, what, "run it again")));
    }
    prepared.notices.extend(loaded.notices);
    prepared.notices.extend(noticed);
    apply::apply(config, prepared, &certificates, options, &lock)
}

fn certificates_of(
    config: &Config,
    prepared: &Prepared,
    options: &Options,
) -> Result<Certificates, InitError> {
    let wanted = &prepared.identity.certificates;
    if wanted.is_empty() {
        return Ok(Certificates::new());
    }
    let gather = certificates::gather(config, wanted, &options.clock, &*options.tell);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| {
        let what = format!("failed to set up the fetching: {error}");
        let problem = Problem::new("certificates", what, "run it again; nothing was written");
        InitError::one(Exit::Unavailable, problem)
    })?;
    runtime.block_on(gather)
}
