//! The turn: takes it when somebody wants to stop the node, keeps it until the node is in sync again, and answers
//! `pillion drain`. What to do next is decided in `probes/src/turn.rs`.

pub mod neighbours;
mod store;
mod words;

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    time::Duration,
};

use pillion_probes::{
    neighbours::Neighbours,
    time::BootTime,
    turn::{self, Go, Granted, Held, LOOK, Part, Returned, Rules, Sight, Step},
};
use tokio::time::sleep;

use self::store::{Change, Store};
use crate::{
    board::{Board, DrainTold, Published, TIME_UP, Transition, Trouble, Why},
    config,
    files::Disk,
    init::STOP_MARK,
    kube::{Api, SetName},
    stamp,
};

/// Between two looks at the record while somebody waits for it.
const WAITING: Duration = Duration::from_secs(1);
/// While the node has the turn, which must not be missed when it is lost.
const HOLDING: Duration = Duration::from_secs(5);
/// While it is of interest to people only.
const IDLE: Duration = Duration::from_secs(15);
/// Between two judgements while somebody waits.
const JUDGE: Duration = Duration::from_millis(250);
/// Between two rounds of questions to the other brokers: each is a new connection.
const HEAR: Duration = Duration::from_millis(500);
/// Before a request that failed is made again.
const AFTER_TROUBLE: Duration = Duration::from_secs(2);

/// Takes turns for the node of `board`, for ever. `settings`: none where no turns are taken. `silent`: which of the brokers
/// that are listed as live do not answer now.
pub async fn keep(
    board: &Board,
    settings: Option<&config::Turn>,
    session: Duration,
    run_dir: &Path,
    silent: impl AsyncFn() -> BTreeSet<i32>,
) {
    let identity = board.identity();
    // Who keeps turns in a Lease has an API server to ask.
    let pod = identity.pod.as_ref().filter(|_| {
        settings.is_some_and(|settings| matches!(settings.keeper, config::TurnKeeper::Lease { .. }))
    });
    let set = pod.and_then(|pod| SetName::of_pod(&pod.namespace, &pod.name));
    let mut keeper = Keeper {
        board,
        name: format!("{}-{}", identity.noun(), identity.broker_id),
        store: settings.map(|settings| Store::new(&settings.keeper)),
        rules: settings.map(|settings| Rules { duration: settings.expires, settle: session }),
        part: Part::default(),
        sight: None,
        trouble: None,
        told: String::new(),
        silent,
        neighbours: Neighbours::new(session),
        heard: None,
        leaves: false,
        look_at: board.clock().boot().since_boot(),
        set,
        disbanded: false,
        mark: run_dir.join(STOP_MARK),
        marked: settings.is_some() && run_dir.join(STOP_MARK).exists(),
    };
    loop {
        let pause = keeper.step().await;
        tokio::select! {
            () = sleep(pause) => {}
            () = board.drained() => {}
        }
    }
}

struct Keeper<'a, Silent> {
    board: &'a Board,
    name: String,
    store: Option<Store>,
    rules: Option<Rules>,
    part: Part,
    sight: Option<Sight>,
    trouble: Option<Trouble>,
    /// What was last told of a stop that is wanted.
    told: String,
    /// Asks which of the brokers that are listed as live do not answer.
    silent: Silent,
    neighbours: Neighbours,
    /// What was heard of them last.
    heard: Option<(BootTime, BTreeSet<i32>)>,
    /// By all else it goes: the others are asked before the next judgement.
    leaves: bool,
    /// When the record is looked at again, as time since boot.
    look_at: Duration,
    /// In the run directory: the node was told that it may stop. An agent that starts anew must not take it for one that
    /// is back.
    mark: PathBuf,
    /// The `StatefulSet` that made this pod, where there is one.
    set: Option<SetName>,
    /// It is scaled to zero, or deleted.
    disbanded: bool,
    /// The mark was there when the agent started, and the life that it speaks of is not known yet.
    marked: bool,
}

impl<Silent: AsyncFn() -> BTreeSet<i32>> Keeper<'_, Silent> {
    /// One look, one decision, one deed. How long to wait before the next.
    async fn step(&mut self) -> Duration {
        let now = self.board.clock().boot();
        let before = std::mem::replace(&mut self.part.wanted, self.board.turn(|turn| turn.wanted(now)));
        if before.is_none() && self.part.wanted.is_some() {
            self.look_at = Duration::ZERO;
        }
        if self.part.wanted.is_none() {
            self.told.clear();
        }
        if now.since_boot() >= self.look_at {
            self.look().await;
        }
        let heard = if self.leaves { Some(self.hear().await) } else { None };
        let published = self.board.ask();
        let node = words::node(&published, self.disbanded);
        if self.marked && published.verdicts.started.is_yes() {
            self.marked = false;
            self.part.granted = Some(Granted { at: published.now.boot, life: node.life });
        }
        let node = turn::Node { ready: node.ready && !self.marked, ..node };
        let step = turn::next(
            &self.name,
            &self.part,
            self.sight.as_ref(),
            &node,
            self.rules.as_ref(),
            published.now.boot,
        );
        self.leaves = matches!(step, Step::Confirm | Step::Go(Go::MayStop));
        let acted = match heard {
            _ if !self.leaves => {
                self.neighbours.forget();
                self.act(step, &published).await
            }
            // At once again, with their word.
            None => true,
            Some(heard) => self.alone(heard, node.as_of) && self.act(step, &published).await,
        };
        self.publish(&published);
        if acted { Duration::ZERO } else { self.pause() }
    }

    fn pause(&self) -> Duration {
        let now = self.board.clock().boot().since_boot();
        let until = self.look_at.saturating_sub(now);
        let busy = self.part.wanted.is_some() || self.part.held.is_some() || self.marked;
        match (busy, &self.store) {
            (true, _) => JUDGE,
            (false, Some(_)) => until.max(JUDGE),
            (false, None) => IDLE,
        }
    }

    async fn look(&mut self) {
        let Some(store) = &mut self.store else {
            return;
        };
        let began = self.board.clock().boot();
        let outcome = store.read().await;
        self.ask_of_set().await;
        let now = self.board.clock().boot();
        match outcome {
            Ok(record) => {
                self.well();
                self.sight = Some(Sight::after(self.sight.as_ref(), record, began, now));
                self.mine();
            }
            Err(trouble) => self.failed(trouble),
        }
        let again = match (&self.trouble, self.part.wanted, self.part.held) {
            (None, Some(_), None) => WAITING,
            (None, _, Some(_)) => HOLDING,
            (None, None, None) => IDLE,
            (Some(_), ..) => AFTER_TROUBLE,
        };
        self.look_at = now.since_boot() + again;
    }

    /// Whether all pods of the set go for good; where that cannot be asked, they do not.
    async fn ask_of_set(&mut self) {
        self.disbanded = match &self.set {
            Some(set) if self.part.wanted.is_some() && self.part.granted.is_none() => {
                let asked = async { set.is_disbanded(&Api::of_pod()?).await }.await;
                asked.unwrap_or_else(|fault| {
                    tracing::debug!("turn: {} cannot be asked for: {fault}", set.name);
                    false
                })
            }
            _ => false,
        };
    }

    /// Whether the record that was seen names this node.
    fn mine(&mut self) {
        let now = self.board.clock().boot();
        let mine = self.sight.as_ref().is_some_and(|sight| sight.record.holder.as_ref() == Some(&self.name));
        if mine && self.part.held.is_none() {
            // From an agent before this one.
            self.part.held = Some(Held { since: now, taken_over: false, renewed: now });
        } else if !mine && self.part.held.is_some() {
            let by = self.sight.as_ref().and_then(|sight| sight.record.holder.clone());
            self.note(format!("lost to {}", by.as_deref().unwrap_or("nobody")), Vec::new());
            self.let_go();
        } else if !mine && self.marked {
            // Of a turn that others have had since.
            self.let_go();
        }
    }

    fn let_go(&mut self) {
        (self.part.held, self.part.granted, self.marked) = (None, None, false);
        if let Err(error) = Disk::default().remove(&self.mark) {
            tracing::warn!("turn: {error}");
        }
    }

    /// Asks the other brokers for a sign of life, at a pace: when that was begun, and who is silent.
    async fn hear(&mut self) -> (BootTime, BTreeSet<i32>) {
        let began = self.board.clock().boot();
        if let Some(heard) = self.heard.as_ref().filter(|(before, _)| began.since(*before) < HEAR) {
            return heard.clone();
        }
        let heard = (began, (self.silent)().await);
        self.heard = Some(heard.clone());
        heard
    }

    /// No other broker is down that the cluster may not have missed yet, by a look at it that is younger than that.
    fn alone(&mut self, (began, silent): (BootTime, BTreeSet<i32>), as_of: Option<BootTime>) -> bool {
        if let Some((ids, left)) = self.neighbours.heard(&silent, began) {
            self.answer(false, words::silent(&ids, left));
            return false;
        }
        let settled = self.neighbours.settled(began, as_of);
        if !settled {
            self.answer(false, words::older());
        }
        settled
    }

    /// Does what was decided; whether the next step may follow at once.
    async fn act(&mut self, step: Step, published: &Published) -> bool {
        match step {
            Step::Rest => false,
            Step::Wait(wait) => {
                let why = words::wait(&wait, published, self.store.as_ref(), self.trouble.as_ref());
                self.answer(false, why);
                false
            }
            Step::Go(go) => {
                let why = self.going(go, published);
                self.answer(true, why);
                false
            }
            Step::Take { over } => {
                if self.write(Some(self.name.clone())).await {
                    let now = self.board.clock().boot();
                    self.part.held = Some(Held { since: now, taken_over: over.is_some(), renewed: now });
                    let to = over.map_or("taken".to_owned(), |by| format!("taken over from {by}"));
                    self.note(to, Vec::new());
                    return true;
                }
                false
            }
            Step::Renew => self.write(Some(self.name.clone())).await,
            Step::Confirm => {
                // Before it is told: an agent that starts anew must know.
                if let Err(error) = Disk::default().write(&self.mark, b"", 0o640) {
                    tracing::warn!("turn: an agent that starts anew will not know of this stop: {error}");
                }
                if self.write(Some(self.name.clone())).await {
                    let life = published.seen.incarnation.number;
                    self.part.granted = Some(Granted { at: self.board.clock().boot(), life });
                    return true;
                }
                false
            }
            Step::GiveBack(why) => {
                if !self.write(None).await {
                    return false;
                }
                self.let_go();
                let to = match why {
                    Returned::InSync if !published.verdicts.ready.is_yes() => {
                        "given back: forced to count as ready"
                    }
                    Returned::InSync => "given back: in sync",
                    Returned::MayNotStop => "given back: it may not stop now",
                };
                self.note(to.to_owned(), Vec::new());
                // The next look is before the next attempt.
                self.look_at = Duration::ZERO;
                false
            }
        }
    }

    /// Why it goes; where the time is up, what it would have waited for.
    fn going(&self, go: Go, published: &Published) -> Why {
        if go != Go::TimeUp {
            return words::go(go, published);
        }
        let mut part = self.part.clone();
        if let Some(wanted) = &mut part.wanted {
            wanted.until = wanted.since.forth(Duration::MAX);
        }
        let node = words::node(published, self.disbanded);
        let (sight, rules) = (self.sight.as_ref(), self.rules.as_ref());
        let waits = match turn::next(&self.name, &part, sight, &node, rules, published.now.boot) {
            Step::Wait(wait) => {
                words::wait(&wait, published, self.store.as_ref(), self.trouble.as_ref()).text
            }
            _ => "its turn was not confirmed in time".to_owned(),
        };
        words::time_up(&waits)
    }

    /// Writes the record; whether it was still as it was seen.
    async fn write(&mut self, holder: Option<String>) -> bool {
        let (Some(store), Some(rules), Some(sight)) = (&mut self.store, &self.rules, &self.sight) else {
            return false;
        };
        let now_ms = self.board.clock().now().wall_ms;
        let change = Change { holder, duration: rules.duration, now_ms };
        let outcome = store.write(&sight.record.revision, change).await;
        let now = self.board.clock().boot();
        match outcome {
            Ok(Some(record)) => {
                self.well();
                self.sight = Some(Sight { record, since: now, looked: now });
                if let Some(held) = &mut self.part.held {
                    held.renewed = now;
                }
                return true;
            }
            // Somebody was faster.
            Ok(None) => self.look_at = Duration::ZERO,
            Err(trouble) => {
                self.failed(trouble);
                self.look_at = now.since_boot() + AFTER_TROUBLE;
            }
        }
        // Nothing is written before another look: an attempt that failed may have succeeded all the same.
        self.sight = None;
        false
    }

    fn failed(&mut self, trouble: Trouble) {
        let news = self.trouble.as_ref().is_none_or(|known| known.remedy != trouble.remedy);
        if news {
            tracing::warn!("turn: {}; remedy: {}; it is tried again", trouble.text, trouble.remedy);
        }
        self.trouble = Some(trouble);
    }

    fn well(&mut self) {
        if self.trouble.take().is_some() {
            tracing::info!("turn: it can be asked for again");
        }
    }

    /// Answers whoever wants to stop the node; what is news is told to the log, the history and Kubernetes.
    fn answer(&mut self, go: bool, why: Why) {
        let told = DrainTold { go, code: why.code.clone(), text: why.text.clone() };
        self.board.turn(|turn| turn.told.answer = Some(told));
        if why.code == words::FRESH {
            return;
        }
        let key = format!("{go} {}", why.code);
        if key != self.told {
            self.told = key;
            let to = match (go, why.code.as_str()) {
                (true, TIME_UP) => "goes ALTHOUGH it should not",
                (true, _) => "may go",
                (false, _) => "waits",
            };
            self.note(to.to_owned(), vec![why]);
        }
    }

    fn note(&self, to: String, why: Vec<Why>) {
        self.board.tell(Transition::turn(self.board.clock().now().wall_ms, to, why));
    }

    fn publish(&self, published: &Published) {
        let now = published.now.boot;
        let stops =
            self.part.granted.is_some_and(|granted| granted.life == published.seen.incarnation.number);
        let leads = words::leads(published).filter(|_| stops);
        let fresh = self.sight.as_ref().filter(|sight| now.since(sight.looked) < LOOK.max(IDLE * 2));
        let record = fresh.map(|sight| &sight.record);
        let held = record.filter(|record| record.holder.is_some());
        self.board.turn(|turn| {
            let told = &mut turn.told;
            told.kept = self.store.as_ref().map(ToString::to_string).unwrap_or_default();
            told.holder = held.and_then(|record| record.holder.clone());
            told.since = held.and_then(|record| record.acquired_ms).map(stamp::seconds);
            told.mine = told.holder.as_ref() == Some(&self.name);
            if let Some(leads) = leads.filter(|_| told.leads != leads) {
                tracing::info!("turn: this node stops, and leads {leads} partition(s)");
            }
            told.leads = leads;
            told.trouble.clone_from(&self.trouble);
        });
    }
}
