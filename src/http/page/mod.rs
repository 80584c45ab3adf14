//! `/`: the status for a person. The frame lies in `page.html`; everything that is filled in is escaped.

mod beside;

use std::fmt::{Display, Formatter, Result, Write};

use pillion_probes::{forced::Kind, observe::Role, reason::Told, replicas::Fault, verdict::Answer};

use crate::{
    board::{Ago, Board, Evidence, Status, Transition, VerdictTold, unnamed},
    stamp,
};

/// Nothing from elsewhere is loaded or run.
pub(in crate::http) const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; \
                                 connect-src 'self'; base-uri 'none'; form-action 'none'";

const FRAME: &str = include_str!("page.html");

/// Transitions on the page; `/status` has them all.
const SHOWN: usize = 40;

/// Text as HTML.
struct Safe<'a>(&'a str);

impl Display for Safe<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                // The frame's own marks must not be filled in with another's text.
                '{' => f.write_str("&#123;")?,
                c if c.is_control() => f.write_char(' ')?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

/// The page of this instant.
pub(in crate::http) fn render(board: &Board) -> String {
    page(&board.status(board.clock().now()))
}

fn page(status: &Status) -> String {
    let mut out = String::with_capacity(FRAME.len() + 16 * 1024);
    let mut rest = FRAME;
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((name, after)) = after.split_once("}}") else { break };
        out.push_str(before);
        // Writing into a String cannot fail.
        fill(&mut out, name, status).unwrap_or_default();
        rest = after;
    }
    out.push_str(rest);
    out
}

fn fill(out: &mut String, name: &str, status: &Status) -> Result {
    match name {
        "title" => {
            let mark = if status.ready.answer.is_yes() { '✓' } else { '✗' };
            write!(out, "{mark} {} {}", status.identity.broker_id, headline(status))
        }
        "who" => who(out, status),
        "at" => write!(out, "{}", Safe(&stamp::short(&status.at))),
        "headline" => hero(out, status),
        "reasons" => reasons(out, status),
        "verdicts" => verdicts(out, status),
        "partitions" => partitions(out, status),
        "day" => crate::http::timeline::write(out, status),
        "resources" => beside::resources(out, status),
        "clients" => beside::lag(out, status).and_then(|()| beside::canary(out, status)),
        "turn" => beside::turn(out, status),
        "certificates" => beside::certificates(out, status),
        "evidence" => status.evidence.iter().try_for_each(|piece| evidence(out, piece)),
        "history" => status.history.iter().take(SHOWN).try_for_each(|change| transition(out, change)),
        "agent" => write!(
            out,
            "pillion {}, started {}, loop {:.1} s old",
            Safe(&status.agent.version),
            Safe(&status.agent.started),
            status.agent.loop_age_seconds
        ),
        _ => Ok(()),
    }
}

fn who(out: &mut String, status: &Status) -> Result {
    let identity = &status.identity;
    let (noun, id) = (identity.noun(), identity.broker_id);
    write!(out, "<h1>{noun} {id}</h1><p>cluster <b>{}</b>", Safe(&identity.cluster))?;
    if let Some(zone) = &identity.zone {
        write!(out, " · zone <b>{}</b>", Safe(zone))?;
    }
    write!(out, " · {}</p>", Safe(&identity.mode))
}

fn headline(status: &Status) -> &'static str {
    match (status.forced.forced.active(), status.ready.answer) {
        (Some(Kind::Ready), _) => "forced ready",
        (Some(Kind::Hold), _) => "held not ready",
        (None, Answer::Yes) => "ready",
        (None, _) if status.verdicts.live.answer == Answer::No => "dead: it hangs",
        (None, _) => "not ready",
    }
}

fn hero(out: &mut String, status: &Status) -> Result {
    let truth = &status.verdicts.ready;
    let forced = &status.forced;
    let active = forced.forced.active();
    let class = match (active, status.ready.answer) {
        (Some(_), _) => "forced",
        (None, Answer::Yes) => "yes",
        (None, _) => "no",
    };
    let mark = match class {
        "yes" => "✓",
        "no" => "✗",
        _ => "!",
    };
    write!(out, "<div class=\"hero {class}\"><span class=mark aria-hidden=true>{mark}</span><div>")?;
    write!(out, "<h2 role=status>{}</h2>", headline(status))?;
    if active.is_some() {
        let left = forced.left_seconds.unwrap_or_default();
        write!(out, "<p class=countdown>ends by itself in <b>{}</b></p>", Countdown(left))?;
        write!(out, "<p>{}</p>", Safe(&forced.summary))?;
        let truly = if truth.answer.is_yes() { "ready" } else { "not ready" };
        write!(out, "<p class=truth>In truth: <b>{truly}</b>, {}</p>", Safe(&truth.summary))?;
        return write!(out, "<p class=do>End it with <code>{}</code></p></div></div>", Safe(&forced.end));
    }
    let length = length(truth.for_seconds);
    write!(out, "<p class=since>for {length}, since {}</p>", Safe(&stamp::short(&truth.since)))?;
    if truth.answer.is_yes() {
        write!(out, "<p>{}</p>", Safe(&truth.summary))?;
    }
    if !forced.summary.is_empty() {
        write!(out, "<p class=ignored>{}</p>", Safe(&forced.summary))?;
    }
    out.write_str("</div></div>")
}

/// Why it is not ready and what to do, the root cause first; a dead broker before all.
fn reasons(out: &mut String, status: &Status) -> Result {
    let all = &status.verdicts;
    let told: Vec<_> = all.live.reasons.iter().chain(&all.ready.reasons).collect();
    if told.is_empty() {
        return Ok(());
    }
    out.write_str("<h3>Why, and what to do</h3><ol class=why>")?;
    told.into_iter().try_for_each(|reason| why(out, reason))?;
    out.write_str("</ol>")
}

fn why(out: &mut String, reason: &Told) -> Result {
    write!(
        out,
        "<li><b>{}</b><span class=do>{}</span><code>{}</code></li>",
        Safe(unnamed(reason)),
        Safe(&reason.remedy),
        Safe(&reason.code)
    )
}

fn verdicts(out: &mut String, status: &Status) -> Result {
    let all = &status.verdicts;
    card(out, "live", "does not hang", &all.live)?;
    card(out, "started", "has answered", &all.started)?;
    let ready = match status.observations.role {
        Role::Broker | Role::ZooKeeper => "all replicas in sync",
        Role::Combined => "all replicas in sync, and a voter that keeps up",
        Role::Controller => "a voter that keeps up",
        Role::ZooKeeperServer => "serves with a majority",
    };
    card(out, "ready", ready, &all.ready)?;
    card(out, "stoppable", "may be stopped", &all.stoppable)
}

fn card(out: &mut String, name: &str, meaning: &str, told: &VerdictTold) -> Result {
    let (class, word, mark) = match told.answer {
        Answer::Yes => ("yes", "yes", "✓"),
        Answer::No => ("no", "no", "✗"),
    };
    write!(
        out,
        "<article class=\"card {class}\"><h3>{name} <small>{meaning}</small></h3>\
         <p class=answer><span aria-hidden=true>{mark}</span> {word} <small>for {}</small></p>\
         <p class=summary>{}</p></article>",
        length(told.for_seconds),
        Safe(&told.summary)
    )
}

fn partitions(out: &mut String, status: &Status) -> Result {
    if !status.observations.role.has_broker() {
        return Ok(());
    }
    out.write_str("<h3>Partitions of this broker</h3>")?;
    let Some(partitions) = &status.partitions else {
        return out.write_str("<p class=quiet>no scan of the partitions is complete</p>");
    };
    let numbers = [
        ("assigned", partitions.assigned, false),
        ("led", partitions.led, false),
        ("not in sync", partitions.not_in_sync, true),
        ("out of ISR", partitions.out_of_isr, true),
        ("leaderless", partitions.leaderless, true),
        ("offline here", partitions.offline, true),
        ("not hosted", partitions.not_hosted, true),
        ("being added", partitions.being_added, false),
    ];
    out.write_str("<dl class=numbers>")?;
    for (name, number, bad) in numbers {
        let class = if bad && number > 0 { " class=bad" } else { "" };
        write!(out, "<div{class}><dd>{number}</dd><dt>{name}</dt></div>")?;
    }
    out.write_str("</dl>")?;
    if let Some(refill) = &status.refill {
        write!(out, "<p>{}</p>", Safe(&refill.words()))?;
        refill.limits().try_for_each(|limit| write!(out, "<p class=quiet>{}</p>", Safe(&limit)))?;
    }
    if partitions.named.is_empty() {
        return Ok(());
    }
    out.write_str("<ul class=named>")?;
    for partition in &partitions.named {
        let (topic, index, fault) = (Safe(&partition.topic), partition.partition, fault(partition.fault));
        write!(out, "<li><code>{topic}-{index}</code> {fault}</li>")?;
    }
    let named = u64::try_from(partitions.named.len()).unwrap_or(u64::MAX);
    if let more @ 1.. = partitions.not_in_sync.saturating_sub(named) {
        write!(out, "<li class=quiet>and {more} more</li>")?;
    }
    out.write_str("</ul>")
}

fn fault(fault: Fault) -> &'static str {
    match fault {
        Fault::OutOfIsr => "not in the ISR",
        Fault::Leaderless => "without a leader",
        Fault::Offline => "offline here",
        Fault::NotHosted => "not hosted here",
        Fault::Adding => "being added here",
    }
}

fn evidence(out: &mut String, piece: &Evidence) -> Result {
    let (class, mark) = if piece.fresh { ("fresh", "✓") } else { ("stale", "✗") };
    write!(
        out,
        "<tr class={class}><th scope=row><i aria-hidden=true>{mark}</i> {}</th><td>",
        Safe(&piece.name)
    )?;
    match (piece.age_seconds, piece.limit_seconds) {
        (Some(age), Some(limit)) => {
            let share = (age / limit.max(0.001) * 100.0).min(100.0);
            write!(out, "{} <small>of {}</small>", length(age), length(limit))?;
            write!(out, "<span class=bar aria-hidden=true><span style=\"width:{share:.0}%\"></span></span>")?;
        }
        (Some(age), None) => write!(out, "{}", length(age))?,
        (None, _) => out.write_str("none")?,
    }
    write!(out, "</td><td>{}</td></tr>", Safe(&piece.detail))
}

fn transition(out: &mut String, change: &Transition) -> Result {
    let class = match change.to.split(' ').next() {
        Some("yes") => "yes",
        Some("no") => "no",
        Some("ready" | "hold") => "forced",
        _ => "other",
    };
    write!(
        out,
        "<li class={class}><time datetime=\"{}\">{}</time> <b>{}</b> ",
        Safe(&change.at),
        Safe(&stamp::short(&change.at)),
        Safe(change.subject.word())
    )?;
    if !change.from.is_empty() {
        write!(out, "<s>{}</s> ", Safe(&change.from))?;
    }
    write!(out, "{}", Safe(&change.to))?;
    for why in &change.why {
        let (text, more) = short(&why.text);
        write!(out, "<span>{}{more}</span>", Safe(text))?;
    }
    out.write_str("</li>")
}

/// As much of a reason as the history has room for; `/status` has all of it.
fn short(text: &str) -> (&str, &str) {
    text.char_indices().nth(160).map_or((text, ""), |(end, _)| (&text[..end], " ..."))
}

fn length(seconds: f64) -> Ago {
    Ago(std::time::Duration::try_from_secs_f64(seconds).unwrap_or_default())
}

/// `28:05`, or `1:28:05`.
struct Countdown(f64);

impl Display for Countdown {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let left = length(self.0).0.as_secs();
        let (hours, minutes, seconds) = (left / 3600, left / 60 % 60, left % 60);
        if hours > 0 {
            write!(f, "{hours}:")?;
        }
        write!(f, "{minutes:02}:{seconds:02}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_elsewhere_stays_text() {
        let hostile = "<script>'\"&{{title}}\u{1b}[2J";
        assert_eq!(Safe(hostile).to_string(), "&lt;script&gt;&#39;&quot;&amp;&#123;&#123;title}} [2J");
        assert_eq!(Countdown(3725.9).to_string(), "1:02:05");
        assert_eq!(stamp::short("2026-11-23T06:30:00.123Z"), "11-23 06:30:00");
    }
}
