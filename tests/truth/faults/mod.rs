//! All faults, in the order in which they are played: a stage is built once for those that follow each other on it.

mod agents;
mod brokers;
mod disks;
mod quorum;
mod replicas;
mod starts;
mod zookeeper;

use super::fault::Fault;

/// All of them.
pub fn all() -> Vec<Fault> {
    let kraft =
        [starts::FAULTS, brokers::FAULTS, quorum::FAULTS, replicas::FAULTS, agents::FAULTS, disks::FAULTS];
    let mut all = kraft.concat();
    all.extend(zookeeper::faults(&all));
    all
}
