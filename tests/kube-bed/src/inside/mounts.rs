//! Mounts that only the inside sees.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::places;
use crate::run::words_of;

/// What the parts write to, wherever they are told to keep their data: it must not reach the machine.
const COVERED: [&str; 5] =
    ["/run", "/var/lib/kubelet", "/var/lib/cni", "/var/log/pods", "/var/log/containers"];
/// What a kubelet sets for the whole machine, whatever its configuration. It gets files of its own to write to.
const SETTINGS: [&str; 3] = ["vm/overcommit_memory", "kernel/panic", "kernel/panic_on_oops"];

/// Makes those that are to be covered, and returns those that were not there.
pub(super) fn places() -> Result<Vec<&'static str>> {
    let missing: Vec<_> = COVERED.into_iter().filter(|dir| !Path::new(dir).exists()).collect();
    for dir in &missing {
        fs::create_dir_all(dir).with_context(|| format!("failed to create {dir}"))?;
    }
    Ok(missing)
}

/// Covers what would reach the machine, and puts the run's data where all expect them.
pub(super) fn prepare() -> Result<()> {
    let data = places::run_outside();
    for dir in COVERED {
        words_of(&format!("mount -t tmpfs -o mode=755 kube-bed {dir}"))?;
    }
    fs::create_dir_all(places::RUN)?;
    bind(&data.to_string_lossy(), places::RUN)?;
    for setting in SETTINGS {
        let (real, own) = (format!("/proc/sys/{setting}"), places::run(setting.replace('/', ".")));
        fs::write(&own, fs::read(&real)?)?;
        bind(&own.to_string_lossy(), &real)?;
    }
    let resolv = places::run("resolv.conf");
    fs::write(&resolv, format!("nameserver {}\nsearch {}\n", places::DNS_ADDRESS, places::DOMAIN))?;
    // The real one may be a link into what was covered just now.
    let target = fs::canonicalize("/etc/resolv.conf").unwrap_or_else(|_| "/etc/resolv.conf".into());
    bind(&resolv.to_string_lossy(), &target.to_string_lossy())
}

fn bind(from: &str, to: &str) -> Result<()> {
    crate::run::output(std::process::Command::new("mount").args(["--bind", from, to])).map(drop)
}
