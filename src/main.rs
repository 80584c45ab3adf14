//! pillion.

use std::{io::Write, process::ExitCode};

use clap::Parser;
use pillion::cli::init::{InitArgs, summary};

/// The passenger in every Kafka broker pod.
#[derive(Parser)]
#[command(version)]
enum Cli {
    Init(InitArgs),
    Sidecar(pillion::cli::sidecar::SidecarArgs),
}

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return if error.use_stderr() { ExitCode::from(64) } else { ExitCode::SUCCESS };
        }
    };
    let args = match cli {
        Cli::Init(args) => args,
        Cli::Sidecar(args) => {
            tracing_subscriber::fmt()
                .with_env_filter(tracing_subscriber::EnvFilter::from_env("PILLION_LOG"))
                .with_writer(std::io::stderr)
                .init();
            return pillion::cli::sidecar::run_sidecar(&args);
        }
    };
    match args.run(|_| {}) {
        Ok(report) => {
            let _ = write!(std::io::stdout(), "{}", summary(&report));
            ExitCode::SUCCESS
        }
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "{error}");
            ExitCode::from(error.exit.code())
        }
    }
}
