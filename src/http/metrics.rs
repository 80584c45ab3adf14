//! `/metrics`: rendered from the board when it is asked for, so that no series is older than the answer.

use std::{sync::atomic::Ordering, time::Duration};

use hyper::StatusCode;
use pillion_probes::{
    forced::{Forced, Kind},
    verdict::{Answer, Verdict},
};
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

mod canary;
mod lag;

use super::{
    Site,
    route::{PATHS, Reply},
};
use crate::board::{Board, Published};

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
    sheet.forced(&published.forced);
    sheet.kubernetes(&site.board);
    sheet.certificates(&site.board);
    sheet.turn(&site.board, &published);
    canary::fill(&mut sheet, &site.board, &published);
    lag::fill(&mut sheet, &site.board, &published);
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

    fn verdicts(&mut self, published: &Published) {
        let all = &published.verdicts;
        let verdicts = [
            ("live", &all.live, "The node does not hang: 1 yes, 0 no"),
            ("started", &all.started, "This life of the node has answered once: 1 yes, 0 no"),
            ("ready", &all.ready, "The true verdict, in sync by proof: 1 yes, 0 no"),
            ("stoppable", &all.stoppable, "The node may stop: 1 yes, 0 no"),
        ];
        let reasons = Family::<Labels, Gauge>::default();
        for (name, verdict, help) in verdicts {
            self.plain(name, help, value(verdict));
            for reason in &verdict.reasons {
                let labels = vec![("verdict", name.to_owned()), ("code", reason.code().to_owned())];
                reasons.get_or_create(&labels).set(1);
            }
        }
        let help = "What /readyz answers, an override included: 1 ready, 0 not";
        self.plain("ready_effective", help, i64::from(published.ready));
        self.0.register("reason", "Why a verdict is not yes: 1 for each reason that holds now", reasons);
    }

    fn evidence(&mut self, published: &Published) {
        let (seen, now) = (&published.seen, published.now.boot);
        let ages = [
            ("answer_age", "Age of the node's last answer", seen.incarnation.last_answer),
            ("contact_age", "Age of the proven contact with the quorum", seen.contact.map(|c| c.at)),
            (
                "vote_age",
                "Age of the proof that this controller is a voter that keeps up",
                seen.vote.standing.map(|standing| standing.at),
            ),
            ("read_index_age", "Age of the read index beneath it", seen.contact.map(|c| c.read_index)),
            (
                "peers_age",
                "ZooKeeper mode: age of the last round in which other brokers found it in sync",
                seen.testimony.good,
            ),
            (
                "zookeeper_age",
                "ZooKeeper mode: since a ZooKeeper server that belongs to a majority answered",
                seen.zookeeper,
            ),
            ("listing_age", "Age of the list of live brokers", seen.listing.map(|l| l.as_of)),
            ("scan_age", "Age of the last complete scan", seen.round.as_deref().map(|r| r.as_of)),
            (
                "log_dirs_age",
                "Age of the answer about the log dirs",
                seen.log_dirs.as_deref().map(|d| d.sent),
            ),
            ("process_age", "Age of the last look at the node's process", seen.process.map(|p| p.looked)),
        ];
        for (name, help, at) in ages {
            if let Some(at) = at {
                self.age(name, help, now.since(at));
            }
        }
        if let Some((offset, since)) = seen.applied {
            self.plain("applied_offset", "Metadata offset that the broker has applied", offset);
            self.age("applied_age", "Since when it stands there", now.since(since));
        }
        let number = i64::try_from(seen.incarnation.number).unwrap_or(i64::MAX);
        self.plain("incarnation", "Lives of the node that this agent has seen", number);
    }

    fn replicas(&mut self, published: &Published) {
        let Some(round) = published.seen.round.as_deref() else { return };
        let tally = &round.tally;
        let not_hosted = published.seen.hosting.as_ref().map_or(0, |hosting| hosting.missing);
        self.age("scan_duration", "How long the last scan took", round.finished.since(round.started));
        self.bytes("scan_size", "Size of the last scan's answers", round.bytes);
        self.count("scan_topics_seen", "Topics in the last scan", "topics", tally.topics);
        let counts = [
            ("scan_seen", "Partitions in the last scan", tally.partitions),
            ("assigned", "Partitions assigned to this broker", tally.assigned),
            ("not_in_sync", "Assigned partitions with any fault", tally.faulty),
            ("out_of_isr", "Assigned partitions whose ISR lacks this broker", tally.out_of_isr),
            ("leaderless", "Assigned partitions without a leader", tally.leaderless),
            ("offline", "Assigned partitions whose replica here is offline", tally.offline),
            ("not_hosted", "Assigned partitions in none of the healthy log dirs", not_hosted),
            ("being_added", "Assigned partitions that a reassignment is adding here", tally.adding),
        ];
        for (name, help, value) in counts {
            self.count(name, help, "partitions", value);
        }
    }

    fn forced(&mut self, forced: &Forced) {
        let active = Family::<Labels, Gauge>::default();
        for kind in [Kind::Ready, Kind::Hold] {
            let labels = vec![("kind", kind.word().to_owned())];
            active.get_or_create(&labels).set(i64::from(forced.active() == Some(kind)));
        }
        self.0.register("override_active", "An override is in force: 1 yes, 0 no", active);
        let ignored = matches!(forced, Forced::Refused { .. });
        self.plain("override_ignored", "An override is stated and ignored: 1 yes, 0 no", i64::from(ignored));
        let left = match forced {
            Forced::Active { left, .. } => *left,
            _ => Duration::ZERO,
        };
        self.age("override_left", "Time until the override ends by itself", left);
    }

    fn kubernetes(&mut self, board: &Board) {
        let told = board.kubernetes();
        if told.is_off() {
            return;
        }
        let (requests, troubles) = (Family::<Labels, Counter>::default(), Family::<Labels, Gauge>::default());
        for (errand, course) in told.courses() {
            let of = || ("errand", errand.word().to_owned());
            for (outcome, count) in
                [("done", course.done), ("failed", course.failed), ("dropped", course.dropped)]
            {
                let labels = vec![of(), ("outcome", outcome.to_owned())];
                requests.get_or_create(&labels).inc_by(count);
            }
            troubles.get_or_create(&vec![of()]).set(i64::from(course.trouble.is_some()));
        }
        self.0.register("kubernetes_told", "What was told to Kubernetes, by errand and outcome", requests);
        let help = "An errand to Kubernetes fails now, and why is in /status: 1 yes, 0 no";
        self.0.register("kubernetes_trouble", help, troubles);
    }

    fn certificates(&mut self, board: &Board) {
        let all = board.certificates();
        if all.listeners.is_empty() {
            return;
        }
        let family = Family::<Labels, Gauge>::default;
        let (expiry, rotation, proof, sources) = (family(), family(), family(), family());
        let failures = Family::<Labels, Counter>::default();
        for (name, known) in &all.listeners {
            let of =
                |key: &'static str, value: &str| vec![("listener", name.clone()), (key, value.to_owned())];
            let ends =
                [("leaf", known.installed.map(|life| life.not_after)), ("authority", known.authority_until)];
            for (role, end) in ends {
                if let Some(end) = end {
                    expiry.get_or_create(&of("role", role)).set(end);
                }
            }
            for (family, at) in [(&rotation, known.last_rotation), (&proof, known.last_proof)] {
                if let Some(at) = at {
                    family.get_or_create(&vec![("listener", name.clone())]).set(at);
                }
            }
            for (reason, count) in &known.failures {
                failures.get_or_create(&of("reason", reason)).inc_by(*count);
            }
            sources.get_or_create(&of("source", &known.source)).set(1);
        }
        let at = [
            ("expiry", "When a listener's certificate or its authority ends, in seconds since 1970", expiry),
            (
                "last_rotation",
                "When another certificate was proven to be served, in seconds since 1970",
                rotation,
            ),
            (
                "last_proof",
                "When a handshake showed the certificate that is installed, in seconds since 1970",
                proof,
            ),
        ];
        for (name, help, family) in at {
            self.0.register_with_unit(format!("certificate_{name}_timestamp"), help, Unit::Seconds, family);
        }
        self.0.register("certificate_failures", "How often a reason began to hold, by listener", failures);
        self.0.register("certificate_source_info", "Where a listener's certificate comes from", sources);
    }

    fn turn(&mut self, board: &Board, published: &Published) {
        let Some(turn) = board.turn_told(published.now.boot) else { return };
        let wanted = Duration::try_from_secs_f64(turn.wanted_for_seconds.unwrap_or_default());
        let help = "For how long somebody has wanted to stop this node; 0 while nobody does";
        self.age("turn_wanted", help, wanted.unwrap_or_default());
        if turn.kept.is_empty() {
            return;
        }
        self.plain("turn_held", "This node has the turn to stop: 1 yes, 0 no", i64::from(turn.mine));
        let trouble = i64::from(turn.trouble.is_some());
        self.plain(
            "turn_trouble",
            "Who has the turn is not known, and why is in /status: 1 yes, 0 no",
            trouble,
        );
        let holders = Family::<Labels, Gauge>::default();
        if let Some(holder) = turn.holder {
            holders.get_or_create(&vec![("holder", holder)]).set(1);
        }
        self.0.register("turn_holder_info", "Who has the turn to stop, as seen from here", holders);
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

fn value(verdict: &Verdict) -> i64 {
    match verdict.answer {
        Answer::Yes => 1,
        Answer::No => 0,
    }
}
