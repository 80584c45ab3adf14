//! `pillion sidecar`.

use std::process::ExitCode;

use clap::Args;

use super::Exit;

/// Arguments of `sidecar`.
#[derive(Args, Debug)]
pub struct SidecarArgs {}

/// Not part of this build.
pub fn run(_args: &SidecarArgs) -> ExitCode {
    super::out::complain("`sidecar` is not part of this build");
    Exit::No.into()
}
