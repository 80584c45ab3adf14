//! The board: what is known, judged at the moment of asking, and what changed when.

mod canary;
mod certificates;
mod evidence;
mod history;
mod kubernetes;
mod lag;
mod refill;
mod resources;
mod status;
mod track;
mod turn;
mod words;

use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use pillion_probes::{
    forced::{self, Forced, Stated},
    judge,
    limits::Limits,
    observe::Observations,
    time::BootTime,
    verdict::{Verdict, Verdicts},
    voter::Vote,
    zookeeper::Testimony,
};
use serde::{Deserialize, Serialize};
use tokio::{
    sync::{Notify, broadcast, watch},
    task::JoinHandle,
    time,
};
use tokio_util::sync::CancellationToken;

use crate::{
    clock::{Clock, Now},
    problem::SettingFinding,
};

pub use canary::{CANARY_LIMIT, Canary, CanaryTold, Outcome};
pub use certificates::{CertificateTold, Certificates, CertificatesTold, instant};
pub use evidence::Evidence;
pub use history::{HISTORY_NAME, History, KEPT, Subject, Transition, Why};
pub use kubernetes::{Course, Errand, Kubernetes, Trouble};
pub use lag::{Group, GroupTold, Groups, LagTold, LeftOut};
pub use refill::RefillTold;
pub use resources::{LogDir, LogDirTold, Resources, ResourcesTold, STALE, STUCK};
pub use status::{Agent, Effective, ForcedTold, Partitions, Status, VerdictTold, VerdictsTold};
pub use track::Since;
pub use turn::{DrainTold, TIME_UP, Turn, TurnTold};
pub use words::{Ago, end as end_words, forced as forced_words, live_yes, ready_yes, started_yes, unnamed};

/// How often the board judges by itself, for the history.
pub const TICK: Duration = Duration::from_millis(250);

/// Most changes that wait to be heard.
const CHANGES: usize = 64;

/// Clocks that are slewed part by 0.5 ms a second at the most; more than this, in milliseconds, is a step.
const CLOCK_STEP_MS: u64 = 1000;

/// An agent whose loop is older than this cannot be trusted with its history; `/agentz` says so.
pub const LOOP_LIMIT: Duration = Duration::from_secs(5);

/// Who this node is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Identity {
    /// `node.id`, or `broker.id`.
    pub broker_id: i32,
    /// `broker.rack`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// The cluster, by name or id.
    pub cluster: String,
    /// What the node is: `kraft-broker`, `kraft-combined`, ...
    pub mode: String,
    /// The pod it runs in, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod: Option<Pod>,
}

/// A pod.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pod {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl Identity {
    /// What a person calls it.
    pub fn noun(&self) -> &'static str {
        match &*self.mode {
            "kraft-controller" => "controller",
            "zookeeper-server" => "ZooKeeper server",
            _ => "broker",
        }
    }
}

/// What a board is made with.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Who this broker is.
    pub identity: Identity,
    /// How old evidence may be.
    pub limits: Limits,
    /// How long an override may last.
    pub override_cap: Duration,
    /// What lint said of the broker's settings.
    pub findings: Vec<SettingFinding>,
    /// Where the history is kept over a restart; `None`: it is not.
    pub run_dir: Option<PathBuf>,
}

/// The verdicts of one instant, true and as they are answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// The instant.
    pub now: Now,
    /// What the verdicts were judged from.
    pub seen: Arc<Observations>,
    /// The true verdicts.
    pub verdicts: Verdicts,
    /// The override.
    pub forced: Forced,
    /// Readiness as it is answered: the true one, unless an override is in force.
    pub ready: bool,
}

/// Readiness alone, at one instant.
#[derive(Clone, Debug)]
pub struct Readiness {
    /// What it was judged from.
    pub seen: Arc<Observations>,
    /// The true verdict.
    pub verdict: Verdict,
    /// The override.
    pub forced: Forced,
    /// As it is answered.
    pub ready: bool,
}

/// Holds what the observers saw and answers for it.
#[derive(Debug)]
pub struct Board {
    clock: Clock,
    settings: Settings,
    started: Now,
    seen: watch::Sender<Arc<Observations>>,
    stated: watch::Sender<Arc<Vec<Stated>>>,
    beat: AtomicU64,
    /// Wall clock less boot clock, as of the evidence.
    anchor_ms: AtomicI64,
    kept: Mutex<Kept>,
    changes: broadcast::Sender<Transition>,
    kubernetes: Mutex<Kubernetes>,
    certificates: Mutex<Certificates>,
    resources: Mutex<Resources>,
    turn: Mutex<Turn>,
    lag: Mutex<Option<Groups>>,
    canary: Mutex<Option<Canary>>,
    wanted: Notify,
}

#[derive(Debug)]
struct Kept {
    history: History,
    track: track::Track,
}

impl Board {
    /// A board that knows `seen`, with the history that an earlier agent left in the run directory.
    pub fn new(settings: Settings, clock: Clock, seen: Observations) -> Arc<Self> {
        let started = clock.now();
        let path = settings.run_dir.as_ref().map(|dir| dir.join(HISTORY_NAME));
        let history = History::load(path, started.wall_ms);
        let board = Self {
            clock,
            settings,
            started,
            seen: watch::Sender::new(Arc::new(seen)),
            stated: watch::Sender::new(Arc::default()),
            beat: AtomicU64::new(millis(started.boot)),
            anchor_ms: AtomicI64::new(started.offset_ms()),
            kept: Mutex::new(Kept { history, track: track::Track::default() }),
            changes: broadcast::Sender::new(CHANGES),
            kubernetes: Mutex::default(),
            certificates: Mutex::default(),
            resources: Mutex::default(),
            turn: Mutex::default(),
            lag: Mutex::default(),
            canary: Mutex::default(),
            wanted: Notify::new(),
        };
        board.note(Transition::agent(started.wall_ms, "started"));
        Arc::new(board)
    }

    /// Takes what the observers see now.
    pub fn publish(&self, seen: Observations) {
        self.seen.send_replace(Arc::new(seen));
    }

    /// The evidence from here on is of a time at which the clocks stood so.
    pub fn anchor(&self, now: Now) {
        self.anchor_ms.store(now.offset_ms(), Ordering::Relaxed);
    }

    /// The clocks have parted since the evidence was gathered: somebody set one, or the machine was suspended and its
    /// boot clock stood still. What was seen before may then be older than it looks.
    pub fn clocks_parted(&self, now: Now) -> bool {
        now.offset_ms().abs_diff(self.anchor_ms.load(Ordering::Relaxed)) > CLOCK_STEP_MS
    }

    /// What may be judged at `now`.
    fn evidence(&self, now: Now) -> Arc<Observations> {
        let seen = self.seen.borrow().clone();
        if !self.clocks_parted(now) {
            return seen;
        }
        Arc::new(Observations {
            contact: None,
            vote: Vote::default(),
            testimony: Testimony::default(),
            server: None,
            clock_stepped: Some(now.boot),
            ..(*seen).clone()
        })
    }

    /// Where the override's sources are published ([`crate::overrides::run`]).
    pub fn stated(&self) -> watch::Sender<Arc<Vec<Stated>>> {
        self.stated.clone()
    }

    /// Follows what the observers see.
    pub fn observations(&self) -> watch::Receiver<Arc<Observations>> {
        self.seen.subscribe()
    }

    /// The clock that everything here is dated by.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Who this broker is.
    pub fn identity(&self) -> &Identity {
        &self.settings.identity
    }

    /// What lint said of the broker's settings.
    pub fn findings(&self) -> &[SettingFinding] {
        &self.settings.findings
    }

    /// How old evidence may be.
    pub fn limits(&self) -> &Limits {
        &self.settings.limits
    }

    /// Judges now: never an answer from memory, however long the agent itself was paused.
    pub fn ask(&self) -> Published {
        self.verdicts(self.clock.now())
    }

    /// Judges everything at `now`.
    pub fn verdicts(&self, now: Now) -> Published {
        let seen = self.evidence(now);
        let verdicts = judge::judge(&seen, &self.settings.limits, now.boot);
        let forced = self.forced(now);
        let ready = forced.effective(verdicts.ready.is_yes());
        Published { now, seen, verdicts, forced, ready }
    }

    /// Judges readiness alone at `now`: what a kubelet asks for each second.
    pub fn readiness(&self, now: Now) -> Readiness {
        let seen = self.evidence(now);
        let verdict = judge::ready(&seen, &self.settings.limits, now.boot);
        let forced = self.forced(now);
        let ready = forced.effective(verdict.is_yes());
        Readiness { seen, verdict, forced, ready }
    }

    fn forced(&self, now: Now) -> Forced {
        let stated = self.stated.borrow();
        if stated.is_empty() {
            return Forced::None;
        }
        forced::judge_all(&stated, now.into(), self.settings.override_cap)
    }

    /// Everything, for people and machines.
    pub fn status(&self, now: Now) -> Status {
        let published = self.verdicts(now);
        let kept = self.kept();
        let since = kept.track.since(&published);
        status::build(self, &published, since, kept.history.newest_first())
    }

    /// How long ago the board last judged by itself.
    pub fn loop_age(&self, now: BootTime) -> Duration {
        now.since(BootTime::from_millis(self.beat.load(Ordering::Relaxed)))
    }

    /// When this agent started.
    pub fn started(&self) -> Now {
        self.started
    }

    /// Judges once for the history: notes and logs what changed, and stamps the loop's age.
    pub fn tick(&self) {
        let published = self.ask();
        self.beat.store(millis(published.now.boot), Ordering::Relaxed);
        let mut kept = self.kept();
        for transition in kept.track.follow(&published) {
            // The override's watcher tells the log more about it, and only once.
            if transition.subject != Subject::Override {
                transition.log();
            }
            // Nobody may want to hear of it.
            let _ = self.changes.send(transition.clone());
            kept.history.push(transition);
        }
        drop(kept);
        if let Some(transition) = self.certify(|all| all.follow(published.now)) {
            self.tell(transition);
        }
    }

    /// Notes a change that is no verdict's, and tells it.
    pub fn tell(&self, transition: Transition) {
        transition.log();
        // Nobody may want to hear of it.
        let _ = self.changes.send(transition.clone());
        self.note(transition);
    }

    /// What changes from now on. Who does not keep up misses the oldest, and is told how many.
    pub fn changes(&self) -> broadcast::Receiver<Transition> {
        self.changes.subscribe()
    }

    /// What becomes of what is told to Kubernetes.
    pub fn kubernetes(&self) -> Kubernetes {
        self.kubernetes.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Notes how an errand to Kubernetes goes.
    pub fn errand<T>(&self, errand: Errand, note: impl FnOnce(&mut Course) -> T) -> T {
        note(self.kubernetes.lock().unwrap_or_else(PoisonError::into_inner).course(errand))
    }

    /// What is known of the listeners' certificates.
    pub fn certificates(&self) -> Certificates {
        self.certificates.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Notes something about the listeners' certificates.
    pub fn certify<T>(&self, note: impl FnOnce(&mut Certificates) -> T) -> T {
        note(&mut self.certificates.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Notes what the node has and uses.
    pub fn measure<T>(&self, note: impl FnOnce(&mut Resources) -> T) -> T {
        note(&mut self.resources.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What the node has and uses, beside what the broker says of it.
    pub fn resources_told(&self, seen: &Observations, now: BootTime) -> ResourcesTold {
        self.measure(|all| all.told(seen, self.settings.limits.log_dirs, now))
    }

    /// Somebody wants to stop the node, and goes on after `left`, whatever is said. Who goes on wanting asks each second.
    pub fn drain(&self, left: Duration) -> DrainTold {
        let told = self.turn(|turn| turn.want(self.clock.boot(), left));
        self.wanted.notify_one();
        told
    }

    /// Waits until somebody asks whether the node may stop.
    pub async fn drained(&self) {
        self.wanted.notified().await;
    }

    /// Looks at the turn, or notes something about it.
    pub fn turn<T>(&self, note: impl FnOnce(&mut Turn) -> T) -> T {
        note(&mut self.turn.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Who holds the turn and who wants it; `None` where turns are not taken and nobody wants to stop the node.
    pub fn turn_told(&self, now: BootTime) -> Option<TurnTold> {
        self.turn(|turn| turn.told(now))
    }

    /// Looks at what is known of consumer groups, or notes something about it; `None` where it is not asked for.
    pub fn lag<T>(&self, note: impl FnOnce(&mut Option<Groups>) -> T) -> T {
        note(&mut self.lag.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// How far the consumer groups lag that are this broker's to tell of; `None` where that is not asked for.
    pub fn lag_told(&self, published: &Published) -> Option<LagTold> {
        let now = published.now.boot;
        self.lag(|lag| {
            let groups = lag.as_ref()?;
            let are_told = groups.are_told(&published.seen, &self.settings.limits, now);
            Some(if are_told { groups.told(now) } else { Groups::default().told(now) })
        })
    }

    /// Looks at the canary, or notes something about it; `None` where there is none.
    pub fn canary<T>(&self, note: impl FnOnce(&mut Option<Canary>) -> T) -> T {
        note(&mut self.canary.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Ticks every [`TICK`] until `shutdown`, and keeps the history on disk.
    pub async fn run(self: Arc<Self>, shutdown: CancellationToken) {
        let mut ticks = time::interval(TICK);
        ticks.set_missed_tick_behavior(time::MissedTickBehavior::Delay);
        let mut saving: Option<JoinHandle<()>> = None;
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                () = shutdown.cancelled() => break,
            }
            self.tick();
            // One writer at a time and never here: a disk that hangs must not hold up the answers.
            if saving.as_ref().is_none_or(JoinHandle::is_finished) {
                saving = self.kept().history.to_save().map(|save| tokio::task::spawn_blocking(save));
            }
        }
        if let Some(saving) = saving {
            let _ = time::timeout(LAST_SAVE, saving).await;
        }
        self.note(Transition::agent(self.clock.now().wall_ms, "stopped"));
        let last = self.kept().history.to_save();
        if let Some(save) = last {
            let _ = time::timeout(LAST_SAVE, tokio::task::spawn_blocking(save)).await;
        }
    }

    fn note(&self, transition: Transition) {
        self.kept().history.push(transition);
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long the end of the agent waits for the history to be written.
const LAST_SAVE: Duration = Duration::from_millis(500);

fn millis(at: BootTime) -> u64 {
    u64::try_from(at.since_boot().as_millis()).unwrap_or(u64::MAX)
}
