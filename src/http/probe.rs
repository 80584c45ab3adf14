//! The probes' answers: a line a reason, and good news with its evidence.

use std::fmt::{self, Write};

use hyper::{StatusCode, body::Bytes};
use pillion_probes::{
    forced::{Forced, Kind},
    observe::Role,
    reason::Told,
    verdict::{Answer, Verdict},
};

use super::route::{Detail, JSON, Reply, TEXT};
use crate::{
    board::{self, Board, LOOP_LIMIT, Published, VerdictTold},
    clock::Now,
};

/// Carries a probe's answer in one word, by which `pillion probe` tells this agent from any other server.
pub const VERDICT_HEADER: &str = "pillion-verdict";

/// Room for a yes with its evidence, so that it is written in one piece.
const ROOM: usize = 256;

/// Text of which every line is one statement, whatever names and messages from elsewhere contain.
struct Lines(String);

impl Write for Lines {
    fn write_str(&mut self, s: &str) -> fmt::Result {
        if s.bytes().any(|byte| byte.is_ascii_control()) {
            self.0.extend(s.chars().map(|c| if c.is_control() { ' ' } else { c }));
        } else {
            self.0.push_str(s);
        }
        Ok(())
    }
}

impl Lines {
    fn new() -> Self {
        Self(String::with_capacity(ROOM))
    }

    /// One line. Writing into memory cannot fail.
    fn line(&mut self, write: impl FnOnce(&mut Self) -> fmt::Result) {
        write(self).unwrap_or_default();
        self.0.push('\n');
    }

    fn reasons(&mut self, verdict: &Verdict) {
        for reason in &verdict.reasons {
            self.line(|out| write!(out, "{}: {}; {}", reason.code(), reason.text(), reason.remedy()));
        }
    }

    fn override_note(&mut self, forced: &Forced, board: &Board) {
        let code = match forced {
            Forced::Expired { .. } => "override-expired",
            Forced::Refused { .. } => "override-ignored",
            Forced::None | Forced::Active { .. } => return,
        };
        self.line(|out| {
            let words = board::forced_words(forced);
            write!(out, "{code}: {words}; write it anew or `{}`", board::end_words(forced, board.identity()))
        });
    }
}

/// `/readyz`: the effective answer; while it is forced, the true one beneath it.
pub(super) fn ready(board: &Board, detail: Detail) -> Reply {
    let now = board.clock().now();
    let readiness = board.readiness(now);
    let truly = readiness.verdict.is_yes();
    let mut out = Lines::new();
    let truth = |out: &mut Lines| {
        if truly {
            out.line(|out| {
                out.write_str("ready: ")?;
                board::ready_yes(out, &readiness.seen, now.boot)
            });
        }
        out.reasons(&readiness.verdict);
    };
    let word = match readiness.forced.active() {
        None => {
            truth(&mut out);
            out.override_note(&readiness.forced, board);
            if truly { "ready" } else { "not-ready" }
        }
        Some(kind) => {
            let (word, code) = match kind {
                Kind::Ready => ("forced-ready", "override-ready"),
                Kind::Hold => ("held", "override-hold"),
            };
            out.line(|out| {
                let words = board::forced_words(&readiness.forced);
                let end = board::end_words(&readiness.forced, board.identity());
                write!(out, "{code}: {words}; end it with `{end}`")
            });
            out.line(|out| write!(out, "true-verdict: {}", if truly { "ready" } else { "not ready" }));
            truth(&mut out);
            word
        }
    };
    reply(board, now, detail, readiness.ready, word, out)
}

/// `/livez`. An override never touches it.
pub(super) fn live(board: &Board, detail: Detail) -> Reply {
    let yes = |out: &mut Lines, all: &Published| {
        out.write_str("live: ")?;
        board::live_yes(out, &all.seen, all.now.boot)
    };
    verdict(board, detail, |all| &all.verdicts.live, ["live", "dead"], yes)
}

/// `/startupz`.
pub(super) fn started(board: &Board, detail: Detail) -> Reply {
    let yes = |out: &mut Lines, all: &Published| {
        out.write_str("started: ")?;
        board::started_yes(out, &all.seen, all.now.boot)
    };
    verdict(board, detail, |all| &all.verdicts.started, ["started", "not-started"], yes)
}

/// `/stopz`.
pub(super) fn stoppable(board: &Board, detail: Detail) -> Reply {
    let yes = |out: &mut Lines, all: &Published| {
        let (broker, controller) = (all.seen.role.has_broker(), all.seen.role.has_controller());
        let partitions = "no partition would fall below its minimum without this broker";
        let voters = "the voters that keep up are a majority without this controller";
        let gap = if broker && controller { "; " } else { "" };
        let of = |is: bool, words| if is { words } else { "" };
        if all.seen.role == Role::ZooKeeperServer {
            return out.write_str("stoppable: the ensemble keeps a majority without this server");
        }
        write!(out, "stoppable: {}{gap}{}", of(broker, partitions), of(controller, voters))
    };
    verdict(board, detail, |all| &all.verdicts.stoppable, ["stoppable", "not-stoppable"], yes)
}

fn verdict(
    board: &Board,
    detail: Detail,
    pick: impl Fn(&Published) -> &Verdict,
    [word, no]: [&'static str; 2],
    yes: impl Fn(&mut Lines, &Published) -> fmt::Result,
) -> Reply {
    let all = board.ask();
    let verdict = pick(&all);
    let mut out = Lines::new();
    if verdict.is_yes() {
        out.line(|out| yes(out, &all));
    }
    out.reasons(verdict);
    let word = match verdict.answer {
        Answer::Yes => word,
        Answer::No => no,
    };
    reply(board, all.now, detail, verdict.is_yes(), word, out)
}

fn reply(board: &Board, now: Now, detail: Detail, yes: bool, word: &'static str, mut out: Lines) -> Reply {
    let status = if yes { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let (kind, body) = match detail {
        Detail::Plain => (TEXT, Bytes::from(out.0)),
        Detail::Verbose => {
            verbose(board, now, &mut out);
            (TEXT, Bytes::from(out.0))
        }
        Detail::Json => (JSON, serde_json::to_vec(&board.status(now)).unwrap_or_default().into()),
    };
    Reply { verdict: Some(word), ..Reply::new(status, kind, body) }
}

fn verbose(board: &Board, now: Now, out: &mut Lines) {
    let status = board.status(now);
    let all = &status.verdicts;
    out.0.push('\n');
    for (name, told) in
        [("live", &all.live), ("started", &all.started), ("ready", &all.ready), ("stoppable", &all.stoppable)]
    {
        out.line(|out| write!(out, "verdict {name}: {}", in_words(told)));
        for Told { code, text, remedy, .. } in &told.reasons {
            out.line(|out| write!(out, "  {code}: {text}; {remedy}"));
        }
    }
    for piece in &status.evidence {
        let mark = if piece.fresh { "ok" } else { "--" };
        out.line(|out| {
            write!(out, "evidence {mark} {}: ", piece.name)?;
            match (piece.age_seconds, piece.limit_seconds) {
                (Some(age), Some(limit)) => write!(out, "{age:.1} s old of {limit:.1} s allowed; ")?,
                (Some(age), None) => write!(out, "{age:.1} s old; ")?,
                (None, _) => {}
            }
            out.write_str(&piece.detail)
        });
    }
    if !status.forced.summary.is_empty() {
        out.line(|out| write!(out, "override: {}", status.forced.summary));
    }
}

fn in_words(told: &VerdictTold) -> String {
    let answer = match told.answer {
        Answer::Yes => "yes",
        Answer::No => "no",
    };
    let detail = if told.reasons.is_empty() { format!("; {}", told.summary) } else { String::new() };
    format!("{answer} since {}{detail}", told.since)
}

/// `/agentz`: the agent itself.
pub(super) fn agent(board: &Board) -> Reply {
    let age = board.loop_age(board.clock().boot());
    let (age, limit) = (age.as_secs_f64(), LOOP_LIMIT.as_secs_f64());
    if age > limit {
        let text = format!(
            "agent-stalled: the agent's own loop is {age:.1} s old, {limit:.0} s are allowed; look at its CPU limit, \
             or restart it: the broker is not touched by that\n"
        );
        return Reply::new(StatusCode::SERVICE_UNAVAILABLE, TEXT, text);
    }
    Reply::new(StatusCode::OK, TEXT, format!("agent: its loop is {age:.1} s old\n"))
}

/// `/status`.
pub(super) fn json(board: &Board) -> Bytes {
    serde_json::to_vec(&board.status(board.clock().now())).unwrap_or_default().into()
}
