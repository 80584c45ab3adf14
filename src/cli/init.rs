//! `pillion init`.

use std::{fmt::Write, process::ExitCode, time::Duration};

use super::{Exit, out, source::SourceArgs};
use crate::{
    config::{self, Config, Mode, Sources},
    files::Outcome,
    init::{self, Identity, InitError, Options, ReplacementAnswer, Report, controllers, replacement, zone},
    kube::Api,
    problem::Problem,
};

/// Prepares a broker: its id, its zone, its server.properties, its volumes
///
/// Looks at everything first and writes nothing while there is a mistake left: all of them are told at once,
/// each with its place and its remedy. What it writes, a kill at any moment leaves old or new, never half; run
/// it again and it completes.
///
/// In the run directory it leaves server.properties (start Kafka with it), identity.json (the sidecar reads
/// it), and a copy of this binary. Run again without a change, it writes nothing.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(after_long_help = "\
Settings: every setting of the file is also an environment variable (broker.idBase is PILLION_BROKER_ID_BASE)
and a flag (--set broker.idBase=1001). Flags win over the environment, and it over the file.

Examples:
  pillion init --config /etc/pillion/pillion.yaml
  pillion init -c pillion.yaml --ordinal 2 --zone zone-b
  pillion init -c pillion.yaml --bootstrap          the first start: empty volumes are formatted
  pillion init -c pillion.yaml --wait-for-controllers 10m
  pillion init -c pillion.yaml --replace            the volume was lost: asks the brokers of cluster.bootstrap,
                                                    then formats

Exit codes:
  0   done
  1   a write failed; what stood there before is untouched
  64  something to correct; the message says where and how
  69  the cluster cannot be asked whether a replacement is safe, or the API server for the zone of the node;
      nothing was written
  75  another init is at work; try again")]
pub struct InitArgs {
    /// The config file and what lies over it.
    #[command(flatten)]
    pub source: SourceArgs,
    /// Where the results go
    #[arg(long, value_name = "DIR")]
    pub run_dir: Option<String>,
    /// This is the first start of this node: format its empty volumes
    #[arg(long, conflicts_with = "replace")]
    pub bootstrap: bool,
    /// The volumes of this node were lost: format the empty ones that took their place, if the cluster says
    /// (the brokers of cluster.bootstrap) that no partition has its only copy here. Under an authorizer this node
    /// needs DESCRIBE on the cluster and on all topics, or they cannot tell it
    #[arg(long, env = "PILLION_REPLACE", value_parser = clap::builder::FalseyValueParser::new())]
    pub replace: bool,
    /// A broker: when all is prepared, wait so long at the most until a majority of the controllers listens, as in 10m.
    /// Kafka itself would take most of a core to wait for them. It is started all the same when the time is over
    #[arg(long, env = "PILLION_WAIT_FOR_CONTROLLERS", value_name = "DURATION", value_parser = duration)]
    pub wait_for_controllers: Option<Duration>,
}

impl InitArgs {
    /// File, environment, flags.
    ///
    /// # Errors
    /// A `--set` without `=`.
    pub fn sources(&self) -> Result<Sources, String> {
        let mut sources = self.source.sources()?;
        if let Some(dir) = &self.run_dir {
            sources.flag("--run-dir", "runDir", dir);
        }
        if self.bootstrap {
            sources.flag("--bootstrap", "storage.bootstrap", "true");
        }
        Ok(sources)
    }

    /// Runs with what this process can offer; `adapt` may give it a way to ask the cluster.
    ///
    /// # Errors
    /// As [`init::run`].
    pub fn prepare(&self, adapt: impl FnOnce(&mut Options)) -> Result<Report, InitError> {
        let place = |what| vec![Problem::new("flags", what, "see pillion init --help")];
        let mut options = Options::of_process(self.sources().map_err(|what| InitError::usage(place(what)))?);
        options.replace = self.replace;
        adapt(&mut options);
        init::run(&options)
    }
}

/// What a person reads after a run.
pub fn summary(report: &Report) -> String {
    let identity = &report.identity;
    let zone = identity.zone.as_deref().unwrap_or("none");
    let mut text = format!(
        "{} {} of {} ({}), zone {zone}\n",
        identity.mode.name(),
        identity.id,
        identity.cluster,
        identity.cluster_id
    );
    // Writing to a string cannot fail.
    for dir in &report.formatted {
        let _ = writeln!(text, "formatted {}", dir.display());
    }
    for dir in identity.log_dirs.iter().filter(|dir| dir.partitions > 0 && !dir.clean_shutdown) {
        let _ =
            writeln!(text, "{} was not shut down cleanly: its logs will be recovered", dir.path.display());
    }
    if !report.certificates.is_empty() {
        let _ = writeln!(text, "certificates installed: {}", report.certificates.join(", "));
    }
    let change = if report.settings == Outcome::Written { "written" } else { "unchanged" };
    let _ = writeln!(text, "{}/server.properties {change}", report.run_dir.display());
    for finding in identity.findings.iter().filter(|finding| finding.is_warning()) {
        let _ = writeln!(text, "{}", out::plain(&finding.to_string()));
    }
    for notice in &report.notices {
        let _ = writeln!(text, "notice: {notice}");
    }
    text
}

/// Asks the brokers that the configuration names.
fn ask(config: &Config, identity: &Identity) -> ReplacementAnswer {
    super::block_on(replacement::ask(config, identity)).unwrap_or_else(|error| ReplacementAnswer::CannotAsk {
        why: format!("failed to set up the asking: {error}"),
        remedy: "run it again; nothing was written".to_owned(),
    })
}

/// Asks the API server of this pod.
fn zone(config: &Config) -> Result<Option<String>, InitError> {
    super::block_on(zone::of_node(Api::of_pod(), config, zone::PATIENCE)).unwrap_or_else(|error| {
        let what = format!("failed to set up the asking: {error}");
        let problem = Problem::new("kubernetes.zoneFromNode", what, "run it again; nothing was written");
        Err(InitError::one(init::Exit::Unavailable, problem))
    })
}

fn duration(text: &str) -> Result<Duration, &'static str> {
    config::parse_duration(text).ok_or("a duration, as in 30s or 10m")
}

/// Waits for the controllers; whatever comes of it, Kafka may be started.
fn wait(identity: &Identity, patience: Duration) {
    if identity.mode != Mode::KraftBroker || identity.controllers.is_empty() {
        return;
    }
    let tell = |words: &str| out::complain(words);
    let reached =
        super::block_on(controllers::wait(&identity.controllers, patience, tell)).unwrap_or_default();
    if !reached {
        let patience = config::show_duration(patience);
        out::complain(format!(
            "no majority of the controllers could be reached for {patience}; Kafka waits for them now"
        ));
    }
}

/// Prepares the broker and says what was done.
pub fn run(args: &InitArgs) -> ExitCode {
    let adapt = |options: &mut Options| {
        options.ask = Box::new(ask);
        options.zone_of_node = Box::new(zone);
        options.tell = Box::new(|words| out::complain(words));
    };
    match args.prepare(adapt) {
        Ok(report) => {
            out::print(summary(&report));
            if let Some(patience) = args.wait_for_controllers {
                wait(&report.identity, patience);
            }
            Exit::Yes.into()
        }
        Err(error) => {
            out::list(&error);
            ExitCode::from(error.exit.code())
        }
    }
}
