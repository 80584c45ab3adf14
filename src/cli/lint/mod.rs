//! `pillion lint`: what is wrong, or dangerous, in a `server.properties`.

mod explain;
mod report;

use std::{
    fs, io,
    io::Read,
    path::{Path, PathBuf},
};

use super::{Exit, out};
use crate::{
    config,
    files::read_capped,
    properties::{
        self,
        catalogue::{Release, catalogue},
        lint::{self, Finding, Severity},
    },
};

/// Tells what is wrong, or dangerous, in server.properties, ours or not
///
/// Kafka says nothing about a setting that it does not know. This does, and knows each release from 2.8 on: its settings, their
/// types, ranges and choices are taken from Kafka's own classes.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  pillion lint server.properties                       as the newest release takes it
  pillion lint --kafka 3.9 /etc/kafka                  every *.properties of a directory
  pillion render -c pillion.yaml | pillion lint -      what init would write
  pillion lint --kafka 3.9 --upgrade-to 4.3 FILE       and what lies between, step by step
  pillion lint --format github config/*.properties     annotations in a pull request
  pillion lint --rules                                 every rule, and why
  pillion lint --explain log.segment.bytes             one setting, as the releases have it

A warning or note is permitted by a comment in the line above, with a reason:
  # pillion:allow unclean-election logs of no value
  unclean.leader.election.enable=true

Exit codes: 0 no error (there may be warnings); 1 errors: Kafka would not start; 64 nothing could be read.")]
pub struct LintArgs {
    /// Files, directories with *.properties, or - for standard input
    #[arg(required_unless_present_any = ["rules", "explain"], value_name = "FILE|DIR|-")]
    paths: Vec<PathBuf>,
    /// The release of Kafka that runs, as in 3.9; otherwise the newest that is known
    #[arg(long, value_name = "RELEASE")]
    kafka: Option<Release>,
    /// Also the steps to this release, and what it would refuse
    #[arg(long, value_name = "RELEASE")]
    upgrade_to: Option<Release>,
    /// The size of all log directories together, as in 500Gi: can what is kept fit?
    #[arg(long, value_name = "SIZE", value_parser = disk_size)]
    disk_size: Option<u64>,
    /// How it is told
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
    /// Show the rules instead
    #[arg(long)]
    rules: bool,
    /// Tell what this setting is instead: what it takes, since when, and what Kafka says of it
    #[arg(long, value_name = "KEY", conflicts_with_all = ["paths", "rules"])]
    explain: Option<String>,
}

/// How findings are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For a person, with the line
    Human,
    /// One object
    Json,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// Annotations of GitHub Actions
    Github,
}

/// A file, and what was found in it.
struct Linted {
    name: String,
    source: Vec<u8>,
    findings: Vec<Finding>,
    steps: Vec<String>,
}

pub(super) fn run(args: &LintArgs) -> Exit {
    if args.rules {
        out::print(lint::page());
        return Exit::Yes;
    }
    let known = |asked: Option<Release>| match asked {
        None => catalogue().releases().last().copied().ok_or("nothing is known of Kafka".to_owned()),
        Some(asked) => {
            catalogue().nearest(asked).ok_or(format!("Kafka {asked} is older than all that is known here"))
        }
    };
    let releases =
        known(args.kafka).and_then(|from| Ok((from, args.upgrade_to.map(|to| known(Some(to))).transpose()?)));
    if let Some(key) = &args.explain {
        let told = releases.and_then(|(release, _)| explain::explain(key, release));
        return match told {
            Ok(text) => {
                out::print(text);
                Exit::Yes
            }
            Err(why) => {
                out::complain(why);
                Exit::No
            }
        };
    }
    let read = releases.and_then(|releases| Ok((releases, sources(&args.paths)?)));
    let ((release, to), sources) = match read {
        Ok(read) => read,
        Err(error) => {
            out::complain(error);
            return Exit::BadConfig;
        }
    };
    for asked in [args.kafka, args.upgrade_to].into_iter().flatten() {
        if let Some(known) = catalogue().nearest(asked).filter(|known| *known != asked) {
            out::complain(format_args!("Kafka {asked} is not known here; what {known} says is taken for it"));
        }
    }
    let all: Vec<Linted> =
        sources.into_iter().map(|(name, source)| look(name, source, release, to, args.disk_size)).collect();
    let text = match args.format {
        Format::Human => report::human(&all, release, args.kafka.is_none()),
        Format::Json => report::json(&all, release),
        Format::Sarif => report::sarif(&all),
        Format::Github => report::github(&all),
    };
    out::print(text);
    let errors = all.iter().flat_map(|one| &one.findings).any(|found| found.rule.severity == Severity::Error);
    if errors { Exit::No } else { Exit::Yes }
}

fn disk_size(text: &str) -> Result<u64, String> {
    config::bytes(text).ok_or_else(|| "it is no size: as in 500Gi, or a number of bytes".to_owned())
}

fn look(name: String, source: Vec<u8>, release: Release, to: Option<Release>, disk: Option<u64>) -> Linted {
    let mut findings = lint::lint(&source, release, disk);
    let mut steps = Vec::new();
    if let Some(to) = to {
        steps = lint::steps(&properties::parse(&source).unwrap_or_default(), release, to);
        let later =
            lint::lint(&source, to, disk).into_iter().filter(|found| found.rule.severity == Severity::Error);
        let later: Vec<_> = later.filter(|found| !findings.contains(found)).collect();
        findings.extend(
            later
                .into_iter()
                .map(|found| Finding { what: format!("{} (by Kafka {to})", found.what), ..found }),
        );
    }
    Linted { name, source, findings, steps }
}

/// The files that are meant, with their names.
fn sources(paths: &[PathBuf]) -> Result<Vec<(String, Vec<u8>)>, String> {
    let mut all = Vec::new();
    for path in paths {
        if path.as_os_str() == "-" {
            let mut source = Vec::new();
            let most = u64::try_from(properties::MAX_BYTES).unwrap_or(u64::MAX) + 1;
            io::stdin()
                .take(most)
                .read_to_end(&mut source)
                .map_err(|error| format!("failed to read standard input: {error}"))?;
            all.push(("<stdin>".to_owned(), source));
        } else if path.is_dir() {
            let inside =
                inside(path).map_err(|error| format!("failed to read {}: {error}", path.display()))?;
            if inside.is_empty() {
                return Err(format!("{} holds no file that ends with .properties", path.display()));
            }
            for path in inside {
                all.push(read(&path)?);
            }
        } else {
            all.push(read(path)?);
        }
    }
    Ok(all)
}

fn inside(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let mut all: Vec<PathBuf> =
        fs::read_dir(dir)?.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>()?;
    all.retain(|path| path.extension().is_some_and(|end| end == "properties") && path.is_file());
    all.sort();
    Ok(all)
}

fn read(path: &Path) -> Result<(String, Vec<u8>), String> {
    let most = u64::try_from(properties::MAX_BYTES).unwrap_or(u64::MAX);
    let source = read_capped(path, most).map_err(|error| format!("{error}; {}", error.remedy()))?;
    Ok((path.display().to_string(), source))
}
