//! A Java that is small enough for an image.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::run;

/// What a broker and its tools use, those for looking at it included.
const MODULES: &str = "java.base,java.desktop,java.logging,java.management,java.naming,java.net.http,java.security.jgss,\
    java.security.sasl,java.sql,java.xml,jdk.attach,jdk.crypto.ec,jdk.jcmd,jdk.jfr,jdk.management,\
    jdk.management.agent,jdk.net,jdk.security.auth,jdk.security.jgss,jdk.unsupported,jdk.zipfs";

/// The machine's version, in its own words.
pub(super) fn version() -> Result<String> {
    let output = Command::new("java").arg("-version").output().context("failed to run java")?;
    Ok(run::words(&output))
}

/// A runtime of the modules that are needed, or all of Java where the machine has no modules to link; made in `dir`.
pub(super) fn runtime(dir: &Path) -> Result<PathBuf> {
    let (home, target) = (home()?, dir.join("jre"));
    if home.join("jmods").exists() {
        let mut link = Command::new(home.join("bin/jlink"));
        link.args([
            "--no-header-files",
            "--no-man-pages",
            "--generate-cds-archive",
            "--add-modules",
            MODULES,
        ]);
        run::output(link.arg("--output").arg(&target))?;
    } else {
        run::output(Command::new("cp").arg("-rL").arg(&home).arg(&target))?;
    }
    Ok(target)
}

fn home() -> Result<PathBuf> {
    let output = Command::new("java").args(["-XshowSettings:properties", "-version"]).output()?;
    let said = run::words(&output);
    let home = said.lines().find_map(|line| line.trim().strip_prefix("java.home = "));
    Ok(home.context("java did not say where it is")?.into())
}
