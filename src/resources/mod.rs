//! What a node has and uses: file systems, a process, its control group, the network. Knows nothing of Kafka.
//!
//! Every look here may block, on a disk that hangs for one: call it where that holds up nobody else.

mod cgroup;
mod network;
mod process;
mod space;

pub use cgroup::container;
pub use network::interfaces;
pub use process::Sight;
pub use space::{PROBE_NAME, space, write};
