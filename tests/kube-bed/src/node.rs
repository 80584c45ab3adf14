//! A node: containerd and a kubelet, with an address, a zone and a cgroup of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::json;

use crate::daemon::Daemon;
use crate::places::{self, CONTAINERD_NAMESPACE, DNS_ADDRESS, DOMAIN, run};
use crate::{cgroups, identity, image, network, parts};

/// The nodes' names; their zones are `zone-a`, `zone-b` and `zone-c`.
pub const NAMES: [&str; 3] = ["n1", "n2", "n3"];
const ZONES: [&str; 3] = ["zone-a", "zone-b", "zone-c"];
/// Longer than containerd needs on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// One of the nodes. Its containers run on when the kubelet is stopped.
#[derive(Debug)]
pub struct Node {
    /// Its name.
    pub name: &'static str,
    /// The kubelet, to be stopped, paused and started by tests.
    pub kubelet: Daemon,
    /// What runs the containers.
    pub containerd: Daemon,
    index: u8,
}

impl Node {
    /// Not started yet. `index` counts from zero.
    pub(crate) fn new(index: u8) -> Result<Self> {
        let name = NAMES[usize::from(index)];
        let home = run(name);
        for dir in [home.clone(), logs_of_pods(name)] {
            fs::create_dir_all(&dir).with_context(|| format!("failed to create {}", dir.display()))?;
        }
        fs::write(home.join("containerd.toml"), containerd_config(&home))?;
        fs::write(
            home.join("kubelet.json"),
            serde_json::to_vec_pretty(&kubelet_config(name, index, &home))?,
        )?;
        let home = home.display();
        let containerd = Daemon::new(&format!("containerd-{name}"), "containerd")
            .args(&format!("--config {home}/containerd.toml"));
        let kubelet = Daemon::new(&format!("kubelet-{name}"), parts::binary("kubelet")).args(&format!(
            "--config={home}/kubelet.json --kubeconfig={kubeconfig} --root-dir={home}/kubelet --cert-dir={home}/pki \
             --hostname-override={name} --node-ip={address} --node-labels=topology.kubernetes.io/zone={zone}",
            kubeconfig = identity::kubeconfig(&format!("system:node:{name}")).display(),
            address = network::node(index),
            zone = ZONES[usize::from(index)],
        ));
        Ok(Self { name, kubelet, containerd, index })
    }

    /// Its zone.
    pub fn zone(&self) -> &'static str {
        ZONES[usize::from(self.index)]
    }

    /// Starts containerd and waits until it answers.
    pub(crate) fn start_containerd(&self) -> Result<()> {
        self.containerd.start()?;
        let started = std::time::Instant::now();
        while let Err(error) = self.ctr(&["version"]) {
            self.containerd.alive()?;
            if started.elapsed() > PATIENCE {
                return Err(error.context(format!("{} does not answer", self.containerd.name())));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    /// Loads an image, as `docker load` would.
    pub fn load(&self, archive: &Path) -> Result<()> {
        self.ctr(&["images", "import", &archive.to_string_lossy()]).map(drop)
    }

    /// Calls `ctr` on this node's containerd, and returns what it printed.
    pub fn ctr(&self, arguments: &[&str]) -> Result<String> {
        let socket = run(self.name).join("containerd.sock");
        let mut command = Command::new("ctr");
        command.arg("--address").arg(socket).args(["--namespace", CONTAINERD_NAMESPACE]).args(arguments);
        crate::run::output(&mut command)
    }
}

/// Where the logs of a node's pods are, by namespace, pod and container.
pub fn logs_of_pods(node: &str) -> PathBuf {
    places::logs().join("pods").join(node)
}

fn containerd_config(home: &Path) -> String {
    let disabled =
        ["btrfs", "zfs", "aufs", "devmapper"].map(|name| format!("'io.containerd.snapshotter.v1.{name}'"));
    format!(
        "version = 2\n\
         root = '{home}/containerd'\n\
         state = '{home}/containerd-state'\n\
         disabled_plugins = [{disabled}, 'io.containerd.internal.v1.opt']\n\
         [grpc]\n\
         address = '{home}/containerd.sock'\n\
         [plugins.'io.containerd.grpc.v1.cri']\n\
         disable_apparmor = true\n\
         # Without CAP_SYS_RESOURCE nobody can make a process less likely to be killed.\n\
         restrict_oom_score_adj = true\n\
         sandbox_image = '{pause}'\n\
         stream_server_address = '127.0.0.1'\n\
         stream_server_port = '0'\n\
         [plugins.'io.containerd.grpc.v1.cri'.containerd]\n\
         snapshotter = 'overlayfs'\n\
         default_runtime_name = 'runc'\n\
         [plugins.'io.containerd.grpc.v1.cri'.containerd.runtimes.runc]\n\
         runtime_type = 'io.containerd.runc.v2'\n\
         [plugins.'io.containerd.grpc.v1.cri'.containerd.runtimes.runc.options]\n\
         SystemdCgroup = false\n\
         [plugins.'io.containerd.grpc.v1.cri'.cni]\n\
         bin_dir = '{plugins}'\n\
         conf_dir = '{cni}'\n",
        home = home.display(),
        disabled = disabled.join(", "),
        pause = image::PAUSE,
        plugins = parts::CNI_PLUGINS,
        cni = run("cni").display(),
    )
}

/// The network of pods, the same for all nodes: one bridge, one range of addresses.
pub(crate) fn prepare_cni() -> Result<()> {
    let config = json!({
        "cniVersion": "0.4.0",
        "name": "bed",
        "plugins": [{
            "type": "bridge",
            "bridge": network::BRIDGE,
            "isGateway": true,
            "isDefaultGateway": true,
            "hairpinMode": true,
            "ipMasq": false,
            "ipam": {
                "type": "host-local",
                "dataDir": run("cni-addresses"),
                "ranges": [[{
                    "subnet": network::SUBNET,
                    "rangeStart": network::FIRST_POD,
                    "gateway": network::node(0),
                }]],
            },
        }],
    });
    fs::create_dir_all(run("cni"))?;
    fs::write(run("cni").join("bed.conflist"), serde_json::to_vec_pretty(&config)?)?;
    Ok(())
}

fn kubelet_config(name: &str, index: u8, home: &Path) -> serde_json::Value {
    json!({
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "containerRuntimeEndpoint": format!("unix://{}/containerd.sock", home.display()),
        "address": network::node(index),
        "port": 10250,
        "readOnlyPort": 0,
        "healthzPort": 10248 - 10 * i32::from(index),
        "authentication": {"anonymous": {"enabled": true}, "webhook": {"enabled": false}},
        "authorization": {"mode": "AlwaysAllow"},
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": cgroups::of(name),
        "failCgroupV1": false,
        "failSwapOn": false,
        "enforceNodeAllocatable": [],
        "makeIPTablesUtilChains": false,
        "resolvConf": "",
        "clusterDNS": [DNS_ADDRESS],
        "clusterDomain": DOMAIN,
        "evictionHard": {
            "memory.available": "0%", "nodefs.available": "0%", "nodefs.inodesFree": "0%", "imagefs.available": "0%",
        },
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
        "podLogsDir": logs_of_pods(name),
    })
}
