//! The dashboards of `deploy/components/dashboards`: readable, about series that there are, and every query of them
//! answered by a real Prometheus that scrapes made-up nodes, with the alerts beside.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed step should stop the test where it stands")]

mod exposition;
mod made_up;

use std::{
    collections::BTreeSet,
    fs,
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    thread,
    time::{Duration, Instant},
};

use bed::Prometheus;
use serde_json::{Value, json};

/// How long Prometheus may take until it has scraped each node twice and judged the rules.
const SOON: Duration = Duration::from_secs(40);

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn dashboards() -> Vec<(&'static str, Value)> {
    let all = ["cluster", "broker", "on-call"];
    all.map(|name| (name, read(&format!("deploy/components/dashboards/{name}.json"))))
        .map(|(name, text)| {
            (name, serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}")))
        })
        .into()
}

/// The panels that show something.
fn panels(dashboard: &Value) -> impl Iterator<Item = &Value> {
    list(&dashboard["panels"]).iter().filter(|panel| panel["type"] != "row")
}

/// Every query, with where it is.
fn queries() -> Vec<(String, String)> {
    let mut all = Vec::new();
    for (name, dashboard) in &dashboards() {
        for panel in panels(dashboard) {
            for target in list(&panel["targets"]) {
                let place = format!("{name}: {} {}", panel["title"], target["refId"]);
                all.push((place, text(&target["expr"]).to_owned()));
            }
        }
    }
    all
}

#[test]
fn a_panel_says_what_it_shows_and_in_what_unit() {
    for (name, dashboard) in &dashboards() {
        assert_eq!(text(&dashboard["uid"]), format!("pillion-{name}"));
        let variables: Vec<_> =
            list(&dashboard["templating"]["list"]).iter().map(|v| text(&v["name"])).collect();
        let broker: &[_] = if *name == "broker" { &["broker"] } else { &[] };
        assert_eq!(variables, [&["datasource", "namespace", "cluster"], broker].concat(), "{name}");
        let mut ids = BTreeSet::new();
        for panel in list(&dashboard["panels"]) {
            assert!(
                ids.insert(panel["id"].as_u64().unwrap()),
                "{name}: two panels have the id {}",
                panel["id"]
            );
        }
        for panel in panels(dashboard) {
            let title = format!("{name}: {}", panel["title"]);
            assert!(!text(&panel["title"]).is_empty() && text(&panel["description"]).len() > 10, "{title}");
            assert_eq!(panel["datasource"]["uid"], "${datasource}", "{title}");
            let unit = text(&panel["fieldConfig"]["defaults"]["unit"]);
            assert!(!unit.is_empty(), "{title}: no unit");
            let said = [("s", "(s)"), ("bytes", "(bytes)"), ("Bps", "(bytes/s)")];
            if let Some((_, word)) =
                said.iter().find(|(short, _)| panel["type"] == "timeseries" && unit == *short)
            {
                assert!(text(&panel["title"]).ends_with(word), "{title}: no {word}");
            }
            assert!(!list(&panel["targets"]).is_empty(), "{title}: asks nothing");
        }
    }
}

#[test]
fn panels_do_not_cover_each_other() {
    for (name, dashboard) in &dashboards() {
        let mut taken = BTreeSet::new();
        for panel in list(&dashboard["panels"]) {
            let [x, y, w, h] = ["x", "y", "w", "h"].map(|key| panel["gridPos"][key].as_u64().unwrap());
            assert!(x + w <= 24, "{name}: {} is too wide", panel["title"]);
            for cell in (x..x + w).flat_map(|x| (y..y + h).map(move |y| (x, y))) {
                assert!(taken.insert(cell), "{name}: {} covers another", panel["title"]);
            }
        }
    }
}

#[test]
fn what_is_shown_is_published() {
    let text: Vec<_> = queries().into_iter().map(|(_, query)| query).collect();
    let missing: Vec<_> =
        exposition::spoken_of(&text.join("\n")).difference(&exposition::names()).cloned().collect();
    assert!(missing.is_empty(), "no node publishes {missing:?}");
}

/// Answers every request with this text, as a node would, until the test ends.
fn serve(text: String) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let answer = move |stream: TcpStream| -> std::io::Result<()> {
        let mut lines = BufReader::new(&stream).lines();
        while lines.next().transpose()?.is_some_and(|line| !line.is_empty()) {}
        let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
        let length = text.len();
        write!(&stream, "HTTP/1.0 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n\r\n{text}")
    };
    thread::spawn(move || listener.incoming().flatten().for_each(|stream| drop(answer(stream))));
    port
}

/// A Prometheus that scrapes the made-up nodes as a `PodMonitor` would have it, and judges the rules.
fn prometheus() -> Prometheus {
    let target = |(number, text): (usize, String)| {
        let labels = json!({ "namespace": "kafka", "pod": format!("kafka-{number}") });
        json!({ "targets": [format!("127.0.0.1:{}", serve(text))], "labels": labels })
    };
    let targets: Vec<_> = exposition::nodes().into_iter().enumerate().map(target).collect();
    let config = json!({
        "global": { "scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s" },
        "rule_files": ["rules.yaml"],
        "scrape_configs": [{ "job_name": "kafka/pillion", "static_configs": targets }],
    });
    let rules: Value =
        serde_saphyr::from_str(&read("deploy/components/alerts/prometheus-rule.yaml")).unwrap();
    Prometheus::start(&config.to_string(), &[("rules.yaml", &rules["spec"].to_string())]).unwrap()
}

/// As Grafana would send it, with everything chosen.
fn filled(query: &str) -> String {
    let window = query.replace("$__rate_interval", "1m");
    ["$namespace", "$cluster", "$broker"].iter().fold(window, |query, name| query.replace(name, ".*"))
}

#[test]
fn every_query_finds_something() {
    let prometheus = prometheus();
    let mut open = queries();
    assert!(open.len() > 100, "{}", open.len());
    let began = Instant::now();
    while !open.is_empty() {
        open.retain(|(place, query)| {
            assert!(!filled(query).contains('$'), "{place}: what is that variable? {query}");
            prometheus.query(&filled(query)).unwrap_or_else(|error| panic!("{place}: {error:#}")).is_empty()
        });
        assert!(open.is_empty() || began.elapsed() < SOON, "these find nothing: {open:#?}");
        thread::sleep(Duration::from_millis(200));
    }
    let duplicates = prometheus.query("count by (job, instance) (pillion_broker_info) > 1").unwrap();
    assert!(duplicates.is_empty(), "joins need one a target: {duplicates:?}");
    variables_have_choices(&prometheus);
    rules_are_well(&prometheus);
}

fn variables_have_choices(prometheus: &Prometheus) {
    for (name, dashboard) in &dashboards() {
        for variable in list(&dashboard["templating"]["list"]).iter().filter(|v| v["type"] == "query") {
            let query = filled(text(&variable["query"]["query"]));
            let inner = query.strip_prefix("label_values(").and_then(|rest| rest.strip_suffix(')'));
            let (selector, label) = inner.and_then(|inner| inner.rsplit_once(", ")).unwrap();
            let found = prometheus.label_values(selector, label).unwrap();
            assert!(!found.is_empty(), "{name}: {query}");
        }
    }
}

/// No rule fails, and what the pending and firing alerts say came out of their templates whole.
fn rules_are_well(prometheus: &Prometheus) {
    let told = prometheus.get("/api/v1/rules").unwrap();
    let rules: Vec<_> = list(&told["groups"]).iter().flat_map(|group| list(&group["rules"])).collect();
    assert!(rules.len() > 20, "{}", rules.len());
    for rule in &rules {
        assert!(text(&rule["lastError"]).is_empty() && rule["health"] == "ok", "{rule}");
    }
    let active: Vec<_> = rules.iter().flat_map(|rule| list(&rule["alerts"])).collect();
    let called: BTreeSet<_> = active.iter().map(|alert| text(&alert["labels"]["alertname"])).collect();
    assert!(called.len() > 12, "{called:?}");
    for alert in active {
        let said = alert["annotations"].to_string();
        assert!(!said.contains("<error") && !said.contains("<no value>") && !said.contains("%!"), "{said}");
    }
}
