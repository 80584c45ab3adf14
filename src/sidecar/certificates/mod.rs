//! Keeps the certificates of the listeners: follows their sources, installs what is good, has the broker reload it, and
//! proves by a handshake that it is served.
//!
//! No verdict waits for any of it. Nothing is remembered that matters: at every start what is installed is held against
//! what is served and what the source has, so a kill at any step is made good by the next start.

mod ask;
mod memory;
mod peers;
mod plan;
mod rotate;
mod secret;
mod source;
mod take;

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use futures_util::future::join_all;
use pillion_probes::{
    certificates::{self, Course, Known, Trouble},
    time::BootTime,
};
use tokio::{sync::Notify, time::sleep};

use super::Target;
use crate::{
    board::Board,
    certs::Phase,
    clock::{Clock, Now},
    config::Config,
    init::Identity,
};
use plan::Listener;

/// How often the directory of a change of the authority is read.
const LOOK: Duration = Duration::from_secs(1);

/// What the parts share.
pub(super) struct Keeper<'a> {
    config: &'a Config,
    target: &'a Target,
    board: Arc<Board>,
    clock: Clock,
    listeners: Vec<Listener>,
    /// Where the change of the authority stands, as it is asked for.
    phase: RefCell<Phase>,
    /// The rotation that is under way.
    course: Cell<Course>,
    /// Since when the certificate that is installed was there to be had, by listener.
    began: RefCell<BTreeMap<String, BootTime>>,
    /// A file changed.
    changed: Notify,
}

/// Keeps them for ever, where there are any to keep; ends only by being dropped.
pub(super) async fn keep(
    config: &Config,
    identity: &Identity,
    target: &Target,
    board: &Arc<Board>,
    clock: &Clock,
) {
    if identity.certificates.is_empty() {
        return std::future::pending().await;
    }
    let keeper = Keeper {
        config,
        target,
        board: Arc::clone(board),
        clock: clock.clone(),
        listeners: plan::listeners(config, identity),
        phase: RefCell::default(),
        course: Cell::default(),
        began: RefCell::default(),
        changed: Notify::new(),
    };
    keeper.begin();
    tokio::join!(
        keeper.follow_phase(),
        async {
            drop(join_all(keeper.listeners.iter().map(|listener| source::follow(&keeper, listener))).await);
        },
        rotate::run(&keeper),
        memory::follow(&keeper),
    );
}

impl Keeper<'_> {
    fn now(&self) -> Now {
        self.clock.now()
    }

    fn dir(&self, listener: &Listener) -> PathBuf {
        crate::certs::place(&self.config.run_dir, &listener.name)
    }

    /// What is known of a listener.
    fn known<T>(&self, name: &str, note: impl FnOnce(&mut Known) -> T) -> T {
        self.board.certify(|all| note(all.listeners.entry(name.to_owned()).or_default()))
    }

    fn begin(&self) {
        self.read_phase();
        self.board.certify(|all| all.expiring = self.config.certificates.expiring_when);
        for listener in &self.listeners {
            self.known(&listener.name, |known| {
                known.source.clone_from(&listener.origin);
                known.development = listener.is_development();
                known.client_only = listener.address.is_none();
            });
            if listener.is_development() {
                tracing::warn!(
                    listener = listener.name,
                    "its certificate comes from a CA for development: NOT FOR PRODUCTION"
                );
            }
            self.look_installed(listener);
        }
    }

    async fn follow_phase(&self) {
        loop {
            sleep(LOOK).await;
            self.read_phase();
        }
    }

    /// A directory that cannot be read leaves the phase as it was.
    fn read_phase(&self) {
        let Some(dir) = &self.config.certificates.authority_change else { return };
        let now = self.now();
        match crate::certs::phase(dir) {
            Ok(phase) => {
                let word = match &phase {
                    Phase::Stable => None,
                    Phase::TrustBoth { .. } => Some(certificates::Phase::TrustBoth),
                    Phase::Swap { .. } => Some(certificates::Phase::Swap),
                    Phase::Drop { .. } => Some(certificates::Phase::Drop),
                };
                if *self.phase.borrow() != phase {
                    tracing::info!(phase = phase.name(), "change of the authority");
                    self.board.certify(|all| all.refused.clear());
                    self.phase.replace(phase);
                }
                self.board.certify(|all| {
                    all.phase = word;
                    all.refused.remove("");
                });
            }
            Err(problem) => {
                self.refuse("", &problem.to_string(), &format!("mend it in {}", dir.display()), now);
            }
        }
    }

    /// A phase does not begin for a listener, or is not known.
    fn refuse(&self, listener: &str, text: &str, remedy: &str, now: Now) {
        self.board.certify(|all| {
            let trouble =
                Trouble::of(text.to_owned(), remedy.to_owned(), all.refused.get(listener), now.boot);
            all.refused.insert(listener.to_owned(), trouble);
        });
    }
}
