//! Who may talk to the API server: tokens, kubeconfigs, and the key that signs service accounts.

use std::fmt::Write;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::json;

use crate::kubectl::Kubectl;
use crate::places::{self, API};
use crate::{node, run};

/// May do everything.
pub const ADMIN: &str = "admin";
/// A person who may change what runs, but not who may do what.
pub const ALICE: &str = "alice";

/// Users and their groups.
fn users() -> Vec<(String, &'static str)> {
    let mut users = vec![
        (ADMIN.to_owned(), "system:masters"),
        (ALICE.to_owned(), ""),
        ("system:kube-controller-manager".to_owned(), ""),
        ("system:kube-scheduler".to_owned(), ""),
    ];
    users.extend(node::NAMES.map(|name| (format!("system:node:{name}"), "system:nodes")));
    users
}

/// A user's kubeconfig, as seen from inside.
pub fn kubeconfig(user: &str) -> PathBuf {
    places::run(format!("{}.kubeconfig", user.replace(':', "-")))
}

/// The tokens, as the API server reads them.
pub fn tokens() -> PathBuf {
    places::run("tokens.csv")
}

/// The key that signs the tokens of service accounts.
pub fn signing_key() -> PathBuf {
    places::run("service-accounts.pem")
}

/// The directory in which the API server makes its own certificate.
pub fn api_certificates() -> PathBuf {
    places::run("api")
}

/// Writes all of it. The tokens are no secrets: nothing outside of the namespaces can reach the API server.
pub(crate) fn prepare() -> Result<()> {
    let mut rows = String::new();
    for (user, group) in users() {
        let token = format!("token-of-{}", user.replace(':', "-"));
        writeln!(rows, "{token},{user},{user},\"{group}\"")?;
        let config = json!({
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "bed", "cluster": {
                "server": API,
                "certificate-authority": api_certificates().join("apiserver.crt"),
            }}],
            "users": [{"name": user, "user": {"token": token}}],
            "contexts": [{"name": "bed", "context": {"cluster": "bed", "user": user}}],
            "current-context": "bed",
        });
        fs::write(kubeconfig(&user), serde_json::to_vec_pretty(&config)?)?;
    }
    fs::write(tokens(), rows)?;
    let mut command = Command::new("openssl");
    command.args(["genpkey", "-quiet", "-algorithm", "RSA", "-out"]).arg(signing_key());
    run::output(&mut command).context("failed to make a key: install openssl")?;
    Ok(())
}

/// Gives [`ALICE`] her rights, in all namespaces.
pub(crate) fn grant(admin: &Kubectl) -> Result<()> {
    admin.run(&format!("create clusterrolebinding {ALICE} --clusterrole=edit --user={ALICE}")).map(drop)
}
