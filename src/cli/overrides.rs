//! `pillion override`: break-glass, by the file in the run directory.

use std::{path::PathBuf, time::Duration};

use clap::{Args, Subcommand};
use pillion_probes::forced::{self, DEFAULT_CAP, End, FirstSeen, Forced, Kind, Request, Source, Stated};

use super::{Exit, out};
use crate::{
    board::forced_words,
    clock::Clock,
    init::{IDENTITY_FILE, Identity},
    overrides::{FILE_NAME, Look, SEEN_NAME, Seen, boot_id, clear, look, write},
    stamp,
};

const HELP: &str = "\
An override changes what /readyz answers and nothing else: liveness is never touched, and the
true verdict stays visible beside it in /readyz, the metrics, the page and the log. It needs a
reason and an end, and ends by itself. Its time runs from when the agent first saw it; stating
the same kind, reason and name again does not start it anew.

Examples:
  pillion override ready --reason INC-1 --for 30m      count as ready although it is not
  pillion override hold --reason \"disk swap\" --for 1h  count as not ready although it is
  pillion override show
  pillion override clear

A forced-ready broker counts as ready for PodDisruptionBudgets and rollouts: they may take the
next broker down.

Exit codes: 0 done; 1 failed; 64 bad arguments, nothing was written.";

/// Arguments of `override`.
#[derive(Args, Debug)]
#[command(after_help = HELP)]
pub struct OverrideArgs {
    #[command(subcommand)]
    action: Action,
    /// The run directory that the agent shares
    #[arg(long, global = true, env = "PILLION_RUN_DIR", default_value = "/run/pillion", value_name = "DIR")]
    run_dir: PathBuf,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Answer ready, whatever the true verdict
    Ready(Statement),
    /// Answer not ready, whatever the true verdict
    Hold(Statement),
    /// Take the override away
    Clear,
    /// Show the override and what becomes of it
    Show,
}

#[derive(Args, Debug)]
struct Statement {
    /// Why: what whoever finds it needs to know (no commas)
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// For how long: 30m, 90s, 1h30m
    #[arg(long = "for", value_name = "TIME", conflicts_with = "until", required_unless_present = "until")]
    length: Option<String>,
    /// Until when: RFC 3339 with its offset, as 2026-01-31T18:00:00Z
    #[arg(long, value_name = "INSTANT")]
    until: Option<String>,
    /// Who states it
    #[arg(long, value_name = "NAME", env = "USER")]
    by: Option<String>,
    /// The longest that the agent allows, if it is not what init was configured with
    #[arg(long, value_name = "TIME", value_parser = super::client::duration)]
    cap: Option<Duration>,
}

pub(super) fn run(args: &OverrideArgs) -> Exit {
    if !is_run_dir(args) {
        return Exit::BadConfig;
    }
    match &args.action {
        Action::Ready(statement) => state(args, Kind::Ready, statement),
        Action::Hold(statement) => state(args, Kind::Hold, statement),
        Action::Clear => take_away(args),
        Action::Show => show(args),
    }
}

fn state(args: &OverrideArgs, kind: Kind, statement: &Statement) -> Exit {
    let mut text = format!("{},reason={}", kind.word(), statement.reason);
    for (key, value) in [("for", &statement.length), ("until", &statement.until), ("by", &statement.by)] {
        if let Some(value) = value.as_deref().filter(|value| !value.is_empty()) {
            text = format!("{text},{key}={value}");
        }
    }
    // The agent's own parser and judge: what they would refuse is not written.
    let request = match forced::parse(&text) {
        Ok(request) => request,
        Err(error) => return refuse(args, &error.to_string()),
    };
    let judged = judge(args, Ok(request.clone()), statement.cap.unwrap_or_else(|| cap(args)));
    let words = forced_words(&judged);
    match judged {
        Forced::Active { since, .. } => {
            if let Err(error) = write(&args.run_dir, &request) {
                out::complain(format_args!("{error}; is --run-dir the directory that the agent shares?"));
                return Exit::No;
            }
            let told = out::print(what_will_happen(&request, &words, since));
            if told { Exit::Yes } else { Exit::No }
        }
        Forced::Expired { .. } => refuse(
            args,
            "the same override was stated before and its time is over; `pillion override clear` it first, wait a \
             second, then state it anew",
        ),
        _ => refuse(args, &words),
    }
}

/// The cap that init was configured with for this run directory.
fn cap(args: &OverrideArgs) -> Duration {
    let known = Identity::read(&args.run_dir).ok().and_then(|identity| identity.override_cap_seconds);
    known.map_or(DEFAULT_CAP, Duration::from_secs)
}

/// A directory that init prepared; else what is stated there reaches nobody.
fn is_run_dir(args: &OverrideArgs) -> bool {
    let there = args.run_dir.join(IDENTITY_FILE).exists();
    if !there {
        out::complain(format_args!(
            "{} holds no {IDENTITY_FILE}: no broker was prepared there; name the run directory that the agent shares \
             (--run-dir)",
            args.run_dir.display()
        ));
    }
    there
}

fn refuse(args: &OverrideArgs, why: &str) -> Exit {
    out::complain(why);
    out::complain(format_args!("nothing was written to {}", args.run_dir.join(FILE_NAME).display()));
    Exit::BadConfig
}

fn what_will_happen(request: &Request, words: &str, since: i64) -> String {
    let effect = match request.kind {
        Kind::Ready => {
            "/readyz answers 200 whatever the truth is. The pod counts as ready for PodDisruptionBudgets and\n\
             rollouts: they may take the next broker down. Watch the true verdict: pillion status"
        }
        Kind::Hold => {
            "/readyz answers 503 whatever the truth is. The pod counts as not ready for PodDisruptionBudgets and\n\
             rollouts: they wait for it."
        }
    };
    let restated = if Clock::system().now().wall_ms.saturating_sub(since) > 2000 {
        format!(
            "It restates the override first seen at {}; its time runs from then.\n",
            stamp::seconds(since)
        )
    } else {
        String::new()
    };
    format!(
        "{words}\n{restated}{effect}\nLiveness is not touched. The agent sees it within a second. End it earlier with: \
         pillion override clear\n"
    )
}

fn take_away(args: &OverrideArgs) -> Exit {
    let path = args.run_dir.join(FILE_NAME);
    let was = look(&path);
    if let Err(error) = clear(&args.run_dir) {
        out::complain(error);
        return Exit::No;
    }
    let text = match was {
        Look::Absent => format!("there is no override at {}\n", path.display()),
        _ => "the override is taken away; /readyz answers the true verdict within a second\n".to_owned(),
    };
    // The file is all that this command can reach.
    let note = "If the pod carries an override as an annotation, that stays: kubectl annotate pod POD \
                pillion.dev/override-\n";
    if out::print(format_args!("{text}{note}")) { Exit::Yes } else { Exit::No }
}

fn show(args: &OverrideArgs) -> Exit {
    let path = args.run_dir.join(FILE_NAME);
    let request = match look(&path) {
        Look::Absent => {
            let told = out::print(format_args!("no override ({} does not exist)\n", path.display()));
            return if told { Exit::Yes } else { Exit::No };
        }
        Look::Unusable(why) => Err(why),
        Look::Found(bytes) => forced::parse_bytes(&bytes).map_err(|error| error.to_string()),
    };
    let text = request.as_ref().map(|request| format!("{request}\n")).unwrap_or_default();
    let words = forced_words(&judge(args, request, cap(args)));
    if out::print(format_args!("{text}{words}\n")) { Exit::Yes } else { Exit::No }
}

/// As the agent will judge it, with the first sight that it remembers.
fn judge(args: &OverrideArgs, request: Result<Request, String>, cap: Duration) -> Forced {
    let now = Clock::system().now().into();
    let (seen, _) = Seen::load(&args.run_dir.join(SEEN_NAME), &boot_id(), now);
    let first = request.as_ref().ok().and_then(|request| seen.first(request));
    let first = first.unwrap_or_else(|| FirstSeen::at(now));
    if let Ok(Request { end: End::Until(end), .. }) = request
        && end <= now.wall_ms
    {
        let why = format!("its end, {}, is already past", stamp::seconds(end));
        return Forced::Refused { source: Source::File, why };
    }
    forced::judge(&Stated { source: Source::File, request, first, looked: now.boot }, now, cap)
}
