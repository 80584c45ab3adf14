//! Puts the results of the truth bench into the documentation: `bed-publish target/truth .`

use std::{env, path::PathBuf};

use anyhow::Context;

fn main() -> anyhow::Result<()> {
    let mut paths = env::args_os().skip(1).map(PathBuf::from);
    let mut next =
        |what| paths.next().with_context(|| format!("usage: bed-publish RESULTS PROJECT: no {what}"));
    bed::report::publish(&next("results")?, &next("project")?)
}
