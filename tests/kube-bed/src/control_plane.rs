//! etcd, API server, controllers and scheduler.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::daemon::Daemon;
use crate::identity::{api_certificates, kubeconfig, signing_key, tokens};
use crate::kubectl::Kubectl;
use crate::places::{SERVICES, run};
use crate::{network, parts};

/// A loaded machine is slow; a healthy one answers within 2 s.
const PATIENCE: Duration = Duration::from_secs(120);

/// The four daemons.
#[derive(Debug)]
pub struct ControlPlane {
    /// The API server, to be stopped, paused and started by tests.
    pub api_server: Daemon,
    /// What keeps replicas and the like.
    pub controllers: Arc<Daemon>,
    /// Finds nodes for pods. It ends by itself when what it is told contradicts what it remembers, as was seen after the
    /// API server had been away.
    pub scheduler: Arc<Daemon>,
    /// Holds the state. Last, so that it is stopped last.
    pub etcd: Daemon,
}

impl ControlPlane {
    /// Starts them, and waits for the API server.
    pub(crate) fn start(admin: &Kubectl) -> Result<Self> {
        let plane = Self {
            api_server: api_server(),
            controllers: Arc::new(controllers()),
            scheduler: Arc::new(scheduler()),
            etcd: etcd(),
        };
        plane.etcd.start()?;
        plane.api_server.start()?;
        plane.wait(admin)?;
        plane.controllers.start()?;
        plane.scheduler.start()?;
        plane.controllers.keep();
        plane.scheduler.keep();
        Ok(plane)
    }

    /// Waits until the API server is ready.
    pub fn wait(&self, admin: &Kubectl) -> Result<()> {
        let asked = admin.within(Duration::from_secs(5));
        asked.eventually("the API server is ready", PATIENCE, |kubectl| {
            kubectl.run("get --raw /readyz").map(drop).map_err(|e| match self.api_server.alive() {
                Ok(()) => e,
                Err(ended) => e.context(ended),
            })
        })
    }

    /// An error when one of them has ended by itself.
    pub fn alive(&self) -> Result<()> {
        for daemon in [&self.etcd, &self.api_server, &self.controllers, &self.scheduler] {
            daemon.alive().context("the control plane is not whole")?;
        }
        Ok(())
    }
}

fn etcd() -> Daemon {
    let (client, peer) = ("http://127.0.0.1:2379", "http://127.0.0.1:2380");
    Daemon::new("etcd", parts::binary("etcd")).args(&format!(
        "--name bed --data-dir {} --unsafe-no-fsync --listen-client-urls {client} --advertise-client-urls {client} \
         --listen-peer-urls {peer} --initial-advertise-peer-urls {peer} --initial-cluster bed={peer}",
        run("etcd").display()
    ))
}

fn api_server() -> Daemon {
    let key = signing_key();
    Daemon::new("kube-apiserver", parts::binary("kube-apiserver")).args(&format!(
        "--etcd-servers=http://127.0.0.1:2379 --bind-address=0.0.0.0 --secure-port=443 --advertise-address={address} \
         --cert-dir={certificates} --token-auth-file={tokens} --authorization-mode=Node,RBAC \
         --enable-admission-plugins=NodeRestriction --service-cluster-ip-range={SERVICES} \
         --service-account-issuer=https://kubernetes.default.svc --service-account-key-file={key} \
         --service-account-signing-key-file={key} --kubelet-preferred-address-types=InternalIP \
         --allow-privileged=true --endpoint-reconciler-type=none",
        address = network::node(0),
        certificates = api_certificates().display(),
        tokens = tokens().display(),
        key = key.display(),
    ))
}

fn controllers() -> Daemon {
    Daemon::new("kube-controller-manager", parts::binary("kube-controller-manager")).args(&format!(
        "--kubeconfig={} --leader-elect=false --use-service-account-credentials=true --bind-address=127.0.0.1 \
         --service-account-private-key-file={} --root-ca-file={}",
        kubeconfig("system:kube-controller-manager").display(),
        signing_key().display(),
        api_certificates().join("apiserver.crt").display(),
    ))
}

fn scheduler() -> Daemon {
    Daemon::new("kube-scheduler", parts::binary("kube-scheduler")).args(&format!(
        "--kubeconfig={} --leader-elect=false --bind-address=127.0.0.1",
        kubeconfig("system:kube-scheduler").display()
    ))
}
