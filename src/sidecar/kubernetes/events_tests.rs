#![allow(clippy::unwrap_used, reason = "a failed step should stop the test where it stands")]
use std::cell::{Cell, RefCell};

use tokio::{sync::broadcast, time::timeout};

use super::*;
use crate::{
    board::Subject,
    sidecar::kubernetes::{
        identity,
        news::tests::{board, change},
    },
};

fn denied() -> Fault {
    Fault::Refused { code: 403, message: "events is forbidden".into() }
}

fn turn(number: usize) -> Transition {
    match number % 2 {
        0 => change(Subject::Ready, "yes", "no (fenced)", &[["fenced", "it is fenced", "wait"]]),
        _ => change(Subject::Ready, "no (fenced)", "yes", &[]),
    }
}

#[tokio::test(start_paused = true)]
async fn an_outage_delays_and_a_flapping_broker_becomes_a_series() {
    let board = board();
    let (sender, changes) = broadcast::channel(64);
    let (sent, tries) = (RefCell::new(Vec::new()), Cell::new(0));
    let back = Instant::now() + Duration::from_secs(300);
    let answer = async |event: &Event| {
        tries.set(tries.get() + 1);
        if Instant::now() < back {
            return Err(Fault::Unreachable("refused".into()));
        }
        sent.borrow_mut().push((event.reason, event.count));
        Ok(())
    };
    let flap = async {
        for number in 0..40 {
            sender.send(turn(number)).unwrap();
            tokio::time::sleep(Duration::from_secs(5)).await;
        }
        let course = board.kubernetes().events.unwrap();
        assert!(course.done == 0 && course.trouble.is_some(), "{course:?}");
        tokio::time::sleep(Duration::from_secs(200)).await;
    };
    tokio::select! {
        () = tell(answer, &board, changes) => {}
        () = flap => {}
    }
    assert_eq!(*sent.borrow(), [("KafkaNotReady", 20), ("KafkaReady", 20)]);
    // Neither a storm of attempts nor a wait that outlasts the outage by long.
    assert!((8..25).contains(&tries.get()), "{}", tries.get());
    let course = board.kubernetes().events.unwrap();
    assert_eq!((course.done, course.dropped, course.trouble), (2, 0, None));
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_is_given_up_and_the_next_one_is_tried() {
    let board = board();
    let (sender, changes) = broadcast::channel(64);
    let granted = Cell::new(false);
    let answer = async |_: &Event| if granted.get() { Ok(()) } else { Err(denied()) };
    let story = async {
        sender.send(turn(0)).unwrap();
        tokio::time::sleep(Duration::from_secs(60)).await;
        let course = board.kubernetes().events.unwrap();
        assert_eq!((course.done, course.failed, course.dropped), (0, 1, 1));
        let trouble = course.trouble.unwrap();
        assert!(trouble.text.contains("answers 403: events is forbidden"), "{trouble:?}");
        assert!(trouble.remedy.contains("deploy/components/events"), "{trouble:?}");
        granted.set(true);
        sender.send(turn(1)).unwrap();
        tokio::time::sleep(Duration::from_secs(60)).await;
    };
    tokio::select! {
        () = tell(answer, &board, changes) => {}
        () = story => {}
    }
    let course = board.kubernetes().events.unwrap();
    assert_eq!((course.done, course.dropped, course.trouble), (1, 1, None));
}

#[tokio::test(start_paused = true)]
async fn an_api_server_that_hangs_costs_events_and_nothing_else() {
    let board = board();
    let (sender, changes) = broadcast::channel(4);
    // What the changes are said into goes on whatever becomes of them.
    let answer = async |_: &Event| {
        tokio::time::sleep(Duration::from_secs(3600)).await;
        Err(Fault::Silent)
    };
    let story = async {
        for number in 0..40 {
            sender.send(turn(number)).unwrap();
            tokio::task::yield_now().await;
        }
        tokio::time::sleep(Duration::from_secs(4000)).await;
    };
    tokio::select! {
        () = tell(answer, &board, changes) => {}
        () = story => {}
    }
    let dropped = board.kubernetes().events.unwrap().dropped;
    assert!((30..40).contains(&dropped), "{dropped}");
}

#[tokio::test(start_paused = true)]
async fn the_marks_are_written_once_and_tried_for_ever() {
    let board = board();
    let (tries, granted) = (Cell::new(0), Cell::new(false));
    let write = async || {
        tries.set(tries.get() + 1);
        if granted.get() { Ok(()) } else { Err(denied()) }
    };
    let mut publish = std::pin::pin!(identity::publish(write, &board));
    let day = Duration::from_secs(24 * 3600);
    assert!(timeout(day, &mut publish).await.is_err(), "it never gives up");
    // Every few minutes, once the pauses have grown.
    assert!((280..600).contains(&tries.get()), "{}", tries.get());
    let course = board.kubernetes().identity.unwrap();
    let trouble = course.trouble.unwrap();
    assert!(trouble.remedy.contains("deploy/components/identity"), "{trouble:?}");
    granted.set(true);
    timeout(Duration::from_secs(600), &mut publish).await.unwrap();
    let course = board.kubernetes().identity.unwrap();
    assert_eq!((course.done, course.trouble), (1, None));
}
