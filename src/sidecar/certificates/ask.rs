//! What is asked of this node: to reload, and which certificate it serves.

use std::sync::Arc;

use pillion_probes::{certificates::Print, observe::Role};
use tokio::time::Instant;

use super::{Keeper, plan::Listener};
use crate::{
    certs::{KEYSTORE, TRUSTSTORE, encrypts},
    kafka::{
        Address, Connection, Security, Tls, TlsFiles, WireError, codes, handshake,
        requests::{api_versions, reload as ask_reload},
    },
    sidecar::CLIENT_ID,
};

/// Why something was not had of this node.
#[derive(Debug)]
pub(super) struct Trouble {
    pub text: String,
    pub remedy: String,
    /// The node is there: silence alone is no news, for readiness tells of it.
    pub answered: bool,
}

impl Trouble {
    fn of(what: &str, error: &WireError) -> Self {
        Self {
            text: format!("{what}: {error}"),
            remedy: "look into the broker's log for SslFactory; a restart loads the certificate in any case"
                .to_owned(),
            answered: error.shows_life() || matches!(error, WireError::Tls(_)),
        }
    }
}

/// Asks this node to read the files of all its listeners again. A dedicated controller does that when the active one of
/// them is asked.
pub(super) async fn reload(
    keeper: &Keeper<'_>,
    listener: &Listener,
    deadline: Instant,
) -> Result<(), Trouble> {
    let target = keeper.target;
    if target.role.has_broker() {
        may_be_asked(keeper)?;
        return reload_at(keeper, &target.broker, &target.security.own, listener, deadline).await;
    }
    let mut last = None;
    for address in &target.controllers {
        match reload_at(keeper, address, &target.security.controllers, listener, deadline).await {
            Ok(()) => return Ok(()),
            // Of those that are not active, or away, the one that says more is repeated.
            Err(trouble) if trouble.answered || last.is_none() => last = Some(trouble),
            Err(_) => {}
        }
    }
    last.map_or(Ok(()), Err)
}

async fn reload_at(
    keeper: &Keeper<'_>,
    address: &Address,
    security: &Security,
    listener: &Listener,
    deadline: Instant,
) -> Result<(), Trouble> {
    let failed = |error: WireError| Trouble::of("it was not asked to reload", &error);
    let mut connection = Connection::open(address, security, CLIENT_ID, deadline).await.map_err(failed)?;
    let versions = api_versions(&mut connection, deadline).await.map_err(failed)?;
    let id = keeper.target.id;
    let refusal =
        ask_reload(&mut connection, &versions, id, &listener.name, deadline).await.map_err(failed)?;
    let Some(refusal) = refusal else { return Ok(()) };
    let remedy = if refusal.code == codes::CLUSTER_AUTHORIZATION_FAILED {
        "allow the agent's user ALTER_CONFIGS on the cluster (kafka-acls --add --allow-principal ... --operation \
         AlterConfigs --cluster)"
    } else {
        "look into the broker's log; a restart loads the certificate in any case"
    };
    let text = format!("it refuses to reload (error {}): {}", refusal.code, refusal.message);
    Err(Trouble { text, remedy: remedy.to_owned(), answered: true })
}

/// A broker that is cut off from `ZooKeeper` hangs in such a request, and each one holds a thread of it.
fn may_be_asked(keeper: &Keeper<'_>) -> Result<(), Trouble> {
    if keeper.target.role != Role::ZooKeeper {
        return Ok(());
    }
    let seen = keeper.board.observations().borrow().clone();
    let limit = keeper.board.limits().peers;
    let now = keeper.now().boot;
    if seen.testimony.good.is_some_and(|good| now.since(good) < limit) {
        return Ok(());
    }
    let text = "it is not asked to reload while no other broker finds it in sync".to_owned();
    Err(Trouble { text, remedy: "see why it is not ready".to_owned(), answered: true })
}

/// Which certificate a listener of this node serves.
pub(super) async fn shown(
    keeper: &Keeper<'_>,
    listener: &Listener,
    address: &Address,
    deadline: Instant,
) -> Result<Print, Trouble> {
    let own = installed_pair(keeper, listener);
    let served = handshake(address, listener.server_name(), Some(&own), deadline).await;
    match served {
        Ok(served) => Ok(Print(served.leaf_sha256)),
        Err(error) => Err(Trouble::of("no handshake succeeds", &error)),
    }
}

/// What is installed, to be shown to others; not where the key is encrypted for Kafka.
pub(super) fn installed_pair(keeper: &Keeper<'_>, listener: &Listener) -> Arc<Tls> {
    let version = keeper.config.kafka.version;
    let dir = keeper.dir(listener);
    let pair = dir.join(KEYSTORE);
    let own = (!encrypts((version.major, version.minor))).then(|| (pair.clone(), pair));
    Arc::new(Tls::new(TlsFiles { authority: dir.join(TRUSTSTORE), own }))
}
