//! Ways in for a person: small scripts that enter the namespaces and run a command there.

use std::env;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use anyhow::Result;

use crate::identity::{ADMIN, kubeconfig};
use crate::places;

/// The script that runs its arguments inside.
pub fn enter() -> PathBuf {
    places::home().join("enter")
}

/// The script that is kubectl, run inside.
pub fn kubectl() -> PathBuf {
    places::home().join("kubectl")
}

/// So that kubectl talks to the bed and nothing else, and remembers nothing of it in a person's home.
///
/// A kubectl that was built because there is none comes last on the PATH.
pub(super) fn variables() -> [(&'static str, String); 3] {
    let text = |path: PathBuf| path.display().to_string();
    let path = env::var("PATH").unwrap_or_default();
    [
        ("KUBECONFIG", text(kubeconfig(ADMIN))),
        ("KUBECACHEDIR", text(places::run("kubectl-cache"))),
        ("PATH", format!("{path}:{}", text(places::cache()))),
    ]
}

/// Writes them. `unshare` is the process whose only child is process 1 of the namespaces.
pub(super) fn open(unshare: u32) -> Result<()> {
    let variables = variables().map(|(name, value)| format!("'{name}={value}'")).join(" ");
    let enter_text = format!(
        "#!/bin/sh\n\
         # Runs a command inside the bed: enter kubectl get pods\n\
         first=$(cat /proc/{unshare}/task/{unshare}/children 2>/dev/null)\n\
         [ -n \"$first\" ] || {{ echo 'the bed is not up' >&2; exit 1; }}\n\
         exec nsenter -t ${{first%% *}} -m -n -p --wdns=\"$PWD\" -- env {variables} \"$@\"\n"
    );
    let kubectl_text = format!("#!/bin/sh\nexec {} kubectl \"$@\"\n", enter().display());
    for (path, text) in [(enter(), enter_text), (kubectl(), kubectl_text)] {
        fs::write(&path, text)?;
        fs::set_permissions(&path, Permissions::from_mode(0o755))?;
    }
    Ok(())
}

/// Removes them.
pub(super) fn close() {
    for path in [enter(), kubectl()] {
        // There is nothing to enter any more: a script that is left says so itself.
        let _ = fs::remove_file(path);
    }
}
