//! pillion.

use std::{io::Write, process::ExitCode};

use clap::Parser;
use pillion::cli::init::{InitArgs, summary};

/// The passenger in every Kafka broker pod.
#[derive(Parser)]
#[command(version)]
enum Cli {
    Init(InitArgs),
}

fn main() -> ExitCode {
    let Cli::Init(args) = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return if error.use_stderr() { ExitCode::from(64) } else { ExitCode::SUCCESS };
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
