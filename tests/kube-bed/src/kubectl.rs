//! kubectl, with a deadline, as one of the bed's users.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::run;

/// For a call that does not say otherwise.
const DEADLINE: Duration = Duration::from_secs(30);
/// How often [`Kubectl::eventually`] looks.
const EVERY: Duration = Duration::from_millis(200);

/// kubectl for one user. Every call ends within its deadline; an error tells the call and what kubectl said.
#[derive(Debug, Clone)]
pub struct Kubectl {
    config: PathBuf,
    deadline: Duration,
}

impl Kubectl {
    /// For the user of this kubeconfig.
    pub fn new(config: impl AsRef<Path>) -> Self {
        Self { config: config.as_ref().to_owned(), deadline: DEADLINE }
    }

    /// The same with another deadline for each call.
    #[must_use]
    pub fn within(&self, deadline: Duration) -> Self {
        Self { deadline, ..self.clone() }
    }

    /// A command to add arguments to, for a call that runs on, such as a watch.
    pub fn command(&self) -> Command {
        let mut command = Command::new("kubectl");
        command.arg("--kubeconfig").arg(&self.config);
        command
    }

    /// Calls kubectl with the words of `line`, and returns what it printed.
    pub fn run(&self, line: &str) -> Result<String> {
        self.call(&line.split_whitespace().collect::<Vec<_>>())
    }

    /// Calls kubectl with arguments that may have blanks.
    pub fn call(&self, arguments: &[&str]) -> Result<String> {
        self.with_input(arguments, "")
    }

    /// Applies these manifests.
    pub fn apply(&self, manifests: &str) -> Result<String> {
        self.with_input(&["apply", "-f", "-"], manifests)
    }

    /// What `get LINE` answers, as JSON.
    pub fn get(&self, line: &str) -> Result<Value> {
        let text = self.run(&format!("get {line} -o json"))?;
        serde_json::from_str(&text).with_context(|| format!("kubectl get {line} did not print JSON"))
    }

    /// Calls kubectl whatever comes of it: for tests of what is refused, and how.
    pub fn try_call(&self, arguments: &[&str], input: &str) -> Result<Output> {
        run::bounded(self.command().args(arguments), input.as_bytes(), self.deadline)
    }

    /// Asks again until `check` has an answer, and returns that; after the deadline, tells the last refusal.
    pub fn eventually<T>(
        &self,
        what: &str,
        deadline: Duration,
        mut check: impl FnMut(&Self) -> Result<T>,
    ) -> Result<T> {
        let started = Instant::now();
        loop {
            match check(self) {
                Ok(found) => return Ok(found),
                Err(error) if started.elapsed() > deadline => {
                    bail!("not within {deadline:?}: {what}; last seen: {error:#}")
                }
                Err(_) => std::thread::sleep(EVERY),
            }
        }
    }

    fn with_input(&self, arguments: &[&str], input: &str) -> Result<String> {
        let output = self.try_call(arguments, input)?;
        if !output.status.success() {
            bail!("kubectl {}: {}", arguments.join(" "), run::words(&output));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}
