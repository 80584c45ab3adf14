//! Beside real `ZooKeeper` servers, as Kafka 3.9 ships them: an ensemble with and without its majority, observers, one
//! alone, by TLS, by the `AdminServer`, and who may not tell.
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

use server::{Plan, Server, Tls, free, is, wait};

#[test]
fn an_ensemble_loses_its_majority_and_finds_it_again() {
    let ensemble = Plan::of(3, "*").start();
    let leader = ensemble.ready_and_led();
    for server in &ensemble.servers {
        wait("started", || is(server, "started", "yes"));
    }
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
    let dir = tempfile::tempdir().unwrap();
    let by_tls = Plan::of(1, "srvr").tls(Tls::new(dir.path(), &[], "need"));
    let both = [Plan::of(1, "srvr").start(), by_tls.start()];
    let both = both.each_ref().map(|ensemble| &ensemble.servers[0]);
    for server in both {
        wait("ready", || is(server, "ready", "yes"));
        is(server, "stoppable", "no-majority-left").unwrap();
        server.signal("STOP");
        wait("what it said is old", || is(server, "ready", "zookeeper-state-stale"));
        is(server, "live", "yes").unwrap();
    }
    for server in both {
        wait("dead by proof", || is(server, "live", "broker-hung"));
        server.signal("CONT");
        wait("ready again", || is(server, "ready", "yes"));
        is(server, "live", "yes").unwrap();
    }
}

/// An observer follows and has no vote: its own word counts like any other's, and its stop takes nothing from anybody.
#[test]
fn an_observer_is_ready_and_may_stop() {
    let ensemble = Plan::of(3, "*").observers(1).start();
    ensemble.ready();
    let observer = &ensemble.servers[3];
    assert_eq!(observer.state(), "observer");
    is(observer, "stoppable", "yes").unwrap();
    // It is none of the voters that the leader counts.
    let leader = ensemble.leader();
    wait("the voters are told", || {
        let told = &ensemble.servers[leader].status()["observations"]["server"]["ensemble"];
        let voters = (told["voters"].as_u64(), told["synced"].as_u64());
        if voters == (Some(3), Some(2)) { Ok(()) } else { Err(told.to_string()) }
    });

    // Without the majority it has nobody to follow.
    for id in (0..3).filter(|id| *id != leader) {
        ensemble.servers[id].kill();
    }
    wait("it serves nobody", || is(observer, "ready", "zookeeper-not-serving"));
    wait("nor does who led", || is(&ensemble.servers[leader], "ready", "zookeeper-not-serving"));
    is(observer, "live", "yes").unwrap();
    is(observer, "stoppable", "ensemble-unknown").unwrap();
}

/// One voter is in sync with the leader and makes the majority; an observer beside it does not.
#[test]
fn an_observer_in_sync_is_no_voter_in_sync() {
    let ensemble = Plan::of(3, "*").observers(1).start();
    let leader = ensemble.ready_and_led();
    ensemble.servers[(leader + 1) % 3].kill();
    wait("one voter is left beside it", || is(&ensemble.servers[leader], "stoppable", "no-majority-left"));
    is(&ensemble.servers[leader], "ready", "yes").unwrap();
}

#[test]
fn one_that_serves_reads_alone_is_not_ready() {
    let ensemble = Plan::of(3, "*").read_only().start();
    ensemble.ready();
    ensemble.servers[0].kill();
    ensemble.servers[1].kill();
    let last = &ensemble.servers[2];
    wait("it serves reads", || is(last, "ready", "zookeeper-read-only"));
    assert_eq!(last.state(), "read-only");
    is(last, "live", "yes").unwrap();
    is(last, "stoppable", "ensemble-unknown").unwrap();
    ensemble.servers[0].run();
    wait("it serves again", || is(last, "ready", "yes"));
}

#[test]
fn by_tls_alone() {
    for client_auth in ["need", "none"] {
        let dir = tempfile::tempdir().unwrap();
        let ensemble = Plan::of(3, "srvr, mntr").tls(Tls::new(dir.path(), &[], client_auth)).start();
        let leader = ensemble.ready_and_led();
        let follower = &ensemble.servers[(leader + 1) % 3];
        follower.signal("STOP");
        wait("what it said is old", || is(follower, "ready", "zookeeper-state-stale"));
        is(follower, "started", "yes").unwrap();
        follower.signal("CONT");
        wait("ready again", || is(follower, "ready", "yes"));
        follower.kill();
        wait("its port is closed", || is(follower, "ready", "zookeeper-not-listening"));
        ensemble.servers[(leader + 2) % 3].kill();
        wait("it serves nobody", || is(&ensemble.servers[leader], "ready", "zookeeper-not-serving"));
        is(&ensemble.servers[leader], "live", "yes").unwrap();
    }
}

#[test]
fn what_is_wrong_with_tls_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let other = tempfile::tempdir().unwrap();
    let right = Tls::new(dir.path(), &["zoo".to_owned()], "need");
    let file = |dir: &tempfile::TempDir, name: &str| dir.path().join(name).display().to_string();
    Tls::new(other.path(), &[], "need");
    let authority = |dir: &tempfile::TempDir| vec!["--tls-authority".to_owned(), file(dir, "ca.pem")];
    let own = |dir: &tempfile::TempDir| vec!["--tls-certificate".to_owned(), file(dir, "store.pem")];
    let named = |name: &str| vec!["--tls-server-name".to_owned(), name.to_owned()];
    for (flags, said) in [
        (vec![], "zookeeper-closes"),
        (authority(&dir), "client-certificate-refused"),
        ([authority(&dir), own(&other)].concat(), "client-certificate-refused"),
        ([authority(&other), own(&dir)].concat(), "certificate-untrusted"),
        ([authority(&dir), own(&dir), named("zookeeper-0")].concat(), "certificate-wrong-name"),
        (
            [authority(&dir), vec!["--tls-certificate".to_owned(), "/no/such".to_owned()]].concat(),
            "credentials-unusable",
        ),
        ([authority(&dir), own(&dir), named("zoo")].concat(), "yes"),
    ] {
        let ensemble = Plan::of(1, "srvr").tls(right.clone().flags(flags)).start();
        wait(said, || is(&ensemble.servers[0], "ready", said));
        is(&ensemble.servers[0], "live", "yes").unwrap();
    }
}

/// `mntr` is not allowed: of a real leader the `AdminServer` tells of the voters.
#[test]
fn a_real_admin_server_tells_of_the_voters() {
    let ensemble = Plan::of(3, "srvr").admin().start();
    let leader = ensemble.ready_and_led();
    ensemble.servers[(leader + 1) % 3].kill();
    wait("no majority without it", || is(&ensemble.servers[leader], "stoppable", "no-majority-left"));
}

/// The port for clients speaks TLS, and the agent was given none: the `AdminServer` tells alone.
#[test]
fn a_real_admin_server_tells_where_tls_is_spoken() {
    let dir = tempfile::tempdir().unwrap();
    let tls = Tls::new(dir.path(), &[], "need").flags(Vec::new());
    let ensemble = Plan::of(3, "srvr").admin().tls(tls).start();
    let leader = ensemble.ready_and_led();
    for id in (0..3).filter(|id| *id != leader) {
        wait("a follower cannot know", || is(&ensemble.servers[id], "stoppable", "ensemble-unknown"));
        ensemble.servers[id].kill();
    }
    wait("it serves nobody", || is(&ensemble.servers[leader], "ready", "zookeeper-not-serving"));
    is(&ensemble.servers[leader], "live", "yes").unwrap();
}

/// What `deploy/zookeeper` gives its servers is what they start with, and lets the agent ask.
#[test]
fn the_file_of_deploy_serves() {
    let ensemble = Plan::of(3, "srvr").file(include_str!("../../deploy/zookeeper/zoo.cfg")).start();
    ensemble.ready_and_led();
}

/// Stands for a server that allows no word at all (real ones always allow `srvr`), and for its `AdminServer`.
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
