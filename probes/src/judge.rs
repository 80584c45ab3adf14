//! The judge: from observations and the present instant to verdicts.
//!
//! Readiness fails closed: each piece of evidence must be there, positive, and younger than its limit. Liveness fails
//! open: only positive evidence of a hang makes a broker dead.

mod peers;
mod server;
mod stop;

use std::time::Duration;

use crate::{
    contact::Doubt,
    hosting::Hosting,
    ledger::{Contradiction, Ledger},
    limits::Limits,
    observe::{Observations, Reach, Role},
    reason::Reason,
    replicas::{Fault, FaultyPartition, PartitionName, Tally},
    time::BootTime,
    verdict::{Answer, Verdict, Verdicts},
    voter::Flaw,
    zookeeper::is_faulty,
};

/// Judges everything at the instant `now`.
pub fn judge(seen: &Observations, limits: &Limits, now: BootTime) -> Verdicts {
    Verdicts {
        live: live(seen, limits, now),
        started: started(seen, now),
        ready: ready(seen, limits, now),
        stoppable: stoppable(seen, limits, now),
    }
}

/// Dead only on proof: the broker answered once in this life, an old and a new connection have both been silent for
/// the whole limit, and the agent watched its process use neither CPU nor I/O for as long.
pub fn live(seen: &Observations, limits: &Limits, now: BootTime) -> Verdict {
    match hung(seen, limits, now) {
        Some(reason) => Verdict::no(now, vec![reason]),
        None => Verdict::yes(now),
    }
}

fn hung(seen: &Observations, limits: &Limits, now: BootTime) -> Option<Reason> {
    seen.incarnation.answered?;
    let process = seen.process?;
    if now.since(process.looked) > limits.sight {
        return None;
    }
    let quiet = [
        now.since(seen.silence.old_connection?),
        now.since(seen.silence.new_connection?),
        now.since(process.moved),
        now.since(process.watched_since),
    ];
    let since = quiet.into_iter().min().filter(|least| *least >= limits.hung)?;
    Some(Reason::Hung { since, pid: process.pid })
}

/// Started: this life of the broker has answered once.
pub fn started(seen: &Observations, now: BootTime) -> Verdict {
    if seen.incarnation.answered.is_some() {
        return Verdict::yes(now);
    }
    let mut reasons = vec![Reason::NotStarted];
    reasons.extend(unreached(seen, now));
    Verdict::no(now, reasons)
}

/// Stoppable: by evidence that is complete and young enough, every partition that has this broker in its ISR keeps enough
/// in-sync replicas without it; and the voters that keep up are a majority without this controller.
pub fn stoppable(seen: &Observations, limits: &Limits, now: BootTime) -> Verdict {
    let mut case = Case { now, reasons: Vec::new(), oldest: None };
    case.stop(seen, limits);
    case.verdict()
}

/// Ready: by evidence that is complete and young enough, every replica assigned to a broker is in sync; a controller is
/// a voter that keeps up with a leader that is followed; a node that is both is both.
pub fn ready(seen: &Observations, limits: &Limits, now: BootTime) -> Verdict {
    let mut case = Case { now, reasons: Vec::new(), oldest: None };
    case.weigh(seen, limits);
    case.verdict()
}

/// In sync with everything that is assigned to it, replicas that are being added included, and not for want of any.
pub fn in_sync_with_all(seen: &Observations, limits: &Limits, now: BootTime) -> bool {
    let all = |tally: &Tally| tally.assigned > 0 && tally.adding == 0;
    seen.round.as_deref().is_some_and(|round| all(&round.tally)) && ready(seen, limits, now).is_yes()
}

/// The case for readiness while it is being weighed.
struct Case {
    now: BootTime,
    reasons: Vec<Reason>,
    oldest: Option<(BootTime, Duration)>,
}

impl Case {
    /// Yes only on evidence, and with nothing against it.
    fn verdict(self) -> Verdict {
        let Self { now, reasons, oldest } = self;
        match oldest {
            Some(rests_on) if reasons.is_empty() => {
                Verdict { answer: Answer::Yes, reasons, at: now, rests_on: Some(rests_on) }
            }
            _ => Verdict::no(now, reasons),
        }
    }

    fn weigh(&mut self, seen: &Observations, limits: &Limits) {
        if self.unheard(seen) {
            return;
        }
        if seen.role == Role::ZooKeeperServer {
            self.server(seen);
            return;
        }
        self.image(seen, limits);
        if seen.role.has_controller() {
            self.vote(seen, limits);
        }
        if !self.reasons.is_empty() {
            self.reasons.extend(unreached(seen, self.now));
        }
        self.denials(seen);
        if seen.role.has_broker() {
            if seen.role != Role::ZooKeeper {
                self.listing(seen, limits);
            }
            self.replicas(seen, limits);
            self.log_dirs(seen, limits);
            self.hosting(seen, limits);
        }
    }

    /// Nothing that it says can be judged: it has not answered once, or not in a way that counts. There is nothing else to
    /// weigh then, and one cause to name.
    fn unheard(&mut self, seen: &Observations) -> bool {
        self.reasons.extend(foreign(seen));
        let mute = matches!(seen.reach.0, Reach::NotJudgeable { .. } | Reach::Insecure { .. });
        if seen.incarnation.answered.is_some() && !mute {
            return false;
        }
        self.reasons.extend(unreached(seen, self.now));
        if self.reasons.is_empty() {
            self.reasons.push(Reason::NotLooked);
        }
        true
    }

    /// How current a broker's image of the cluster is known to be.
    fn image(&mut self, seen: &Observations, limits: &Limits) {
        match seen.role {
            Role::ZooKeeper => {
                self.listing(seen, limits);
                self.peers(seen, limits);
            }
            Role::Broker | Role::Combined => self.contact(seen, limits),
            Role::Controller | Role::ZooKeeperServer => {}
        }
    }

    /// Takes one dated piece of evidence into account; `None` when it is too old.
    fn rest_on(&mut self, as_of: BootTime, limit: Duration) -> Option<()> {
        if self.now.since(as_of) > limit {
            return None;
        }
        let ends = |(at, limit): (BootTime, Duration)| at.forth(limit);
        let piece = (as_of, limit);
        if self.oldest.is_none_or(|oldest| ends(piece) < ends(oldest)) {
            self.oldest = Some(piece);
        }
        Some(())
    }

    fn contact(&mut self, seen: &Observations, limits: &Limits) {
        let Some(contact) = seen.contact else {
            self.unproven(seen, Reason::QuorumUnknown { doubt: seen.doubt }, limits.contact);
            return;
        };
        if self.rest_on(contact.at, limits.contact).is_none() {
            self.reasons.push(Reason::QuorumStale {
                age: self.now.since(contact.at),
                limit: limits.contact,
                frozen: seen.applied.map(|(_, since)| self.now.since(since)),
                doubt: seen.doubt,
            });
        }
    }

    /// Nothing is proven; a step of the clock voids every proof, so it is the better explanation.
    fn unproven(&mut self, seen: &Observations, unknown: Reason, limit: Duration) {
        let stepped = seen.clock_stepped.is_some_and(|at| self.now.since(at) < limit);
        self.reasons.push(if stepped { Reason::ClockStepped } else { unknown });
    }

    fn vote(&mut self, seen: &Observations, limits: &Limits) {
        let vote = &seen.vote;
        let proven = vote.standing.map(|standing| standing.at);
        let fresh = proven.is_some_and(|at| self.rest_on(at, limits.voter).is_some());
        // What was told last counts, until nobody tells anything any more and that is the better explanation.
        if let Some(flaw) = vote.flaw.filter(|_| fresh || vote.doubt.is_none()) {
            self.reasons.push(flawed(flaw));
            return;
        }
        if fresh {
            return;
        }
        if let Some(Doubt::Behind { records }) = vote.doubt {
            self.reasons.push(Reason::VoterBehind { lag: None, records });
            return;
        }
        // The broker beside it has said already that the quorum is out of reach.
        if !self.reasons.is_empty() {
            return;
        }
        let (limit, doubt) = (limits.voter, vote.doubt);
        match proven {
            None => self.unproven(seen, Reason::QuorumUnknown { doubt }, limit),
            Some(at) => {
                let age = self.now.since(at);
                self.reasons.push(Reason::QuorumStale { age, limit, frozen: None, doubt });
            }
        }
    }

    fn denials(&mut self, seen: &Observations) {
        if !seen.denied.is_empty() {
            self.reasons.push(Reason::Denied { requests: seen.denied.clone() });
        }
    }

    fn listing(&mut self, seen: &Observations, limits: &Limits) {
        // Without a lease that outlasts it the list itself must be young: a broker that hangs answers no more.
        let limit = if seen.role == Role::ZooKeeper { limits.contact } else { limits.scan };
        // The log tells it before the broker knows it itself.
        let fenced = matches!(&seen.ledger, Some(Ledger::Follows(log)) if log.fenced && self.now.since(log.read) <= limit);
        let reason = match seen.listing {
            Some(_) if fenced => Reason::Fenced,
            None => Reason::ListingMissing,
            Some(listing) if listing.listed && lapsed(seen, listing.as_of) => Reason::ListingMissing,
            Some(listing) if !listing.listed => Reason::Fenced,
            // A broker that was alive as of an instant within the lease still is: nobody could have fenced it since.
            Some(listing) if self.rest_on(listing.as_of, limit).is_none() => {
                Reason::ListingStale { age: self.now.since(listing.as_of) }
            }
            Some(_) => return,
        };
        // Stale together with the contact: the contact is the cause.
        let explained = matches!(reason, Reason::ListingStale { .. }) && !self.reasons.is_empty();
        if !explained {
            self.reasons.push(reason);
        }
    }

    fn replicas(&mut self, seen: &Observations, limits: &Limits) {
        // A fault found half-way through a scan counts at once; health counts when the scan is complete.
        let adding = seen.adding_counts();
        let counts = |tally: &Tally| match seen.role {
            // The others' word decides of partitions without a leader: see `peers`.
            Role::ZooKeeper => is_faulty(tally),
            Role::Broker | Role::Combined | Role::Controller | Role::ZooKeeperServer => {
                tally.faulty > 0 || (adding && tally.adding > 0)
            }
        };
        let partial = seen.partial.as_deref().filter(|tally| counts(tally));
        let complete = seen.round.as_deref().filter(|round| !lapsed(seen, round.as_of));
        let Some(round) = complete else {
            self.reasons.push(Reason::ScanMissing);
            if let Some(tally) = partial {
                self.faults(tally, adding);
            }
            return;
        };
        // Topics that the agent may not see are in one source alone, and are told as such.
        if seen.hosting.as_ref().is_none_or(|hosting| hosting.hidden == 0) {
            self.contradiction(seen);
        }
        if let Some(tally) = partial.or(Some(&round.tally).filter(|tally| counts(tally))) {
            self.faults(tally, adding);
        }
        if self.rest_on(round.as_of, limits.scan).is_none() {
            self.reasons.push(Reason::ScanStale { age: self.now.since(round.as_of), limit: limits.scan });
        }
        self.unseen(&round.tally);
    }

    /// The two sources of what is in sync.
    fn contradiction(&mut self, seen: &Observations) {
        if let Some(Contradiction { since, ledger, broker }) = seen.contradiction {
            self.reasons.push(Reason::SourcesDiffer { since: self.now.since(since), ledger, broker });
        }
    }

    /// Topics of which nothing is known.
    fn unseen(&mut self, tally: &Tally) {
        if tally.unauthorized_topics > 0 {
            let (count, named) = (tally.unauthorized_topics, tally.unauthorized_named.clone());
            self.reasons.push(Reason::TopicsHidden { count, named });
        }
        if tally.failed_topics > 0 {
            self.reasons.push(Reason::TopicsFailed { count: tally.failed_topics });
        }
    }

    /// `adding`: replicas that are being added count.
    fn faults(&mut self, tally: &Tally, adding: bool) {
        let counts = [
            (Fault::Leaderless, tally.leaderless, &tally.named),
            (Fault::Offline, tally.offline, &tally.named),
            (Fault::OutOfIsr, tally.out_of_isr, &tally.named),
            (Fault::Adding, if adding { tally.adding } else { 0 }, &tally.adding_named),
        ];
        for (fault, count, named) in counts {
            // Those that are offline as well are told as such.
            let told = fault != Fault::OutOfIsr || named.iter().any(|partition| partition.fault == fault);
            if count > 0 && told {
                let (assigned, named) = (tally.assigned, named.clone());
                self.reasons.push(Reason::Replicas { fault, count, assigned, named });
            }
        }
    }

    fn log_dirs(&mut self, seen: &Observations, limits: &Limits) {
        let Some(told) = seen.log_dirs.as_deref() else {
            self.reasons.push(Reason::LogDirsMissing);
            return;
        };
        if self.rest_on(told.sent, limits.log_dirs).is_none() {
            self.reasons.push(Reason::LogDirsStale { age: self.now.since(told.sent) });
        }
        let failed: Vec<String> =
            told.dirs.iter().filter(|dir| dir.error != 0).map(|dir| dir.path.clone()).collect();
        if !failed.is_empty() {
            self.reasons.push(Reason::LogDirFailed { paths: failed });
        } else if !told.missing.is_empty() || told.dirs.is_empty() {
            self.reasons.push(Reason::ForeignLogDirs { missing: told.missing.clone() });
        }
        // Nothing assigned is believed only when the dirs hold nothing either. The answer about the dirs must lie
        // between two scans that found nothing, or a topic made or deleted in between would look like a fault. In
        // ZooKeeper mode the controller has a replica made first (LeaderAndIsr) and tells of it later (UpdateMetadata).
        let telling = if seen.role == Role::ZooKeeper { limits.settle } else { Duration::ZERO };
        let hosted: u64 = told.dirs.iter().map(|dir| dir.replicas).sum();
        let between = seen.nothing_assigned_since.is_some_and(|since| since < told.sent)
            && seen.round.as_deref().is_some_and(|round| told.answered.forth(telling) < round.started);
        if hosted > 0 && between {
            self.reasons.push(Reason::UnlistedReplicas { hosted });
        }
    }
}

/// What is assigned and not hosted, and what is hosted and not to be seen.
impl Case {
    fn hosting(&mut self, seen: &Observations, limits: &Limits) {
        let compared = seen.hosting.as_ref();
        let Some(hosting) = compared.filter(|hosting| self.rest_on(hosting.asked, limits.hosting).is_some())
        else {
            // Whatever kept them from being compared is the better explanation.
            if self.reasons.is_empty() {
                self.reasons.push(Reason::NotCompared);
            }
            return;
        };
        if hosting.missing > 0 {
            let faulty = |name: &PartitionName| FaultyPartition {
                topic: name.topic.clone(),
                partition: name.partition,
                fault: Fault::NotHosted,
            };
            self.reasons.push(Reason::Replicas {
                fault: Fault::NotHosted,
                count: hosting.missing,
                assigned: seen.round.as_deref().map_or(hosting.missing, |round| round.tally.assigned),
                named: hosting.missing_named.iter().map(faulty).collect(),
            });
        }
        self.hidden(hosting);
    }

    fn hidden(&mut self, hosting: &Hosting) {
        if hosting.hidden > 0 {
            let (count, named) = (hosting.hidden, hosting.hidden_named.clone());
            self.reasons.push(Reason::TopicsHidden { count, named });
        }
    }
}

/// The lease lapsed after `as_of`: what was true then says nothing about now.
fn lapsed(seen: &Observations, as_of: BootTime) -> bool {
    seen.contact.is_some_and(|contact| as_of < contact.since)
}

fn flawed(flaw: Flaw) -> Reason {
    match flaw {
        Flaw::NotAVoter { leader } => Reason::NotAVoter { leader },
        Flaw::Behind { lag, records, .. } => Reason::VoterBehind { lag: Some(lag), records },
        Flaw::Unfollowed { leader, since } => Reason::Unfollowed { leader, since },
    }
}

fn foreign(seen: &Observations) -> Option<Reason> {
    let cluster_id = seen.foreign_cluster.clone()?;
    Some(Reason::ForeignCluster { cluster_id })
}

/// Why the broker cannot be reached now, when it cannot.
fn unreached(seen: &Observations, now: BootTime) -> Option<Reason> {
    let (reach, at) = &seen.reach;
    let since = now.since(*at);
    match reach {
        Reach::Answers => None,
        Reach::Untried => Some(Reason::NotLooked),
        Reach::Closed if seen.role == Role::ZooKeeperServer => Some(Reason::ServerCloses { since }),
        Reach::Closed => Some(Reason::Closes { since }),
        Reach::Refused if seen.role == Role::ZooKeeperServer => {
            Some(Reason::ServerNotListening { since, pid: seen.process.map(|process| process.pid) })
        }
        Reach::Refused => Some(Reason::NotListening {
            since,
            pid: seen.process.map(|process| process.pid),
            recovering: seen.unclean_start == Some(true),
            idle: seen.process.map(|process| now.since(process.moved)),
        }),
        Reach::Silent => Some(Reason::Silent { since }),
        Reach::Unreachable { why } => Some(Reason::Unreachable { why: why.clone() }),
        Reach::NotJudgeable { why } => Some(Reason::NotJudgeable { why: why.clone() }),
        Reach::Insecure { fault, why } => Some(Reason::Insecure { fault: *fault, why: why.clone() }),
    }
}
