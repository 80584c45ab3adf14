//! What the verdicts say, what they rest on, and the override.

use std::time::Duration;

use pillion_probes::{
    forced::{Forced, Kind},
    ledger::Ledger,
    observe::Observations,
    time::BootTime,
    verdict::{Answer, Verdict},
};
use prometheus_client::metrics::{family::Family, gauge::Gauge};

use super::{Labels, Sheet};
use crate::board::Published;

impl Sheet {
    pub(super) fn verdicts(&mut self, published: &Published) {
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

    pub(super) fn evidence(&mut self, published: &Published) {
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
        self.metadata_log(seen, now);
        let number = i64::try_from(seen.incarnation.number).unwrap_or(i64::MAX);
        self.plain("incarnation", "Lives of the node that this agent has seen", number);
    }

    fn metadata_log(&mut self, seen: &Observations, now: BootTime) {
        let Some(ledger) = &seen.ledger else { return };
        let followed = match ledger {
            Ledger::Follows(followed) => Some(followed),
            Ledger::Lacks { .. } => None,
        };
        let counts = followed.is_some_and(|followed| followed.counts);
        let help = "The verdicts rest on the metadata log on the broker's volume: 1 yes, 0 no, on the broker's answers";
        self.plain("metadata_log_counts", help, i64::from(counts));
        let help = "The metadata log and the broker's answers contradict each other: 1 yes, 0 no";
        self.plain("sources_differ", help, i64::from(seen.contradiction.is_some()));
        let Some(followed) = followed else { return };
        self.plain("metadata_log_offset", "Last record read from the metadata log", followed.end);
        self.age("metadata_log_age", "Age of the last look at the metadata log", now.since(followed.read));
        if let Some(ms) = followed.delay_ms {
            let help = "From the controller's stamp on the last batch of the metadata log until it was read";
            self.age("metadata_log_delay", help, Duration::from_millis(ms));
        }
        if let Some(agreed) = followed.agreed {
            let help = "Since the metadata log last agreed with the broker's answers";
            self.age("metadata_log_agreed_age", help, now.since(agreed));
        }
    }

    pub(super) fn replicas(&mut self, published: &Published) {
        let Some(round) = published.seen.round.as_deref() else { return };
        let tally = &round.tally;
        let not_hosted = published.seen.hosting.as_ref().map_or(0, |hosting| hosting.missing);
        self.age("scan_duration", "How long the last scan took", round.finished.since(round.started));
        self.bytes("scan_size", "Size of the last scan's answers", round.bytes);
        self.count("scan_topics_seen", "Topics in the last scan", "topics", tally.topics);
        let counts = [
            ("scan_seen", "Partitions in the last scan", tally.partitions),
            ("assigned", "Partitions assigned to this broker", tally.assigned),
            ("led", "Partitions that this broker leads", tally.led),
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
        // By what topics need, which is not known at once.
        if let Some(stops) = &tally.stops {
            let help = "Partitions with this broker in their ISR that have fewer in-sync replicas than their minimum now";
            self.count("under_min_isr", help, "partitions", stops.under);
        }
    }

    pub(super) fn forced(&mut self, forced: &Forced) {
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
}

fn value(verdict: &Verdict) -> i64 {
    match verdict.answer {
        Answer::Yes => 1,
        Answer::No => 0,
    }
}
