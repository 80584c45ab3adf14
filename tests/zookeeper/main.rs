//! Beside real `ZooKeeper` servers, as Kafka 3.9 ships them: an ensemble, one alone, and who may not tell.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed step should stop the test where it stands"
)]

mod server;

use std::{
    io::{Read, Write},
    net::TcpListener,
    thread,
};

use server::{Ensemble, Server, free, is, wait};

#[test]
fn an_ensemble_loses_its_majority_and_finds_it_again() {
    let ensemble = Ensemble::start(3, "*");
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
    wait("its port is closed", || is(&ensemble.servers[leader], "ready", "zookeeper-not-listening"));
    let next =
        wait("another leads", || ensemble.leads().filter(|next| *next != leader).ok_or("nobody".into()));
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
    let ensemble = Ensemble::start(1, "srvr");
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

/// Stands for a server that allows no word at all, and for an `AdminServer`, which the bed's jars lack.
fn answering(text: &'static str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 256]);
            let _ = stream.write_all(text.as_bytes());
        }
    });
    port
}

const WITHHELD: &str = "srvr is not executed because it is not in the whitelist.\n";

#[test]
fn one_that_may_not_tell_says_what_to_do() {
    let server = Server::beside(answering(WITHHELD), free());
    wait("withheld", || is(&server, "ready", "zookeeper-state-withheld"));
    is(&server, "live", "yes").unwrap();
    let remedy = &server.status()["verdicts"]["ready"]["reasons"][0]["remedy"];
    assert!(remedy.as_str().unwrap().contains("4lw.commands.whitelist"), "{remedy}");
}

#[test]
fn the_admin_server_tells_where_words_may_not() {
    let monitor =
        "HTTP/1.1 200 OK\r\n\r\n{\"server_state\":\"leader\",\"quorum_size\":3,\"synced_followers\":2}";
    let server = Server::beside(answering(WITHHELD), answering(monitor));
    wait("ready by the AdminServer", || is(&server, "ready", "yes"));
    is(&server, "stoppable", "yes").unwrap();
    let none =
        "HTTP/1.1 200 OK\r\n\r\n{\"error\":\"This ZooKeeper instance is not currently serving requests\"}";
    let server = Server::beside(answering(WITHHELD), answering(none));
    wait("serves nobody", || is(&server, "ready", "zookeeper-not-serving"));
}
