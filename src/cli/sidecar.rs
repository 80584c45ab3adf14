//! `pillion sidecar`.

use std::{net::SocketAddr, path::PathBuf, process::ExitCode, sync::Arc};

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::{Exit, out};
use crate::{
    clock::Clock,
    config::{self, Config, Sources},
    init::{self, Identity},
    kafka::{Address, Security, Tls, TlsFiles},
    problem::Problem,
    sidecar::{self, RunError, server::Server},
};

/// Watches the broker or controller and answers for it: probes, metrics, status, a page
///
/// Reads the same config file as init, and identity.json, which init left in the run directory. It never touches the
/// node: killing or restarting it costs Kafka nothing.
#[derive(Debug, Clone, clap::Args)]
#[command(after_long_help = "\
Endpoints, on one port (default 9440):
  /livez /startupz /readyz /stopz   200 or 503, one line a reason; ?verbose for everything
  /agentz                           the agent itself
  /metrics                          OpenMetrics
  /status                           JSON: verdicts, evidence with ages, history
  /                                 the same for a person

Examples:
  pillion sidecar --config /etc/pillion/pillion.yaml
  pillion sidecar --role zookeeper --id 1      # beside a ZooKeeper server at 127.0.0.1:2181
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
    #[command(flatten)]
    server: ServerArgs,
    /// Any other setting by its path, as in --set sidecar.timing.margin=1s; may be given often
    #[arg(long, value_name = "PATH=VALUE")]
    pub set: Vec<String>,
}

/// What is beside it, when that is no node of Kafka.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Beside a ZooKeeper server")]
struct ServerArgs {
    /// Watch a server of the ensemble instead of a broker; no init, no config file, and all below has defaults
    #[arg(long, value_enum, conflicts_with_all = ["config", "run_dir", "set"])]
    role: Option<Beside>,
    /// Its port for clients
    #[arg(long, value_name = "HOST:PORT", requires = "role", default_value = "127.0.0.1:2181", value_parser = at)]
    address: Address,
    /// Where its HTTP server for administrators is, asked where mntr is not allowed, or TLS is spoken and not given here
    #[arg(long, value_name = "HOST:PORT", requires = "role", default_value = "127.0.0.1:8080", value_parser = at)]
    admin: Address,
    #[command(flatten)]
    tls: TlsArgs,
    /// Where to answer
    #[arg(long, value_name = "ADDRESS:PORT", requires = "role", default_value = "0.0.0.0:9440")]
    listen: SocketAddr,
    /// Its myid, as it is shown, and as alerts tell servers apart: without, each of several looks like server 0
    #[arg(long, value_name = "N", requires = "role", default_value_t = 0)]
    id: i32,
    /// The ensemble, as it is shown
    #[arg(long, value_name = "NAME", requires = "role", default_value = "zookeeper")]
    cluster: String,
    /// The file that it runs with, which tells its process from that of other servers where several are seen
    #[arg(long, value_name = "FILE", requires = "role")]
    server_config: Option<PathBuf>,
}

/// How its port for clients is secured; the files are read again when they change.
#[derive(Debug, Clone, clap::Args)]
struct TlsArgs {
    /// The port speaks TLS (secureClientPort); the CAs that may have issued its certificate, PEM
    #[arg(long = "tls-authority", value_name = "FILE", requires = "role")]
    authority: Option<PathBuf>,
    /// The certificate to show, where it asks for one (ssl.clientAuth), PEM
    #[arg(long = "tls-certificate", value_name = "FILE", requires = "authority")]
    certificate: Option<PathBuf>,
    /// Its key, PEM, not encrypted; by default in the same file
    #[arg(long = "tls-key", value_name = "FILE", requires = "certificate")]
    key: Option<PathBuf>,
    /// A name that its certificate has, where it has not the host of --address
    #[arg(long = "tls-server-name", value_name = "NAME", requires = "authority")]
    server_name: Option<String>,
}

impl TlsArgs {
    fn security(self) -> Security {
        let Some(authority) = self.authority else { return Security::plain() };
        let own = self.certificate.map(|certificate| {
            let key = self.key.unwrap_or_else(|| certificate.clone());
            (certificate, key)
        });
        let tls = Some(Arc::new(Tls::new(TlsFiles { authority, own })));
        Security { tls, sasl: None, server_name: self.server_name }
    }
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Beside {
    /// A server of the ensemble that brokers of old rest on
    #[value(name = "zookeeper")]
    ZooKeeper,
}

fn at(text: &str) -> Result<Address, String> {
    let wrong = || "write HOST:PORT, as 127.0.0.1:2181".to_owned();
    let (host, port) = text.rsplit_once(':').filter(|(host, _)| !host.is_empty()).ok_or_else(wrong)?;
    let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    Ok(Address { host, port: port.parse().map_err(|_| wrong())? })
}

/// Runs until a signal ends it.
pub fn run(args: &SidecarArgs) -> ExitCode {
    if args.server.role.is_some() {
        return beside_zookeeper(args.server.clone());
    }
    let (config, identity) = match read(args) {
        Ok(read) => read,
        Err(problems) => {
            for problem in problems {
                out::complain(problem.to_string());
            }
            return Exit::BadConfig.into();
        }
    };
    until_signal(async |stop| Box::pin(sidecar::run(&config, &identity, Clock::system(), stop)).await)
}

fn beside_zookeeper(args: ServerArgs) -> ExitCode {
    let ServerArgs { address, admin, tls, listen, id, cluster, server_config: config, role: _ } = args;
    let server = Server { id, cluster, address, security: tls.security(), admin, config };
    until_signal(async |stop| sidecar::server::watch(&server, listen, Clock::system(), stop).await)
}

fn until_signal(run: impl AsyncFnOnce(CancellationToken) -> Result<(), RunError>) -> ExitCode {
    // A look at a volume that hangs must not hold up the end: `block_on` leaves it behind.
    let outcome = super::block_on(async {
        let stop = CancellationToken::new();
        let signals = stop_on_signal(stop.clone());
        tokio::select! {
            outcome = run(stop) => outcome,
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
