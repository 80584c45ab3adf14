//! The whole: from nothing to three ready nodes, and back.

use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::control_plane::ControlPlane;
use crate::dns::Dns;
use crate::inside::Inside;
use crate::kubectl::Kubectl;
use crate::node::{self, Node};
use crate::processes::{self, Process};
use crate::volumes::Volumes;
use crate::{identity, image};

/// A loaded machine is slow; otherwise the nodes are ready after 5 s.
const PATIENCE: Duration = Duration::from_secs(180);

/// A cluster that is up. Dropped, it stops its daemons; containers and mounts end with this program.
#[derive(Debug)]
pub struct Bed {
    /// The nodes. First, so that they are stopped before the control plane.
    pub nodes: Vec<Node>,
    /// etcd, API server, controllers and scheduler.
    pub control_plane: ControlPlane,
    /// Their volumes.
    pub volumes: Volumes,
    admin: Kubectl,
    _dns: Dns,
}

impl Bed {
    /// Starts everything, and returns when all nodes are ready.
    pub fn up(_: &Inside) -> Result<Self> {
        identity::prepare()?;
        node::prepare_cni()?;
        let admin = Kubectl::new(identity::kubeconfig(identity::ADMIN));
        let nodes = (0..3).map(Node::new).collect::<Result<Vec<_>>>()?;
        // Each node loads its images while the control plane starts.
        let control_plane = thread::scope(|scope| {
            let loading: Vec<_> = nodes.iter().map(|node| scope.spawn(|| load(node))).collect();
            let control_plane = ControlPlane::start(&admin);
            for loaded in loading {
                loaded.join().expect("no panic in there")?;
            }
            control_plane
        })?;
        let (dns, volumes) = (Dns::start(&admin)?, Volumes::make(&admin)?);
        identity::grant(&admin)?;
        let bed = Self { nodes, control_plane, volumes, admin, _dns: dns };
        for node in &bed.nodes {
            node.kubelet.start()?;
        }
        bed.wait_ready()?;
        Ok(bed)
    }

    /// kubectl for the user who may do everything.
    pub fn admin(&self) -> &Kubectl {
        &self.admin
    }

    /// kubectl for a user who may change what runs, but not who may do what.
    pub fn alice(&self) -> Kubectl {
        Kubectl::new(identity::kubeconfig(identity::ALICE))
    }

    /// A node by its name.
    pub fn node(&self, name: &str) -> Result<&Node> {
        self.nodes.iter().find(|node| node.name == name).with_context(|| format!("no node is called {name}"))
    }

    /// The processes of a container that runs, those of probes included.
    pub fn processes(&self, namespace: &str, pod: &str, container: &str) -> Result<Vec<Process>> {
        processes::of(&self.admin, namespace, pod, container)
    }

    /// Waits until all nodes are ready.
    pub fn wait_ready(&self) -> Result<()> {
        for node in &self.nodes {
            self.admin.eventually(&format!("node {} is ready", node.name), PATIENCE, |kubectl| {
                self.alive()?;
                kubectl.run(&format!("wait --for=condition=Ready node/{} --timeout=5s", node.name)).map(drop)
            })?;
        }
        Ok(())
    }

    /// An error when a daemon has ended by itself.
    pub fn alive(&self) -> Result<()> {
        self.control_plane.alive()?;
        for node in &self.nodes {
            node.containerd.alive()?;
            node.kubelet.alive()?;
        }
        Ok(())
    }
}

fn load(node: &Node) -> Result<()> {
    node.start_containerd()?;
    image::all()?.iter().try_for_each(|archive| node.load(archive))
}
