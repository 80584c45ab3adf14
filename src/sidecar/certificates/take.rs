//! Takes what a source gave: checks it, installs it when it is good, and keeps what is there when it is not.

use pillion_probes::certificates::{Course, Life, Print, Refusal, Trouble};

use super::{Keeper, peers, plan::Listener};
use crate::{
    certs::{self, Bundle, Checked, Installed, Leaf, Phase, Rules},
    clock::Now,
    files::{Disk, Outcome},
};

/// Checks and installs it; whether that is settled.
pub(super) async fn take(keeper: &Keeper<'_>, listener: &Listener, bundle: &Bundle, phase: &Phase) -> bool {
    let now = keeper.now();
    let wall = now.wall_ms.div_euclid(1000);
    let there = keeper.look_installed(listener);
    let (effective, refusal) = effective(keeper, listener, there.as_ref(), phase, wall).await;
    let version = keeper.config.kafka.version;
    let settings = &keeper.config.certificates;
    let rules = Rules {
        names: &listener.of.names,
        now: wall,
        skew: settings.clock_skew,
        installed: there.as_ref(),
        allow_dn_changes: settings.allow_dn_changes,
        allow_san_changes: settings.allow_san_changes,
        inter_broker: listener.of.inter_broker,
        kafka: (version.major, version.minor),
        phase: &effective,
    };
    let checked = match certs::check(bundle, &rules) {
        Ok(checked) => checked,
        Err(faults) => {
            let texts: Vec<_> = faults.iter().map(|fault| fault.text.as_str()).collect();
            let remedy = faults.first().map(|fault| fault.remedy.clone()).unwrap_or_default();
            keeper.refused(&listener.name, texts.join("; "), remedy, now);
            return false;
        }
    };
    keeper.known(&listener.name, |known| known.refused = None);
    let refusal = match refusal {
        None => swap(keeper, listener, there.as_ref(), bundle, &checked, &rules).await,
        refusal => refusal,
    };
    if let Some(refusal) = &refusal {
        keeper.refuse(&listener.name, &refusal.text, &refusal.remedy, now);
        tracing::debug!(listener = listener.name, "the phase is refused: {}", refusal.text);
        if matches!(effective, Phase::Swap { .. })
            && there.as_ref().is_some_and(|there| there.leaf != checked.leaf)
        {
            return false;
        }
    } else {
        keeper.board.certify(|all| all.refused.remove(&listener.name));
    }
    keeper.install(listener, checked).await && refusal.is_none()
}

/// The phase that may be acted on here: one that is refused leaves both authorities trusted.
async fn effective(
    keeper: &Keeper<'_>,
    listener: &Listener,
    there: Option<&Installed>,
    phase: &Phase,
    now: i64,
) -> (Phase, Option<Refusal>) {
    let (Phase::Drop { new }, Some(there)) = (phase, there) else { return (phase.clone(), None) };
    // It is done where only the new one is trusted.
    let Some(old) = certs::beside(&there.authorities, new) else { return (phase.clone(), None) };
    // No listener forgets the old one before the nodes may: what is refused between them is refused to clients as well.
    let inner = keeper.listeners.iter().find(|one| one.of.inter_broker && one.address.is_some());
    let judge = if listener.of.inter_broker { listener } else { inner.unwrap_or(listener) };
    let Ok(Some(stands)) = certs::installed(&keeper.dir(judge)) else { return (phase.clone(), None) };
    match peers::may_drop(keeper, judge, &stands, new, now).await {
        Ok(()) => (phase.clone(), None),
        Err(refusal) => (Phase::Swap { old, new: new.clone() }, Some(refusal)),
    }
}

/// Why the first certificate of the new authority may not be shown yet.
async fn swap(
    keeper: &Keeper<'_>,
    listener: &Listener,
    there: Option<&Installed>,
    bundle: &Bundle,
    checked: &Checked,
    rules: &Rules<'_>,
) -> Option<Refusal> {
    let Phase::Swap { new, .. } = rules.phase else { return None };
    let there = there.filter(|_| listener.of.inter_broker)?;
    if there.leaf == checked.leaf || certs::is_of(&there.chain, new, rules.now) {
        return None;
    }
    // A key that the agent can read, whatever Kafka wants.
    let plain = certs::check(bundle, &Rules { kafka: (4, 0), ..*rules }).ok()?;
    peers::may_swap(keeper, listener, there, &plain, new).await.err()
}

impl Keeper<'_> {
    /// Another certificate is there to be had.
    pub(super) fn seen(&self, listener: &str) {
        self.began.borrow_mut().insert(listener.to_owned(), self.now().boot);
    }

    /// Reads what is installed, and notes it.
    pub(super) fn look_installed(&self, listener: &Listener) -> Option<Installed> {
        match certs::installed(&self.dir(listener)) {
            Ok(there) => {
                if let Some(there) = &there {
                    self.note(&listener.name, &there.leaf, &there.trust);
                }
                there
            }
            Err(problem) => {
                self.refused(
                    &listener.name,
                    problem.to_string(),
                    "it is written anew".to_owned(),
                    self.now(),
                );
                None
            }
        }
    }

    fn note(&self, listener: &str, leaf: &Leaf, trust: &[Leaf]) {
        self.known(listener, |known| {
            known.installed = Some(life(leaf));
            known.subject.clone_from(&leaf.subject);
            known.authority_until = trust.iter().map(|one| one.not_after).min();
        });
    }

    fn refused(&self, listener: &str, text: String, remedy: String, now: Now) {
        self.known(listener, |known| {
            if known.refused.as_ref().is_none_or(|before| before.text != text) {
                tracing::warn!(listener, "refused, the one before stays: {text}; remedy: {remedy}");
            }
            known.refused = Some(Trouble::of(text, remedy, known.refused.as_ref(), now.boot));
        });
    }

    async fn install(&self, listener: &Listener, checked: Checked) -> bool {
        let (dir, leaf, trust) = (self.dir(listener), checked.leaf.clone(), checked.trust.clone());
        let work = move || certs::install(&Disk::default(), &dir, &checked);
        let outcome = match tokio::task::spawn_blocking(work).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(error)) => return self.not_written(&listener.name, &error.to_string()),
            Err(error) => return self.not_written(&listener.name, &error.to_string()),
        };
        self.note(&listener.name, &leaf, &trust);
        if outcome == Outcome::Written {
            tracing::info!(
                listener = listener.name,
                print = %Print(leaf.sha256),
                until = crate::stamp::seconds(leaf.not_after.saturating_mul(1000)),
                "installed"
            );
            let Course { change, looked, .. } = self.course.get();
            self.course.set(Course { change: change + 1, looked, ..Course::default() });
            self.changed.notify_one();
        }
        true
    }

    fn not_written(&self, listener: &str, why: &str) -> bool {
        let remedy = "check the volume of the run directory".to_owned();
        self.refused(listener, format!("it cannot be installed: {why}"), remedy, self.now());
        false
    }
}

/// Which certificate, and how long it lives.
pub(super) fn life(leaf: &Leaf) -> Life {
    Life { print: Print(leaf.sha256), not_before: leaf.not_before, not_after: leaf.not_after }
}
