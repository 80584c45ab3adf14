//! Programs of the system: used as they are, installed when they are missing.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};

use super::CNI_PLUGINS;
use crate::run::there;

/// A package, and what tells that it is there.
const PACKAGES: [(&str, &str); 4] = [
    ("containerd", "containerd"),
    ("runc", "runc"),
    ("containernetworking-plugins", "/usr/lib/cni/bridge"),
    ("busybox-static", "busybox"),
];
/// What a developer's machine has anyway, or its owner chooses how to get.
const TOOLS: [(&str, &str); 4] = [
    ("java", "install a JDK, 17 or newer"),
    ("openssl", "install openssl"),
    ("ip", "install iproute2"),
    ("nsenter", "install util-linux"),
];

/// Installs the packages that are missing.
pub(super) fn install() -> Result<()> {
    for (tool, remedy) in TOOLS {
        if !there(tool) {
            bail!("{tool} is not on the PATH: {remedy}");
        }
    }
    let missing: Vec<_> = PACKAGES.iter().filter(|(_, tells)| !found(tells)).map(|(name, _)| *name).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let list = missing.join(" ");
    if !there("apt-get") {
        bail!("missing: {list}; install what your system calls so (the CNI plugins into {CNI_PLUGINS})");
    }
    eprintln!("installing {list} from Debian ...");
    let install: Vec<_> =
        ["install", "--yes", "--no-install-recommends"].into_iter().chain(missing).collect();
    // The lists of packages may be old, or none.
    let installed = apt_get(&install)? || (apt_get(&["update"])? && apt_get(&install)?);
    if !installed {
        bail!("apt-get could not install {list}: run `dpkg --configure -a`, and try again");
    }
    Ok(())
}

fn apt_get(arguments: &[&str]) -> Result<bool> {
    let mut command = Command::new("apt-get");
    Ok(command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive").status()?.success())
}

fn found(tells: &str) -> bool {
    if tells.starts_with('/') { Path::new(tells).exists() } else { there(tells) }
}
