//! The command line: one file a command.

mod client;
mod cluster;
mod completions;
mod drain;
pub mod exit;
pub mod init;
mod install;
mod lint;
mod log;
mod out;
mod overrides;
mod probe;
pub mod render;
mod runtime;
pub mod sidecar;
pub mod source;
mod status;

use std::{ffi::OsString, process::ExitCode};

use clap::{Parser, Subcommand, error::ErrorKind};

pub use exit::Exit;
pub use log::start as start_log;
pub use runtime::block_on;

/// The passenger in every Kafka broker pod: prepares the broker, then tells the truth about it.
#[derive(Debug, Parser)]
#[command(
    name = "pillion",
    version,
    propagate_version = true,
    arg_required_else_help = true,
    after_help = exit::HELP,
    after_long_help = exit::LONG_HELP
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Prepare the broker: its id, zone, server.properties and volumes
    Init(init::InitArgs),
    /// Show server.properties, where its values come from, and what a change does
    Render(render::RenderArgs),
    /// Tell what is wrong, or dangerous, in a server.properties
    Lint(lint::LintArgs),
    /// Watch the broker and answer for it over HTTP
    Sidecar(sidecar::SidecarArgs),
    /// Ask for one verdict: for exec probes and scripts
    Probe(probe::ProbeArgs),
    /// Wait, bounded, until the node may stop: for a preStop hook
    Drain(drain::DrainArgs),
    /// Ask the cluster whether brokers may stop together, or a whole zone
    StopCheck(cluster::stop::StopCheckArgs),
    /// Ask the cluster whether a broker may be removed for ever
    DecommissionCheck(cluster::remove::DecommissionCheckArgs),
    /// Take a broker that is gone for ever out of the cluster's list
    Unregister(cluster::unregister::UnregisterArgs),
    /// Show the verdicts, since when, why, and what to do
    Status(status::StatusArgs),
    /// Force or hold readiness for a while (break-glass)
    Override(overrides::OverrideArgs),
    /// Leave a copy of this binary in a directory, for containers of another image
    Install(install::InstallArgs),
    /// Print a completion script for a shell
    Completions(completions::CompletionsArgs),
}

/// Runs what the arguments say.
pub fn run(args: &[OsString]) -> ExitCode {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => return misuse(&error, args),
    };
    match cli.command {
        Command::Init(args) => {
            log::start();
            init::run(&args)
        }
        Command::Render(args) => render::run(&args),
        Command::Sidecar(args) => {
            log::start();
            sidecar::run(&args)
        }
        Command::Probe(args) => probe::run(&args).into(),
        Command::Status(args) => status::run(&args).into(),
        Command::Override(args) => overrides::run(&args).into(),
        Command::Drain(args) => drain::run(&args).into(),
        Command::StopCheck(args) => cluster::stop::run(&args).into(),
        Command::Unregister(args) => cluster::unregister::run(&args).into(),
        Command::DecommissionCheck(args) => cluster::remove::run(&args).into(),
        Command::Lint(args) => lint::run(&args).into(),
        Command::Install(args) => install::run(&args).into(),
        Command::Completions(args) => completions::run(&args).into(),
    }
}

/// Says what is wrong with the arguments, and exits as the command's readers expect: a kubelet that runs a misspelt
/// `probe live` must not kill the broker for it.
fn misuse(error: &clap::Error, args: &[OsString]) -> ExitCode {
    // A closed stream leaves nothing to be done about it.
    let _ = error.print();
    let help = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    let mut words = args.iter().skip(1);
    if help {
        Exit::Yes.into()
    } else if words.next().is_some_and(|word| word == "probe") {
        let live = words.any(|word| word == "live");
        if live { Exit::Yes.into() } else { Exit::No.into() }
    } else {
        Exit::BadConfig.into()
    }
}
