//! Beside real `ZooKeeper` servers, as Kafka 3.9 ships them: an ensemble, one alone, and who may not tell.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed step should stop the test where it stands"
)]

mod server;

use server::{Admin, Ensemble, is, wait};

#[test]
fn an_ensemble_loses_its_majority_and_finds_it_again() {
    let ensemble = Ensemble::start(3, "*", Admin::Off);
    for server in &ensemble.servers {
        wait("ready", || is(server, "ready", "yes"));
        wait("started", || is(server, "started", "yes"));
    }
    let leader = ensemble.leader();
    wait("the leader may stop", || is(&ensemble.servers[leader], "stoppable", "yes"));
    let follower = (leader + 1) % 3;
    wait("a follower cannot know", || is(&ensemble.servers[follower], "stoppable", "ensemble-unknown"));

    // The leader dies, and another is elected by the two that are left.
    ensemble.servers[leader].kill();
    wait("its port is closed", || is(&ensemble.servers[leader], "ready", "broker-not-listening"));
    let next = wait("another leads", || ensemble.leads().filter(|next| *next != leader).ok_or("nobody".into()));
    wait("the rest are ready", || {
        (0..3).filter(|id| *id != leader).try_for_each(|id| is(&ensemble.servers[id], "ready", "yes"))
    });
    wait("no majority without it", || is(&ensemble.servers[next], "stoppable", "no-majority-left"));

    // So does the second: the third has no majority, and lives.
    let last = 3 - leader - next;
    ensemble.servers[next].kill();
    let third = &ensemble.servers[last];
    wait("it serves nobody", || is(third, "ready", "zookeeper-not-serving"));
    is(third, "live", "yes").unwrap();
    is(third, "started", "yes").unwrap();

    ensemble.servers[next].run();
    wait("it serves again", || is(third, "ready", "yes"));
}

#[test]
fn one_alone_is_paused_and_resumed() {
    let ensemble = Ensemble::start(1, "srvr", Admin::Off);
    let server = &ensemble.servers[0];
    wait("ready", || is(server, "ready", "yes"));
    is(server, "stoppable", "no-majority-left").unwrap();
    server.signal("STOP");
    wait("what it said is old", || is(server, "ready", "zookeeper-state-stale"));
    is(server, "live", "yes").unwrap();
    wait("dead by proof", || is(server, "live", "broker-hung"));
    server.signal("CONT");
    wait("ready again", || is(server, "ready", "yes"));
    is(server, "live", "yes").unwrap();
}

#[test]
fn the_admin_server_tells_where_words_may_not() {
    let ensemble = Ensemble::start(1, "ruok", Admin::On);
    wait("ready by the AdminServer", || is(&ensemble.servers[0], "ready", "yes"));
}

#[test]
fn one_that_may_not_tell_says_what_to_do() {
    let ensemble = Ensemble::start(1, "ruok", Admin::Off);
    let server = &ensemble.servers[0];
    wait("withheld", || is(server, "ready", "zookeeper-state-withheld"));
    is(server, "live", "yes").unwrap();
    assert!(server.status()["verdicts"]["ready"]["reasons"][0]["remedy"].as_str().unwrap().contains("4lw"));
}
