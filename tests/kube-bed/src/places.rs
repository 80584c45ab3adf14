//! Where things are, and the addresses and names that they have.

use std::path::{Path, PathBuf};

/// The version of Kubernetes that the bed runs.
pub const KUBERNETES: &str = "1.37.2";
/// The data of a run, as seen from inside: a short path, because sockets below it may not have long ones.
pub const RUN: &str = "/run/kube-bed";
/// The API server, at the address of the Service `kubernetes`, as clients in pods know it.
pub const API: &str = "https://10.96.0.1";
/// The address of the Service `kubernetes`: the first of [`SERVICES`].
pub const API_ADDRESS: &str = "10.96.0.1";
/// The DNS server's address.
pub const DNS_ADDRESS: &str = "10.96.0.10";
/// The addresses of Services.
pub const SERVICES: &str = "10.96.0.0/16";
/// The domain below which the DNS server answers.
pub const DOMAIN: &str = "cluster.local";
/// The namespace of containerd in which the kubelet keeps what is its own.
pub const CONTAINERD_NAMESPACE: &str = "k8s.io";

/// The workspace that this crate is part of.
pub fn workspace() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_owned()
}

/// What a run leaves for people: logs, and the ways in.
pub fn home() -> PathBuf {
    workspace().join("target/kube-bed")
}

/// The data of a run, as seen from outside: [`RUN`].
pub fn run_outside() -> PathBuf {
    home().join("run")
}

/// The logs of this run, and of the last one until the next begins.
pub fn logs() -> PathBuf {
    home().join("logs")
}

/// Where what was built or fetched for this version of Kubernetes is kept.
pub fn cache() -> PathBuf {
    ::bed::fetch::cache_dir().join("kubernetes").join(KUBERNETES)
}

/// A path within the data of this run, as seen from inside.
pub fn run(path: impl AsRef<Path>) -> PathBuf {
    Path::new(RUN).join(path)
}
