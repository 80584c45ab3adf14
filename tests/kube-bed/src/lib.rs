//! A real Kubernetes for tests: etcd, API server, controllers, scheduler and three kubelets in three zones, with
//! containerd beneath, images of pillion and of Kafka, local volumes, and a DNS for the names of pods.
//!
//! All of it runs in namespaces of its own (pids, mounts, network), as does whoever asks for it: [`enter`] runs the
//! program again in there. When the program ends, however it ends, the kernel takes everything away. What is left to
//! remove afterwards are cgroups and files, which the outer half does, or the next run.
//!
//! Inside, pods are reached at their addresses and by their names, and the API server at [`places::API`].

pub mod bed;
pub mod cgroups;
pub mod control_plane;
pub mod daemon;
pub mod dns;
pub mod identity;
pub mod image;
pub mod inside;
pub mod kubectl;
pub mod network;
pub mod node;
pub mod parts;
pub mod places;
pub mod processes;
mod run;
pub mod volumes;

pub use bed::Bed;
pub use daemon::Daemon;
pub use inside::{Inside, enter};
pub use kubectl::Kubectl;
pub use processes::Process;
pub use volumes::Volumes;
