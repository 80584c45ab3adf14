//! `/metrics`: rendered from the board when it is asked for, so that no series is older than the answer.

mod beside;
mod canary;
mod lag;
mod refill;
mod resources;
mod server;
mod verdicts;

use std::{sync::atomic::Ordering, time::Duration};

use hyper::StatusCode;
use prometheus_client::{
    encoding::text::encode,
    metrics::{
        counter::Counter,
        family::Family,
        gauge::{ConstGauge, Gauge},
        info::Info,
    },
    registry::{Registry, Unit},
};

use super::{
    Site,
    route::{PATHS, Reply},
};
use crate::board::Board;

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

type Labels = Vec<(&'static str, String)>;

/// All series of this instant.
pub(super) fn render(site: &Site) -> Reply {
    let mut sheet = Sheet(Registry::with_prefix("pillion"));
    let published = site.board.ask();
    sheet.about(&site.board);
    sheet.settings(&site.board);
    sheet.verdicts(&published);
    sheet.evidence(&published);
    sheet.replicas(&published);
    sheet.refill(&published);
    sheet.forced(&published.forced);
    sheet.kubernetes(&site.board);
    sheet.certificates(&site.board);
    sheet.turn(&site.board, &published);
    sheet.resources(&site.board.resources_told(&published.seen, published.now.boot));
    canary::fill(&mut sheet, &site.board, &published);
    lag::fill(&mut sheet, &site.board, &published);
    server::fill(&mut sheet, &published);
    sheet.served(site);
    let age = site.board.loop_age(published.now.boot);
    sheet.age("agent_loop_age", "Age of the agent's own loop", age);
    let mut text = String::with_capacity(8192);
    match encode(&mut text, &sheet.0) {
        Ok(()) => Reply::new(StatusCode::OK, OPEN_METRICS, text),
        Err(error) => {
            let text = format!("metrics-failed: {error}\n");
            Reply::new(StatusCode::INTERNAL_SERVER_ERROR, super::route::TEXT, text)
        }
    }
}

struct Sheet(Registry);

impl Sheet {
    fn plain(&mut self, name: &str, help: &str, value: i64) {
        self.0.register(name, help, ConstGauge::new(value));
    }

    fn count(&mut self, name: &str, help: &str, unit: &str, value: u64) {
        let value = i64::try_from(value).unwrap_or(i64::MAX);
        self.0.register_with_unit(name, help, Unit::Other(unit.to_owned()), ConstGauge::new(value));
    }

    fn bytes(&mut self, name: &str, help: &str, value: u64) {
        let value = i64::try_from(value).unwrap_or(i64::MAX);
        self.0.register_with_unit(name, help, Unit::Bytes, ConstGauge::new(value));
    }

    fn age(&mut self, name: &str, help: &str, age: Duration) {
        self.0.register_with_unit(name, help, Unit::Seconds, ConstGauge::new(age.as_secs_f64()));
    }

    fn about(&mut self, board: &Board) {
        let identity = board.identity();
        let version = vec![("version", env!("CARGO_PKG_VERSION").to_owned())];
        self.0.register("build", "The agent's build", Info::new(version));
        let broker: Labels = vec![
            ("broker_id", identity.broker_id.to_string()),
            ("zone", identity.zone.clone().unwrap_or_default()),
            ("cluster", identity.cluster.clone()),
            ("mode", identity.mode.clone()),
        ];
        self.0.register("broker", "Who the node is", Info::new(broker));
    }

    fn settings(&mut self, board: &Board) {
        let findings = Family::<Labels, Gauge>::default();
        for severity in ["warning", "note"] {
            let count = board.findings().iter().filter(|finding| finding.severity == severity).count();
            let labels = vec![("severity", severity.to_owned())];
            findings.get_or_create(&labels).set(i64::try_from(count).unwrap_or(i64::MAX));
        }
        let help = "What lint said of the broker's settings; which, is in /status";
        self.0.register("settings_findings", help, findings);
    }

    fn served(&mut self, site: &Site) {
        let served = Family::<Labels, Counter>::default();
        for (path, count) in PATHS.iter().copied().chain(["other"]).zip(&site.served) {
            let labels = vec![("path", path.to_owned())];
            served.get_or_create(&labels).inc_by(count.load(Ordering::Relaxed));
        }
        self.0.register("http_requests", "Requests answered, by path", served);
    }
}
