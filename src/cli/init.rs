//! `pillion init`.

use std::process::ExitCode;

use clap::Args;

use super::Exit;

/// Arguments of `init`.
#[derive(Args, Debug)]
pub struct InitArgs {}

/// Not part of this build.
pub fn run(_args: &InitArgs) -> ExitCode {
    super::out::complain("`init` is not part of this build");
    Exit::No.into()
}
