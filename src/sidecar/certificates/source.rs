//! Follows the source of one listener's certificate.

use std::time::Duration;

use pillion_probes::certificates::Trouble;
use tokio::time::{Instant, sleep};

use super::{Keeper, plan::Listener, secret};
use crate::{
    certs::{Bundle, Phase, SourceFault, development},
    config::certificates::Source,
    init::{self, certificates::files},
};

/// How often it is looked whether a source is to be asked.
const LOOK: Duration = Duration::from_secs(1);
/// How often a directory is read: three small files.
const READ: Duration = Duration::from_millis(250);
/// How often what was refused is looked at again: time, or another node, may make it good.
const AGAIN: Duration = Duration::from_secs(2);
/// Between two attempts at a source that failed: the first pause, which doubles, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// After a certificate was issued, whatever became of it: who made a mistake in its role corrects it, and sees.
const ISSUED: Duration = Duration::from_secs(60);

/// What is known of the source.
struct Follower {
    /// What it last gave.
    held: Option<Bundle>,
    /// With which phase that was last looked at, and whether it was good.
    done: Option<(Phase, bool)>,
    /// When it is asked next at the earliest.
    not_before: Instant,
    pause: Duration,
    /// When what was refused is looked at again.
    again: Instant,
    /// The Secret, where it is one.
    secret: Option<secret::Followed>,
}

/// Follows it for ever.
pub(super) async fn follow(keeper: &Keeper<'_>, listener: &Listener) {
    let now = Instant::now();
    let mut follower =
        Follower { held: None, done: None, not_before: now, pause: PAUSES.0, again: now, secret: None };
    loop {
        let phase = keeper.phase.borrow().clone();
        if follower.not_before <= Instant::now() && wanted(keeper, listener, &follower, &phase) {
            follower.ask(keeper, listener).await;
        }
        if follower.is_new(&phase)
            && let Some(bundle) = &follower.held
        {
            let good = super::take::take(keeper, listener, bundle, &phase).await;
            follower.done = Some((phase, good));
            follower.again = Instant::now() + AGAIN;
        }
        sleep(if matches!(listener.source, Source::Directory(_)) { READ } else { LOOK }).await;
    }
}

impl Follower {
    /// What it gave was not looked at yet in this phase, or was refused a while ago.
    fn is_new(&self, phase: &Phase) -> bool {
        match &self.done {
            Some((before, good)) if before == phase => !good && self.again <= Instant::now(),
            _ => true,
        }
    }

    /// What the source gives; `None`: nothing new.
    async fn fetch(
        &mut self,
        keeper: &Keeper<'_>,
        listener: &Listener,
    ) -> Result<Option<Bundle>, SourceFault> {
        let Source::Secret(of) = &listener.source else { return fetch(keeper, listener).await.map(Some) };
        let followed = match self.secret.take() {
            Some(followed) => followed,
            None => secret::Followed::new(keeper.config, of)?,
        };
        self.secret.insert(followed).news(of, LOOK).await
    }

    async fn ask(&mut self, keeper: &Keeper<'_>, listener: &Listener) {
        match self.fetch(keeper, listener).await {
            Ok(None) => {}
            Ok(Some(bundle)) => {
                self.pause = PAUSES.0;
                if issues(listener) {
                    self.not_before = Instant::now() + ISSUED;
                }
                if keeper.known(&listener.name, |known| known.unreachable.take()).is_some() {
                    tracing::info!(
                        listener = listener.name,
                        source = listener.origin,
                        "the source answers again"
                    );
                }
                if self.held.as_ref() != Some(&bundle) {
                    keeper.seen(&listener.name);
                    (self.held, self.done) = (Some(bundle), None);
                }
            }
            Err(fault) => {
                // A Secret that is followed has a pace of its own, and files cost nothing to read.
                if issues(listener) {
                    self.not_before = Instant::now() + self.pause;
                    self.pause = (self.pause * 2).min(PAUSES.1);
                }
                let now = keeper.now().boot;
                keeper.known(&listener.name, |known| {
                    if known.unreachable.as_ref().is_none_or(|before| before.text != fault.text) {
                        tracing::warn!(listener = listener.name, "{}: {fault}", listener.origin);
                    }
                    let before = known.unreachable.as_ref().map(|before| before.since);
                    known.unreachable = Some(Trouble {
                        text: fault.text,
                        remedy: fault.remedy,
                        since: before.unwrap_or(now),
                    });
                });
            }
        }
    }
}

/// Files cost nothing to read; who issues is asked when another certificate is due.
fn wanted(keeper: &Keeper<'_>, listener: &Listener, follower: &Follower, phase: &Phase) -> bool {
    if !issues(listener) {
        return true;
    }
    let now = keeper.now().wall_ms.div_euclid(1000);
    let due = keeper.known(&listener.name, |known| known.installed.is_none_or(|life| life.due(now)));
    // Another phase needs something to install it with.
    let phase = follower.held.is_none() && *phase != Phase::Stable;
    due || phase
}

/// Each answer of it is another certificate.
fn issues(listener: &Listener) -> bool {
    matches!(listener.source, Source::Development(_) | Source::Vault(_))
}

async fn fetch(keeper: &Keeper<'_>, listener: &Listener) -> Result<Bundle, SourceFault> {
    let now = keeper.now().wall_ms.div_euclid(1000);
    match &listener.source {
        Source::Directory(of) => {
            let files = files(of);
            blocking(move || files.read()).await
        }
        Source::Development(of) => {
            let (directory, names) = (of.directory.clone(), listener.of.names.clone());
            let subject = keeper.config.kubernetes.pod.clone();
            let subject = subject.unwrap_or_else(|| keeper.config.cluster.name.clone());
            blocking(move || development::issue(&directory, &subject, &names, None, now)).await
        }
        source => init::certificates::fetch(keeper.config, source, &listener.of, None, now).await,
    }
}

/// A disk that hangs must not hold up the agent.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, SourceFault> + Send + 'static,
) -> Result<T, SourceFault> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| {
        let remedy = "look at the agent's log".to_owned();
        Err(SourceFault { text: format!("the look at it ended: {error}"), remedy, heals: true })
    })
}
