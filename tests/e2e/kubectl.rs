//! The bed's kubectl, in a namespace.

use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// A busy machine is slow, and `apply` of a whole cluster asks many times.
const PATIENCE: Duration = Duration::from_secs(90);

/// A user, and a namespace.
#[derive(Debug, Clone)]
pub struct Kubectl {
    user: kube_bed::Kubectl,
    namespace: String,
}

impl Kubectl {
    /// One of the bed's users.
    pub fn of(user: &kube_bed::Kubectl, namespace: &str) -> Self {
        Self { user: user.within(PATIENCE), namespace: namespace.to_owned() }
    }

    /// The same user in another namespace.
    pub fn in_namespace(&self, namespace: &str) -> Self {
        Self { namespace: namespace.to_owned(), ..self.clone() }
    }

    /// The same, for commands that wait for something.
    pub fn within(&self, patience: Duration) -> Self {
        Self { user: self.user.within(patience), ..self.clone() }
    }

    /// The namespace.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Runs a command, given as one line whose words hold no spaces, and returns what it printed.
    pub fn run(&self, line: &str) -> Result<String> {
        self.args(&line.split_whitespace().collect::<Vec<_>>())
    }

    /// Runs a command whose words may hold spaces.
    pub fn args(&self, words: &[&str]) -> Result<String> {
        self.user.call(&self.here(words))
    }

    /// Runs a command that must fail, and returns what it said.
    pub fn refused(&self, words: &[&str]) -> Result<String> {
        let output = self.user.try_call(&self.here(words), "")?;
        ensure!(!output.status.success(), "kubectl {} was to be refused", words.join(" "));
        Ok(String::from_utf8_lossy(&output.stderr).into_owned())
    }

    /// An object, or a list of them.
    pub fn json(&self, line: &str) -> Result<Value> {
        Ok(serde_json::from_str(&self.run(&format!("{line} -o json"))?)?)
    }

    /// What the agent of a pod says.
    pub fn status(&self, pod: &str) -> Result<Value> {
        let line = format!("exec {pod} -c pillion -- /pillion status -o json");
        Ok(serde_json::from_str(&self.run(&line)?)?)
    }

    /// Applies a kustomization.
    pub fn apply(&self, dir: &Path) -> Result<String> {
        self.args(&["apply", "-k", dir.to_str().context("a path")?])
    }

    /// Starts a command whose output is read as it comes. Its reader kills it.
    pub fn follow(&self, line: &str) -> Result<Child> {
        let mut command = self.user.command();
        command.args(self.here(&line.split_whitespace().collect::<Vec<_>>()));
        Ok(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?)
    }

    fn here<'a>(&'a self, words: &[&'a str]) -> Vec<&'a str> {
        let mut all = vec!["--namespace", &self.namespace];
        all.extend(words);
        all
    }
}
