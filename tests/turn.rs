//! `pillion drain` and the turn: agents with made-up brokers, their sockets, and a file that holds the turn.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed step should stop the test where it stands")]

mod made_up;

use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use assert_cmd::cargo::cargo_bin;
use http_body_util::BodyExt;
use made_up::{healthy, lagging, settings};
use pillion::{
    board::{Board, Identity, Settings, Subject},
    clock::Clock,
    config::{Turn, TurnKeeper},
    http,
    sidecar::turn,
};
use pillion_probes::{
    observe::{Insecurity, Observations, Reach, Role},
    replicas::PartitionName,
    stops::{Block, Stops},
    time::BootTime,
};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

/// How long the controllers may take to notice the end of a broker.
const SESSION: Duration = Duration::from_secs(1);

type Seen = Box<dyn Fn(BootTime) -> Observations + Send>;

/// An agent whose broker is as the test says, until it is dropped.
struct Agent {
    board: Arc<Board>,
    seen: Arc<Mutex<Seen>>,
    /// Other brokers that are listed and do not answer.
    silent: Arc<Mutex<BTreeSet<i32>>>,
    shutdown: CancellationToken,
    threads: Vec<thread::JoinHandle<()>>,
}

impl Agent {
    fn start(id: i32, run_dir: &Path, turn: Option<Turn>) -> Self {
        let clock = Clock::system();
        let identity = Identity { broker_id: id, ..settings(None).identity };
        let settings = Settings { identity, ..settings(None) };
        let board = Board::new(settings, clock.clone(), healthy(clock.boot()));
        let seen: Arc<Mutex<Seen>> = Arc::new(Mutex::new(Box::new(healthy)));
        let shutdown = CancellationToken::new();
        let (looks, looked, ended) = (Arc::clone(&board), Arc::clone(&seen), shutdown.clone());
        let looking = thread::spawn(move || {
            while !ended.is_cancelled() {
                looks.publish(looked.lock().unwrap()(looks.clock().boot()));
                thread::sleep(Duration::from_millis(50));
            }
        });
        let silent = Arc::new(Mutex::new(BTreeSet::new()));
        let mute = Arc::clone(&silent);
        let (served, ended, run_dir) = (Arc::clone(&board), shutdown.clone(), run_dir.to_owned());
        let serving = thread::spawn(move || {
            pillion::cli::block_on(async {
                let socket = http::bind_socket(&run_dir);
                tokio::select! {
                    () = http::serve_socket(socket, Arc::clone(&served), ended.clone()) => {}
                    () = turn::keep(&served, turn.as_ref(), SESSION, &run_dir, async || mute.lock().unwrap().clone()) => {}
                }
            })
            .unwrap();
        });
        Self { board, seen, silent, shutdown, threads: vec![looking, serving] }
    }

    fn is(&self, seen: impl Fn(BootTime) -> Observations + Send + 'static) {
        let mut held = self.seen.lock().unwrap();
        *held = Box::new(seen);
        // At once: nobody is answered by what was before.
        self.board.publish(held(self.board.clock().boot()));
    }

    /// What became of the turn, oldest first.
    fn history(&self) -> Vec<String> {
        let mut all = self.board.status(self.board.clock().now()).history;
        all.reverse();
        all.into_iter().filter(|change| change.subject == Subject::Turn).map(|change| change.to).collect()
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.shutdown.cancel();
        for thread in self.threads.drain(..) {
            thread.join().unwrap();
        }
    }
}

/// It answers no more.
fn down(now: BootTime) -> Observations {
    Observations { reach: (Reach::Refused, now), ..Observations::nothing(Role::Broker, now) }
}

/// Another life of it, in sync.
fn back(now: BootTime) -> Observations {
    let mut seen = healthy(now);
    seen.incarnation.number = 2;
    seen
}

/// A stop would hurt a partition like this.
fn hurting(block: Block) -> impl Fn(BootTime) -> Observations + Send + 'static {
    move |now| {
        let mut seen = healthy(now);
        let mut round = seen.round.as_deref().cloned().unwrap();
        let mut stops = Stops { asked: now, ..Stops::default() };
        stops.add(block, || PartitionName { topic: "orders".into(), partition: 7 });
        round.tally.stops = Some(stops);
        seen.round = Some(Arc::new(round));
        seen
    }
}

struct Scene {
    dir: TempDir,
}

impl Scene {
    fn new() -> Self {
        Self { dir: TempDir::new().unwrap() }
    }

    fn run_dir(&self, id: i32) -> PathBuf {
        let dir = self.dir.path().join(id.to_string());
        fs::create_dir_all(&dir).unwrap();
        dir
    }

    fn turn(&self, expires: u64) -> Turn {
        let keeper = TurnKeeper::File(self.dir.path().join("turn.json"));
        Turn { keeper, expires: Duration::from_secs(expires) }
    }

    fn agent(&self, id: i32, expires: u64) -> Agent {
        Agent::start(id, &self.run_dir(id), Some(self.turn(expires)))
    }

    fn drain(&self, id: i32, within: &str) -> Drain {
        let child = Command::new(cargo_bin("pillion"))
            .args(["drain", "--within", within, "--run-dir"])
            .arg(self.run_dir(id))
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Drain(child)
    }
}

struct Drain(Child);

impl Drain {
    fn ended(&mut self) -> bool {
        self.0.try_wait().unwrap().is_some()
    }

    /// What it said, once it has ended; its exit code is 0 whatever that is.
    fn said(self) -> String {
        let output = self.0.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        String::from_utf8(output.stderr).unwrap()
    }
}

fn wait(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(30);
    while !holds() {
        assert!(Instant::now() < end, "not in time: {what}");
        thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn without_turns_it_waits_for_what_can_end_and_for_nothing_else() {
    let scene = Scene::new();
    let agent = Agent::start(1001, &scene.run_dir(1001), None);
    let said = scene.drain(1001, "3s").said();
    assert!(said.contains("going: it may stop"), "{said}");
    let drain = |seen: Seen| {
        agent.is(seen);
        thread::sleep(Duration::from_millis(500));
        scene.drain(1001, "3s").said()
    };
    let said = drain(Box::new(hurting(Block::NoSlack)));
    assert!(said.contains("going: it may stop; waiting does not help: no-replica-to-spare: "), "{said}");
    assert!(said.contains("orders-7"), "{said}");
    let said = drain(Box::new(hurting(Block::BelowMin)));
    assert!(
        said.contains("waiting: below-min-isr: ") && said.contains("going ALTHOUGH it should not"),
        "{said}"
    );
    let said = drain(Box::new(down));
    assert!(said.contains("going: the node does not serve"), "{said}");
    assert_eq!(
        agent.history(),
        ["may go", "may go", "waits", "goes ALTHOUGH it should not", "may go"],
        "each is told once"
    );
}

#[test]
fn a_moment_of_silence_does_not_show_that_a_node_serves_nobody() {
    let scene = Scene::new();
    let agent = scene.agent(1001, 60);
    let began = agent.board.clock().boot();
    agent.is(move |now| Observations {
        reach: (Reach::Silent, began),
        ..Observations::nothing(Role::Broker, now)
    });
    let said = scene.drain(1001, "1m").said();
    assert!(
        said.contains("waiting: broker-silent") && said.contains("going: the node does not serve"),
        "{said}"
    );
    assert!(agent.board.clock().boot().since(began) >= Duration::from_secs(5), "{said}");
}

/// Its password was changed in Kafka and not for the agent: the node serves its clients all the same.
#[test]
fn an_agent_that_is_not_let_in_does_not_show_that_a_node_serves_nobody() {
    let scene = Scene::new();
    let agent = scene.agent(1001, 60);
    agent.is(|now| {
        let refused = Reach::Insecure { fault: Insecurity::Authentication, why: "refused".to_owned() };
        Observations { reach: (refused, now), ..Observations::nothing(Role::Broker, now) }
    });
    let said = scene.drain(1001, "3s").said();
    assert!(
        said.contains("waiting: authentication-failed") && said.contains("going ALTHOUGH it should not"),
        "{said}"
    );
}

#[test]
fn each_drain_has_its_own_time() {
    let scene = Scene::new();
    let agent = Agent::start(1001, &scene.run_dir(1001), None);
    agent.is(hurting(Block::BelowMin));
    let (short, mut long) = (scene.drain(1001, "2s"), scene.drain(1001, "1m"));
    assert!(short.said().contains("going ALTHOUGH it should not: the time is up"));
    // One that begins when another's time was up a moment ago.
    let mut next = scene.drain(1001, "30s");
    thread::sleep(Duration::from_secs(3));
    assert!(!long.ended() && !next.ended());
    agent.is(healthy);
    for drain in [long, next] {
        let said = drain.said();
        assert!(said.contains("waiting: below-min-isr") && said.contains("going: it may stop"), "{said}");
    }
}

#[test]
fn an_agent_that_does_not_answer_holds_up_nobody() {
    let scene = Scene::new();
    let said = scene.drain(1001, "1m").said();
    assert!(said.contains("going, and nobody knows whether it may: no answer from"), "{said}");
    // One that hangs.
    let _listener = std::os::unix::net::UnixListener::bind(scene.run_dir(1001).join(http::SOCKET)).unwrap();
    let said = scene.drain(1001, "1m").said();
    assert!(said.contains("going, and nobody knows whether it may: no answer from"), "{said}");
}

#[test]
fn it_goes_as_soon_as_it_may() {
    let scene = Scene::new();
    let agent = Agent::start(1001, &scene.run_dir(1001), None);
    agent.is(hurting(Block::Last));
    let drain = scene.drain(1001, "2m");
    thread::sleep(Duration::from_millis(1500));
    agent.is(healthy);
    let said = drain.said();
    assert!(said.contains("waiting: last-in-sync: ") && said.contains("going: it may stop"), "{said}");
}

#[test]
fn one_that_counts_as_live_and_is_silent_is_waited_for() {
    for turn in [true, false] {
        let scene = Scene::new();
        let agent = Agent::start(1001, &scene.run_dir(1001), turn.then(|| scene.turn(60)));
        agent.silent.lock().unwrap().insert(1003);
        let mut drain = scene.drain(1001, "1m");
        wait("it waits", || said(&agent, "/status").contains("neighbour-silent"));
        assert!(!drain.ended());
        // The controllers have fenced it, and this broker's list is the first to show that.
        agent.is(hurting(Block::BelowMin));
        agent.silent.lock().unwrap().clear();
        wait("it waits for the other", || said(&agent, "/status").contains("below-min-isr: "));
        assert!(!drain.ended());
        agent.is(healthy);
        let said = drain.said();
        assert!(said.contains("broker 1003 does not answer and counts as live"), "{said}");
        assert!(said.contains("going: it"), "{said}");
    }
}

#[test]
fn one_that_stays_listed_and_cannot_be_reached_from_here_holds_up_nobody_for_long() {
    let scene = Scene::new();
    let agent = scene.agent(1001, 60);
    agent.silent.lock().unwrap().insert(1003);
    let said = scene.drain(1001, "1m").said();
    assert!(
        said.contains("broker 1003 does not answer") && said.contains("going: it has its turn"),
        "{said}"
    );
}

#[test]
fn two_that_ask_at_once_go_one_after_the_other() {
    let scene = Scene::new();
    let agents = [1001, 1002].map(|id| scene.agent(id, 60));
    let mut drains = [1001, 1002].map(|id| scene.drain(id, "1m"));
    wait("one of the two may go", || drains.iter_mut().any(Drain::ended));
    let first = usize::from(drains[1].ended());
    let second = 1 - first;
    thread::sleep(Duration::from_secs(2));
    assert!(!drains[second].ended(), "not while the other is about to stop");
    agents[first].is(down);
    thread::sleep(Duration::from_secs(2));
    assert!(!drains[second].ended(), "nor while it is down");
    agents[first].is(back);
    let [one, two] = drains;
    let (one, two) = if first == 0 { (one.said(), two.said()) } else { (two.said(), one.said()) };
    assert!(one.contains("going: it has its turn and may stop"), "{one}");
    let held = format!("waiting: broker-{} has the turn", 1001 + first);
    assert!(two.contains(&held) && two.contains("going: it has its turn"), "{two}");
    let history = agents[first].history();
    assert_eq!(history.last().map(String::as_str), Some("given back: in sync"), "{history:?}");
    let told = agents[second].board.turn_told(agents[second].board.clock().boot()).unwrap();
    assert!(told.mine && told.holder_words().starts_with("this node has it since "), "{told:?}");
}

#[test]
fn the_hook_may_be_run_again_and_an_agent_may_start_anew_meanwhile() {
    let scene = Scene::new();
    let agent = scene.agent(1001, 60);
    assert!(scene.drain(1001, "1m").said().contains("going: it has its turn"));
    // The kubelet was restarted; and what was true of the cluster is not any more, by this very stop.
    agent.is(hurting(Block::BelowMin));
    assert!(scene.drain(1001, "1m").said().contains("going: it has its turn"));
    drop(agent);
    let agent = scene.agent(1001, 60);
    let holder = || agent.board.turn_told(agent.board.clock().boot()).and_then(|told| told.holder);
    wait("it knows that it has the turn", || holder().as_deref() == Some("broker-1001"));
    thread::sleep(Duration::from_secs(3));
    assert_eq!(holder().as_deref(), Some("broker-1001"), "in sync, and about to stop");
    agent.is(back);
    wait("it gives the turn back", || holder().is_none());
    assert!(!scene.run_dir(1001).join(pillion::init::STOP_MARK).exists());
}

#[test]
fn one_that_never_returns_loses_the_turn_in_the_end() {
    let scene = Scene::new();
    let gone = scene.agent(1001, 5);
    assert!(scene.drain(1001, "1m").said().contains("going: it has its turn"));
    drop(gone);
    let agent = scene.agent(1002, 5);
    let began = Instant::now();
    let said = scene.drain(1002, "1m").said();
    assert!(said.contains("waiting: broker-1001 has the turn"), "{said}");
    assert!(said.contains("waiting: it took the turn over from a node that is not heard of"), "{said}");
    assert!(said.contains("going: it has its turn"), "{said}");
    assert!(began.elapsed() >= Duration::from_secs(5), "not before it has expired");
    assert!(agent.history().contains(&"taken over from broker-1001".to_owned()), "{:?}", agent.history());
}

#[test]
fn one_whose_turn_it_is_and_may_not_stop_lets_the_others_go_first() {
    let scene = Scene::new();
    let agent = scene.agent(1001, 60);
    agent.is(hurting(Block::BelowMin));
    let mut waits = scene.drain(1001, "1m");
    thread::sleep(Duration::from_secs(2));
    let other = scene.agent(1002, 60);
    assert!(scene.drain(1002, "1m").said().contains("going: it has its turn"));
    assert!(!waits.ended());
    other.is(back);
    agent.is(healthy);
    assert!(waits.said().contains("going: it has its turn"));
}

#[test]
fn a_record_that_cannot_be_had_is_waited_for_and_told() {
    let scene = Scene::new();
    let keeper = TurnKeeper::File(scene.dir.path().join("nowhere/turn.json"));
    let turn = Turn { keeper, expires: Duration::from_secs(60) };
    let agent = Agent::start(1001, &scene.run_dir(1001), Some(turn));
    let said = scene.drain(1001, "3s").said();
    assert!(said.contains("waiting: nobody knows who has the turn"), "{said}");
    assert!(said.contains("nowhere/turn.json") && said.contains("going ALTHOUGH it should not"), "{said}");
    let told = agent.board.turn_told(agent.board.clock().boot()).unwrap();
    assert!(told.trouble.is_some() && told.holder_words() == "nobody knows who has it", "{told:?}");
}

#[test]
fn a_mark_of_a_turn_that_is_over_says_nothing() {
    let scene = Scene::new();
    let mark = scene.run_dir(1001).join(pillion::init::STOP_MARK);
    for turn in [None, Some(scene.turn(60))] {
        fs::write(&mark, "").unwrap();
        let agent = Agent::start(1001, &scene.run_dir(1001), turn);
        agent.is(hurting(Block::BelowMin));
        let said = scene.drain(1001, "2s").said();
        assert!(said.contains("waiting: below-min-isr: "), "{said}");
    }
}

#[test]
fn one_that_is_forced_to_count_as_ready_gives_its_turn_back() {
    let scene = Scene::new();
    let agent = scene.agent(1001, 60);
    assert!(scene.drain(1001, "1m").said().contains("going: it has its turn"));
    agent.is(|now| Observations { incarnation: back(now).incarnation, ..lagging(now, "orders", 3) });
    let holder = || agent.board.turn_told(agent.board.clock().boot()).and_then(|told| told.holder);
    thread::sleep(Duration::from_secs(2));
    assert!(holder().is_some(), "until it is in sync");
    let now = agent.board.clock().now();
    let request =
        pillion_probes::forced::parse("ready,for=5m,reason=x,by=y").map_err(|error| error.to_string());
    let first = pillion_probes::forced::FirstSeen::at(now.into());
    let source = pillion_probes::forced::Source::File;
    let stated = pillion_probes::forced::Stated { source, request, first, looked: now.boot };
    agent.board.stated().send_replace(Arc::new(vec![stated]));
    wait("it gives the turn back", || holder().is_none());
    let history = agent.history();
    assert!(history.contains(&"given back: forced to count as ready".to_owned()), "{history:?}");
}

/// What the port says at a path.
fn said(agent: &Agent, path: &str) -> String {
    let site = http::Site::new(Arc::clone(&agent.board));
    let answer = http::respond(&site, &hyper::Method::GET, &path.parse().unwrap(), &hyper::HeaderMap::new());
    let body = pillion::cli::block_on(async { answer.into_body().collect().await }).unwrap().unwrap();
    String::from_utf8(body.to_bytes().to_vec()).unwrap()
}

#[test]
fn who_has_the_turn_and_who_waits_is_shown() {
    let scene = Scene::new();
    let agents = [1001, 1002].map(|id| scene.agent(id, 60));
    assert!(scene.drain(1001, "1m").said().contains("going: it has its turn"));
    let waits = scene.drain(1002, "8s");
    let told = || said(&agents[1], "/status");
    wait("it waits", || told().contains("turn-held"));
    wait("its own node knows", || said(&agents[0], "/metrics").contains("\npillion_turn_held 1\n"));
    let metrics = said(&agents[1], "/metrics");
    assert!(metrics.contains("pillion_turn_held 0\n"), "{metrics}");
    assert!(metrics.contains("pillion_turn_holder_info{holder=\"broker-1001\"} 1\n"), "{metrics}");
    let page = said(&agents[1], "/");
    assert!(
        page.contains("broker-1001 has it since ") && page.contains("this node is to stop, since "),
        "{page}"
    );
    assert!(waits.said().contains("going ALTHOUGH it should not: the time is up: broker-1001 has the turn"));
}

#[test]
fn the_socket_is_for_the_user_of_the_node_alone() {
    let scene = Scene::new();
    let _agent = scene.agent(1001, 60);
    let socket = scene.run_dir(1001).join(http::SOCKET);
    wait("the socket is there", || socket.exists());
    assert_eq!(fs::metadata(&socket).unwrap().permissions().mode() & 0o777, 0o600);
}
