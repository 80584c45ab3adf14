//! `pillion install`: a copy of this binary for containers of another image.

use std::path::{Path, PathBuf};

use clap::Args;

use super::{Exit, out};
use crate::{
    files::{Disk, DiskError, Outcome},
    init::{BINARY, BINARY_MODE},
};

/// Arguments of `install`.
#[derive(Args, Debug)]
#[command(after_help = "\
For a volume that the containers of a pod share: this image has no shell and no cp, and a container of
another image, such as Kafka's, can then run pillion. `pillion init` leaves a copy in the run directory,
too.

Example:
  pillion install /run/pillion        leaves /run/pillion/pillion

Exit codes: 0 done, or there already; 1 failed, what stood there before is untouched.")]
pub struct InstallArgs {
    /// The directory, which is made if it is not there
    #[arg(value_name = "DIR")]
    dir: PathBuf,
}

pub(super) fn run(args: &InstallArgs) -> Exit {
    let binary = match std::env::current_exe() {
        Ok(binary) => binary,
        Err(error) => {
            out::complain(format_args!("failed to find its own binary: {error}"));
            return Exit::No;
        }
    };
    let to = args.dir.join(BINARY);
    match place(&binary, &to) {
        Ok(outcome) => {
            let change = if outcome == Outcome::Written { "written" } else { "unchanged" };
            // A reader that has gone does not undo what was done.
            out::print(format_args!("{} {change}\n", to.display()));
            Exit::Yes
        }
        Err(error) => {
            out::complain(error);
            Exit::No
        }
    }
}

fn place(binary: &Path, to: &Path) -> Result<Outcome, DiskError> {
    let disk = Disk::default();
    if let Some(dir) = to.parent() {
        disk.make_dir(dir, BINARY_MODE)?;
    }
    if binary == to {
        return Ok(Outcome::Unchanged);
    }
    disk.place(binary, to, BINARY_MODE)
}
