//! Asks `ZooKeeper` itself whether it serves here: a broker that is cut off from it loses its session, and so does who
//! vouches for it when both are cut off together.
//!
//! `srvr` is the only one of its four-letter words that every server answers by default (3.5 and newer,
//! `4lw.commands.whitelist`), and it takes no session. A server without a majority says that it serves nobody, and
//! hangs up on its clients (`org.apache.zookeeper.server.quorum.QuorumPeer`).

use std::time::Duration;

use tokio::{
    io::{self, AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{sleep, timeout},
};

use super::super::{Target, desk::Desk};
use crate::kafka::Address;

/// Between two questions.
const INTERVAL: Duration = Duration::from_secs(1);
/// How long one server may take: a few of them must have their turn before the last answer is too old.
const PATIENCE: Duration = Duration::from_secs(1);
/// Most bytes of an answer that are read; it has a dozen short lines.
const CAP: u64 = 4096;

/// Runs for ever. The server that answered last is asked first.
pub async fn watch(desk: &Desk, target: &Target) {
    let mut servers = target.zookeeper.clone();
    while !servers.is_empty() {
        for at in 0..servers.len() {
            let sent = desk.now();
            match timeout(PATIENCE, ask(&servers[at])).await {
                Ok(Ok(answer)) if serves(&answer) => {
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

async fn ask(server: &Address) -> io::Result<String> {
    let mut stream = TcpStream::connect((server.host.as_str(), server.port)).await?;
    stream.write_all(b"srvr").await?;
    let mut answer = Vec::new();
    stream.take(CAP).read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// Whether this is the answer of a server that is in contact with a majority. One in read-only mode is not.
fn serves(answer: &str) -> bool {
    let mode = answer.lines().find_map(|line| line.strip_prefix("Mode: "));
    mode.is_some_and(|mode| ["leader", "follower", "observer", "standalone"].contains(&mode.trim()))
}

#[cfg(test)]
mod tests {
    use super::serves;

    #[test]
    fn a_server_of_a_majority() {
        assert!(serves(
            "Zookeeper version: 3.8.4, built on 2024\nLatency min/avg/max: 0/0/0\nMode: follower\n"
        ));
        assert!(serves("Mode: standalone\nNode count: 5\n"));
        for none in [
            "",
            "This ZooKeeper instance is not currently serving requests\n",
            "Zookeeper version: 3.8.4\nMode: read-only\n",
            "srvr is not executed because it is not in the whitelist.\n",
        ] {
            assert!(!serves(none), "{none}");
        }
    }
}
