//! `pillion status`: what an on-call reads first.

mod cluster;
mod screen;

use std::{
    fmt::{self, Write},
    io::IsTerminal,
    thread,
    time::Duration,
};

use anstyle::{AnsiColor, Style};
use clap::{Args, ValueEnum};
use pillion_probes::{forced::Kind, replicas::Fault, verdict::Answer};

use self::screen::Screen;
use super::{
    Exit,
    client::{Target, get},
    out::{self, plain},
};
use crate::{
    board::{Ago, LogDirTold, Status, VerdictTold, unnamed},
    stamp,
};

const HELP: &str = "\
Examples:
  pillion status
  pillion status --watch
  pillion status --cluster kafka,controller    # all nodes in one table
  pillion status -o json | jq .verdicts.ready
  kubectl exec POD -c pillion -- /pillion status --cluster kafka,controller

Exit codes: 0 the agent answered, whatever it said; 69 it cannot be reached (with --cluster: one of them).";

/// Transitions that are shown.
const SHOWN: usize = 8;

/// Arguments of `status`.
#[derive(Args, Debug)]
#[command(after_help = HELP)]
pub struct StatusArgs {
    #[command(flatten)]
    target: Target,
    /// Show it anew each second, until Ctrl-C
    #[arg(long, short)]
    watch: bool,
    /// All nodes of a cluster in one table: the agents at these names (port 9440 where none is given). A name stands for
    /// all addresses that it leads to, as that of a headless Service does
    #[arg(long, value_name = "HOST[:PORT],...")]
    cluster: Option<String>,
    /// The form of the answer
    #[arg(long, short, value_enum, default_value_t = Form::Text)]
    output: Form,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    /// For a person
    Text,
    /// For a machine: the agent's /status
    Json,
}

pub(super) fn run(args: &StatusArgs) -> Exit {
    let terminal = std::io::stdout().is_terminal() && args.output == Form::Text;
    let screen = || Screen::current().filter(|_| terminal);
    if !args.watch {
        return match ask(args) {
            Ok((text, exit)) => {
                out::print(match screen() {
                    Some(screen) => screen.wrapped(&text),
                    None => text,
                });
                exit
            }
            Err((why, exit)) => {
                out::complain(why);
                exit
            }
        };
    }
    loop {
        let text = match ask(args) {
            Ok((text, _)) => text,
            Err((why, _)) if terminal => format!("{}\n", paint(bad(), &why)),
            // What reads the answers does not read this.
            Err((why, _)) => {
                out::complain(why);
                String::new()
            }
        };
        // Home, then clear to the end of each line and of the screen: no flicker.
        let drawn = match screen() {
            Some(screen) => format!("\x1b[H{}\x1b[J", screen.fitted(&text)),
            None => text,
        };
        if !out::print(drawn) {
            return Exit::Yes;
        }
        thread::sleep(Duration::from_secs(1));
    }
}

fn ask(args: &StatusArgs) -> Result<(String, Exit), (String, Exit)> {
    match &args.cluster {
        Some(list) => cluster::ask(list, &args.target, args.output).map_err(|why| (why, Exit::BadConfig)),
        None => ask_one(args).map(|text| (text, Exit::Yes)).map_err(|why| (why, Exit::Unavailable)),
    }
}

fn ask_one(args: &StatusArgs) -> Result<String, String> {
    let address = &args.target.address;
    let remedy = "is the sidecar running there? (--address, PILLION_ADDRESS)";
    let reply = get(&args.target, "/status")
        .map_err(|error| format!("no answer from {address}: {error}; {remedy}"))?;
    if args.output == Form::Json {
        if reply.status != 200 {
            return Err(format!("{address} answers {}; {remedy}", reply.status));
        }
        return Ok(format!("{}\n", String::from_utf8_lossy(&reply.body).trim_end()));
    }
    match serde_json::from_slice(&reply.body) {
        Ok(status) => Ok(text(&status)),
        Err(error) => {
            Err(format!("what answers at {address} is no pillion of this version ({error}); {remedy}"))
        }
    }
}

fn good() -> Style {
    Style::new().bold().fg_color(Some(AnsiColor::Green.into()))
}

fn bad() -> Style {
    Style::new().bold().fg_color(Some(AnsiColor::Red.into()))
}

fn alert() -> Style {
    Style::new().bold().fg_color(Some(AnsiColor::Yellow.into()))
}

fn faint() -> Style {
    Style::new().dimmed()
}

fn paint(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

fn text(status: &Status) -> String {
    let mut out = String::with_capacity(4096);
    // Writing into a String cannot fail.
    write_text(&mut out, status).unwrap_or_default();
    out
}

fn write_text(out: &mut String, status: &Status) -> fmt::Result {
    headline(out, status)?;
    let all = &status.verdicts;
    let verdicts = [
        ("live", &all.live),
        ("started", &all.started),
        ("ready", &all.ready),
        ("stoppable", &all.stoppable),
    ];
    for (name, told) in verdicts {
        verdict(out, name, told)?;
    }
    reasons(out, status)?;
    partitions(out, status)?;
    writeln!(out, "\n{}", paint(faint(), "evidence"))?;
    let width = status.evidence.iter().map(|piece| piece.name.chars().count()).max().unwrap_or(0);
    for piece in &status.evidence {
        let mark = if piece.fresh { paint(good(), "✓") } else { paint(bad(), "✗") };
        let age = match (piece.age_seconds, piece.limit_seconds) {
            (Some(age), Some(limit)) => format!("{} of {}", length(age), length(limit)),
            (Some(age), None) => length(age),
            (None, _) => "none".into(),
        };
        writeln!(out, "  {mark} {:<width$} {age:<17} {}", plain(&piece.name), plain(&piece.detail))?;
    }
    resources(out, status)?;
    turn(out, status)?;
    lag(out, status)?;
    canary(out, status)?;
    certificates(out, status)?;
    kubernetes(out, status)?;
    history(out, status)
}

/// How full the log dirs are, and what the node uses: no verdict rests on it.
fn resources(out: &mut String, status: &Status) -> fmt::Result {
    let told = &status.resources;
    let width = told.log_dirs.iter().map(|dir| dir.path.chars().count()).max().unwrap_or(0).max(8);
    if !told.log_dirs.is_empty() {
        let [size, free, kafka, grows, full] = LogDirTold::HEADS;
        let heads = format!("{:<width$} {size:>11} {free:>11} {kafka:>11} {grows:>13} {full:>9}", "log dirs");
        writeln!(out, "\n{}", paint(faint(), &heads))?;
    }
    for dir in &told.log_dirs {
        let [size, free, kafka, grows, full] = dir.row();
        let path = plain(&dir.path);
        write!(out, "{path:<width$} {size:>11} {free:>11} {kafka:>11} {grows:>13} {full:>9}")?;
        match &dir.trouble {
            Some(trouble) => writeln!(out, "  {}", paint(bad(), &plain(trouble)))?,
            None => writeln!(out)?,
        }
    }
    match told.summary() {
        Some(summary) => writeln!(out, "{}", paint(faint(), &plain(&summary))),
        None => Ok(()),
    }
}

/// Who may stop now, and who wants to.
fn turn(out: &mut String, status: &Status) -> fmt::Result {
    let Some(turn) = &status.turn else { return Ok(()) };
    writeln!(out, "\n{}", paint(faint(), "turn to stop"))?;
    if !turn.kept.is_empty() {
        writeln!(out, "  {} ({})", plain(&turn.holder_words()), plain(&turn.kept))?;
    }
    if let Some(wanted) = turn.wanted_words() {
        writeln!(out, "  {}", paint(alert(), &plain(&wanted)))?;
    }
    match &turn.trouble {
        Some(trouble) => writeln!(out, "  {}\n     → {}", plain(&trouble.text), plain(&trouble.remedy)),
        None => Ok(()),
    }
}

/// Whether what is written through the broker comes back.
fn canary(out: &mut String, status: &Status) -> fmt::Result {
    let Some(canary) = &status.canary else { return Ok(()) };
    writeln!(out, "\n{} {}", paint(faint(), "canary:"), plain(&canary.summary()))?;
    match &canary.trouble {
        Some(trouble) => writeln!(out, "  {}\n     → {}", plain(&trouble.text), plain(&trouble.remedy)),
        None => Ok(()),
    }
}

/// The consumer groups that lag most.
fn lag(out: &mut String, status: &Status) -> fmt::Result {
    let Some(lag) = &status.lag else { return Ok(()) };
    writeln!(out, "\n{}", paint(faint(), &lag.summary()))?;
    for group in lag.worst.iter().filter(|group| group.messages > 0) {
        writeln!(out, "  {}  {}", plain(&group.group), plain(&group.words()))?;
    }
    for left_out in &lag.left_out {
        writeln!(out, "  {}  {}", plain(&left_out.group), paint(alert(), left_out.words()))?;
    }
    match &lag.trouble {
        Some(trouble) => writeln!(out, "  {}\n     → {}", plain(&trouble.text), plain(&trouble.remedy)),
        None => Ok(()),
    }
}

/// Readiness does not rest on them.
fn certificates(out: &mut String, status: &Status) -> fmt::Result {
    let Some(all) = &status.certificates else { return Ok(()) };
    let phase = all.authority_change.map(|phase| format!(" (change of the authority: {})", phase.word()));
    writeln!(out, "\n{}", paint(faint(), &format!("certificates{}", phase.unwrap_or_default())))?;
    for (name, told) in &all.listeners {
        let mark = if told.served { paint(good(), "✓") } else { paint(bad(), "✗") };
        writeln!(out, "  {mark} {:<9} {}", plain(name), plain(&told.summary))?;
    }
    for (number, reason) in (1..).zip(&all.reasons) {
        let code = paint(faint(), &format!("({})", plain(&reason.code)));
        writeln!(out, "  {number}. {} {code}\n     → {}", plain(&reason.text), plain(&reason.remedy))?;
    }
    Ok(())
}

/// Only what is in trouble: no verdict rests on it.
fn kubernetes(out: &mut String, status: &Status) -> fmt::Result {
    for (errand, course) in status.kubernetes.courses() {
        let Some(trouble) = &course.trouble else { continue };
        writeln!(out, "\n{}", paint(faint(), &format!("kubernetes: {}", errand.word())))?;
        writeln!(out, "  {}\n     → {}", plain(&trouble.text), plain(&trouble.remedy))?;
    }
    Ok(())
}

fn headline(out: &mut String, status: &Status) -> fmt::Result {
    let identity = &status.identity;
    let (style, word) = match (status.forced.forced.active(), status.ready.answer) {
        (Some(Kind::Ready), _) => (alert(), "! FORCED READY"),
        (Some(Kind::Hold), _) => (alert(), "! HELD NOT READY"),
        (None, Answer::Yes) => (good(), "✓ READY"),
        (None, _) if status.verdicts.live.answer == Answer::No => (bad(), "✗ DEAD: IT HANGS"),
        (None, _) => (bad(), "✗ NOT READY"),
    };
    write!(
        out,
        "{}  {} {}, cluster {}",
        paint(style, word),
        identity.noun(),
        identity.broker_id,
        plain(&identity.cluster)
    )?;
    if let Some(zone) = &identity.zone {
        write!(out, ", zone {}", plain(zone))?;
    }
    writeln!(out, "  {}", paint(faint(), &format!("as of {}", plain(&status.at))))?;
    if !status.forced.summary.is_empty() {
        let line = format!("  override: {}", plain(&status.forced.summary));
        writeln!(out, "{}", paint(alert(), &line))?;
    }
    if status.forced.forced.active().is_some() {
        let truly = if status.verdicts.ready.answer.is_yes() { "ready" } else { "not ready" };
        let end = plain(&status.forced.end);
        writeln!(out, "  in truth it is {truly}; end the override with: {end}")?;
    }
    writeln!(out)
}

fn verdict(out: &mut String, name: &str, told: &VerdictTold) -> fmt::Result {
    let (style, word) = match told.answer {
        Answer::Yes => (good(), "yes"),
        Answer::No => (bad(), "no"),
    };
    let word = paint(style, &format!("{word:<8}"));
    writeln!(out, "  {name:<10} {word} for {:<8} {}", length(told.for_seconds), plain(&told.summary))
}

fn reasons(out: &mut String, status: &Status) -> fmt::Result {
    let all = &status.verdicts;
    let told: Vec<_> = all.live.reasons.iter().chain(&all.ready.reasons).collect();
    if told.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{}", paint(faint(), "why, and what to do"))?;
    for (number, reason) in (1..).zip(told) {
        let code = paint(faint(), &format!("({})", plain(&reason.code)));
        writeln!(out, "  {number}. {} {code}", plain(unnamed(reason)))?;
        writeln!(out, "     → {}", plain(&reason.remedy))?;
    }
    Ok(())
}

fn partitions(out: &mut String, status: &Status) -> fmt::Result {
    let Some(partitions) = &status.partitions else { return Ok(()) };
    let counts = format!(
        "partitions: {} assigned, {} led, {} not in sync ({} out of ISR, {} leaderless, {} offline here, {} not hosted); \
         {} being added",
        partitions.assigned,
        partitions.led,
        partitions.not_in_sync,
        partitions.out_of_isr,
        partitions.leaderless,
        partitions.offline,
        partitions.not_hosted,
        partitions.being_added
    );
    writeln!(out, "\n{}", paint(if partitions.not_in_sync > 0 { bad() } else { faint() }, &counts))?;
    if let Some(refill) = &status.refill {
        writeln!(out, "  {}", plain(&refill.words()))?;
        for limit in refill.limits() {
            writeln!(out, "  {}", paint(faint(), &plain(&limit)))?;
        }
    }
    for partition in &partitions.named {
        let fault = match partition.fault {
            Fault::OutOfIsr => "not in the ISR",
            Fault::Leaderless => "without a leader",
            Fault::Offline => "offline here",
            Fault::NotHosted => "not hosted here",
            Fault::Adding => "being added here",
        };
        writeln!(out, "  {}-{}  {fault}", plain(&partition.topic), partition.partition)?;
    }
    let named = u64::try_from(partitions.named.len()).unwrap_or(u64::MAX);
    match partitions.not_in_sync.saturating_sub(named) {
        0 => Ok(()),
        more => writeln!(out, "  and {more} more"),
    }
}

fn history(out: &mut String, status: &Status) -> fmt::Result {
    writeln!(out, "\n{}", paint(faint(), "what changed, newest first"))?;
    for change in status.history.iter().take(SHOWN) {
        let at = stamp::short(&change.at);
        let subject = change.subject.word();
        write!(out, "  {} {subject:<9} {}", paint(faint(), &plain(&at)), plain(&change.to))?;
        if let Some(why) = change.why.first() {
            let text: String = plain(&why.text).chars().take(100).collect();
            write!(out, "  {}", paint(faint(), &text))?;
        }
        writeln!(out)?;
    }
    Ok(())
}

fn length(seconds: f64) -> String {
    Ago(Duration::try_from_secs_f64(seconds).unwrap_or_default()).to_string()
}
