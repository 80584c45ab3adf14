//! The board without a broker: judged at the moment of asking, and a history that outlives the agent.
#![allow(clippy::unwrap_used, reason = "a failed step should stop the test where it stands")]

mod made_up;

use std::{fs, sync::Arc, time::Duration};

use made_up::{Stepped, board, healthy, lagging, settings};
use pillion::{
    board::{Board, HISTORY_NAME, KEPT, Subject, Transition},
    clock::Now,
};
use pillion_probes::{
    forced::{self, FirstSeen, Source, Stated},
    observe::{Observations, Role},
    time::BootTime,
};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

fn state(board: &Board, text: &str) {
    let now = board.clock().now().into();
    let request = forced::parse(text).map_err(|error| error.to_string());
    let first = FirstSeen::at(now);
    board.stated().send_replace(Arc::new(vec![Stated {
        source: Source::File,
        request,
        first,
        looked: now.boot,
    }]));
}

fn history(board: &Board) -> Vec<Transition> {
    board.status(board.clock().now()).history
}

fn lines(board: &Board, subject: Subject) -> Vec<String> {
    let of = history(board).into_iter().filter(|change| change.subject == subject);
    of.map(|change| format!("{} -> {}", change.from, change.to)).collect()
}

#[test]
fn a_paused_agent_does_not_answer_from_memory() {
    let (board, clock) = board(healthy);
    board.tick();
    assert!(board.ask().ready);
    clock.step(Duration::from_secs(60));
    let late = board.ask();
    assert!(!late.ready && !board.readiness(clock.now()).ready);
    assert_eq!(late.verdicts.ready.reasons[0].code(), "quorum-contact-lost");
    assert_eq!(board.loop_age(clock.now().boot), Duration::from_secs(60));
}

#[test]
fn clocks_that_part_void_the_evidence_at_once() {
    let (board, clock) = board(healthy);
    let now = clock.now();
    for hour in [-3_600_000, 3_600_000] {
        let stepped = Now { wall_ms: now.wall_ms + hour, ..now };
        let answer = board.readiness(stepped);
        assert!(!answer.ready);
        assert_eq!(answer.verdict.reasons[0].code(), "clock-stepped");
        assert!(board.verdicts(stepped).verdicts.live.is_yes());
    }
    let slewed = Now { wall_ms: now.wall_ms + 900, ..now };
    assert!(board.readiness(slewed).ready && board.readiness(now).ready);
}

#[test]
fn every_change_is_noted_once() {
    let (board, clock) = board(|now| Observations::nothing(Role::Broker, now));
    for _ in 0..3 {
        board.tick();
    }
    clock.step(Duration::from_secs(1));
    board.publish(healthy(clock.now().boot));
    board.tick();
    clock.step(Duration::from_secs(1));
    board.publish(lagging(clock.now().boot, "orders", 3));
    board.tick();
    board.tick();
    let ready = lines(&board, Subject::Ready);
    assert_eq!(ready, ["yes -> no (out-of-isr)", "no (not-looked) -> yes", " -> no (not-looked)"]);
    let status = board.status(clock.now());
    assert_eq!(status.verdicts.ready.since, "2023-11-14T22:15:02Z");
    assert_eq!(status.history[0].why[0].code, "out-of-isr");
    assert!(lines(&board, Subject::Answered).is_empty(), "without an override the true verdict says it");
}

#[test]
fn an_override_is_noted_with_its_effect_and_its_end() {
    let (board, clock) = board(|now| lagging(now, "orders", 3));
    board.tick();
    state(&board, "ready,for=2s,reason=INC-1,by=alice");
    board.tick();
    let forced = board.ask();
    assert!(forced.ready && !forced.verdicts.ready.is_yes());
    clock.step(Duration::from_secs(2));
    board.tick();
    assert!(!board.ask().ready);
    board.stated().send_replace(Arc::default());
    board.tick();
    assert_eq!(
        lines(&board, Subject::Override),
        ["ready expired (file) -> none", "ready (file) -> ready expired (file)", "none -> ready (file)"]
    );
    assert_eq!(lines(&board, Subject::Answered), ["yes -> no", "no -> yes"]);
}

#[test]
fn an_override_in_the_place_of_another_is_news() {
    let (board, _) = board(healthy);
    for text in [
        "hold,for=1h,reason=INC-1,by=alice",
        "hold,for=1h,reason=INC-2,by=bob",
        "hold,for=2h,reason=INC-2,by=bob",
    ] {
        state(&board, text);
        board.tick();
    }
    assert_eq!(lines(&board, Subject::Override), ["hold (file) -> hold (file)", " -> hold (file)"]);
}

#[test]
fn since_is_when_the_answer_changed_and_not_the_reason() {
    let (board, clock) = board(|now| Observations::nothing(Role::Broker, now));
    board.tick();
    clock.step(Duration::from_secs(5));
    board.publish(lagging(clock.now().boot, "orders", 1));
    board.tick();
    assert_eq!(board.status(clock.now()).verdicts.ready.since, "2023-11-14T22:15:00Z");
}

#[tokio::test]
async fn the_history_outlives_the_agent_and_is_bounded() {
    let dir = TempDir::new().unwrap();
    let clock = Stepped::at(100_000);
    let make = |seen: fn(BootTime) -> Observations| {
        Board::new(settings(Some(dir.path())), clock.clock(), seen(clock.now().boot))
    };
    let first = make(healthy);
    let shutdown = CancellationToken::new();
    let task = tokio::spawn(Arc::clone(&first).run(shutdown.clone()));
    while lines(&first, Subject::Ready).is_empty() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    shutdown.cancel();
    task.await.unwrap();
    let second = make(healthy);
    assert_eq!(lines(&second, Subject::Agent), [" -> started", " -> stopped", " -> started"]);
    assert_eq!(lines(&second, Subject::Ready), [" -> yes"]);
    for round in 0..KEPT as u64 {
        clock.step(Duration::from_millis(250));
        let now = clock.now().boot;
        second.publish(if round % 2 == 0 { lagging(now, "orders", 1) } else { healthy(now) });
        second.tick();
    }
    assert_eq!(history(&second).len(), KEPT);
}

#[test]
fn a_broken_history_is_set_aside() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join(HISTORY_NAME);
    let clock = Stepped::at(0);
    let start = || Board::new(settings(Some(dir.path())), clock.clock(), healthy(clock.now().boot));
    for bytes in [&b""[..], b"{\"transitions\":[", b"\x00\xff\xfe", b"[1,2,3]"] {
        fs::write(&path, bytes).unwrap();
        assert_eq!(history(&start()).len(), 1);
        assert_eq!(fs::read(dir.path().join("history.broken.json")).unwrap(), bytes);
    }
    fs::File::create(&path).unwrap().set_len(100 << 20).unwrap();
    assert_eq!(history(&start()).len(), 1);
    std::os::unix::fs::symlink("/nonexistent/nowhere", &path).unwrap();
    assert_eq!(history(&start()).len(), 1);
}
