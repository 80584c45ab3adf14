//! pillion: the passenger in every Kafka broker pod.

use std::{ffi::OsString, process::ExitCode};

fn main() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().collect();
    pillion::cli::run(&args)
}
