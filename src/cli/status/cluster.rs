//! `pillion status --cluster`: all nodes of a cluster in one table, each as its own agent tells of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::{self, Write},
    net::SocketAddr,
    thread,
    time::Instant,
};

use pillion_probes::{forced::Kind, resources::Space, verdict::Answer};
use serde::Serialize;
use serde_json::value::RawValue;

use super::{Form, alert, bad, faint, good, length, paint};
use crate::{
    board::{Status, VerdictTold, unnamed},
    cli::{
        Exit,
        client::{Target, get, resolve},
        out::plain,
    },
};

/// Where agents listen that are named without a port.
const PORT: u16 = 9440;
/// Most agents that are asked: each by a thread of its own.
const CAP: usize = 256;
/// Of a reason, as much as a line has room for.
const REASON: usize = 90;

/// One agent, and what came of asking it.
struct Node {
    address: String,
    answer: Result<Answered, String>,
}

struct Answered {
    status: Box<Status>,
    json: Box<RawValue>,
}

/// Asks all of them at once.
///
/// # Errors
/// Why there is nobody to ask.
pub(super) fn ask(list: &str, target: &Target, form: Form) -> Result<(String, Exit), String> {
    let nodes = ask_all(addresses(list, target)?, target);
    let exit = if nodes.iter().all(|node| node.answer.is_ok()) { Exit::Yes } else { Exit::Unavailable };
    let text = match form {
        Form::Text => text(&nodes),
        Form::Json => json(&nodes)?,
    };
    Ok((text, exit))
}

/// Whom a list names, each once; a name stands for all addresses that it leads to, as that of a headless Service does.
fn addresses(list: &str, target: &Target) -> Result<BTreeMap<String, Result<SocketAddr, String>>, String> {
    let end = Instant::now() + target.timeout;
    let mut all = BTreeMap::new();
    for name in list.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        let name = with_port(name);
        match resolve(&name, end) {
            Ok(found) if !found.is_empty() => {
                all.extend(found.into_iter().map(|at| (at.to_string(), Ok(at))));
            }
            Ok(_) => drop(all.insert(name, Err("the name leads nowhere".to_owned()))),
            Err(error) => drop(all.insert(name, Err(format!("the name is not resolved: {error}")))),
        }
    }
    if all.is_empty() {
        return Err("--cluster names nobody: write HOST[:PORT],...".to_owned());
    }
    if all.len() > CAP {
        return Err(format!("{} agents are named, and at most {CAP} are asked: name fewer", all.len()));
    }
    Ok(all)
}

fn with_port(name: &str) -> String {
    let bare = name.strip_prefix("http://").unwrap_or(name);
    let ends_with_port = bare.rsplit_once(':').is_some_and(|(host, port)| {
        // An IPv6 address has a port only behind its bracket.
        port.parse::<u16>().is_ok() && (!host.contains(':') || host.ends_with(']'))
    });
    if ends_with_port { bare.to_owned() } else { format!("{bare}:{PORT}") }
}

fn ask_all(all: BTreeMap<String, Result<SocketAddr, String>>, target: &Target) -> Vec<Node> {
    let asked: Vec<_> = all
        .into_iter()
        .map(|(address, at)| {
            let target = Target { address: address.clone(), ..target.clone() };
            let asking = thread::spawn(move || at.and_then(|_| ask_one(&target)));
            (address, asking)
        })
        .collect();
    let mut nodes: Vec<Node> = asked
        .into_iter()
        .map(|(address, asking)| {
            let answer = asking.join().unwrap_or_else(|_| Err("the asking failed".to_owned()));
            Node { address, answer }
        })
        .collect();
    nodes.sort_by_cached_key(Node::key);
    // An agent with addresses of both families answers at both.
    nodes.dedup_by(|one, other| one.answer.is_ok() && one.key() == other.key());
    nodes
}

fn ask_one(target: &Target) -> Result<Answered, String> {
    let reply = get(target, "/status").map_err(|error| format!("no answer: {error}"))?;
    let strange = |error| format!("what answers is no pillion of this version: {error}");
    let json: Box<RawValue> = serde_json::from_slice(&reply.body).map_err(strange)?;
    let status = serde_json::from_str(json.get()).map_err(strange)?;
    Ok(Answered { status: Box::new(status), json })
}

impl Node {
    /// Brokers before controllers, by their ids, those that do not answer last: rows keep their places from look to look.
    fn key(&self) -> (bool, String, i32, String) {
        match &self.answer {
            Ok(Answered { status, .. }) => (
                false,
                status.identity.noun().to_owned(),
                status.identity.broker_id,
                status.agent.started.clone(),
            ),
            Err(_) => (true, self.address.clone(), 0, String::new()),
        }
    }
}

fn json(nodes: &[Node]) -> Result<String, String> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Told<'a> {
        address: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        status: Option<&'a RawValue>,
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<&'a str>,
    }
    let told: Vec<_> = nodes
        .iter()
        .map(|node| Told {
            address: &node.address,
            status: node.answer.as_ref().ok().map(|answered| &*answered.json),
            error: node.answer.as_ref().err().map(String::as_str),
        })
        .collect();
    let text =
        serde_json::to_string(&serde_json::json!({ "nodes": told })).map_err(|error| error.to_string())?;
    Ok(text + "\n")
}

fn text(nodes: &[Node]) -> String {
    let mut out = String::with_capacity(4096);
    // Writing into a String cannot fail.
    write_text(&mut out, nodes).unwrap_or_default();
    out
}

fn write_text(out: &mut String, nodes: &[Node]) -> fmt::Result {
    let told: Vec<&Status> =
        nodes.iter().filter_map(|node| Some(&*node.answer.as_ref().ok()?.status)).collect();
    headline(out, nodes, &told)?;
    turn(out, &told)?;
    let rows: Vec<[Cell; COLUMNS]> = nodes.iter().map(row).collect();
    table(out, &rows)?;
    why(out, nodes)
}

fn headline(out: &mut String, nodes: &[Node], told: &[&Status]) -> fmt::Result {
    let mut clusters: Vec<&str> = told.iter().map(|status| &*status.identity.cluster).collect();
    clusters.dedup();
    let is_ready = |status: &&&Status| status.ready.answer.is_yes();
    let ready = told.iter().filter(is_ready).count();
    let forced = told.iter().filter(|status| status.forced.forced.active().is_some()).count();
    let silent = nodes.len() - told.len();
    let style = if ready == nodes.len() && forced == 0 { good() } else { bad() };
    write!(out, "{}", paint(style, &format!("{ready} of {} ready", nodes.len())))?;
    for (count, what) in [(forced, "by an override"), (silent, "without an answer")] {
        if count > 0 {
            write!(out, ", {}", paint(alert(), &format!("{count} {what}")))?;
        }
    }
    for cluster in &clusters {
        write!(out, ", cluster {}", plain(cluster))?;
    }
    if let Some(at) = told.iter().map(|status| &status.at).max() {
        write!(out, "  {}", paint(faint(), &format!("as of {}", plain(at))))?;
    }
    if clusters.len() > 1 {
        write!(out, "\n{}", paint(alert(), "these agents are of more than one cluster"))?;
    }
    out.write_str("\n")
}

/// Who has a turn, who waits for one, and why that is not known; each is told once, whoever tells it.
fn turn(out: &mut String, told: &[&Status]) -> fmt::Result {
    let turns =
        || told.iter().filter_map(|status| Some((status.identity.noun(), status, status.turn.as_ref()?)));
    let mut lines = BTreeSet::new();
    for (noun, status, turn) in turns() {
        let who = format!("{noun} {}", status.identity.broker_id);
        if turn.mine {
            lines.insert(format!("turn to stop: {who} has it{}", since(turn.since.as_deref())));
        }
        lines.extend(turn.wanted_words().map(|wanted| format!("{who}: {wanted}")));
        lines.extend(turn.trouble.as_ref().map(|trouble| format!("turn to stop: {}", trouble.text)));
        // Its own agent is silent, or does not know yet.
        let elsewhere = turn
            .holder
            .as_ref()
            .filter(|holder| !turns().any(|(_, _, one)| one.mine && one.holder.as_ref() == Some(*holder)));
        lines.extend(elsewhere.map(|holder| {
            format!(
                "turn to stop: {holder} has it{}, and its own agent does not say so",
                since(turn.since.as_deref())
            )
        }));
    }
    lines.iter().try_for_each(|line| writeln!(out, "{}", paint(alert(), &plain(line))))
}

fn since(at: Option<&str>) -> String {
    at.map(|at| format!(" since {at}")).unwrap_or_default()
}

const COLUMNS: usize = 8;
const HEADS: [&str; COLUMNS] =
    ["node", "zone", "ready", "for", "live", "may stop", "not in sync", "fullest disk"];
/// Less than this share of a disk left, in percent, or less time until it is full, is marked.
const NARROW: u64 = 10;
const SOON_SECONDS: f64 = 24.0 * 3600.0;

struct Cell {
    text: String,
    style: Option<anstyle::Style>,
}

fn cell(text: impl Into<String>) -> Cell {
    Cell { text: plain(&text.into()), style: None }
}

fn row(node: &Node) -> [Cell; COLUMNS] {
    let Ok(Answered { status, .. }) = &node.answer else {
        let blank = || cell("");
        let unknown = Cell { text: "? no answer".to_owned(), style: Some(bad()) };
        return [cell(&*node.address), blank(), unknown, blank(), blank(), blank(), blank(), blank()];
    };
    let all = &status.verdicts;
    let replicas = status.partitions.as_ref();
    [
        cell(format!("{} {}", status.identity.noun(), status.identity.broker_id)),
        cell(status.identity.zone.clone().unwrap_or_default()),
        ready(status),
        cell(length(all.ready.for_seconds)),
        answer(&all.live, bad()),
        answer(&all.stoppable, faint()),
        cell(replicas.map(|all| format!("{} of {}", all.not_in_sync, all.assigned)).unwrap_or_default()),
        disk(status),
    ]
}

/// The log dir that has the least left, and when the first of them will be full, where that is known.
fn disk(status: &Status) -> Cell {
    let dirs = &status.resources.log_dirs;
    if dirs.iter().any(|dir| dir.stuck) {
        return Cell { text: "does not answer".to_owned(), style: Some(bad()) };
    }
    if dirs.iter().any(|dir| dir.trouble.is_some()) {
        return Cell { text: "in trouble".to_owned(), style: Some(bad()) };
    }
    let left = |space: &Space| space.available.saturating_mul(100).checked_div(space.size);
    let Some(left) = dirs.iter().filter_map(|dir| left(dir.space.as_ref()?)).min() else { return cell("") };
    let full = dirs.iter().filter_map(|dir| dir.forecast.full_in).min_by(f64::total_cmp);
    let until = full.map(|seconds| format!(", full in {}", length(seconds))).unwrap_or_default();
    let narrow = left < NARROW || full.is_some_and(|seconds| seconds < SOON_SECONDS);
    Cell { text: format!("{left} % left{until}"), style: narrow.then(bad) }
}

/// As it is answered; under an override with the truth beside it.
fn ready(status: &Status) -> Cell {
    let truly = if status.verdicts.ready.answer.is_yes() { "yes" } else { "no" };
    let (text, style) = match (status.forced.forced.active(), status.ready.answer) {
        (Some(Kind::Ready), _) => (format!("! forced (truly {truly})"), alert()),
        (Some(Kind::Hold), _) => (format!("! held (truly {truly})"), alert()),
        (None, Answer::Yes) => ("✓ yes".to_owned(), good()),
        (None, Answer::No) => ("✗ no".to_owned(), bad()),
    };
    Cell { text, style: Some(style) }
}

fn answer(told: &VerdictTold, no: anstyle::Style) -> Cell {
    match told.answer {
        Answer::Yes => cell("yes"),
        Answer::No => Cell { text: "no".to_owned(), style: Some(no) },
    }
}

fn table(out: &mut String, rows: &[[Cell; COLUMNS]]) -> fmt::Result {
    let wide = |column: usize| {
        let cells = rows.iter().map(|row| row[column].text.chars().count());
        cells.chain([HEADS[column].len()]).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..COLUMNS).map(wide).collect();
    let mut heads = String::new();
    for (head, width) in HEADS.iter().zip(&widths) {
        write!(heads, "  {head:<width$}")?;
    }
    writeln!(out, "\n{}", paint(faint(), heads.trim_end()))?;
    for row in rows {
        let last = row.iter().rposition(|cell| !cell.text.is_empty()).unwrap_or_default();
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate().take(last + 1) {
            let width = if column == last { 0 } else { *width };
            let text = format!("{:<width$}", cell.text);
            write!(out, "  {}", cell.style.map_or(text.clone(), |style| paint(style, &text)))?;
        }
        out.write_str("\n")?;
    }
    Ok(())
}

/// The first reason of each that is not ready, or may not stop, and where the rest is.
fn why(out: &mut String, nodes: &[Node]) -> fmt::Result {
    let mut lines = Vec::new();
    for node in nodes {
        match &node.answer {
            Err(error) => lines.push(format!("{}: {error}", node.address)),
            Ok(Answered { status, .. }) => {
                let all = &status.verdicts;
                let (noun, id) = (status.identity.noun(), status.identity.broker_id);
                let down = all.live.reasons.iter().chain(&all.ready.reasons).next();
                let lead = if down.is_some() { "" } else { "may not stop: " };
                let Some(reason) = down.or(all.stoppable.reasons.first()) else { continue };
                let text: String = unnamed(reason).chars().take(REASON).collect();
                lines.push(format!("{noun} {id}: {lead}{text} ({}); more at {}", reason.code, node.address));
            }
        }
    }
    if lines.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{}", paint(faint(), "why"))?;
    lines.iter().try_for_each(|line| writeln!(out, "  {}", plain(line)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agents_are_named_with_and_without_a_port() {
        for (name, full) in [
            ("kafka", "kafka:9440"),
            ("kafka:1", "kafka:1"),
            ("http://kafka:1", "kafka:1"),
            ("10.0.0.1", "10.0.0.1:9440"),
            ("[::1]", "[::1]:9440"),
            ("[::1]:7", "[::1]:7"),
        ] {
            assert_eq!(with_port(name), full);
        }
    }
}
