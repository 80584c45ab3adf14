//! What the other nodes say to a phase of a change of the authority: they are tried, by a handshake.

use std::{path::PathBuf, sync::Arc, time::Duration};

use futures_util::future::join_all;
use pillion_probes::certificates::{Phase, Refusal, Standing, Word, allowed};
use tokio::time::Instant;

use super::{Keeper, ask, plan::Listener};
use crate::{
    certs::{self, Checked, Installed, TRUSTSTORE},
    files::Disk,
    kafka::{
        Address, Connection, Security, Tls, TlsFiles, WireError, handshake,
        requests::{api_versions, listed_brokers},
    },
    sidecar::CLIENT_ID,
};

/// A handshake and one small request.
const PATIENCE: Duration = Duration::from_secs(5);
/// Where the certificate that is tried lies meanwhile.
const CANDIDATE: &str = "candidate.pem";

/// Whether this node may show its first certificate of the new authority.
pub(super) async fn may_swap(
    keeper: &Keeper<'_>,
    listener: &Listener,
    there: &Installed,
    candidate: &Checked,
    new: &[u8],
) -> Result<(), Refusal> {
    let path = put(keeper, listener, candidate).await?;
    let files = TlsFiles {
        authority: keeper.dir(listener).join(TRUSTSTORE),
        own: Some((path.clone(), path.clone())),
    };
    let tls = Arc::new(Tls::new(files));
    let peers = match others(keeper, listener).await {
        Ok(others) => {
            let words = others.into_iter().map(async |(id, address)| (id, accepts(&address, &tls).await));
            Ok(join_all(words).await)
        }
        Err(refusal) => Err(refusal),
    };
    let _ = std::fs::remove_file(&path);
    allowed(
        Phase::Swap,
        &Standing {
            listener: listener.name.clone(),
            trusts_new: certs::trusts(there, new),
            is_new: false,
            restart: listener.raft && !super::memory::trusts(keeper, listener, new),
            peers: peers?,
        },
    )
}

/// Whether this node may forget the old authority.
pub(super) async fn may_drop(
    keeper: &Keeper<'_>,
    listener: &Listener,
    there: &Installed,
    new: &[u8],
    now: i64,
) -> Result<(), Refusal> {
    let own = ask::installed_pair(keeper, listener);
    let words = others(keeper, listener).await?.into_iter().map(async |(id, address)| {
        let served = handshake(&address, None, Some(&own), Instant::now() + PATIENCE).await;
        let word = match served {
            Ok(served) => Word::Fine(certs::is_of(&served.chain, new, now)),
            Err(error) => Word::Silent(error.to_string()),
        };
        (id, word)
    });
    allowed(
        Phase::Drop,
        &Standing {
            listener: listener.name.clone(),
            trusts_new: certs::trusts(there, new),
            is_new: certs::is_of(&there.chain, new, now),
            restart: listener.raft && super::memory::shows_old(keeper, listener),
            peers: join_all(words).await,
        },
    )
}

async fn put(keeper: &Keeper<'_>, listener: &Listener, candidate: &Checked) -> Result<PathBuf, Refusal> {
    let path = keeper.dir(listener).join(CANDIDATE);
    let (at, keystore) = (path.clone(), candidate.keystore.clone());
    let written =
        tokio::task::spawn_blocking(move || Disk::default().write(&at, keystore.expose(), 0o600)).await;
    match written {
        Ok(Ok(_)) => Ok(path),
        other => Err(Refusal {
            text: format!("the new certificate cannot be tried: {other:?}"),
            remedy: "check the volume of the run directory".to_owned(),
        }),
    }
}

/// A node that takes the certificate answers a request; one that refuses it says so only after the handshake (TLS 1.3).
async fn accepts(address: &Address, tls: &Arc<Tls>) -> Word {
    let security = Security { tls: Some(Arc::clone(tls)), sasl: None, server_name: None };
    let deadline = Instant::now() + PATIENCE;
    let outcome = async {
        let mut connection = Connection::open(address, &security, CLIENT_ID, deadline).await?;
        api_versions(&mut connection, deadline).await
    };
    match outcome.await {
        Ok(_) => Word::Fine(false),
        Err(error @ (WireError::Tls(_) | WireError::Closed { .. })) => Word::Refuses(error.to_string()),
        Err(error) => Word::Silent(error.to_string()),
    }
}

/// The other nodes that are alive, at what they advertise for this listener.
async fn others(keeper: &Keeper<'_>, listener: &Listener) -> Result<Vec<(i32, Address)>, Refusal> {
    let target = keeper.target;
    if listener.raft || !target.role.has_broker() {
        let own = listener.address.as_ref().map(|address| address.port);
        let is_own = |at: &&Address| own == Some(at.port) && listener.of.names.contains(&at.host);
        return Ok(target.controllers.iter().filter(|at| !is_own(at)).map(|at| (-1, at.clone())).collect());
    }
    let failed = |error: WireError| Refusal {
        text: format!("the own broker does not say on {} which others are alive: {error}", listener.name),
        remedy: "it is tried again; see why the broker is not ready".to_owned(),
    };
    let Some(address) = &listener.address else { return Ok(Vec::new()) };
    let security = Security {
        tls: Some(ask::installed_pair(keeper, listener)),
        sasl: target.security.own.sasl.clone(),
        server_name: listener.server_name().map(str::to_owned),
    };
    let deadline = Instant::now() + PATIENCE;
    let listed = async {
        let mut connection = Connection::open(address, &security, CLIENT_ID, deadline).await?;
        let versions = api_versions(&mut connection, deadline).await?;
        listed_brokers(&mut connection, &versions, deadline).await
    };
    let listed = listed.await.map_err(failed)?;
    Ok(listed
        .brokers
        .into_iter()
        .filter(|one| one.id != target.id)
        .map(|one| (one.id, one.address))
        .collect())
}
