//! The desk: where the observers put what they saw, bound to one life of the broker.

use std::{
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use pillion_probes::{
    contact::{Applied, Doubt, QuorumAnswer, Tracker},
    limits::Limits,
    observe::{Observations, Reach, Role, Silence},
    replicas::Round,
    server::Server,
    time::BootTime,
    voter, zookeeper,
};
use tokio::sync::{Notify, watch};

use crate::{
    board::Board,
    clock::Clock,
    kafka::requests::{ApiVersions, Kind},
};

/// One life of the broker that has answered: what the other observers work in.
#[derive(Clone, Debug)]
pub struct Life {
    /// Number of the incarnation.
    pub number: u64,
    /// What the broker can do.
    pub versions: Arc<ApiVersions>,
}

/// Collects observations and publishes each change on the board.
///
/// Everything but the way the broker is reached belongs to one incarnation: what an observer brings from an earlier
/// one is dropped.
pub struct Desk {
    state: Mutex<State>,
    board: Arc<Board>,
    /// The agent's clock.
    pub clock: Clock,
    /// Age limits, for the tracker.
    pub limits: Limits,
    life: watch::Sender<Option<Life>>,
    changed: Notify,
}

struct State {
    seen: Observations,
    tracker: Tracker,
    voter: voter::Tracker,
}

impl Desk {
    /// An empty desk.
    pub fn new(role: Role, board: Arc<Board>, clock: Clock, limits: Limits) -> Self {
        let seen = Observations::nothing(role, clock.boot());
        let state = Mutex::new(State { seen, tracker: Tracker::new(), voter: voter::Tracker::new() });
        Self { state, board, clock, limits, life: watch::channel(None).0, changed: Notify::new() }
    }

    /// The present life, and its changes.
    pub fn life(&self) -> watch::Receiver<Option<Life>> {
        self.life.subscribe()
    }

    /// The instant now.
    pub fn now(&self) -> BootTime {
        self.clock.boot()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.lock();
        let outcome = change(&mut state);
        if state.seen.role.has_broker() {
            state.seen.contact = state.tracker.contact();
            state.seen.doubt = state.tracker.doubt();
            state.seen.applied = state.tracker.applied();
        }
        if state.seen.role.has_controller() {
            state.seen.vote = state.voter.vote();
        }
        self.board.publish(state.seen.clone());
        self.changed.notify_waiters();
        outcome
    }

    /// Changes what is seen, whatever life the broker is in.
    pub fn note(&self, change: impl FnOnce(&mut Observations)) {
        self.change(|state| change(&mut state.seen));
    }

    /// Changes what is seen of the life `number`; dropped when that life is over.
    pub fn note_in(&self, number: u64, change: impl FnOnce(&mut Observations)) {
        self.change_in(number, |state| change(&mut state.seen));
    }

    fn change_in(&self, number: u64, change: impl FnOnce(&mut State)) {
        self.change(|state| {
            if state.seen.incarnation.number == number {
                change(state);
            }
        });
    }

    /// A complete round, wherever it comes from.
    pub fn round(&self, number: u64, round: Round) {
        let nothing_since = (round.tally.assigned == 0).then_some(round.started);
        self.note_in(number, |seen| {
            seen.nothing_assigned_since =
                nothing_since.map(|since| seen.nothing_assigned_since.unwrap_or(since));
            seen.partial = None;
            seen.round = Some(Arc::new(round));
        });
    }

    /// The broker refuses the agent this request for lack of authorization, or answers it again.
    pub fn denied(&self, number: u64, request: &str, refused: bool) {
        self.note_in(number, |seen| {
            seen.denied.retain(|name| name != request);
            if refused {
                seen.denied.push(request.to_owned());
            }
        });
    }

    /// Reads what is seen.
    pub fn read<T>(&self, read: impl FnOnce(&Observations) -> T) -> T {
        read(&self.lock().seen)
    }

    /// The instant as of which an answer to a request sent now would be current; `None` without contact. In `ZooKeeper`
    /// mode there is no contact to be had: it is the broker's word of now, and the others decide what it is worth.
    pub fn as_of(&self, sent: BootTime) -> Option<BootTime> {
        let state = self.lock();
        if state.seen.role == Role::ZooKeeper {
            return Some(sent);
        }
        state.tracker.contact().map(|contact| contact.current.min(sent))
    }

    /// The last offset of the metadata log that the broker is known to have applied.
    pub fn applied(&self) -> Option<i64> {
        self.lock().tracker.applied().map(|(offset, _)| offset)
    }

    /// The instant as of which the broker is known to be current, and the offset that it has applied: whatever reaches that
    /// offset is as current. `None` without contact.
    pub fn backed(&self, now: BootTime) -> Option<(BootTime, i64)> {
        let state = self.lock();
        let (offset, _) = state.tracker.applied()?;
        state.tracker.contact().map(|contact| (contact.current.min(now), offset))
    }

    /// Waits until an answer to a request sent now can be dated, and returns now and that date.
    pub async fn dated(&self) -> (BootTime, BootTime) {
        self.until(|| {
            let now = self.now();
            self.as_of(now).map(|as_of| (now, as_of))
        })
        .await
    }

    /// Waits until `look`, which is called at each change, finds something. Dropped with the life it was looked for in.
    pub async fn until<T>(&self, look: impl Fn() -> Option<T>) -> T {
        loop {
            let mut changed = pin!(self.changed.notified());
            // From before the look on: no change is missed.
            changed.as_mut().enable();
            if let Some(found) = look() {
                return found;
            }
            changed.await;
        }
    }

    /// The broker could not be reached: whatever was known of it is void.
    pub fn unreached(&self, reach: Reach) {
        let now = self.now();
        self.change(|state| {
            state.end_life(now);
            state.reach(reach, now);
        });
        self.life.send_replace(None);
    }

    /// The evidence is void for another reason, such as a new process; the broker is still reached as before.
    pub fn void(&self) {
        let now = self.now();
        self.change(|state| state.end_life(now));
        self.life.send_replace(None);
    }

    /// Compares the clocks. When one of them stepped, evidence from before is void.
    pub fn compare_clocks(&self) {
        let now = self.clock.now();
        if self.board.clocks_parted(now) {
            tracing::warn!("the wall clock and the boot clock have parted: starting from fresh evidence");
            self.change(|state| {
                let answered = state.seen.incarnation.answered;
                state.end_life(now.boot);
                // It is still the broker that had started, only nothing else is known of it.
                state.seen.incarnation.answered = answered;
                state.seen.clock_stepped = Some(now.boot);
            });
            self.life.send_replace(None);
        }
        self.board.anchor(now);
    }

    /// The broker keeps silent; the life goes on until it is proven over.
    pub fn silent(&self, old_connection: Option<BootTime>) {
        let now = self.now();
        self.change(|state| {
            state.reach(Reach::Silent, now);
            if old_connection.is_some() {
                state.seen.silence.old_connection = old_connection;
            }
        });
    }

    /// New connections have brought no byte since; or one has.
    pub fn new_connections_silent(&self, since: Option<BootTime>) {
        self.change(|state| {
            let silence = &mut state.seen.silence;
            silence.new_connection = since.map(|since| silence.new_connection.unwrap_or(since));
        });
    }

    /// A `ZooKeeper` server told its state. Begins a life when none is under way.
    pub fn told(&self, server: Server) {
        let now = self.now();
        self.change(|state| {
            let seen = &mut state.seen;
            seen.silence = Silence::default();
            seen.incarnation.answered.get_or_insert(now);
            seen.incarnation.last_answer = Some(now);
            seen.server = Some(server);
            state.reach(Reach::Answers, now);
        });
    }

    /// A `ZooKeeper` server keeps silent on its port; since `sent` on every other too, where that is given. It closes
    /// each connection that it has answered, so there is no old one to ask on.
    pub fn silent_server(&self, sent: Option<BootTime>) {
        let now = self.now();
        self.change(|state| {
            state.reach(Reach::Silent, now);
            let since = sent.map(|sent| state.seen.silence.new_connection.unwrap_or(sent));
            state.seen.silence = Silence { old_connection: since, new_connection: since };
        });
    }

    /// The broker answered. Begins a life when none is under way; `false` when the answer shows another broker.
    pub fn answered(&self, versions: &Arc<ApiVersions>, sample: Option<Applied>) -> bool {
        let now = self.now();
        let (same, number) = self.change(|state| {
            // A controller names the offset of its features, which stands still.
            let sample = sample.filter(|_| state.seen.role.has_broker());
            let same = sample.is_none_or(|sample| state.tracker.sample(sample, &self.limits));
            if !same {
                state.end_life(now);
            }
            let seen = &mut state.seen;
            seen.silence = Silence::default();
            seen.incarnation.answered.get_or_insert(now);
            seen.incarnation.last_answer = Some(now);
            state.reach(judgeable(state.seen.role, versions), now);
            (same, state.seen.incarnation.number)
        });
        let judgeable = self.read(|seen| judgeable(seen.role, versions)) == Reach::Answers;
        self.life.send_if_modified(|life| {
            if !judgeable || life.as_ref().is_some_and(|life| life.number == number) {
                return false;
            }
            *life = Some(Life { number, versions: Arc::clone(versions) });
            true
        });
        same
    }

    /// The other brokers answered, or some of them (`ZooKeeper` mode).
    pub fn testimony(&self, number: u64, id: i32, round: zookeeper::Round) {
        self.note_in(number, |seen| {
            let listed = seen.listing.is_some_and(|listing| listing.listed);
            let tally = seen.round.as_deref().map(|round| &round.tally);
            seen.testimony.take(round, zookeeper::Own { id, listed, tally }, &self.limits);
        });
    }

    /// A node that takes itself for the quorum leader answered.
    pub fn quorum(&self, number: u64, answer: &QuorumAnswer) {
        self.change_in(number, |state| {
            state.tracker.quorum(answer, &self.limits);
            state.voter.quorum(answer, &self.limits);
        });
    }

    /// A controller, asked at `sent`, said that it does not lead.
    pub fn not_leader(&self, number: u64, controller: usize, sent: BootTime) {
        self.change_in(number, |state| state.tracker.not_leader(controller, sent));
    }

    /// A question about the quorum proved nothing.
    pub fn doubt(&self, number: u64, doubt: Doubt) {
        self.change_in(number, |state| {
            state.tracker.unanswered(doubt);
            state.voter.unanswered(doubt);
        });
    }
}

impl State {
    fn end_life(&mut self, now: BootTime) {
        if self.seen.incarnation.answered.is_some() {
            self.seen.begin_incarnation(now);
            self.tracker = Tracker::new();
            self.voter = voter::Tracker::new();
        }
    }

    /// Notes how the broker is reached, keeping since when it is so.
    fn reach(&mut self, reach: Reach, now: BootTime) {
        if self.seen.reach.0 != reach {
            self.seen.reach = (reach, now);
        }
    }
}

/// Can what answers be judged at all?
fn judgeable(role: Role, versions: &ApiVersions) -> Reach {
    let why = match (role, versions.kind) {
        _ if versions.zk_migration_ready => {
            "the cluster migrates from ZooKeeper to KRaft (KIP-866), and has two sources of truth until it is done"
        }
        (Role::Broker | Role::Combined, Kind::KraftBroker)
        | (Role::Controller, Kind::KraftController)
        | (Role::ZooKeeper, Kind::ZooKeeper) => return Reach::Answers,
        (Role::Broker | Role::Combined, Kind::KraftController) => {
            "it is a listener for controllers, and this node was prepared as a broker"
        }
        (Role::Controller, Kind::KraftBroker) => {
            "it is a listener of a broker, and this node was prepared as a controller"
        }
        (Role::ZooKeeper, Kind::KraftBroker | Kind::KraftController) => {
            "it runs in KRaft mode, and was prepared for ZooKeeper mode"
        }
        (Role::ZooKeeperServer, _) => "it is a node of Kafka, and no ZooKeeper server",
        (_, Kind::ZooKeeper) => "it runs in ZooKeeper mode, and was prepared for KRaft",
        (_, Kind::Unknown) => "it is neither a KRaft node of 3.3 or newer nor a broker in ZooKeeper mode",
    };
    Reach::NotJudgeable { why: why.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_of_another_kind_is_not_judged() {
        let [broker, controller, zookeeper] = [Kind::KraftBroker, Kind::KraftController, Kind::ZooKeeper]
            .map(|kind| {
                let mut versions = ApiVersions::default();
                versions.kind = kind;
                versions
            });
        for (role, fits) in [
            (Role::Broker, &broker),
            (Role::Combined, &broker),
            (Role::Controller, &controller),
            (Role::ZooKeeper, &zookeeper),
        ] {
            for versions in [&broker, &controller, &zookeeper] {
                let answers = judgeable(role, versions) == Reach::Answers;
                assert_eq!(answers, versions == fits, "{role:?} {versions:?}");
            }
        }
    }
}
