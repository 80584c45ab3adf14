//! `pillion completions`: a script for the shell.

use clap::{Args, CommandFactory};
use clap_complete::{Shell, generate};

use super::{Cli, Exit, out};

/// Arguments of `completions`.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  source <(pillion completions bash)")]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

pub(super) fn run(args: &CompletionsArgs) -> Exit {
    let mut script = Vec::new();
    generate(args.shell, &mut Cli::command(), "pillion", &mut script);
    if out::print(String::from_utf8_lossy(&script)) { Exit::Yes } else { Exit::No }
}
