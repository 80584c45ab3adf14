//! `pillion probe`: one verdict as an exit code, for exec probes and scripts.

use clap::{Args, ValueEnum};

use super::{
    Exit,
    client::{Reply, Target, get},
    out,
};

const HELP: &str = "\
Prints the agent's answer and exits with it. It reads no configuration.

  live     exit 1 only when the agent says \"dead\"; 0 in every other case: no agent, a time-out,
           another server's answer, wrong arguments. A probe's own trouble never kills a broker.
  ready, started, stop
           exit 0 only on an explicit yes; 1 in every other case

Examples:
  pillion probe ready
  pillion probe live --timeout 900ms
  readinessProbe: {exec: {command: [/run/pillion/pillion, probe, ready]}, periodSeconds: 1}

Exit codes: 0 or 1 only.";

/// Arguments of `probe`.
#[derive(Args, Debug)]
#[command(after_help = HELP)]
pub struct ProbeArgs {
    /// The verdict that is asked for
    #[arg(value_enum)]
    verdict: Asked,
    #[command(flatten)]
    target: Target,
    /// Print nothing
    #[arg(long, short)]
    quiet: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Asked {
    /// Does it not hang?
    Live,
    /// Is every replica in sync, or readiness forced?
    Ready,
    /// Has it answered since it was started?
    Started,
    /// May it stop?
    Stop,
}

impl Asked {
    fn path(self) -> &'static str {
        match self {
            Self::Live => "/livez",
            Self::Ready => "/readyz",
            Self::Started => "/startupz",
            Self::Stop => "/stopz",
        }
    }
}

pub(super) fn run(args: &ProbeArgs) -> Exit {
    let reply = get(&args.target, args.verdict.path());
    if !args.quiet {
        match &reply {
            Ok(reply) => {
                out::print(String::from_utf8_lossy(&reply.body));
            }
            Err(error) => out::complain(format_args!("no answer from {}: {error}", args.target.address)),
        }
    }
    let yes = match args.verdict {
        Asked::Live => !reply.is_ok_and(|reply| dead(&reply)),
        // The header shows that it is this agent and not another server that says 200 to everything.
        _ => reply.is_ok_and(|reply| reply.status == 200 && reply.verdict.is_some()),
    };
    if yes { Exit::Yes } else { Exit::No }
}

/// Only this agent's explicit word means a dead broker: not another server's 503, nor an agent's trouble.
fn dead(reply: &Reply) -> bool {
    reply.status == 503 && reply.verdict.as_deref() == Some("dead")
}
