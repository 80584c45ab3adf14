//! What readiness does not rest on: log dirs, groups, the canary, the turn, certificates.

use std::fmt::{Result, Write};

use super::{Safe, why};
use crate::board::{LogDirTold, Outcome, Status, Trouble};

/// How full the log dirs are, and what the process has and uses.
pub(super) fn resources(out: &mut String, status: &Status) -> Result {
    if !status.resources.log_dirs.is_empty() {
        log_dirs(out, status)?;
    }
    let Some(summary) = status.resources.summary() else { return Ok(()) };
    write!(out, "<p class=quiet>{}</p>", Safe(&summary))
}

fn log_dirs(out: &mut String, status: &Status) -> Result {
    out.write_str(
        "<h3>Log dirs <small>readiness does not rest on their space</small></h3><table><thead><tr><th></th>",
    )?;
    LogDirTold::HEADS.iter().try_for_each(|head| write!(out, "<th scope=col>{}</th>", Safe(head)))?;
    out.write_str("</tr></thead><tbody>")?;
    for dir in &status.resources.log_dirs {
        write!(out, "<tr><th scope=row>{}</th>", Safe(&dir.path))?;
        // On a narrow screen the heads are not above their numbers.
        for (head, cell) in LogDirTold::HEADS.iter().zip(dir.row()) {
            write!(out, "<td data-head=\"{}\">{}</td>", Safe(head), Safe(&cell))?;
        }
        out.write_str("</tr>")?;
        if let Some(trouble) = &dir.trouble {
            write!(out, "<tr class=stale><td></td><td colspan=5>{}</td></tr>", Safe(trouble))?;
        }
    }
    out.write_str("</tbody></table>")
}

/// How far the groups lag that this broker coordinates, the worst first.
pub(super) fn lag(out: &mut String, status: &Status) -> Result {
    let Some(lag) = &status.lag else { return Ok(()) };
    write!(out, "<h3>Consumer groups <small>{}</small></h3>", Safe(&lag.summary()))?;
    let behind: Vec<_> = lag.worst.iter().filter(|group| group.messages > 0).collect();
    if behind.is_empty() && lag.age_seconds.is_some() {
        out.write_str("<p class=quiet>none of them lags</p>")?;
    }
    if !behind.is_empty() {
        out.write_str("<table class=words><tbody>")?;
        for group in behind {
            write!(
                out,
                "<tr><th scope=row>{}</th><td>{}</td></tr>",
                Safe(&group.group),
                Safe(&group.words())
            )?;
        }
        out.write_str("</tbody></table>")?;
    }
    for left_out in &lag.left_out {
        write!(out, "<p class=ignored>{}: {}</p>", Safe(&left_out.group), left_out.words())?;
    }
    trouble(out, lag.trouble.as_ref())
}

/// The last round trip.
pub(super) fn canary(out: &mut String, status: &Status) -> Result {
    let Some(canary) = &status.canary else { return Ok(()) };
    let class = if matches!(canary.last, None | Some(Outcome::Ok)) { "" } else { " class=ignored" };
    write!(out, "<h3>Canary <small>a record written through this broker, and read back</small></h3>")?;
    write!(out, "<p{class}>{}</p>", Safe(&canary.summary()))?;
    trouble(out, canary.trouble.as_ref())
}

fn trouble(out: &mut String, trouble: Option<&Trouble>) -> Result {
    match trouble {
        Some(trouble) => write!(out, "<p class=do>{} → {}</p>", Safe(&trouble.text), Safe(&trouble.remedy)),
        None => Ok(()),
    }
}

/// What is wrong with them first; readiness does not rest on it.
pub(super) fn turn(out: &mut String, status: &Status) -> Result {
    let Some(turn) = &status.turn else { return Ok(()) };
    out.write_str("<h3>Turn to stop <small>one node of the cluster at a time</small></h3>")?;
    if !turn.kept.is_empty() {
        write!(out, "<p>{} <small>{}</small></p>", Safe(&turn.holder_words()), Safe(&turn.kept))?;
    }
    if let Some(wanted) = turn.wanted_words() {
        write!(out, "<p class=ignored>{}</p>", Safe(&wanted))?;
    }
    match &turn.trouble {
        Some(trouble) => write!(out, "<p class=do>{} → {}</p>", Safe(&trouble.text), Safe(&trouble.remedy)),
        None => Ok(()),
    }
}

pub(super) fn certificates(out: &mut String, status: &Status) -> Result {
    let Some(all) = &status.certificates else { return Ok(()) };
    out.write_str("<h3>Certificates <small>readiness does not rest on them")?;
    if let Some(phase) = all.authority_change {
        write!(out, "; a change of the authority is under way: {}", phase.word())?;
    }
    out.write_str("</small></h3>")?;
    if !all.reasons.is_empty() {
        out.write_str("<ol class=why>")?;
        all.reasons.iter().try_for_each(|reason| why(out, reason))?;
        out.write_str("</ol>")?;
    }
    out.write_str("<table><tbody>")?;
    for (name, told) in &all.listeners {
        let (class, mark) = if told.served { ("fresh", '✓') } else { ("stale", '✗') };
        write!(
            out,
            "<tr class={class}><th><i>{mark}</i> {}</th><td>{}</td></tr>",
            Safe(name),
            Safe(&told.summary)
        )?;
    }
    out.write_str("</tbody></table>")
}
