//! One network namespace per node, joined by a bridge in the host's namespace; links cut at will.

mod ip;
mod seat;

use std::collections::{BTreeMap, HashSet};
use std::ffi::OsStr;
use std::net::Ipv4Addr;
use std::process::Command;
use std::sync::{Arc, Mutex};

use anyhow::{Context, Result};

use ip::ip;
use seat::Seat;

/// A hardware address that nobody has: frames to it are flooded and dropped.
const NOWHERE: &str = "02:00:00:00:00:99";
/// Addresses of nodes start here; .1 is the host.
const FIRST: u8 = 10;

/// One end of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Peer {
    /// The test process itself (clients, truth watches, pollers).
    Host,
    /// A node, by id.
    Node(i32),
}

impl From<i32> for Peer {
    fn from(id: i32) -> Self {
        Self::Node(id)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum How {
    Silent,
    Refused,
}

#[derive(Debug)]
struct Place {
    ip: Ipv4Addr,
    netns: String,
}

/// A private network. Dropped, it takes its namespaces, links and bridge away.
#[derive(Debug)]
pub struct Net {
    seat: Seat,
    places: BTreeMap<i32, Place>,
    cuts: Arc<Mutex<HashSet<(Peer, Peer, How)>>>,
}

/// Which links are cut, at any moment.
#[derive(Debug, Clone)]
pub struct Links(Arc<Mutex<HashSet<(Peer, Peer, How)>>>);

impl Links {
    /// Whether packets pass both ways between the two, as every connection needs.
    pub fn joined(&self, a: i32, b: i32) -> bool {
        let between = |x: Peer, y: Peer| (x, y) == (a.into(), b.into()) || (x, y) == (b.into(), a.into());
        !self.0.lock().expect("cuts").iter().any(|(from, to, _)| between(*from, *to))
    }
}

impl Net {
    /// A bridge with the host on it and no nodes yet.
    pub fn new() -> Result<Self> {
        let seat = Seat::take()?;
        let net = Self { seat, places: BTreeMap::new(), cuts: Arc::default() };
        let bridge = net.seat.bridge();
        ip(&format!("link add {bridge} type bridge"))?;
        ip(&format!("addr add {}/24 dev {bridge}", net.host_ip()))?;
        ip(&format!("link set {bridge} up"))?;
        Ok(net)
    }

    /// Adds a namespace for `node`, with an address of its own, and returns that address.
    pub fn add(&mut self, node: i32) -> Result<Ipv4Addr> {
        let index = u8::try_from(self.places.len())?;
        let place = Place { ip: self.seat.address(FIRST + index), netns: self.seat.netns(node) };
        let (netns, link, address) = (&place.netns, self.seat.link(index), place.ip);
        ip(&format!("netns add {netns}"))?;
        ip(&format!("link add {link} type veth peer name eth0 netns {netns}"))?;
        ip(&format!("link set {link} master {} up", self.seat.bridge()))?;
        ip(&format!("-n {netns} addr add {address}/24 dev eth0"))?;
        ip(&format!("-n {netns} link set lo up"))?;
        ip(&format!("-n {netns} link set eth0 up"))?;
        self.places.insert(node, place);
        Ok(address)
    }

    /// The host's address on the bridge.
    pub fn host_ip(&self) -> Ipv4Addr {
        self.seat.address(1)
    }

    /// A node's address.
    pub fn ip(&self, node: i32) -> Option<Ipv4Addr> {
        self.places.get(&node).map(|place| place.ip)
    }

    /// The name of a node's namespace, as `ip netns` knows it.
    pub fn netns(&self, node: i32) -> Option<&str> {
        self.places.get(&node).map(|place| place.netns.as_str())
    }

    /// A command that runs in a node's namespace. Its pid is `program`'s own, as `ip` execs.
    pub fn command(&self, node: i32, program: impl AsRef<OsStr>) -> Result<Command> {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.place(node)?.netns]).arg(program);
        Ok(command)
    }

    /// Drops, silently, every packet that `from` sends to `to`. What `to` sends still arrives, but a
    /// connection between them stalls either way.
    pub fn cut(&self, from: impl Into<Peer>, to: impl Into<Peer>) -> Result<()> {
        self.change((from.into(), to.into(), How::Silent), true)
    }

    /// Drops every packet between the two.
    pub fn cut_both(&self, a: impl Into<Peer>, b: impl Into<Peer>) -> Result<()> {
        let (a, b) = (a.into(), b.into());
        self.cut(a, b)?;
        self.cut(b, a)
    }

    /// What is cut now, to be asked from anywhere while the network changes.
    pub fn links(&self) -> Links {
        Links(Arc::clone(&self.cuts))
    }

    /// Lets new connections of `from` to `to` fail at once (no route) instead of stalling; open ones stall.
    pub fn refuse(&self, from: impl Into<Peer>, to: impl Into<Peer>) -> Result<()> {
        self.change((from.into(), to.into(), How::Refused), true)
    }

    /// Undoes every cut and refusal between the two, both ways.
    pub fn heal(&self, a: impl Into<Peer>, b: impl Into<Peer>) -> Result<()> {
        let (a, b) = (a.into(), b.into());
        for how in [How::Silent, How::Refused] {
            self.change((a, b, how), false)?;
            self.change((b, a, how), false)?;
        }
        Ok(())
    }

    /// Undoes everything.
    pub fn heal_all(&self) -> Result<()> {
        let cuts: Vec<_> = self.cuts.lock().expect("cuts").iter().copied().collect();
        cuts.into_iter().try_for_each(|cut| self.change(cut, false))
    }

    fn change(&self, cut: (Peer, Peer, How), on: bool) -> Result<()> {
        let mut cuts = self.cuts.lock().expect("cuts");
        if cuts.contains(&cut) == on {
            return Ok(());
        }
        let (from, to, how) = cut;
        let target = match to {
            Peer::Host => self.host_ip(),
            Peer::Node(id) => self.place(id)?.ip,
        };
        let (scope, device) = match from {
            Peer::Host => (String::new(), self.seat.bridge()),
            Peer::Node(id) => (format!("-n {} ", self.place(id)?.netns), "eth0".to_owned()),
        };
        ip(&match (how, on) {
            (How::Silent, true) => {
                format!("{scope}neigh replace {target} lladdr {NOWHERE} dev {device} nud permanent")
            }
            (How::Silent, false) => format!("{scope}neigh del {target} dev {device}"),
            (How::Refused, true) => format!("{scope}route add unreachable {target}/32"),
            (How::Refused, false) => format!("{scope}route del unreachable {target}/32"),
        })?;
        if on {
            cuts.insert(cut)
        } else {
            cuts.remove(&cut)
        };
        Ok(())
    }

    fn place(&self, node: i32) -> Result<&Place> {
        self.places.get(&node).with_context(|| format!("no node {node} in this network"))
    }
}

impl Drop for Net {
    fn drop(&mut self) {
        if let Err(error) = self.seat.sweep() {
            eprintln!("the bed's network was not fully removed: {error:#}");
        }
    }
}
