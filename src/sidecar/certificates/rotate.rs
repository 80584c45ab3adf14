//! Has the broker reload what was installed, and proves that it is served.

use std::{cell::Cell, time::Duration};

use futures_util::future::join_all;
use pillion_probes::certificates::{Course, Known, Print, Step, Trouble, step};
use tokio::time::{Instant, sleep};

use super::{Keeper, ask, plan::Listener};
use crate::{board::Transition, clock::Now, stamp};

/// A handshake takes some milliseconds; on a busy machine one that is late is better begun anew.
const HANDSHAKE: Duration = Duration::from_millis(1500);
/// A broker answers a request only when the reload before it is done, which may take seconds where it is busy.
const RELOAD: Duration = Duration::from_secs(10);
/// Files of several listeners that change together are reloaded by one request.
const TOGETHER: Duration = Duration::from_millis(150);

/// Does what is to be done, for ever.
pub(super) async fn run(keeper: &Keeper<'_>) {
    loop {
        match step(&keeper.course.get(), keeper.is_behind(), keeper.now().boot) {
            Step::Ask => keeper.ask_and_look().await,
            Step::Look => keeper.look().await,
            Step::Rest(left) => tokio::select! {
                () = sleep(left) => {}
                () = keeper.changed.notified() => {}
            },
        }
    }
}

impl Keeper<'_> {
    fn is_behind(&self) -> bool {
        self.board.certify(|all| {
            all.listeners.values().any(|known| known.installed.is_some() && !known.is_served())
        })
    }

    /// What was reloaded is seen at once, however late the answer comes.
    async fn ask_and_look(&self) {
        if self.course.get().asks == 0 {
            let change = self.course.get().change;
            sleep(TOGETHER).await;
            if self.course.get().change != change {
                return;
            }
        }
        let answered = Cell::new(false);
        let ask = async {
            self.ask().await;
            answered.set(true);
        };
        let look = async {
            while !answered.get() {
                sleep(TOGETHER).await;
                self.look().await;
            }
        };
        tokio::join!(ask, look);
    }

    async fn ask(&self) {
        let (before, began) = (self.course.get(), self.now().boot);
        let outcome = match self.listeners.first() {
            Some(listener) => ask::reload(self, listener, Instant::now() + RELOAD).await,
            None => Ok(()),
        };
        let now = self.now();
        tracing::debug!(
            took_ms = now.boot.since(began).as_millis(),
            taken = outcome.is_ok(),
            "asked the node to reload"
        );
        // A file may have changed meanwhile: then it is asked for anew.
        if self.course.get().change != before.change {
            return;
        }
        let taken = before.taken || outcome.is_ok();
        self.course.set(Course { asked: Some(now.boot), asks: before.asks + 1, taken, ..self.course.get() });
        if let Err(trouble) = outcome {
            tracing::debug!(asks = before.asks + 1, "the reload was not taken: {}", trouble.text);
            self.doubt(&trouble, now);
        }
    }

    /// Why it is behind, in words of who refused.
    fn doubt(&self, trouble: &ask::Trouble, now: Now) {
        if !trouble.answered {
            return;
        }
        // One by which this node only connects is never looked at, so nothing would take the doubt away again.
        for listener in self.listeners.iter().filter(|listener| listener.address.is_some()) {
            self.known(&listener.name, |known| {
                let since = known.behind.as_ref().map_or(now.boot, |before| before.since);
                let (text, remedy) = (trouble.text.clone(), trouble.remedy.clone());
                known.behind = Some(Trouble { text, remedy, since });
            });
        }
    }

    /// `num.network.threads`.
    fn network_threads(&self) -> usize {
        let set = self.config.kafka.properties.get("num.network.threads");
        set.and_then(|text| text.trim().parse().ok()).unwrap_or(3_usize).clamp(1, 16)
    }

    async fn look(&self) {
        join_all(self.listeners.iter().map(|listener| self.look_at(listener))).await;
        self.course.set(Course { looked: Some(self.now().boot), ..self.course.get() });
    }

    async fn look_at(&self, listener: &Listener) {
        let Some(address) = &listener.address else { return };
        let before = self.known(&listener.name, |known| known.served);
        let mut shown = ask::shown(self, listener, address, Instant::now() + HANDSHAKE).await;
        // Each network thread of the broker reloads by itself, and connections are given to them in turn.
        for _ in 1..self.network_threads() {
            if !matches!(shown, Ok(print) if before.is_some_and(|before| before != print)) {
                break;
            }
            shown = ask::shown(self, listener, address, Instant::now() + HANDSHAKE).await;
        }
        let now = self.now();
        let began = self.began.borrow().get(&listener.name).copied();
        let rotated = self.known(&listener.name, |known| match shown {
            Ok(print) => seen(known, print, now, began),
            Err(trouble) => {
                if trouble.answered {
                    let since = known.behind.as_ref().map_or(now.boot, |before| before.since);
                    known.behind = Some(Trouble { text: trouble.text, remedy: trouble.remedy, since });
                }
                None
            }
        });
        if let Some(text) = rotated {
            self.board.tell(Transition::rotated(now.wall_ms, format!("{}: {text}", listener.name)));
        }
    }
}

/// Notes what a handshake showed; what is to be told when it is another one than before.
fn seen(
    known: &mut Known,
    print: Print,
    now: Now,
    began: Option<pillion_probes::time::BootTime>,
) -> Option<String> {
    let before = known.served.replace(print);
    known.looked = Some(now.boot);
    let installed = known.installed?;
    if installed.print != print {
        let since = known.behind.as_ref().map_or(now.boot, |before| before.since);
        let (text, remedy) = known.behind.take().filter(|told| !told.remedy.starts_with(OLD)).map_or_else(
            || {
                let text = format!("it serves {print}, and {} is installed", installed.print);
                (
                    text,
                    format!("{OLD} for SslFactory and DynamicBrokerConfig; a restart loads it in any case"),
                )
            },
            |told| (told.text, told.remedy),
        );
        known.behind = Some(Trouble { text, remedy, since });
        return None;
    }
    known.behind = None;
    known.last_proof = Some(now.wall_ms.div_euclid(1000));
    if before.is_none_or(|before| before == print) {
        return None;
    }
    known.last_rotation = known.last_proof;
    let took = began.map(|began| now.boot.since(began));
    known.took_ms = took.and_then(|took| u64::try_from(took.as_millis()).ok());
    let until = stamp::seconds(installed.not_after.saturating_mul(1000));
    let after =
        took.map(|took| format!(", {:.1} s after it was there", took.as_secs_f64())).unwrap_or_default();
    Some(format!("{print} is served in place of {}, until {until}{after}", before.unwrap_or(print)))
}

const OLD: &str = "look into the broker's log";
