//! The age limits that the verdicts rest on, and the sum that makes them hold together.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How old each kind of evidence may be.
///
/// `contact` is the one that keeps the promise: a broker that lost its controller must be called unready before
/// the others can fence it. See [`contact_limit`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Oldest contact with a live quorum that a verdict may rest on; in `ZooKeeper` mode the oldest list of live
    /// brokers by the broker itself, which tells one that hangs.
    pub contact: Duration,
    /// For how long after contact the controllers cannot fence the broker: their session timeout less a heartbeat's
    /// interval. A verdict may rest on contact for less than that, for it is read and acted on later.
    pub lease: Duration,
    /// How often a broker tells the controllers that it lives: `broker.heartbeat.interval.ms`.
    pub heartbeat: Duration,
    /// How long after a read index an applied offset that keeps advancing may stand in for the next one.
    pub extension: Duration,
    /// Longest gap between two samples of the applied offset that still counts as watching it.
    pub sample_gap: Duration,
    /// An applied offset that stands still for longer than this is frozen. Idle controllers write a no-op record
    /// every 500 ms (`metadata.max.idle.interval.ms`).
    pub freeze: Duration,
    /// How long a follower waits for its leader before it looks for another: `controller.quorum.fetch.timeout.ms`.
    pub fetch: Duration,
    /// Oldest proof that a controller is a voter that keeps up. See [`voter_limit`].
    pub voter: Duration,
    /// `ZooKeeper` mode: oldest round in which the others found the broker in sync. See [`peers_limit`].
    pub peers: Duration,
    /// `ZooKeeper` mode: how far the first and the last of a row of good rounds must lie apart. A controller that
    /// was paused and resumed goes on for 2 s to say that all is well.
    pub settle: Duration,
    /// `ZooKeeper` mode: for how long the controller may be silent while the others go on to name it. One that died
    /// is replaced when its session has run out.
    pub controller: Duration,
    /// Oldest page of the last complete scan.
    pub scan: Duration,
    /// Oldest answer about what topics need. Settings of topics change by hand; a topic that came since is taken for one
    /// of the usual ones.
    pub minimums: Duration,
    /// Oldest answer about the log dirs.
    pub log_dirs: Duration,
    /// Oldest comparison of what is assigned with what the log dirs hold. It is made with each whole answer about the log
    /// dirs, which is asked for at once when others are assigned, and takes as long as scans do when they differ.
    pub hosting: Duration,
    /// How long a broker must be silent and motionless before it is called hung.
    pub hung: Duration,
    /// Oldest look at the broker's process that counts as sight of it.
    pub sight: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            contact: contact_limit(
                seconds(9),
                seconds(2),
                seconds(1),
                seconds(1),
                Duration::from_millis(500),
            )
            .unwrap_or_default(),
            lease: seconds(7),
            heartbeat: seconds(2),
            extension: seconds(45),
            sample_gap: seconds(1),
            freeze: seconds(1),
            fetch: seconds(2),
            voter: voter_limit(seconds(2), seconds(1), seconds(1)),
            peers: peers_limit(seconds(18), seconds(3)),
            settle: Duration::from_millis(2500),
            controller: controller_limit(seconds(18)),
            scan: seconds(15),
            minimums: seconds(120),
            log_dirs: seconds(20),
            hosting: seconds(180),
            hung: seconds(60),
            sight: seconds(5),
        }
    }
}

/// How old contact with the quorum may be: what is left of the controllers' session timeout after the last
/// heartbeat's possible age, the wait for the next probe, the probe itself and a margin; `None` when nothing is.
///
/// The controller fences a broker no earlier than `broker.session.timeout.ms` after its last heartbeat
/// (`BrokerHeartbeatManager`). Contact at an instant proves only that the last heartbeat is at most one
/// `broker.heartbeat.interval.ms` older. Whoever acts on the verdict reads it up to one probe period and one probe
/// time-out later.
pub fn contact_limit(
    session: Duration,
    heartbeat: Duration,
    probe_period: Duration,
    probe_timeout: Duration,
    margin: Duration,
) -> Option<Duration> {
    session
        .checked_sub(heartbeat)?
        .checked_sub(probe_period)?
        .checked_sub(probe_timeout)?
        .checked_sub(margin)
        .filter(|left| !left.is_zero())
}

/// How long a voter's fetch may wait at the leader for a record (`KafkaRaftClient.MAX_FETCH_WAIT_MS`).
const FETCH_WAIT: Duration = Duration::from_millis(500);

/// How old the proof may be that a voter keeps up: as old as it grows in a normal failover.
///
/// A follower that hears nothing looks for another leader after `controller.quorum.fetch.timeout.ms` (2 s). An election
/// takes up to `controller.quorum.election.timeout.ms` (1 s), and one that is lost is repeated up to
/// `controller.quorum.election.backoff.max.ms` (1 s) later. The last fetch before, and the one after that shows the new
/// leader followed, may each have waited as long as a fetch can. A voter without proof for longer is not in a failover:
/// it is cut off, or the quorum is lost.
pub fn voter_limit(fetch_timeout: Duration, election_timeout: Duration, backoff: Duration) -> Duration {
    fetch_timeout + election_timeout + backoff + FETCH_WAIT * 2
}

/// How old the last good word of the other brokers may be: half of the `ZooKeeper` session, and at the least what two
/// rounds take, one of which runs into `deadline`.
///
/// A client of `ZooKeeper` sends a ping when it was quiet for a third of the session, so a broker that loses
/// everything at once, the others and `ZooKeeper`, may lose its session after two thirds of it. The rest is for who
/// acts on the verdict later.
pub fn peers_limit(session: Duration, deadline: Duration) -> Duration {
    (session / 2).max(deadline + Duration::from_millis(2500))
}

/// How long a controller may be silent before what the others say may be frozen: its session, and 7 s for another to
/// be elected and to tell everybody.
pub fn controller_limit(session: Duration) -> Duration {
    session + Duration::from_secs(7)
}
