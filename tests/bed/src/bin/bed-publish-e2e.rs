//! Puts the results of the cases on Kubernetes into the documentation: `bed-publish-e2e target/e2e .`

use std::{env, path::PathBuf};

use anyhow::Context;

fn main() -> anyhow::Result<()> {
    let mut paths = env::args_os().skip(1).map(PathBuf::from);
    let mut next =
        |what| paths.next().with_context(|| format!("usage: bed-publish-e2e RESULTS PROJECT: no {what}"));
    bed::report::publish_cases(&next("results")?, &next("project")?)
}
