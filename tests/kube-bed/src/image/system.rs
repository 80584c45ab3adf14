//! What an image for Java has beside the program itself: this machine's own glibc, bash and Java, and busybox.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::java;
use super::layer::{Layer, Owned, PROGRAM, TEXT};
use crate::run;

/// The user's own.
pub(super) const OWN: Owned = Owned { id: 1000, mode: 0o755 };
/// Anybody's, as /tmp is.
const SHARED: Owned = Owned { id: 0, mode: 0o1777 };
const JAVA_HOME: &str = "/opt/java/openjdk";

/// Users, of whom `user` is 1000, a shell with the usual commands, Java, and the libraries that these need.
/// What is put there is made in `dir`.
pub(super) fn put(layer: &mut Layer, dir: &Path, user: &str) -> Result<()> {
    let aside = tempfile::tempdir_in(dir)?;
    let java = &java::runtime(aside.path())?;
    let users = format!("root:x:0:0::/root:/bin/sh\n{user}:x:1000:1000::/home/{user}:/bin/bash\n");
    layer.file("/etc/passwd", TEXT, users.as_bytes())?;
    layer.file("/etc/group", TEXT, format!("root:x:0:\n{user}:x:1000:\n").as_bytes())?;
    layer.file("/etc/nsswitch.conf", TEXT, b"hosts: files dns\n")?;
    layer.dir(&format!("/home/{user}"), OWN)?;
    layer.dir("/tmp", SHARED)?;
    let (busybox, bash) = (found("busybox")?, found("bash")?);
    layer.copy("/bin/busybox", PROGRAM, &busybox)?;
    layer.copy("/bin/bash", PROGRAM, &bash)?;
    for applet in run::output(Command::new(&busybox).arg("--list"))?.lines().filter(|name| *name != "busybox")
    {
        layer.link(&format!("/bin/{applet}"), "busybox")?;
    }
    let programs =
        [bash, java.join("bin/java"), java.join("lib/server/libjvm.so"), java.join("lib/libzip.so")];
    for library in libraries(&programs)?.iter().filter(|path| !path.starts_with(java)) {
        layer.copy(&library.to_string_lossy(), PROGRAM, library)?;
    }
    layer.tree(JAVA_HOME, java)
}

/// The variables that go with it. Programs are looked for in `more`, too.
pub(super) fn variables(more: &[&str]) -> Vec<String> {
    let java = format!("{JAVA_HOME}/bin");
    let usual = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];
    let path: Vec<&str> = [java.as_str()].iter().chain(&usual).chain(more).copied().collect();
    vec![format!("PATH={}", path.join(":")), format!("JAVA_HOME={JAVA_HOME}"), "LANG=C.UTF-8".to_owned()]
}

/// What it is made of, this code included.
pub(super) fn key() -> Result<String> {
    Ok(format!("{}{}{}", include_str!("system.rs"), include_str!("java.rs"), java::version()?))
}

/// The libraries that these programs load, the loader included, where they expect them.
fn libraries(programs: &[PathBuf]) -> Result<BTreeSet<PathBuf>> {
    let mut found = BTreeSet::new();
    for program in programs {
        let told = run::output(Command::new("ldd").arg(program))?;
        let paths =
            told.lines().filter_map(|line| line.split_whitespace().find(|word| word.starts_with('/')));
        found.extend(paths.map(PathBuf::from));
    }
    Ok(found)
}

fn found(program: &str) -> Result<PathBuf> {
    let path = run::which(program).with_context(|| format!("{program} is not on the PATH"))?;
    fs::canonicalize(&path).with_context(|| format!("failed to follow {}", path.display()))
}
