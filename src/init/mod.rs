//! The init phase: who am I, where am I, my `server.properties`, my volumes are mine.
//!
//! Everything is looked at and decided first; nothing is written while there is a mistake left to tell. All
//! changes go through [`Disk`], in an order in which a kill leaves a state that the next run completes:
//! settings, volumes, the binary, and `identity.json` last.

mod apply;
mod error;
mod format_tool;
mod identity;
mod listeners;
mod prepare;
pub mod replacement;
mod server;
mod volumes;
mod who;

use std::path::PathBuf;

pub use error::{Exit, InitError};
pub use identity::{Controller, FILE_NAME as IDENTITY_FILE, Identity, ListenerAddress, LogDirFacts};
pub use prepare::Prepared;
pub use volumes::parse_meta;

use crate::{
    config::{self, Config, Sources},
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

/// What is said about a replacement where topics may have been hidden.
const AS_SEEN: &str = "the brokers have an authorizer: topics that this node may not describe may have been left out of \
                       what it was told; it needs DESCRIBE on all topics";

/// Asks the cluster whether an empty volume may take the place of this node's.
pub type Ask = Box<dyn Fn(&Config, &Identity) -> ReplacementAnswer>;

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
    pub ask: Ask,
    /// Makes the changes.
    pub disk: Disk,
}

impl Options {
    /// For this process: its host name and its own binary; the cluster cannot be asked.
    pub fn of_process(sources: Sources) -> Self {
        let host_name = rustix::system::uname().nodename().to_str().ok().map(str::to_owned);
        Self {
            sources,
            replace: false,
            host_name,
            binary: std::env::current_exe().ok(),
            ask: Box::new(|_, _| ReplacementAnswer::CannotAsk {
                why: "this run has no way to do so".to_owned(),
                remedy: "use the command `pillion init`; nothing was written".to_owned(),
            }),
            disk: Disk::default(),
        }
    }
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
    let loaded = config::load(&options.sources).map_err(InitError::usage)?;
    let config = &loaded.config;
    let mut prepared = prepare::prepare(config, options.replace, options.host_name.as_deref())?;
    let noticed = ask(config, &prepared, options)?;
    let lock = apply::lock(&options.disk, &config.run_dir)?;
    // Another run may have formatted between the look and the lock.
    let again = prepare::prepare(config, options.replace, options.host_name.as_deref())?;
    if again.plan != prepared.plan {
        let what = "the log directories changed while they were looked at";
        let place = config.run_dir.display().to_string();
        return Err(InitError::one(Exit::TryLater, Problem::new(place, what, "run it again")));
    }
    prepared.notices.extend(loaded.notices);
    prepared.notices.extend(noticed.map(str::to_owned));
    apply::apply(config, prepared, options, &lock)
}

/// Asks the cluster if that is called for; returns what a person should know about the answer.
fn ask(config: &Config, prepared: &Prepared, options: &Options) -> Result<Option<&'static str>, InitError> {
    if !prepared.must_ask() {
        return Ok(None);
    }
    let place = format!("node {}", prepared.identity.id);
    let (exit, what, remedy): (Exit, String, String) = match (options.ask)(config, &prepared.identity) {
        ReplacementAnswer::Safe => return Ok(None),
        ReplacementAnswer::SafeAsSeen => return Ok(Some(AS_SEEN)),
        ReplacementAnswer::OnlyCopy { partitions } => (
            Exit::Usage,
            format!("it may hold the only copy of {}", partitions.join(", ")),
            "restore the old volume. Only if it is gone for good: elect a leader for these partitions or delete \
             them, knowing what is lost, then replace"
                .into(),
        ),
        ReplacementAnswer::Alive { why } => {
            let session = config::show_duration(config.sidecar.timing.session_timeout);
            let remedy = format!(
                "stop the broker that runs under this id, or correct broker.idBase and the ordinal; if it has just \
                 died, wait {session} (sessionTimeout) and run init again"
            );
            (Exit::Usage, why, remedy)
        }
        ReplacementAnswer::CannotAsk { why, remedy } => (
            Exit::Unavailable,
            format!("the cluster cannot be asked whether a replacement is safe: {why}"),
            remedy,
        ),
    };
    Err(InitError::one(exit, Problem::new(place, what, remedy)))
}
