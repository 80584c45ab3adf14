//! Every series stands in docs/metrics.md, with type, labels and meaning, and nothing else does. `PILLION_BLESS=1` writes
//! the table anew. And there is an end to their number and size.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::missing_panics_doc,
    reason = "a failed step should stop the test where it stands"
)]

#[path = "../made_up/mod.rs"]
mod made_up;
mod resources;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    fs,
    sync::Arc,
    time::{Duration, Instant},
};

use made_up::{
    Stepped,
    beside::{groups, refilling},
    board, healthy, on_zookeeper, voter, zookeeper_server,
};
use pillion::{
    board::{Board, Canary, Errand, Outcome},
    http,
};
use pillion_probes::{
    certificates::{Known, Life, Print},
    forced::{self, FirstSeen, Source, Stated},
};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/metrics.md");
const BEGIN: &str = "<!-- series: begin -->\n";
const END: &str = "<!-- series: end -->\n";

fn ask(board: &Arc<Board>, path: &str) -> Vec<u8> {
    use http_body_util::BodyExt;
    let site = http::Site::new(Arc::clone(board));
    let answer = http::respond(&site, &hyper::Method::GET, &path.parse().unwrap(), &hyper::HeaderMap::new());
    assert_eq!(answer.status(), 200);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(answer.into_body().collect()).unwrap().to_bytes().to_vec()
}

fn metrics(board: &Arc<Board>) -> String {
    String::from_utf8(ask(board, "/metrics")).unwrap()
}

/// Everything that runs beside the verdicts, and an override.
fn beside(board: &Board, clock: &Stepped) {
    let now = clock.now();
    let request = forced::parse("ready,for=30m,reason=INC-1").map_err(|error| error.to_string());
    let stated = Stated { source: Source::File, request, first: FirstSeen::at(now.into()), looked: now.boot };
    board.stated().send_replace(Arc::new(vec![stated]));
    board.errand(Errand::Events, |course| course.done += 1);
    let known = Known {
        source: "directory /certs".into(),
        installed: Some(Life { print: Print([7; 32]), not_before: 0, not_after: 1_900_000_000 }),
        authority_until: Some(2_000_000_000),
        started_with: Some(Life { print: Print([6; 32]), not_before: 0, not_after: 1_900_000_000 }),
        last_rotation: Some(1_700_000_000),
        last_proof: Some(1_700_000_001),
        failures: [("certificate-expiring".to_owned(), 1)].into(),
        ..Known::default()
    };
    board.certify(|all| all.listeners.insert("EXTERNAL".into(), known));
    board.turn(|turn| {
        turn.told.kept = "Lease kafka/turn".into();
        turn.told.holder = Some("broker-1001".into());
    });
}

/// A node of which everything is told. A subject that brings series adds itself here.
fn all_of_it() -> (Arc<Board>, Stepped) {
    let (board, clock) = board(healthy);
    resources::measure(&board, &clock, 1);
    let now = clock.now().boot;
    board.publish(refilling(now));
    board.lag(|lag| *lag = Some(groups(1, now)));
    let mut canary = Canary::new("pillion-canary");
    canary.note(Outcome::Ok, now, Duration::from_millis(7));
    board.canary(|told| *told = Some(canary));
    beside(&board, &clock);
    (board, clock)
}

/// Name, type and meaning of a series, and the labels that it was seen with.
#[derive(Default)]
struct Series {
    kind: String,
    unit: String,
    help: String,
    labels: BTreeSet<String>,
}

fn read(text: &str, into: &mut BTreeMap<String, Series>) {
    let mut last = String::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# ") {
            let Some((what, rest)) = rest.split_once(' ') else { continue };
            let (name, told) = rest.split_once(' ').unwrap();
            let series = into.entry(name.to_owned()).or_default();
            match what {
                "HELP" => told.trim_end_matches('.').clone_into(&mut series.help),
                "TYPE" => told.clone_into(&mut series.kind),
                "UNIT" => told.clone_into(&mut series.unit),
                other => panic!("{other}"),
            }
            name.clone_into(&mut last);
        } else {
            assert!(line.starts_with(&last), "{line} after {last}");
            let labels = line.split_once('{').and_then(|(_, rest)| rest.rsplit_once('}'));
            for part in labels.map_or("", |(labels, _)| labels).split("\",") {
                if let Some((label, _)) = part.split_once('=') {
                    into.get_mut(&last).unwrap().labels.insert(label.to_owned());
                }
            }
        }
    }
}

fn table(all: &BTreeMap<String, Series>) -> String {
    let mut out = "| series | type | unit | labels | what it says |\n|---|---|---|---|---|\n".to_owned();
    for (name, series) in all {
        let end = match series.kind.as_str() {
            "counter" => "_total",
            "info" => "_info",
            _ => "",
        };
        let labels: Vec<_> = series.labels.iter().map(|label| format!("`{label}`")).collect();
        let (kind, unit, help) = (&series.kind, series.unit.replace('_', " "), &series.help);
        writeln!(out, "| `{name}{end}` | {kind} | {unit} | {} | {help} |", labels.join(" ")).unwrap();
    }
    out
}

#[test]
fn every_series_is_documented_and_no_other() {
    let mut all = BTreeMap::new();
    let (of_broker, _) = all_of_it();
    for board in [of_broker, board(voter).0, board(on_zookeeper).0, board(zookeeper_server).0] {
        read(&metrics(&board), &mut all);
    }
    let text = fs::read_to_string(PAGE).unwrap();
    let (before, rest) = text.split_once(BEGIN).unwrap();
    let (held, after) = rest.split_once(END).unwrap();
    let table = table(&all);
    if std::env::var_os("PILLION_BLESS").is_some() {
        fs::write(PAGE, format!("{before}{BEGIN}{table}{END}{after}")).unwrap();
        return;
    }
    assert_eq!(held, table, "docs/metrics.md (PILLION_BLESS=1 writes it anew)");
}

#[test]
fn a_scrape_is_bounded() {
    let (board, _) = all_of_it();
    let text = metrics(&board);
    let series = text.lines().filter(|line| !line.starts_with('#')).count();
    assert!(series <= 200, "{series} series");
    assert!(text.len() <= 100_000, "{} bytes", text.len());
    let began = Instant::now();
    for _ in 0..20 {
        metrics(&board);
    }
    println!("{series} series, {} bytes, {:?} a scrape", text.len(), began.elapsed() / 20);
}
