//! Writes what every release of Kafka says of its settings: `bed-catalogue src/properties/catalogue/kafka.tsv`.

use std::{env, path::PathBuf};

use anyhow::Context;

fn main() -> anyhow::Result<()> {
    let path = env::args_os().nth(1).map(PathBuf::from).context("say where to write it")?;
    bed::catalogue::write(&path)
}
