//! One run of the sidecar, from the configuration to the clean stop.

use std::{
    cell::RefCell,
    hash::{BuildHasher, RandomState},
    io,
    path::Path,
    sync::Arc,
    time::Duration,
};

use pillion_probes::{
    limits::{Limits, controller_limit, peers_limit, voter_limit},
    observe::{Observations, Role},
    set::Key,
};
use tokio::{net::TcpListener, sync::Notify, time::timeout};
use tokio_util::sync::CancellationToken;

use super::{
    Desk, Secured, Target, canary, certificates, kubernetes, lag, ledger, observe, quorum, resources,
    together::together, turn,
};
use crate::{
    board::{self, Board},
    clock::Clock,
    config::{Config, Mode, Timing},
    http,
    init::{Identity, LogDirFacts, SERVER_PROPERTIES, security},
    kafka::Address,
    overrides::{self, Watcher},
    problem::Problem,
    properties::connect,
};

/// How long the last answers and the last write of the history may take.
pub(super) const STOP: Duration = Duration::from_millis(1500);

/// Why the sidecar did not run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Something that a person has to mend; told as a list elsewhere.
    #[error("{0}")]
    Usage(Problem),
    /// The port of the probes cannot be had.
    #[error("failed to listen on {address}: {source}\n    remedy: free the port, or set `sidecar.listen`")]
    Listen {
        /// As configured.
        address: std::net::SocketAddr,
        /// The system's words.
        source: io::Error,
    },
}

/// Watches the node that init prepared, until `stop`.
pub async fn run(
    config: &Config,
    identity: &Identity,
    clock: Clock,
    stop: CancellationToken,
) -> Result<(), RunError> {
    let timing = config.sidecar.timing;
    let (fetch, voter) = patience(config).map_err(RunError::Usage)?;
    let role = role(identity);
    let limits = Limits { fetch, voter, ..limits(&timing, role) };
    fits(config, identity).map_err(RunError::Usage)?;
    let address = config.sidecar.listen;
    let listener = TcpListener::bind(address).await.map_err(|source| RunError::Listen { address, source })?;
    let settings = board::Settings {
        identity: shown(identity),
        limits,
        override_cap: config.sidecar.override_.max_duration,
        findings: identity.findings.clone(),
        run_dir: Some(config.run_dir.clone()),
    };
    let board = Board::new(settings, clock.clone(), Observations::nothing(role, clock.boot()));
    let cap = config.sidecar.override_.max_duration;
    let watcher = Watcher::new(
        &config.run_dir,
        config.kubernetes.pod_info.as_deref(),
        cap,
        &overrides::boot_id(),
        clock.now().into(),
    );
    let socket = http::bind_socket(&config.run_dir);
    let forced = overrides::run(watcher, clock.clone(), board.stated(), stop.clone());
    let changes = board.changes();
    let tasks = [
        tokio::spawn(http::serve(listener, Arc::clone(&board), stop.clone())),
        tokio::spawn(Arc::clone(&board).run(stop.clone())),
        tokio::spawn(forced),
        tokio::spawn(http::serve_socket(socket, Arc::clone(&board), stop.clone())),
    ];
    tracing::info!(id = identity.id, cluster = identity.cluster, %address, "watching");
    let told = kubernetes::tell(config, identity, &board, changes);
    let own_clock = clock.clone();
    let desk = Desk::new(role, Arc::clone(&board), clock, limits);
    desk.note(|seen| seen.adding_replicas = config.sidecar.adding_replicas);
    let target = target(config, identity, role);
    let kept = certificates::keep(config, identity, &target, &board, &own_clock);
    let silent = async || turn::neighbours::silent(&target).await;
    let turns = turn::keep(&board, config.turn.as_ref(), timing.session_timeout, &config.run_dir, silent);
    let measured = resources::watch(&board, &target, config.sidecar.write_probe);
    let lags = lag::keep(&desk, &target, &board, config.sidecar.lag.as_ref());
    let canary = canary::keep(&desk, &target, &board, config.sidecar.canary.as_ref());
    let all = together([
        Box::pin(observe(&desk, &target)),
        Box::pin(told),
        Box::pin(kept),
        Box::pin(turns),
        Box::pin(measured),
        Box::pin(lags),
        Box::pin(canary),
    ]);
    tokio::select! {
        () = all => {}
        () = stop.cancelled() => {}
    }
    for task in tasks {
        if timeout(STOP, task).await.is_err() {
            tracing::warn!("something did not end in time and is left behind");
        }
    }
    Ok(())
}

fn limits(timing: &Timing, role: Role) -> Limits {
    Limits {
        contact: match role {
            Role::ZooKeeper => timing.own_age_limit(),
            Role::Broker | Role::Combined | Role::Controller | Role::ZooKeeperServer => {
                timing.contact_age_limit()
            }
        },
        peers: peers_limit(timing.session_timeout, timing.request_timeout),
        controller: controller_limit(timing.session_timeout),
        lease: timing.session_timeout.saturating_sub(timing.heartbeat_interval),
        heartbeat: timing.heartbeat_interval,
        scan: timing.scan_max_age,
        log_dirs: timing.log_dir_max_age,
        hung: timing.hung_after,
        ..Limits::default()
    }
}

fn role(identity: &Identity) -> Role {
    match identity.mode {
        Mode::KraftBroker => Role::Broker,
        Mode::KraftCombined => Role::Combined,
        Mode::KraftController => Role::Controller,
        Mode::ZooKeeper => Role::ZooKeeper,
    }
}

/// How long the proof of a vote counts, by the controllers' own patience. It is Kafka's unless it is set for this node.
fn patience(config: &Config) -> Result<(Duration, Duration), Problem> {
    let of = |key: &str, default: u64| {
        let text = config.kafka.properties.get(key).map(|text| text.trim());
        text.map_or(Ok(default), str::parse).map(Duration::from_millis).map_err(|_| {
            let what = format!("{:?} is no number of milliseconds", text.unwrap_or_default());
            Problem::new(config.places.of(&format!("kafka.properties.{key}")), what, "as in 2000")
        })
    };
    let fetch = of("controller.quorum.fetch.timeout.ms", 2000)?;
    let election = of("controller.quorum.election.timeout.ms", 1000)?;
    let backoff = of("controller.quorum.election.backoff.max.ms", 1000)?;
    Ok((fetch, voter_limit(fetch, election, backoff)))
}

/// The run directory is this configuration's, and it says who the agent is to the broker.
fn fits(config: &Config, identity: &Identity) -> Result<(), Problem> {
    let range = config.broker.id_range.as_ref();
    let (place, what, remedy) = if identity.cluster_id != config.cluster.id {
        (
            "cluster.id",
            format!("the run directory was prepared for cluster {}", identity.cluster_id),
            "set runDir",
        )
    } else if range.is_some_and(|range| !range.contains(&identity.id)) {
        ("broker.idRange", format!("the run directory was prepared for node {}", identity.id), "set runDir")
    } else {
        // The configuration may be another one than init was given.
        return security::fits(config, identity);
    };
    Err(Problem::new(config.places.of(place), what, remedy))
}

fn shown(identity: &Identity) -> board::Identity {
    board::Identity {
        broker_id: identity.id,
        zone: identity.zone.clone(),
        cluster: identity.cluster.clone(),
        mode: identity.mode.name().to_owned(),
        pod: identity
            .pod
            .as_ref()
            .map(|pod| board::Pod { namespace: pod.namespace.clone(), name: pod.name.clone() }),
    }
}

fn target(config: &Config, identity: &Identity, role: Role) -> Target {
    let text = |path: &Path| path.display().to_string();
    let address = |host: &str, port| Address { host: host.to_owned(), port };
    let log_dirs = if role.has_broker() { identity.log_dirs.as_slice() } else { &[] };
    Target {
        role,
        id: identity.id,
        cluster_id: identity.cluster_id.clone(),
        broker: address(&identity.listener.host, identity.listener.port),
        security: secured(config, identity),
        controllers: identity.controllers.iter().map(|at| address(&at.host, at.port)).collect(),
        zookeeper: ensemble(config).into_iter().map(|(host, port)| Address { host, port }).collect(),
        log_dirs: log_dirs.iter().map(|dir| text(&dir.path)).collect(),
        metadata_dir: identity.metadata_log_dir.clone(),
        directory: quorum::Directory::default(),
        properties: config.run_dir.join(SERVER_PROPERTIES),
        clean_shutdown: clean_shutdown(log_dirs),
        timing: config.sidecar.timing,
        roster: RefCell::default(),
        // The standard library's source of random keys.
        key: Key::new(RandomState::new().hash_one(identity.id)),
        moves: RefCell::new(None),
        doubted: Notify::new(),
        ledger: ledger::Source::new(config.sidecar.ledger),
        minimums: RefCell::new(None),
    }
}

fn secured(config: &Config, identity: &Identity) -> Secured {
    let own = security::own(config, identity);
    Secured { peers: own.by_host(), own, controllers: security::controllers(config, identity) }
}

/// The servers of `ZooKeeper` that can be asked without TLS.
fn ensemble(config: &Config) -> Vec<(String, u16)> {
    let set = |key| config.kafka.properties.get(key).map(|text| text.trim());
    let tls = set("zookeeper.ssl.client.enable").is_some_and(|on| on.eq_ignore_ascii_case("true"));
    let text = set("zookeeper.connect").filter(|_| config.broker.mode == Mode::ZooKeeper && !tls);
    // Init refused one that is malformed.
    text.and_then(|text| connect::servers(text).ok()).unwrap_or_default()
}

/// All logs had been closed in order when init looked. A container restart does not run init again, but then the
/// sidecar has seen the logs itself.
fn clean_shutdown(log_dirs: &[LogDirFacts]) -> Option<bool> {
    let mut used = log_dirs.iter().filter(|dir| dir.partitions > 0).peekable();
    used.peek().is_some().then(|| used.all(|dir| dir.clean_shutdown))
}
