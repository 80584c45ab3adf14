//! How far consumer groups lag, as checked.

use std::time::Duration;

use pillion_probes::lag::Lists;

/// How consumer groups are looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lag {
    /// Between two rounds of questions.
    pub interval: Duration,
    /// Which groups.
    pub lists: Lists,
    /// How many of them.
    pub max_groups: usize,
    /// How many partitions of all of them together.
    pub max_partitions: usize,
}
