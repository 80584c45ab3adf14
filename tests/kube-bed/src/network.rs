//! The network inside: one bridge for the nodes and their pods, and the addresses of the Services we serve.

use std::net::Ipv4Addr;

use anyhow::Result;

use crate::places::{API_ADDRESS, DNS_ADDRESS};
use crate::run::words_of;

/// The bridge's name.
pub const BRIDGE: &str = "kbed0";
/// The subnet of nodes and pods.
pub const SUBNET: &str = "10.88.0.0/24";
/// The first address of a pod; those before it are the nodes'.
pub const FIRST_POD: &str = "10.88.0.20";

/// The address of a node, counted from zero. The first is the control plane's, too, and the pods' gateway.
pub const fn node(index: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 88, 0, 1 + index)
}

/// The bridge, with the addresses of `nodes` nodes and of the Services.
pub(crate) fn prepare() -> Result<()> {
    words_of("ip link set lo up")?;
    words_of(&format!("ip link add {BRIDGE} type bridge"))?;
    for index in 0..3 {
        words_of(&format!("ip addr add {}/24 dev {BRIDGE}", node(index)))?;
    }
    for service in [API_ADDRESS, DNS_ADDRESS] {
        words_of(&format!("ip addr add {service}/32 dev lo"))?;
    }
    words_of(&format!("ip link set {BRIDGE} up"))?;
    // What nobody serves is refused at once, as with kube-proxy, rather than never answered.
    words_of(&format!("ip route add unreachable {}", crate::places::SERVICES)).map(drop)
}
