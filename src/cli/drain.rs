//! `pillion drain`: waits, bounded, until the node may stop.

use std::{
    thread,
    time::{Duration, Instant},
};

use clap::Args;
use pillion_probes::reason::spoken;

use super::{
    Exit,
    client::{Target, duration, get},
    out::{self, plain},
};
use crate::board::Status;

const HELP: &str = "\
Run it before the node is told to stop: as the preStop hook of the broker's container, or before
systemctl stop. It asks the agent each second, and ends

  at once         when the node may stop; when it does not serve anyway; when waiting cannot
                  help (one replica, or a minimum as high as the replicas), which it says
  after --within  whatever is said then: whoever stops the node goes on in any case
  after 5 s       when no agent answers

It takes no turns: two nodes that ask at the same moment may both be told that they may.

Examples:
  pillion drain --within 3m
  preStop: {exec: {command: [/run/pillion/pillion, drain, --within, 3m]}}

Keep --within below the grace period less the time that Kafka takes to stop.
Exit code: 0 in every case.";

/// Between two questions.
const AGAIN: Duration = Duration::from_secs(1);
/// How long the agent may be silent, or have nothing to say yet.
const PATIENCE: Duration = Duration::from_secs(5);
/// While the same is waited for it is said again so often.
const REPEAT: Duration = Duration::from_secs(15);

/// Arguments of `drain`.
#[derive(Args, Debug)]
#[command(after_help = HELP)]
pub struct DrainArgs {
    #[command(flatten)]
    target: Target,
    /// How long to wait at the most
    #[arg(long, value_name = "TIME", default_value = "2m", value_parser = duration)]
    within: Duration,
}

/// What to do after one answer.
#[derive(Debug, PartialEq, Eq)]
enum Next {
    Go(String),
    Wait(String),
    /// The agent has nothing to say.
    Mute(String),
}

pub(super) fn run(args: &DrainArgs) -> Exit {
    let began = Instant::now();
    let (mut heard, mut said) = (began, None::<(String, Instant)>);
    loop {
        let asked = Instant::now();
        let (next, mute) = match ask(&args.target) {
            Next::Mute(why) => (Next::Wait(why), true),
            next => (next, false),
        };
        if !mute {
            heard = asked;
        }
        let why = match next {
            Next::Go(why) => {
                tell(began, &format!("going: {why}"));
                return Exit::Yes;
            }
            Next::Wait(why) | Next::Mute(why) => why,
        };
        if mute && heard.elapsed() >= PATIENCE {
            tell(began, &format!("going, and nobody knows whether it may: {why}"));
            return Exit::Yes;
        }
        if began.elapsed() + AGAIN > args.within {
            tell(began, &format!("going ALTHOUGH it should not, for the time is up: {why}"));
            return Exit::Yes;
        }
        let again = said.as_ref().is_none_or(|(last, at)| *last != why || at.elapsed() >= REPEAT);
        if again {
            tell(began, &format!("waiting: {why}"));
            said = Some((why, asked));
        }
        thread::sleep(AGAIN.saturating_sub(asked.elapsed()));
    }
}

fn tell(began: Instant, what: &str) {
    out::complain(format_args!("drain, after {}: {}", spoken(began.elapsed()), plain(what)));
}

fn ask(target: &Target) -> Next {
    match get(target, "/status") {
        Err(error) => Next::Mute(format!("no answer from {}: {error}", target.address)),
        Ok(reply) => match serde_json::from_slice(&reply.body) {
            Ok(status) => next(&status),
            Err(_) => Next::Mute(format!("what answers at {} is no pillion of this version", target.address)),
        },
    }
}

fn next(status: &Status) -> Next {
    let (started, stop) = (&status.verdicts.started, &status.verdicts.stoppable);
    if stop.answer.is_yes() {
        return Next::Go(stop.summary.clone());
    }
    let told = || stop.reasons.iter().map(|reason| format!("{}: {}", reason.code, reason.text));
    let all = told().collect::<Vec<_>>().join("; ");
    if stop.reasons.iter().any(|reason| reason.code == "not-looked") {
        return Next::Mute(all);
    }
    if !started.answer.is_yes() {
        return Next::Go(format!("the node does not serve, so its stop takes nothing: {all}"));
    }
    if stop.reasons.iter().all(|reason| reason.hopeless) {
        return Next::Go(format!("waiting does not help: {all}"));
    }
    Next::Wait(all)
}
