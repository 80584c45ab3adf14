//! The whole status, for machines, for the page and for `pillion status`.

use pillion_probes::{
    forced::Forced,
    hosting::Hosting,
    limits::Limits,
    observe::Observations,
    reason::Told,
    replicas::{FaultyPartition, Tally},
    verdict::{Answer, Verdict},
};
use serde::{Deserialize, Serialize};

use super::{
    Board, CanaryTold, CertificatesTold, Evidence, Identity, Kubernetes, LagTold, Published, RefillTold,
    ResourcesTold, Since, Transition, TurnTold, evidence, words,
};
use crate::{problem::SettingFinding, stamp};

/// Everything that is known and concluded at one instant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// The instant, RFC 3339.
    pub at: String,
    /// The same on the boot clock, in milliseconds: `observations` is dated by it.
    pub boot_ms: u64,
    /// Who the broker is.
    pub identity: Identity,
    /// The agent itself.
    pub agent: Agent,
    /// What `/readyz` answers.
    pub ready: Effective,
    /// The true verdicts.
    pub verdicts: VerdictsTold,
    /// The override.
    #[serde(rename = "override")]
    pub forced: ForcedTold,
    /// The broker's partitions, after the last complete scan.
    pub partitions: Option<Partitions>,
    /// How far the broker has come while it is out of sync.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refill: Option<RefillTold>,
    /// The evidence with its ages.
    pub evidence: Vec<Evidence>,
    /// The age limits.
    pub limits: Limits,
    /// What the observers saw.
    pub observations: Observations,
    /// What becomes of what is told to Kubernetes.
    #[serde(default, skip_serializing_if = "Kubernetes::is_off")]
    pub kubernetes: Kubernetes,
    /// The listeners' certificates, where pillion keeps them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificates: Option<CertificatesTold>,
    /// The turn, where turns are taken or somebody wants to stop the node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turn: Option<TurnTold>,
    /// What the node has and uses.
    #[serde(default)]
    pub resources: ResourcesTold,
    /// How far consumer groups lag, where that is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lag: Option<LagTold>,
    /// The canary, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canary: Option<CanaryTold>,
    /// What lint said of the broker's settings.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub settings: Vec<SettingFinding>,
    /// What changed, newest first.
    pub history: Vec<Transition>,
}

/// The agent itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Agent {
    /// Its version.
    pub version: String,
    /// When it started, RFC 3339.
    pub started: String,
    /// Age of its own loop, in seconds.
    pub loop_age_seconds: f64,
}

/// What `/readyz` answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effective {
    /// Ready or not.
    pub answer: Answer,
    /// It is an override's, not the true one.
    pub forced: bool,
    /// Since when, RFC 3339.
    pub since: String,
}

/// One verdict.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VerdictTold {
    /// Yes, no or unknown.
    pub answer: Answer,
    /// Since when, RFC 3339.
    pub since: String,
    /// How long that is, in seconds.
    pub for_seconds: f64,
    /// In one sentence: the evidence of a yes, the first reason of a no.
    pub summary: String,
    /// Why it is not yes.
    pub reasons: Vec<Told>,
    /// Age of the oldest evidence that a yes rests on, in seconds.
    pub evidence_age_seconds: Option<f64>,
    /// The age at which it is too old.
    pub evidence_limit_seconds: Option<f64>,
}

/// The four verdicts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VerdictsTold {
    /// The broker does not hang.
    pub live: VerdictTold,
    /// It has answered.
    pub started: VerdictTold,
    /// Every replica assigned to it is in sync.
    pub ready: VerdictTold,
    /// It may stop.
    pub stoppable: VerdictTold,
}

/// The override, with instants that people read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ForcedTold {
    /// As it was judged.
    #[serde(flatten)]
    pub forced: Forced,
    /// In one sentence; empty when there is none.
    pub summary: String,
    /// Seconds that are left.
    pub left_seconds: Option<f64>,
    /// The command that ends it; empty when there is none.
    #[serde(default)]
    pub end: String,
}

/// Counts over the broker's partitions, and the first faulty ones.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Partitions {
    /// Assigned to this broker.
    pub assigned: u64,
    /// That it leads: while it stops, others take them over.
    #[serde(default)]
    pub led: u64,
    /// Of them, with any fault.
    pub not_in_sync: u64,
    /// Not in the ISR.
    pub out_of_isr: u64,
    /// Without a leader.
    pub leaderless: u64,
    /// Offline here.
    pub offline: u64,
    /// Hosted in none of the healthy log dirs.
    pub not_hosted: u64,
    /// Being added by a reassignment, and not in the ISR yet: not among those with a fault.
    pub being_added: u64,
    /// The first faulty ones.
    pub named: Vec<FaultyPartition>,
}

impl Partitions {
    fn of(tally: &Tally, hosting: Option<&Hosting>) -> Self {
        Self {
            assigned: tally.assigned,
            led: tally.led,
            not_in_sync: tally.faulty,
            out_of_isr: tally.out_of_isr,
            leaderless: tally.leaderless,
            offline: tally.offline,
            not_hosted: hosting.map_or(0, |hosting| hosting.missing),
            being_added: tally.adding,
            named: tally.named.clone(),
        }
    }
}

pub(super) fn build(board: &Board, published: &Published, since: Since, history: Vec<Transition>) -> Status {
    let Published { now, seen, verdicts, forced, ready } = published;
    let told = |verdict: &Verdict, since: i64, yes: &dyn Fn(&mut String)| {
        let reasons: Vec<Told> = verdict.reasons.iter().map(Told::from).collect();
        let mut summary = String::new();
        match reasons.first() {
            Some(told) => summary.push_str(words::unnamed(told)),
            None => yes(&mut summary),
        }
        VerdictTold {
            answer: verdict.answer,
            since: stamp::seconds(since),
            for_seconds: seconds(now.wall_ms.saturating_sub(since)),
            summary,
            reasons,
            evidence_age_seconds: verdict.rests_on.map(|(at, _)| now.boot.since(at).as_secs_f64()),
            evidence_limit_seconds: verdict.rests_on.map(|(_, limit)| limit.as_secs_f64()),
        }
    };
    // Writing into a String cannot fail.
    let live = |out: &mut String| words::live_yes(out, seen, now.boot).unwrap_or_default();
    let started = |out: &mut String| words::started_yes(out, seen, now.boot).unwrap_or_default();
    let in_sync = |out: &mut String| words::ready_yes(out, seen, now.boot).unwrap_or_default();
    Status {
        at: stamp::rfc3339(now.wall_ms),
        boot_ms: super::millis(now.boot),
        identity: board.identity().clone(),
        agent: Agent {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started: stamp::seconds(board.started().wall_ms),
            loop_age_seconds: board.loop_age(now.boot).as_secs_f64(),
        },
        ready: Effective {
            answer: if *ready { Answer::Yes } else { Answer::No },
            forced: forced.active().is_some(),
            since: stamp::seconds(since.answered),
        },
        verdicts: VerdictsTold {
            live: told(&verdicts.live, since.live, &live),
            started: told(&verdicts.started, since.started, &started),
            ready: told(&verdicts.ready, since.ready, &in_sync),
            stoppable: told(&verdicts.stoppable, since.stoppable, &|out| out.push_str("it may stop")),
        },
        forced: ForcedTold::of(forced, board.identity()),
        partitions: seen.round.as_deref().map(|round| Partitions::of(&round.tally, seen.hosting.as_ref())),
        refill: seen.refill.as_deref().and_then(|refill| RefillTold::of(refill, now.boot)),
        evidence: evidence::all(seen, board.limits(), now.boot),
        limits: *board.limits(),
        observations: Observations::clone(seen),
        kubernetes: board.kubernetes(),
        certificates: board.certificates().told(*now),
        turn: board.turn_told(now.boot),
        resources: board.resources_told(seen, now.boot),
        lag: board.lag_told(published),
        canary: board.canary(|canary| canary.as_ref().map(|canary| canary.told(now.boot))),
        settings: board.findings().to_vec(),
        history,
    }
}

impl ForcedTold {
    fn of(forced: &Forced, identity: &Identity) -> Self {
        let left_seconds = match forced {
            Forced::Active { left, .. } => Some(left.as_secs_f64()),
            _ => None,
        };
        let end = if *forced == Forced::None { String::new() } else { words::end(forced, identity) };
        Self { forced: forced.clone(), summary: words::forced(forced), left_seconds, end }
    }
}

fn seconds(ms: i64) -> f64 {
    std::time::Duration::from_millis(u64::try_from(ms).unwrap_or(0)).as_secs_f64()
}
