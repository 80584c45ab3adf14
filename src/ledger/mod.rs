//! The ledger: the cluster's metadata log (`__cluster_metadata`, KIP-500, KIP-630) as it lies on the broker's own volume.
//!
//! A broker in `KRaft` mode keeps it up to date for itself. Reading it costs the cluster nothing, and shows a change as soon
//! as the broker has fetched it, and before it has applied it.

pub mod batch;
pub mod bytes;
mod follow;
mod placement;
pub mod records;
mod segment;
mod state;
mod tally;

pub use follow::{Follower, Log, Trouble};
pub use placement::Placement;
pub use state::{Beyond, State};
