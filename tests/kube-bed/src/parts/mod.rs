//! What the bed is made of: programs from Debian, Kubernetes built from its sources, images.

mod debian;
mod kubernetes;

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, bail};

use crate::run::there;
use crate::{image, places};

/// Where Debian puts the CNI plugins.
pub const CNI_PLUGINS: &str = "/usr/lib/cni";

/// A program that was built into the cache.
pub fn binary(name: &str) -> PathBuf {
    places::cache().join(name)
}

/// The Go compiler, which only those need who have nothing in the cache yet.
pub(crate) fn go() -> Result<Command> {
    if !there("go") {
        bail!("go is not on the PATH: install Go, 1.26 or newer");
    }
    Ok(Command::new("go"))
}

/// Makes kubectl, in the cache, where there is none on the PATH.
pub fn kubectl() -> Result<()> {
    kubernetes::kubectl()
}

/// Makes what is not there yet. Needs a way to the Internet only then.
pub fn make() -> Result<()> {
    debian::install()?;
    kubernetes::build()?;
    image::make()
}
