//! Beside a `ZooKeeper` server: it is asked for its state, and the board answers for it as for a broker. No init runs
//! for it, and nothing is written: there is no run directory, and so neither override nor history over a restart.

mod ask;

use std::{io, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use pillion_probes::{
    limits::Limits,
    observe::{Observations, Role},
};
use tokio::{net::TcpListener, time::timeout};
use tokio_util::sync::CancellationToken;

use super::{Desk, RunError, process, run::STOP, stepped, together::together};
use crate::{
    board::{self, Board},
    clock::Clock,
    http,
    kafka::{Address, Security},
};

/// The server to watch.
#[derive(Clone, Debug)]
pub struct Server {
    /// Its `myid`, as it is shown.
    pub id: i32,
    /// The ensemble, as it is shown.
    pub cluster: String,
    /// Its port for clients.
    pub address: Address,
    /// How that is secured.
    pub security: Security,
    /// Its `AdminServer`, which is asked where the words are not allowed.
    pub admin: Address,
    /// The configuration that it runs with, by which its process is told from others; `None`: there is but one.
    pub config: Option<PathBuf>,
}

/// Watches a `ZooKeeper` server and answers for it on `listen`, until `stop`.
///
/// # Errors
///
/// [`RunError::Listen`] when the port of the probes cannot be had.
pub async fn watch(
    server: &Server,
    listen: SocketAddr,
    clock: Clock,
    stop: CancellationToken,
) -> Result<(), RunError> {
    let of = |source: io::Error| RunError::Listen { address: listen, source };
    let listener = TcpListener::bind(listen).await.map_err(of)?;
    let limits = Limits::default();
    let settings = board::Settings {
        identity: board::Identity {
            broker_id: server.id,
            cluster: server.cluster.clone(),
            mode: "zookeeper-server".to_owned(),
            ..board::Identity::default()
        },
        limits,
        override_cap: Duration::ZERO,
        findings: Vec::new(),
        run_dir: None,
    };
    let role = Role::ZooKeeperServer;
    let board = Board::new(settings, clock.clone(), Observations::nothing(role, clock.boot()));
    let tasks = [
        tokio::spawn(http::serve(listener, Arc::clone(&board), stop.clone())),
        tokio::spawn(Arc::clone(&board).run(stop.clone())),
    ];
    tracing::info!(id = server.id, server = %server.address, %listen, "watching");
    let desk = Desk::new(role, Arc::clone(&board), clock, limits);
    let sight = process::Sight::of_zookeeper(server.config.clone());
    let all = together([
        Box::pin(ask::watch(&desk, server)),
        Box::pin(process::follow(&desk, sight)),
        Box::pin(stepped::watch(&desk)),
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
