//! What is asked of Kubernetes and told it: the zone of a node, a Secret with a certificate, the Lease that holds the turn,
//! who the broker is (on its own pod), and Events.
//!
//! It is a handful of requests in the life of a pod, so the client is a small one: a connection a request, credentials
//! read anew for each (the kubelet renews them), answers capped, and only what is needed of JSON.

mod api;
mod event;
mod fault;
mod lease;
mod node;
mod pace;
mod pod;
mod retry;
mod right;
mod secret;
mod secret_watch;
mod set;

pub use api::Api;
pub use event::{Event, Kind, Regarding};
pub use fault::Fault;
pub use lease::{Lease, LeaseName};
pub use node::zone;
pub use pace::Pace;
pub use pod::{Marks, mark};
pub use retry::{forever, within};
pub use right::{EVENTS, LEASES, NODES, PODS, Right, SECRETS};
pub use secret::{Secret, SecretName};
pub use secret_watch::SecretWatch;
pub use set::SetName;
