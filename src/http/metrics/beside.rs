//! What runs beside the verdicts: what is told to Kubernetes, certificates, the turn.

use std::time::Duration;

use prometheus_client::{
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Unit,
};

use super::{Labels, Sheet};
use crate::board::{Board, Published};

impl Sheet {
    pub(super) fn kubernetes(&mut self, board: &Board) {
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

    pub(super) fn certificates(&mut self, board: &Board) {
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
        let reasons = family();
        for (name, told) in all.by_listener(board.clock().now()) {
            reasons.get_or_create(&vec![("listener", name), ("code", told.code)]).set(1);
        }
        self.0.register(
            "certificate_reason",
            "Something is wrong with a listener's certificate, or will be",
            reasons,
        );
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

    pub(super) fn turn(&mut self, board: &Board, published: &Published) {
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
}
