//! `pillion sidecar`.

use std::{path::PathBuf, process::ExitCode};

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::{Exit, out};
use crate::{
    clock::Clock,
    config::{self, Config, Sources},
    init::{self, Identity},
    problem::Problem,
    sidecar::{self, RunError},
};

/// Watches the broker or controller and answers for it: probes, metrics, status, a page
///
/// Reads the same config file as init, and identity.json, which init left in the run directory. It never touches the
/// node: killing or restarting it costs Kafka nothing.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(after_long_help = "\
Endpoints, on one port (default 9440):
  /livez /startupz /readyz /stopz   200 or 503, one line a reason; ?verbose for everything
  /agentz                           the agent itself
  /metrics                          OpenMetrics
  /status                           JSON: verdicts, evidence with ages, history
  /                                 the same for a person

Examples:
  pillion sidecar --config /etc/pillion/pillion.yaml
  PILLION_LOG=pillion=debug pillion sidecar -c pillion.yaml --set sidecar.listen=127.0.0.1:9441

Exit codes:
  0   stopped by TERM or INT
  1   the port of the probes cannot be had
  64  something to correct; the message says where and how")]
pub struct SidecarArgs {
    /// The config file; everything may come from the environment and flags instead
    #[arg(short, long, env = "PILLION_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Where init left its results
    #[arg(long, value_name = "DIR")]
    pub run_dir: Option<String>,
    /// Any other setting by its path, as in --set sidecar.timing.margin=1s; may be given often
    #[arg(long, value_name = "PATH=VALUE")]
    pub set: Vec<String>,
}

/// Runs until a signal ends it.
pub fn run(args: &SidecarArgs) -> ExitCode {
    let (config, identity) = match read(args) {
        Ok(read) => read,
        Err(problems) => {
            for problem in problems {
                out::complain(problem.to_string());
            }
            return Exit::BadConfig.into();
        }
    };
    // A look at a volume that hangs must not hold up the end: `block_on` leaves it behind.
    let outcome = super::block_on(async {
        let stop = CancellationToken::new();
        let signals = stop_on_signal(stop.clone());
        tokio::select! {
            outcome = sidecar::run(&config, &identity, Clock::system(), stop) => outcome,
            never = signals => never,
        }
    });
    let outcome = match outcome {
        Ok(outcome) => outcome,
        Err(error) => {
            out::complain(format!("failed to start: {error}"));
            return Exit::No.into();
        }
    };
    match outcome {
        Ok(()) => Exit::Yes.into(),
        Err(error) => {
            out::complain(error.to_string());
            let code = if matches!(error, RunError::Usage(_)) { Exit::BadConfig } else { Exit::No };
            code.into()
        }
    }
}

fn read(args: &SidecarArgs) -> Result<(Config, Identity), Vec<Problem>> {
    let mut sources = Sources::of_process(args.config.clone());
    for pair in &args.set {
        let refused = |what| vec![Problem::new("flags", what, "see pillion sidecar --help")];
        sources.set(pair).map_err(refused)?;
    }
    if let Some(run_dir) = &args.run_dir {
        sources.flag("--run-dir", "runDir", run_dir);
    }
    let mut loaded = config::load(&sources)?;
    for notice in &loaded.notices {
        tracing::warn!("{notice}");
    }
    let run_dir = &loaded.config.run_dir;
    let identity = Identity::read(run_dir).map_err(|problem| vec![problem])?;
    // What counts is what Kafka was given, all layers of it.
    if let Some(given) = init::given(run_dir).map_err(|problem| vec![problem])? {
        loaded.config.kafka.properties = given;
    }
    Ok((loaded.config, identity))
}

/// Cancels at the first signal and then waits for ever: the second one ends the process at once.
async fn stop_on_signal(stop: CancellationToken) -> Result<(), RunError> {
    let (Ok(mut term), Ok(mut int)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        return std::future::pending().await;
    };
    let wait = |kind: &'static str| tracing::info!(kind, "ending");
    tokio::select! {
        _ = term.recv() => wait("TERM"),
        _ = int.recv() => wait("INT"),
    }
    stop.cancel();
    tokio::select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
    }
    std::process::exit(1)
}
