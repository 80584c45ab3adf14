//! What a fault is, and what is asked of pillion in it.

use std::time::Duration;

use anyhow::Result;
pub use bed::scene::BLUR;

use super::{
    scene::{Scene, Stage},
    story::Story,
};

/// From an observation on the board to a prober that asks each 250 ms.
pub const POLL: Duration = Duration::from_millis(250);
/// A poll, and the wait for the next scan of the partitions.
pub const SCAN: Duration = Duration::from_millis(750);
/// How old proven contact with the quorum may be, and a poll.
pub const AGE: Duration = Duration::from_millis(4750);
/// What a new life of the broker takes to prove itself: contact by two answers of the quorum between which its
/// voters fetch (they do each 500 ms), then the list of brokers, a whole scan and the log dirs, all asked for after it.
pub const PROOF: Duration = Duration::from_secs(2);

/// How long something wrong may be said, and why.
pub type Bound = (Duration, &'static str);
/// For what the next scan shows.
pub const NEXT_SCAN: Bound = (SCAN, "one poll and the next scan");
/// For a broker whose process ends.
pub const AT_ONCE: Bound = (POLL, "one poll: a closed connection is seen at once");

/// One fault, on one stage.
#[derive(Clone)]
pub struct Fault {
    /// Kebab-case, stable.
    pub name: &'static str,
    /// What happens, in words.
    pub title: &'static str,
    /// Where it happens.
    pub stage: Stage,
    /// Played by `make test` too.
    pub short: bool,
    /// The brokers that are judged.
    pub subjects: &'static [i32],
    /// The right answer, and what in Kafka makes it so.
    pub right: &'static str,
    /// A broker that is out may be called ready for so long, and why.
    pub bound: Bound,
    /// A broker that is in sync may be called unready for so long, and why.
    pub grace: Bound,
    /// What is done.
    pub act: fn(&Scene, &mut Story) -> Result<()>,
}

impl Fault {
    /// With the mode and the version of Kafka that it is played on.
    pub fn full_name(&self) -> String {
        format!("{}::{}::{}", self.stage.mode(), self.stage.kafka(), self.name)
    }
}
