//! `pillion override`: break-glass, by the file in the run directory. An annotation of the pod is shown, and what would
//! set or remove it.

use std::{
    fmt::Write,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::{Args, Subcommand};
use pillion_probes::forced::{
    self, ANNOTATION, DEFAULT_CAP, End, FirstSeen, Forced, Kind, Request, Source, Stated,
};

use super::{Exit, out};
use crate::{
    board::forced_words,
    clock::Clock,
    init::{IDENTITY_FILE, Identity, PodFacts},
    overrides::{ANNOTATION_FILE, FILE_NAME, Look, SEEN_NAME, Seen, annotation, boot_id, clear, look, write},
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

On Kubernetes the pod's annotation does the same from outside, also while nobody can exec into it:
  kubectl annotate pod kafka-0 pillion.dev/override=ready,for=30m,reason=INC-1,by=alice
Hold beats ready; of two that say the same the annotation beats the file.

Exit codes: 0 done; 1 failed, or an annotation is still in force; 64 bad arguments, nothing was
written.";

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
    let cap = statement.cap.unwrap_or_else(|| cap(args));
    let judged = judge(args, Source::File, Ok(request.clone()), cap);
    let words = forced_words(&judged);
    match judged {
        Forced::Active { since, .. } => {
            if let Err(error) = write(&args.run_dir, &request) {
                out::complain(format_args!("{error}; is --run-dir the directory that the agent shares?"));
                return Exit::No;
            }
            let beside = beside(args, &request);
            let told = out::print(format_args!("{}{beside}", what_will_happen(&request, &words, since)));
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

/// What there is to know of the pod's annotation where the file was just written.
fn beside(args: &OverrideArgs, request: &Request) -> String {
    let Some(pod) = pod(args) else { return String::new() };
    let quoted = format!("{request}").replace('\'', "'\\''");
    let same = format!("The same from outside: {} --overwrite {ANNOTATION}='{quoted}'\n", annotate(&pod));
    match annotated(&pod) {
        None | Some(Look::Absent) => same,
        Some(_) => format!(
            "{same}The pod has an annotation, too; hold beats ready, and the annotation beats the file. See it with: \
             pillion override show\n"
        ),
    }
}

/// The pod that init was run for, if it was in one.
fn pod(args: &OverrideArgs) -> Option<PodFacts> {
    Identity::read(&args.run_dir).ok()?.pod
}

/// The pod's annotation; `None` where this container does not have the volume with it.
fn annotated(pod: &PodFacts) -> Option<Look> {
    let info = pod.info.as_deref().filter(|info| info.join(ANNOTATION_FILE).exists())?;
    Some(annotation(info))
}

fn annotate(pod: &PodFacts) -> String {
    forced::annotate(Some((&pod.namespace, &pod.name)))
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
        _ => "the override of the file is taken away; the agent sees it within a second\n".to_owned(),
    };
    let (note, left) = what_stays(args);
    if out::print(format_args!("{text}{note}")) && !left { Exit::Yes } else { Exit::No }
}

/// What this command cannot reach: the pod's annotation. And whether it forces readiness.
fn what_stays(args: &OverrideArgs) -> (String, bool) {
    let Some(pod) = pod(args) else {
        let note = format!(
            "If the pod carries an override as an annotation, that stays: {} {ANNOTATION}-\n",
            forced::annotate(None)
        );
        return (note, false);
    };
    let command = format!("{} {ANNOTATION}-", annotate(&pod));
    match annotated(&pod).map(Look::request) {
        Some(None) => (String::new(), false),
        None => (format!("If the pod carries an override as an annotation, that stays: {command}\n"), false),
        Some(Some(request)) => {
            let judged = judge(args, Source::Annotation, request, cap(args));
            let words = forced_words(&judged);
            let note = format!(
                "The pod carries one as an annotation, which stays: {words}\nRemove it with: {command}\n"
            );
            (note, judged.active().is_some())
        }
    }
}

fn show(args: &OverrideArgs) -> Exit {
    let path = args.run_dir.join(FILE_NAME);
    let pod = pod(args);
    let sources = [(Source::File, Some(look(&path))), (Source::Annotation, pod.as_ref().and_then(annotated))];
    let (mut text, mut all) = (String::new(), Vec::new());
    for (source, look) in sources {
        let Some(request) = look.and_then(Look::request) else { continue };
        if let Ok(request) = &request {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{}: {request}", source.word());
        }
        all.push(judge(args, source, request, cap(args)));
    }
    let judged = all.into_iter().reduce(forced::combine);
    let words = judged.map_or_else(|| nothing(&path, pod.as_ref()), |judged| forced_words(&judged));
    if out::print(format_args!("{text}{words}\n")) { Exit::Yes } else { Exit::No }
}

/// No override, and where none was found.
fn nothing(path: &Path, pod: Option<&PodFacts>) -> String {
    let annotation = match pod.and_then(|pod| pod.info.as_deref()).map(|info| info.join(ANNOTATION_FILE)) {
        Some(file) if file.exists() => format!(", {} is empty", file.display()),
        Some(file) => format!(", {} is not to be seen in this container", file.display()),
        None => String::new(),
    };
    format!("no override ({} does not exist{annotation})", path.display())
}

/// As the agent will judge it, with the first sight that it remembers.
fn judge(args: &OverrideArgs, source: Source, request: Result<Request, String>, cap: Duration) -> Forced {
    let now = Clock::system().now().into();
    let (seen, _) = Seen::load(&args.run_dir.join(SEEN_NAME), &boot_id(), now);
    let first = request.as_ref().ok().and_then(|request| seen.first(request));
    let first = first.unwrap_or_else(|| FirstSeen::at(now));
    if let Ok(Request { end: End::Until(end), .. }) = request
        && end <= now.wall_ms
    {
        let why = format!("its end, {}, is already past", stamp::seconds(end));
        return Forced::Refused { source, why };
    }
    forced::judge(&Stated { source, request, first, looked: now.boot }, now, cap)
}
