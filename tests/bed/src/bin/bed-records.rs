//! Writes the decoder of the metadata log's records: `bed-records src/ledger/records.rs`.

use std::{env, path::PathBuf};

use anyhow::Context;

fn main() -> anyhow::Result<()> {
    let path = env::args_os().nth(1).map(PathBuf::from).context("say where to write it")?;
    bed::records::write(&path)
}
