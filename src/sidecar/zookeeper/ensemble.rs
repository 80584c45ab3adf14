//! Asks `ZooKeeper` itself whether it serves here: a broker that is cut off from it loses its session, and so does who
//! vouches for it when both are cut off together.
//!
//! `srvr` is the only one of its four-letter words that every server answers by default (3.5 and newer,
//! `4lw.commands.whitelist`), and it takes no session. A server without a majority says that it serves nobody, and
//! hangs up on its clients (`org.apache.zookeeper.server.quorum.QuorumPeer`).

use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::super::{Target, desk::Desk};
use crate::zookeeper::say;

/// Between two questions.
const INTERVAL: Duration = Duration::from_secs(1);
/// How long one server may take: a few of them must have their turn before the last answer is too old.
const PATIENCE: Duration = Duration::from_secs(1);

/// Runs for ever. The server that answered last is asked first.
pub async fn watch(desk: &Desk, target: &Target) {
    let mut servers = target.zookeeper.clone();
    while !servers.is_empty() {
        for at in 0..servers.len() {
            let sent = desk.now();
            match timeout(PATIENCE, say("srvr", &servers[at].host, servers[at].port)).await {
                Ok(Ok(answer)) if answer.serves() => {
                    desk.note(|seen| seen.zookeeper = Some(sent));
                    servers.rotate_left(at);
                    break;
                }
                Ok(Ok(_)) => tracing::debug!(server = %servers[at], "this ZooKeeper server serves nobody"),
                Ok(Err(error)) => tracing::debug!(server = %servers[at], %error, "ZooKeeper is not reached"),
                Err(_) => tracing::debug!(server = %servers[at], "ZooKeeper does not answer"),
            }
        }
        sleep(INTERVAL).await;
    }
}
