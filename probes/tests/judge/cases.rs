//! Every reason against readiness, and what alone brings it about.

use std::sync::Arc;

use pillion_probes::{
    contact::Contact,
    hosting::Hosting,
    ledger::{Contradiction, Followed, Ledger, Told},
    moves::AddingReplicas,
    observe::{Insecurity, Listing, Observations, Reach},
    replicas::{Fault, PartitionName, Tally},
    time::BootTime,
};

use super::{NOW, adding, ago, contact, log_dirs, process, round, tally};

/// Changes one thing about a healthy broker.
pub type Change = fn(&mut Observations);

fn followed(read: BootTime, fenced: bool) -> Ledger {
    Ledger::Follows(Followed { read, end: 9, fenced, delay_ms: None, agreed: None, counts: true })
}

fn contradiction() -> Contradiction {
    let told = |led| Told { assigned: 10, led, not_in_sync: 0, offline: 0 };
    Contradiction { since: ago(2000), ledger: told(3), broker: told(4) }
}

/// What is changed, and the reasons that must follow.
pub const CASES: &[(Change, &[&str])] = &[
    (|seen| seen.contact = None, &["quorum-unknown"]),
    (|seen| seen.contact = Some(contact(4501)), &["quorum-contact-lost"]),
    (|seen| seen.listing = None, &["listing-missing"]),
    (|seen| seen.listing = Some(Listing { sent: ago(0), as_of: ago(0), listed: false }), &["fenced"]),
    (
        |seen| seen.listing = Some(Listing { sent: ago(15_001), as_of: ago(15_001), listed: true }),
        &["listing-stale"],
    ),
    // The lease lapsed in between, and was begun anew.
    (
        |seen| seen.contact = Some(Contact { since: ago(450), ..contact(300) }),
        &["listing-missing", "scan-incomplete"],
    ),
    // The log knows of it before the broker does, as long as it is looked at.
    (|seen| seen.ledger = Some(followed(ago(100), true)), &["fenced"]),
    (|seen| seen.contradiction = Some(contradiction()), &["sources-differ"]),
    (|seen| seen.round = None, &["scan-incomplete"]),
    (|seen| seen.round = Some(round(ago(15_001), tally(&[]))), &["scan-stale"]),
    (|seen| seen.round = Some(round(ago(1), tally(&[Fault::OutOfIsr]))), &["out-of-isr"]),
    (|seen| seen.round = Some(round(ago(1), tally(&[Fault::Leaderless]))), &["leaderless"]),
    (|seen| seen.round = Some(round(ago(1), tally(&[Fault::Offline]))), &["replica-offline"]),
    (|seen| seen.partial = Some(Arc::new(tally(&[Fault::OutOfIsr]))), &["out-of-isr"]),
    (|seen| seen.round = Some(round(ago(1), adding())), &["replica-being-added"]),
    (|seen| seen.partial = Some(Arc::new(adding())), &["replica-being-added"]),
    (
        |seen| {
            seen.in_sync_once = true;
            seen.adding_replicas = AddingReplicas::Count;
            seen.round = Some(round(ago(1), adding()));
        },
        &["replica-being-added"],
    ),
    (|seen| seen.hosting = None, &["replicas-not-compared"]),
    (
        |seen| seen.hosting = Some(Hosting { asked: ago(180_001), ..Hosting::default() }),
        &["replicas-not-compared"],
    ),
    (
        |seen| {
            let missing_named = vec![PartitionName { topic: "orders".into(), partition: 3 }];
            seen.hosting = Some(Hosting { asked: ago(1), missing: 1, missing_named, ..Hosting::default() });
        },
        &["replica-not-hosted"],
    ),
    (
        |seen| {
            let hidden_named = vec!["secret".into()];
            seen.hosting = Some(Hosting { asked: ago(1), hidden: 1, hidden_named, ..Hosting::default() });
        },
        &["topics-hidden"],
    ),
    (|seen| seen.log_dirs = None, &["log-dirs-missing"]),
    (|seen| seen.log_dirs = Some(log_dirs(ago(20_001), 0, 10)), &["log-dirs-stale"]),
    (|seen| seen.log_dirs = Some(log_dirs(ago(1), 56, 10)), &["log-dir-failed"]),
    (
        |seen| {
            let mut told = seen.log_dirs.as_deref().unwrap().clone();
            told.missing = vec!["/data/9".into()];
            seen.log_dirs = Some(Arc::new(told));
        },
        &["foreign-log-dirs"],
    ),
    (|seen| seen.foreign_cluster = Some("other".into()), &["foreign-cluster"]),
    (|seen| seen.denied = vec!["DescribeQuorum".into()], &["not-authorized"]),
    (
        |seen| {
            let hidden = Tally { unauthorized_topics: 2, ..tally(&[]) };
            seen.round = Some(round(ago(1), hidden));
        },
        &["topics-hidden"],
    ),
    (
        |seen| {
            let failed = Tally { failed_topics: 2, ..tally(&[]) };
            seen.round = Some(round(ago(1), failed));
        },
        &["topics-failed"],
    ),
    (
        |seen| {
            seen.nothing_assigned_since = Some(ago(9000));
            seen.log_dirs = Some(log_dirs(ago(5000), 0, 7));
            seen.round = Some(round(ago(300), Tally::default()));
        },
        &["unlisted-replicas"],
    ),
    (
        |seen| {
            seen.contact = None;
            seen.clock_stepped = Some(ago(500));
        },
        &["clock-stepped"],
    ),
    (
        |seen| {
            seen.begin_incarnation(NOW);
            seen.reach = (Reach::Refused, ago(3000));
        },
        &["broker-not-listening"],
    ),
    (
        |seen| {
            seen.begin_incarnation(NOW);
            seen.reach = (Reach::Refused, ago(3000));
            seen.process = Some(process(0));
            seen.unclean_start = Some(true);
        },
        &["broker-recovering"],
    ),
    (
        |seen| {
            seen.begin_incarnation(NOW);
            seen.reach = (Reach::Closed, ago(3000));
        },
        &["broker-closes"],
    ),
    (
        |seen| {
            seen.begin_incarnation(NOW);
            seen.reach = (Reach::Silent, ago(3000));
        },
        &["broker-silent"],
    ),
    (
        |seen| {
            seen.begin_incarnation(NOW);
            seen.reach = (Reach::Unreachable { why: "no such host".into() }, ago(3000));
        },
        &["broker-unreachable"],
    ),
    (
        |seen| {
            seen.reach = (Reach::NotJudgeable { why: "it speaks HTTP".into() }, ago(3000));
        },
        &["not-judgeable"],
    ),
    (
        |seen| {
            let fault = Insecurity::Authentication;
            seen.reach = (Reach::Insecure { fault, why: "no".into() }, ago(3000));
        },
        &["authentication-failed"],
    ),
    (
        |seen| {
            seen.begin_incarnation(NOW);
            let fault = Insecurity::Untrusted;
            seen.reach = (Reach::Insecure { fault, why: "an unknown issuer".into() }, ago(3000));
        },
        &["certificate-untrusted"],
    ),
    (
        |seen| {
            seen.contact = Some(contact(9000));
            seen.reach = (Reach::Silent, ago(8000));
            seen.listing = Some(Listing { sent: ago(9000), as_of: ago(9000), listed: true });
        },
        &["quorum-contact-lost", "broker-silent"],
    ),
];
