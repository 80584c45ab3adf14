//! Looks at the sources four times a second and tells what they state.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use pillion_probes::forced::{self, FirstSeen, Forced, Instant, Request, Source, Stated};
use tokio::{sync::watch, time};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::{
    annotation::annotation,
    file::{FILE_NAME, Look, look},
    seen::{SEEN_NAME, Seen},
};
use crate::{clock::Clock, stamp};

/// How often the sources are looked at. The kubelet needs up to 0.9 s to project an annotation, and asks once a second:
/// this leaves Ready to follow within 2 s.
pub const PERIOD: Duration = Duration::from_millis(250);

/// Follows the override's sources.
#[derive(Debug)]
pub struct Watcher {
    run_dir: PathBuf,
    cap: Duration,
    seen: Seen,
    saved: Seen,
    save_failed: bool,
    pod_info: Option<PathBuf>,
    told: Told,
}

/// What the log was last told.
#[derive(Debug, Default, PartialEq, Eq)]
enum Told {
    #[default]
    None,
    Active(String),
    Expired(String),
    Refused(String),
}

impl Watcher {
    /// Takes up what was remembered in `run_dir`. `boot_id` tells whether the machine restarted since; in `pod_info` the
    /// pod's annotation is looked for.
    pub fn new(run_dir: &Path, pod_info: Option<&Path>, cap: Duration, boot_id: &str, now: Instant) -> Self {
        let (seen, trouble) = Seen::load(&run_dir.join(SEEN_NAME), boot_id, now);
        if let Some(trouble) = trouble {
            warn!("what was remembered of overrides cannot be used, their time starts anew: {trouble}");
        }
        let saved = seen.clone();
        let (run_dir, pod_info) = (run_dir.to_owned(), pod_info.map(Path::to_owned));
        Self { run_dir, pod_info, cap, seen, saved, save_failed: false, told: Told::None }
    }

    /// Looks at the sources now. Reads and writes files, so not for the loop that answers.
    pub fn poll(&mut self, now: Instant) -> Vec<Stated> {
        let file = look(&self.run_dir.join(FILE_NAME));
        let annotation = self.pod_info.as_deref().map_or(Look::Absent, annotation);
        let stated: Vec<Stated> = [(Source::File, file), (Source::Annotation, annotation)]
            .into_iter()
            .filter_map(|(source, look)| {
                let request = look.request()?;
                let first = match &request {
                    Ok(request) => self.seen.see(request, now),
                    Err(_) => FirstSeen::at(now),
                };
                Some(Stated { source, request, first, looked: now.boot })
            })
            .collect();
        // An unreadable source may still hold what is remembered: only what is seen to be gone is forgotten.
        if stated.iter().all(|one| one.request.is_ok()) {
            let requests: Vec<&Request> = stated.iter().filter_map(|one| one.request.as_ref().ok()).collect();
            self.seen.keep_only(&requests);
        }
        self.remember();
        self.tell(&stated, now);
        stated
    }

    fn remember(&mut self) {
        if self.seen == self.saved {
            return;
        }
        match self.seen.save(&self.run_dir.join(SEEN_NAME)) {
            Ok(()) => {
                self.saved = self.seen.clone();
                self.save_failed = false;
            }
            Err(error) => {
                if !self.save_failed {
                    warn!("a restart of the agent would begin the override's time anew: {error}");
                }
                self.save_failed = true;
            }
        }
    }

    fn tell(&mut self, stated: &[Stated], now: Instant) {
        let forced = forced::judge_all(stated, now, self.cap);
        let told = told(&forced);
        if told == self.told {
            return;
        }
        if let Told::Active(what) = &self.told
            && told != Told::Expired(what.clone())
        {
            info!("override ended: {what} was taken away");
        }
        match (&told, &forced) {
            (Told::Active(what), Forced::Active { until, .. }) => {
                let until = stamp::seconds(*until);
                warn!(
                    "override in force: {what}; it ends by itself at {until}; the true verdict stays visible"
                );
            }
            (Told::Expired(what), _) => warn!("override ended: {what} has lasted as long as it might"),
            (Told::Refused(why), _) => warn!("override ignored: {why}"),
            _ => {}
        }
        self.told = told;
    }
}

fn told(forced: &Forced) -> Told {
    let what = |kind: forced::Kind, reason: &str, by: &Option<String>, source: Source| {
        let by = by.as_deref().unwrap_or("nobody named");
        format!("{} by {by} ({}), reason: {reason}", kind.word(), source.word())
    };
    match forced {
        Forced::None => Told::None,
        Forced::Active { kind, reason, by, source, .. } => Told::Active(what(*kind, reason, by, *source)),
        Forced::Expired { kind, reason, by, source, .. } => Told::Expired(what(*kind, reason, by, *source)),
        Forced::Refused { source, why } => Told::Refused(format!("the {}: {why}", source.word())),
    }
}

/// Polls every [`PERIOD`] until `shutdown`, and publishes what is stated.
pub async fn run(
    mut watcher: Watcher,
    clock: Clock,
    stated: watch::Sender<Arc<Vec<Stated>>>,
    shutdown: CancellationToken,
) {
    let mut ticks = time::interval(PERIOD);
    ticks.set_missed_tick_behavior(time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = shutdown.cancelled() => return,
        }
        let now = clock.now().into();
        // A disk that hangs must not hold up the answers: the look happens beside the loop.
        let looking = tokio::task::spawn_blocking(move || {
            let found = watcher.poll(now);
            (watcher, found)
        });
        let looked = tokio::select! {
            looked = looking => looked,
            () = shutdown.cancelled() => return,
        };
        let Ok((back, found)) = looked else {
            warn!("the override is no longer looked at: its task failed");
            return;
        };
        watcher = back;
        stated.send_replace(Arc::new(found));
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
