//! Watches the broker itself: does it answer, and how far has it applied the metadata log?
//!
//! This observer alone connects while the broker does not answer, and it alone decides when a life begins. A request
//! that is not answered is waited for, not repeated, so a hung broker is not buried under connections.

use std::{pin::pin, sync::Arc, time::Duration};

use pillion_probes::{
    contact::Applied,
    observe::{Insecurity, Reach},
    time::BootTime,
};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use super::{Target, desk::Desk};
use crate::kafka::{
    Connection, TlsFault, WireError,
    requests::{ApiVersions, Kind, api_versions},
};

/// Wait between attempts to connect to a port that is closed.
const RETRY: Duration = Duration::from_millis(250);
/// A pending request is waited for as long as this: in effect until something ends the connection.
const PATIENCE: Duration = Duration::from_secs(3600);
/// One attempt at a second opinion on a new connection.
const SECOND_OPINION: Duration = Duration::from_secs(15);

/// Runs for ever.
pub async fn watch(desk: &Desk, target: &Target) {
    loop {
        let error = match connect(target).await {
            Ok(connection) => match sample(desk, target, connection).await {
                Ended::Failed(error) => error,
                Ended::Elsewhere => {
                    // A new connection is served while the old one is not: it may be another broker.
                    desk.void();
                    continue;
                }
            },
            Err(error) => error,
        };
        tracing::debug!(%error, "the node is not reached");
        if error.is_timeout() {
            // Connecting alone timed out: a full backlog or lost packets say nothing about the life under way.
            desk.silent(None);
        } else {
            desk.unreached(reach(&error));
        }
        sleep(RETRY).await;
    }
}

async fn connect(target: &Target) -> Result<Connection, WireError> {
    let deadline = Instant::now() + target.timing.request_timeout;
    target.connect(deadline).await
}

/// Why sampling on one connection ended.
enum Ended {
    /// The connection failed.
    Failed(WireError),
    /// The broker answers on a new connection and not on this one.
    Elsewhere,
}

async fn sample(desk: &Desk, target: &Target, mut connection: Connection) -> Ended {
    let mut ticks = interval(target.timing.applied_interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut known: Option<Arc<ApiVersions>> = None;
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            // Then asking tells how it ended, and at once.
            () = connection.closed() => {}
        }
        let sent = desk.now();
        let answer = match patiently(desk, target, &mut connection, sent).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => return Ended::Failed(error),
            Err(ended) => return ended,
        };
        // In ZooKeeper mode the number is another one.
        let offset = answer.applied.filter(|_| answer.kind != Kind::ZooKeeper);
        let applied = offset.map(|offset| Applied { sent, answered: desk.now(), offset });
        let versions = match &known {
            Some(versions) => Arc::clone(versions),
            None => Arc::clone(known.insert(Arc::new(answer))),
        };
        if !desk.answered(&versions, applied) {
            tracing::warn!("the broker's metadata went backwards: taking it for another broker");
        }
    }
}

/// Asks once and waits for the answer. Silence is noted, and a new connection is tried beside the old.
async fn patiently(
    desk: &Desk,
    target: &Target,
    connection: &mut Connection,
    sent: BootTime,
) -> Result<Result<ApiVersions, WireError>, Ended> {
    let mut call = pin!(api_versions(connection, Instant::now() + PATIENCE));
    tokio::select! {
        answer = &mut call => return Ok(answer),
        () = sleep(target.timing.request_timeout) => desk.silent(Some(sent)),
    }
    tokio::select! {
        answer = &mut call => Ok(answer),
        ended = second_opinion(desk, target) => Err(ended),
    }
}

/// Tries new connections until one of them brings anything but silence.
async fn second_opinion(desk: &Desk, target: &Target) -> Ended {
    let since = desk.now();
    loop {
        let deadline = Instant::now() + SECOND_OPINION;
        let asked = async {
            let mut connection = target.connect(deadline).await?;
            let greeted = connection.is_greeted();
            api_versions(&mut connection, deadline).await.map_err(|error| match error {
                // It has shaken hands: it is not hung.
                WireError::TimedOut { what, .. } if greeted => WireError::TimedOut { what, heard: true },
                other => other,
            })
        };
        match asked.await {
            Ok(_) => return Ended::Elsewhere,
            Err(error) if error.voids_incarnation() => return Ended::Failed(error),
            Err(error) => {
                // Nobody was asked where our own credentials cannot be used.
                let silent = !error.shows_life() && !matches!(error, WireError::Credentials { .. });
                desk.new_connections_silent(silent.then_some(since));
            }
        }
        sleep(RETRY).await;
    }
}

/// What a failed connection says about the broker.
pub fn reach(error: &WireError) -> Reach {
    match error {
        WireError::Refused { .. } => Reach::Refused,
        WireError::Closed { .. } => Reach::Closed,
        WireError::TimedOut { .. } | WireError::Abandoned => Reach::Silent,
        WireError::Tls(fault) => Reach::Insecure { fault: insecurity(fault), why: fault.to_string() },
        WireError::Authentication { mechanism, why } => {
            Reach::Insecure { fault: Insecurity::Authentication, why: format!("{mechanism}: {why}") }
        }
        WireError::Credentials { path, what, remedy } => {
            Reach::Insecure { fault: Insecurity::Credentials, why: format!("{path}: {what}; {remedy}") }
        }
        WireError::Unreachable { source, .. } => Reach::Unreachable { why: source.to_string() },
        other => Reach::NotJudgeable { why: other.to_string() },
    }
}

fn insecurity(fault: &TlsFault) -> Insecurity {
    match fault {
        TlsFault::Untrusted(_) => Insecurity::Untrusted,
        TlsFault::WrongName(_) => Insecurity::WrongName,
        TlsFault::PeerExpired(_) => Insecurity::PeerExpired,
        TlsFault::OwnExpired(_) => Insecurity::OwnExpired,
        TlsFault::OwnRefused(_) => Insecurity::OwnRefused,
        TlsFault::Other(_) => Insecurity::Tls,
    }
}
