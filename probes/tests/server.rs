//! The judge of a `ZooKeeper` server.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed step should stop the test"
)]

use std::time::Duration;

use pillion_probes::{
    judge::{judge, live, ready, stoppable},
    limits::Limits,
    observe::{Observations, Process, Reach, Role, Silence},
    reason::Reason,
    server::{Ensemble, SERVER_LIMIT, Server, State},
    time::BootTime,
};
use proptest::prelude::*;

const NOW: BootTime = BootTime::from_millis(1_000_000);

fn ago(ms: u64) -> BootTime {
    NOW.back(Duration::from_millis(ms))
}

fn server(state: State, ms: u64, ensemble: Option<Ensemble>) -> Observations {
    let mut seen = Observations::nothing(Role::ZooKeeperServer, ago(500_000));
    seen.incarnation.answered = Some(ago(400_000));
    seen.incarnation.last_answer = Some(ago(ms));
    seen.reach = (Reach::Answers, ago(400_000));
    let sent = ago(ms);
    seen.server =
        Some(Server { sent, state, latency_us: None, outstanding: None, connections: None, ensemble });
    seen
}

fn codes(reasons: &[Reason]) -> Vec<&'static str> {
    reasons.iter().map(Reason::code).collect()
}

fn unready(seen: &Observations) -> Vec<&'static str> {
    codes(&ready(seen, &Limits::default(), NOW).reasons)
}

fn unstoppable(seen: &Observations) -> Vec<&'static str> {
    codes(&stoppable(seen, &Limits::default(), NOW).reasons)
}

fn any_state() -> impl Strategy<Value = State> {
    prop::sample::select(State::ALL.to_vec())
}

fn any_ensemble() -> impl Strategy<Value = Option<Ensemble>> {
    prop::option::of((1usize..8, 0usize..8).prop_map(|(voters, synced)| Ensemble { voters, synced }))
}

proptest! {
    /// Ready is exactly: it said so, lately, and as a leader with a majority where that is known.
    #[test]
    fn ready_by_its_own_word_of_late(state in any_state(), ms in 0u64..6000, ensemble in any_ensemble()) {
        let seen = server(state, ms, ensemble);
        let young = Duration::from_millis(ms) <= SERVER_LIMIT;
        let followed = state != State::Leader || ensemble.is_none_or(|all| 2 * (all.synced + 1) > all.voters);
        let verdict = ready(&seen, &Limits::default(), NOW);
        prop_assert_eq!(verdict.is_yes(), state.serves() && young && followed);
        prop_assert_eq!(verdict.is_yes(), verdict.reasons.is_empty());
    }

    /// Whoever may stop leaves a majority behind, or had no vote.
    #[test]
    fn a_stop_leaves_a_majority(state in any_state(), ms in 0u64..6000, ensemble in any_ensemble()) {
        let seen = server(state, ms, ensemble);
        if stoppable(&seen, &Limits::default(), NOW).is_yes() {
            prop_assert!(Duration::from_millis(ms) <= SERVER_LIMIT);
            let left = ensemble.is_some_and(|all| 2 * all.synced > all.voters);
            prop_assert!(state == State::Observer || (state == State::Leader && left));
        }
    }

    /// Neither its state, nor silence alone, nor a process that is not seen, makes it dead.
    #[test]
    fn dead_takes_proof(state in any_state(), silent in 0u64..200_000, still in prop::option::of(0u64..200_000)) {
        let mut seen = server(state, 0, None);
        let since = Some(ago(silent));
        seen.silence = Silence { old_connection: since, new_connection: since };
        seen.process = still.map(|still| Process {
            pid: 7,
            started_ticks: 1,
            watched_since: ago(400_000),
            looked: NOW,
            moved: ago(still),
            cpu_ms: 0,
            io_bytes: None,
        });
        let proven = silent >= 60_000 && still.is_some_and(|still| still >= 60_000);
        prop_assert_eq!(!live(&seen, &Limits::default(), NOW).is_yes(), proven);
    }
}

#[test]
fn each_state_has_its_reason() {
    assert_eq!(unready(&server(State::NotServing, 100, None)), ["zookeeper-not-serving"]);
    assert_eq!(unready(&server(State::ReadOnly, 100, None)), ["zookeeper-read-only"]);
    assert_eq!(unready(&server(State::Withheld, 100, None)), ["zookeeper-state-withheld"]);
    let ensemble = Some(Ensemble { voters: 5, synced: 1 });
    assert_eq!(unready(&server(State::Leader, 100, ensemble)), ["zookeeper-unsynced"]);
    let mut paused = server(State::Follower, 3001, None);
    paused.reach = (Reach::Silent, ago(2000));
    assert_eq!(unready(&paused), ["zookeeper-state-stale", "broker-silent"]);
}

#[test]
fn who_may_stop() {
    assert_eq!(unstoppable(&server(State::Follower, 100, None)), ["ensemble-unknown"]);
    assert_eq!(unstoppable(&server(State::Standalone, 100, None)), ["no-majority-left"]);
    let of = |voters, synced| server(State::Leader, 100, Some(Ensemble { voters, synced }));
    assert_eq!(unstoppable(&of(3, 1)), ["no-majority-left"]);
    assert!(unstoppable(&of(3, 2)).is_empty());
    assert_eq!(unstoppable(&of(4, 2)), ["no-majority-left"]);
}

#[test]
fn an_end_of_a_life_voids_what_it_said() {
    let mut seen = server(State::Leader, 100, None);
    seen.begin_incarnation(NOW);
    seen.reach = (Reach::Refused, NOW);
    let all = judge(&seen, &Limits::default(), NOW);
    assert_eq!((all.ready.is_yes(), all.started.is_yes(), all.live.is_yes()), (false, false, true));
    assert_eq!(codes(&all.ready.reasons), ["zookeeper-not-listening"]);
    seen.reach = (Reach::Closed, NOW);
    assert_eq!(unready(&seen), ["zookeeper-closes"]);
}
