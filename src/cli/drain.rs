//! `pillion drain`: waits, bounded, until the node may stop.

use std::{
    fs::OpenOptions,
    io::{ErrorKind, Write},
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

use clap::Args;
use pillion_probes::reason::spoken;

use super::{
    Exit,
    client::{duration, post},
    out::{self, plain},
};
use crate::{
    board::{DrainTold, TIME_UP},
    http::{DRAIN, LEFT, LONGEST, SOCKET},
};

const HELP: &str = "\
Run it before the node is told to stop: as the preStop hook of the broker's container, or before
systemctl stop. It asks the agent through its socket in the run directory, and ends

  at once         when the node may stop, and has its turn where turns are taken (`turn` in
                  pillion.yaml); when it does not serve anyway
  after --within  whatever is said then: whoever stops the node goes on in any case
  after 5 s       when no agent answers

What waiting cannot end (one replica, or a minimum as high as the replicas) is not waited for; it
is said. The agent keeps the turn until the node is in sync again. Stop the node at once when this
ends: one that is not stopped keeps the turn until it would have expired (`turn.expires`).

Examples:
  pillion drain --within 3m
  preStop: {exec: {command: [/run/pillion/pillion, drain, --within, 3m]}}

Keep --within below the grace period less the time that Kafka takes to stop.
Run it as the user of the agent: the socket is for that one alone.
Exit code: 0 whatever is said; 64 where its arguments are wrong, and then nothing was waited for.";

/// Between two questions.
const AGAIN: Duration = Duration::from_millis(250);
/// How long one question may take.
const ANSWER: Duration = Duration::from_secs(1);
/// How long the agent may be silent.
const PATIENCE: Duration = Duration::from_secs(5);
/// While the same is waited for it is said again so often.
const REPEAT: Duration = Duration::from_secs(15);
/// Where a container leaves its last words for `kubectl describe pod`.
const LAST_WORDS: &str = "/dev/termination-log";

/// Arguments of `drain`.
#[derive(Args, Debug)]
#[command(after_help = HELP)]
pub struct DrainArgs {
    /// The run directory, which has the agent's socket
    #[arg(long, env = "PILLION_RUN_DIR", value_name = "DIR", default_value = "/run/pillion")]
    run_dir: PathBuf,
    /// How long to wait at the most
    #[arg(long, value_name = "TIME", default_value = "2m", value_parser = within)]
    within: Duration,
}

/// A day is more than any grace period.
fn within(text: &str) -> Result<Duration, String> {
    match duration(text)? {
        within if within <= LONGEST => Ok(within),
        _ => Err("at most 24h".to_owned()),
    }
}

pub(super) fn run(args: &DrainArgs) -> Exit {
    let began = Instant::now();
    let (mut heard, mut said) = (began, None::<(String, Instant)>);
    loop {
        let asked = Instant::now();
        let left = args.within.saturating_sub(began.elapsed());
        let (code, why) = match ask(args, left) {
            Ok(told) if told.go => {
                let although = if told.code == TIME_UP { " ALTHOUGH it should not" } else { "" };
                return go(began, &format!("going{although}: {}", told.text));
            }
            Ok(told) => {
                heard = asked;
                (told.code, told.text)
            }
            Err(why) if heard.elapsed() >= PATIENCE || left.is_zero() => {
                return go(began, &format!("going, and nobody knows whether it may: {why}"));
            }
            Err(why) => ("no-agent".to_owned(), why),
        };
        if left.is_zero() {
            return go(began, &format!("going ALTHOUGH it should not: the time is up: {why}"));
        }
        if said.as_ref().is_none_or(|(last, at)| *last != code || at.elapsed() >= REPEAT) {
            tell(began, &format!("waiting: {why}"));
            said = Some((code, asked));
        }
        // Once more at the end, so that the agent hears that the time is up.
        thread::sleep(AGAIN.saturating_sub(asked.elapsed()).min(left));
    }
}

/// The last words, also for whoever looks at the container afterwards.
fn go(began: Instant, what: &str) -> Exit {
    let line = tell(began, what);
    // Not there outside a container.
    if let Ok(mut file) = OpenOptions::new().append(true).open(LAST_WORDS) {
        let _ = writeln!(file, "pillion {line}");
    }
    Exit::Yes
}

fn tell(began: Instant, what: &str) -> String {
    let line = format!("drain, after {}: {}", spoken(began.elapsed()), plain(what));
    out::complain(&line);
    line
}

fn ask(args: &DrainArgs, left: Duration) -> Result<DrainTold, String> {
    let socket = args.run_dir.join(SOCKET);
    let path = format!("{DRAIN}?{LEFT}={}", left.as_millis());
    let reply = post(&socket, &path, ANSWER).map_err(|error| {
        let remedy = match error.kind() {
            ErrorKind::PermissionDenied => "; it is for the agent's user alone: run drain as that user",
            _ => "",
        };
        format!("no answer from {}: {error}{remedy}", socket.display())
    })?;
    let told = serde_json::from_slice(&reply.body).ok().filter(|_| reply.status == 200);
    told.ok_or_else(|| format!("what answers at {} is no pillion of this version", socket.display()))
}
