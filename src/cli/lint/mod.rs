//! `pillion lint`: what is wrong, or dangerous, in a `server.properties`.

mod explain;
mod human;
mod machine;
mod sources;

use std::path::PathBuf;

use clap::builder::NonEmptyStringValueParser;

use super::{Exit, out};
use crate::{
    config,
    properties::{
        self,
        catalogue::{Release, catalogue},
        lint::{self, Finding, Findings, Severity},
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
  pillion render -c pillion.yaml | pillion lint -      what init would write; what it hides is not judged
  pillion lint --kafka 3.9 --upgrade-to 4.3 FILE       and what lies between, step by step
  pillion lint --format github config/*.properties     annotations in a pull request
  pillion lint --rules                                 every rule, and why
  pillion lint --explain log.segment.bytes             one setting, as the releases have it

A warning or note is permitted by a comment above its setting, with a reason:
  # pillion:allow unclean-election logs of no value
  unclean.leader.election.enable=true

Exit codes:
  0   no error (there may be warnings); --explain: it is known
  1   errors: Kafka would not start; --explain: no such setting is known
  64  wrong arguments, or a file that cannot be read; the others are told of all the same")]
pub struct LintArgs {
    /// Files, directories with *.properties, or - for standard input
    #[arg(required_unless_present_any = ["rules", "explain"], value_name = "FILE|DIR|-")]
    paths: Vec<PathBuf>,
    /// The release of Kafka that runs, as in 3.9; otherwise the newest that is known here
    #[arg(long, value_name = "RELEASE")]
    kafka: Option<Release>,
    /// A newer release: also the steps to it, and what it would refuse
    #[arg(long, value_name = "RELEASE")]
    upgrade_to: Option<Release>,
    /// The size of all log directories together, as in 500Gi: can what is kept fit?
    #[arg(long, value_name = "SIZE", value_parser = disk_size)]
    disk_size: Option<u64>,
    /// How it is told
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
    /// Show the rules instead, in Markdown
    #[arg(long, exclusive = true)]
    rules: bool,
    /// Tell what this setting is instead: what it takes, since when, and what Kafka says of it
    #[arg(long, value_name = "KEY", value_parser = NonEmptyStringValueParser::new(),
        conflicts_with_all = ["paths", "rules", "upgrade_to", "disk_size", "format"])]
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
    findings: Findings,
    steps: Vec<String>,
}

/// What was asked of the files, and what came of it.
struct Answer {
    release: Release,
    /// Nobody said which release runs.
    assumed: bool,
    files: Vec<Linted>,
    /// What could not be read, and what to do.
    unread: Vec<String>,
}

pub(super) fn run(args: &LintArgs) -> Exit {
    if args.rules {
        out::print(lint::page());
        return Exit::Yes;
    }
    let answer = releases(args).and_then(|(release, to)| match &args.explain {
        Some(key) => Ok(explained(key, release)),
        None => linted(args, release, to),
    });
    answer.unwrap_or_else(|error| {
        out::complain(error);
        Exit::BadConfig
    })
}

fn explained(key: &str, release: Release) -> Exit {
    match explain::explain(key, release) {
        Ok(text) => {
            out::print(text);
            Exit::Yes
        }
        Err(why) => {
            out::complain(why);
            Exit::No
        }
    }
}

fn linted(args: &LintArgs, release: Release, to: Option<Release>) -> Result<Exit, String> {
    let (sources, unread) = sources::read(&args.paths)?;
    for one in &unread {
        out::complain(one);
    }
    if sources.is_empty() {
        return Ok(Exit::BadConfig);
    }
    let look = |(name, source)| look(name, source, release, to, args.disk_size);
    let files = sources.into_iter().map(look).collect();
    let answer = Answer { release, assumed: args.kafka.is_none(), files, unread };
    out::print(match args.format {
        Format::Human => human::report(&answer),
        Format::Json => machine::json(&answer),
        Format::Sarif => machine::sarif(&answer),
        Format::Github => machine::github(&answer),
    });
    let mut found = answer.files.iter().flat_map(|one| &one.findings.found);
    let errors = found.any(|found| found.rule.severity == Severity::Error);
    Ok(match (answer.unread.is_empty(), errors) {
        (false, _) => Exit::BadConfig,
        (true, true) => Exit::No,
        (true, false) => Exit::Yes,
    })
}

/// The releases that are meant, as far as they are known: the one that runs, and the one after it.
fn releases(args: &LintArgs) -> Result<(Release, Option<Release>), String> {
    let known = |asked: Release| {
        let known = catalogue()
            .nearest(asked)
            .ok_or_else(|| format!("Kafka {asked} is older than all that is known here"))?;
        if known != asked {
            out::complain(format_args!("Kafka {asked} is not known here; what {known} says is taken for it"));
        }
        Ok::<_, String>(known)
    };
    let newest = || catalogue().releases().last().copied().ok_or("nothing is known of Kafka".to_owned());
    let from = args.kafka.map_or_else(newest, known)?;
    let to = args.upgrade_to.map(known).transpose()?;
    if let Some(to) = to.filter(|to| *to <= from) {
        let runs =
            if args.kafka.is_none() { "the newest known, which is taken to run" } else { "which runs" };
        let remedy = if args.kafka.is_none() {
            "say what runs by --kafka".to_owned()
        } else if to == from {
            "name a newer one; a patch of the same release needs no steps".to_owned()
        } else {
            format!("a downgrade is no upgrade: name a newer one; what {to} takes is told by --kafka {to}")
        };
        return Err(format!("--upgrade-to: Kafka {to} is not newer than {from}, {runs}; {remedy}"));
    }
    Ok((from, to))
}

fn disk_size(text: &str) -> Result<u64, String> {
    config::bytes(text).ok_or_else(|| "it is no size: as in 500Gi, or a number of bytes".to_owned())
}

fn look(name: String, source: Vec<u8>, release: Release, to: Option<Release>, disk: Option<u64>) -> Linted {
    let mut findings = lint::lint(&source, release, disk);
    let mut steps = Vec::new();
    if let Some(to) = to {
        steps = lint::steps(&properties::parse(&source).unwrap_or_default(), release, to);
        let later = lint::lint(&source, to, disk).found.into_iter();
        let later: Vec<_> = later
            .filter(|found| found.rule.severity == Severity::Error && !findings.found.contains(found))
            .collect();
        findings.found.extend(
            later
                .into_iter()
                .map(|found| Finding { what: format!("{} (by Kafka {to})", found.what), ..found }),
        );
    }
    Linted { name, source, findings, steps }
}
