//! The port without a broker: what each path says, and what hostile callers get.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a failed step should stop the test where it stands"
)]

mod made_up;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use made_up::{
    Stepped,
    beside::{groups, refilling},
    board, empty, healthy, hung, lagging, on_zookeeper, voter,
};
use pillion::{
    board::{Board, Canary, Outcome, Status},
    http,
};
use pillion_probes::{
    forced::{self, FirstSeen, Source, Stated},
    lag::Excluded,
    observe::{Observations, Role},
    time::BootTime,
    voter::Flaw,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::{Instant, timeout},
};
use tokio_util::sync::CancellationToken;

struct Agent {
    board: Arc<Board>,
    clock: Stepped,
    at: SocketAddr,
    shutdown: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

struct Reply {
    status: u16,
    head: String,
    body: String,
}

impl Agent {
    async fn start(seen: impl FnOnce(BootTime) -> Observations) -> Self {
        let (board, clock) = board(seen);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let shutdown = CancellationToken::new();
        let task = tokio::spawn(http::serve(listener, Arc::clone(&board), shutdown.clone()));
        Self { board, clock, at, shutdown, task }
    }

    async fn get(&self, path: &str) -> Reply {
        self.send(&format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")).await
    }

    async fn send(&self, request: &str) -> Reply {
        let mut stream = TcpStream::connect(self.at).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await.unwrap();
        let text = String::from_utf8(bytes).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Reply { status, head: head.to_lowercase(), body: body.to_owned() }
    }

    fn state(&self, text: &str) {
        let now = self.clock.now().into();
        let request = forced::parse(text).map_err(|error| error.to_string());
        let first = FirstSeen::at(now);
        let stated = Stated { source: Source::File, request, first, looked: now.boot };
        self.board.stated().send_replace(Arc::new(vec![stated]));
    }
}

#[tokio::test]
async fn a_healthy_broker_says_on_what_evidence() {
    let agent = Agent::start(healthy).await;
    let ready = agent.get("/readyz").await;
    assert_eq!(ready.status, 200);
    assert_eq!(
        ready.body,
        "ready: in the ISR of all 120 assigned partitions, as of 0.6 s ago; contact with the quorum 0.4 s ago\n"
    );
    assert!(ready.head.contains("pillion-verdict: ready") && ready.head.contains("cache-control: no-store"));
    let live = agent.get("/livez").await;
    assert_eq!((live.status, live.body.as_str()), (200, "live: the node answers, last 0.1 s ago\n"));
    let started = agent.get("/startupz").await;
    assert_eq!(started.status, 200);
    assert!(started.body.starts_with("started: this life of the node first answered 80.0 s ago"));
    let stop = agent.get("/stopz").await;
    assert_eq!(stop.status, 200);
    let said = "stoppable: no partition would fall below its minimum without this broker";
    assert!(stop.body.starts_with(said) && stop.head.contains("pillion-verdict: stoppable"));
}

#[tokio::test]
async fn in_zookeeper_mode_it_says_who_agrees() {
    let agent = Agent::start(on_zookeeper).await;
    let ready = agent.get("/readyz?verbose").await;
    assert_eq!(ready.status, 200, "{}", ready.body);
    for part in [
        "in the ISR of all 120 assigned partitions, as of 0.6 s ago; 2 other brokers agree, 0.4 s ago",
        "evidence ok peers: 0.4 s old of 9.0 s allowed",
        "broker 1002 says in sync, broker 1003 says in sync",
    ] {
        assert!(ready.body.contains(part), "{part}: {}", ready.body);
    }
    assert!(!ready.body.contains("quorum"), "{}", ready.body);
    assert!(agent.get("/metrics").await.body.contains("pillion_peers_age_seconds 0.4"));
    agent.clock.step(Duration::from_secs(60));
    let stale = agent.get("/readyz").await;
    assert!(stale.status == 503 && stale.body.contains("peers-stale"), "{}", stale.body);
}

#[tokio::test]
async fn an_empty_broker_is_not_ready_vacuously() {
    let agent = Agent::start(empty).await;
    let ready = agent.get("/readyz").await;
    assert_eq!(ready.status, 200);
    assert_eq!(
        ready.body,
        "ready: no partition is assigned to this broker: a full scan as of 0.6 s ago found 3 topic(s) and none here, \
         and its log dirs hold none; contact with the quorum 0.4 s ago\n"
    );
    let blind = Agent::start(|now| Observations::nothing(Role::Broker, now)).await;
    let ready = blind.get("/readyz").await;
    assert_eq!(ready.status, 503);
    assert!(ready.body.starts_with("not-looked: "), "{}", ready.body);
}

#[tokio::test]
async fn a_controller_speaks_of_its_vote_alone() {
    let agent = Agent::start(voter).await;
    let ready = agent.get("/readyz").await;
    let said = "ready: a voter that is caught up with controller 2, the leader of epoch 7, as of 0.7 s ago\n";
    assert_eq!((ready.status, ready.body.as_str()), (200, said));
    let status: Status = serde_json::from_str(&agent.get("/status").await.body).unwrap();
    assert_eq!(status.settings[0].rule, "unknown-key");
    let names: Vec<_> = status.evidence.iter().map(|piece| piece.name.as_str()).collect();
    assert_eq!(names, ["answer", "vote", "process"]);
    assert!(status.partitions.is_none() && status.evidence[1].limit_seconds == Some(5.0));
    let page = agent.get("/").await.body;
    assert!(page.contains("a voter that keeps up") && !page.contains("Partitions of this broker"), "{page}");
    assert!(agent.get("/metrics").await.body.contains("pillion_vote_age_seconds 0.7"));

    agent.clock.step(Duration::from_millis(4300));
    assert_eq!(agent.get("/readyz").await.status, 200);
    agent.clock.step(Duration::from_millis(1));
    let ready = agent.get("/readyz").await;
    assert!(ready.status == 503 && ready.body.starts_with("quorum-contact-lost: "), "{}", ready.body);
    let removed = Agent::start(|now| {
        let mut seen = voter(now);
        seen.vote.flaw = Some(Flaw::NotAVoter { leader: 2 });
        seen
    });
    let ready = removed.await.get("/readyz").await;
    assert!(ready.status == 503 && ready.body.contains("add-controller"), "{}", ready.body);
}

#[tokio::test]
async fn it_judges_when_asked() {
    let agent = Agent::start(healthy).await;
    assert_eq!(agent.get("/readyz").await.status, 200);
    assert_eq!(agent.get("/agentz").await.status, 200);
    agent.clock.step(Duration::from_secs(60));
    let stale = agent.get("/readyz").await;
    assert_eq!(stale.status, 503);
    let codes: Vec<&str> = stale.body.lines().map(|line| line.split(':').next().unwrap()).collect();
    assert_eq!(codes, ["quorum-contact-lost", "scan-stale", "log-dirs-stale"]);
    assert_eq!(agent.get("/livez").await.status, 200);
    let stalled = agent.get("/agentz").await;
    assert_eq!(stalled.status, 503);
    assert!(stalled.body.starts_with("agent-stalled: "));
    agent.board.tick();
    assert_eq!(agent.get("/agentz").await.status, 200);
}

#[tokio::test]
async fn dead_is_said_in_its_own_word() {
    let agent = Agent::start(hung).await;
    let live = agent.get("/livez").await;
    assert_eq!(live.status, 503);
    assert!(live.head.contains("pillion-verdict: dead") && live.body.starts_with("broker-hung: "));
    // An override never touches it.
    agent.state("ready,for=30m,reason=INC-1");
    assert_eq!(agent.get("/livez").await.status, 503);
    assert_eq!(agent.get("/readyz").await.status, 200);
}

#[tokio::test]
async fn forced_says_so_with_the_truth_and_ends() {
    let agent = Agent::start(|now| lagging(now, "orders", 3)).await;
    agent.state("ready,for=30m,reason=INC-1,by=alice");
    let forced = agent.get("/readyz").await;
    assert_eq!(forced.status, 200);
    assert!(forced.head.contains("pillion-verdict: forced-ready"));
    let lines: Vec<&str> = forced.body.lines().collect();
    assert!(lines[0].starts_with("override-ready: forced ready by alice (file) since 2023-11-14T22:15:00Z"));
    assert!(lines[0].contains("reason: INC-1"), "{}", lines[0]);
    assert_eq!(lines[1], "true-verdict: not ready");
    assert!(
        lines[2].starts_with("out-of-isr: 3 of 103 assigned partition(s) not in the ISR: orders-0, orders-1")
    );
    agent.clock.step(Duration::from_secs(1799));
    agent.board.publish(lagging(agent.clock.now().boot, "orders", 3));
    agent.state("ready,for=30m,reason=INC-1,by=alice"); // A fresh look; the helper also dates the first sight anew.
    assert_eq!(agent.get("/readyz").await.status, 200);
    agent.clock.step(Duration::from_secs(1800));
    agent.board.publish(lagging(agent.clock.now().boot, "orders", 3));
    let expired = agent.get("/readyz").await;
    assert_eq!(expired.status, 503);
    assert!(expired.body.contains("\noverride-expired: "), "{}", expired.body);
}

#[tokio::test]
async fn held_and_ignored_overrides_say_so() {
    let agent = Agent::start(healthy).await;
    agent.state("hold,for=30m,reason=disk swap");
    let held = agent.get("/readyz").await;
    assert_eq!(held.status, 503);
    assert!(held.head.contains("pillion-verdict: held"));
    assert!(held.body.starts_with("override-hold: held not ready (file) since"));
    assert!(held.body.contains("true-verdict: ready\nready: in the ISR"));
    agent.state("ready,for=30m");
    let ignored = agent.get("/readyz").await;
    assert_eq!(ignored.status, 200);
    assert!(ignored.body.contains("override-ignored: the override (file) is ignored: reason= is required"));
}

#[tokio::test]
async fn everything_on_request() {
    let agent = Agent::start(|now| lagging(now, "orders", 3)).await;
    agent.board.tick();
    let verbose = agent.get("/readyz?verbose").await;
    assert_eq!(verbose.status, 503);
    for part in ["verdict live: yes", "verdict ready: no", "evidence ok contact: 0.4 s old of 4.5 s allowed"]
    {
        assert!(verbose.body.contains(part), "{part}: {}", verbose.body);
    }
    let json = agent
        .send("GET /readyz HTTP/1.1\r\nhost: x\r\naccept: application/json\r\nconnection: close\r\n\r\n")
        .await;
    assert_eq!(json.status, 503);
    let status: Status = serde_json::from_str(&json.body).unwrap();
    assert_eq!(status.partitions.unwrap().not_in_sync, 3);
    assert_eq!(status.verdicts.ready.reasons[0].partitions.len(), 3);
    let status: Status = serde_json::from_str(&agent.get("/status").await.body).unwrap();
    assert_eq!((status.identity.broker_id, status.history.is_empty()), (1001, false));
}

#[tokio::test]
async fn metrics_carry_help_and_unit() {
    let agent = Agent::start(|now| lagging(now, "orders", 3)).await;
    agent.state("ready,for=30m,reason=INC-1");
    agent.get("/livez").await;
    let metrics = agent.get("/metrics").await;
    assert!(metrics.head.contains("application/openmetrics-text"));
    for line in [
        "pillion_live 1",
        "pillion_ready 0",
        "pillion_ready_effective 1",
        "pillion_stoppable 1",
        "pillion_reason{verdict=\"ready\",code=\"out-of-isr\"} 1",
        "pillion_contact_age_seconds 0.4",
        "pillion_assigned_partitions 103",
        "pillion_out_of_isr_partitions 3",
        "pillion_scan_size_bytes 48000",
        "pillion_applied_offset 81234",
        "pillion_incarnation 1",
        "pillion_settings_findings{severity=\"warning\"} 1",
        "pillion_settings_findings{severity=\"note\"} 0",
        "pillion_override_active{kind=\"ready\"} 1",
        "pillion_override_left_seconds 1800.0",
        "pillion_http_requests_total{path=\"/livez\"} 1",
        "# UNIT pillion_scan_age_seconds seconds",
        "# EOF",
    ] {
        assert!(metrics.body.lines().any(|there| there == line), "{line}\n{}", metrics.body);
    }
    let series = metrics.body.lines().filter(|line| line.starts_with("# TYPE")).count();
    let helped = metrics.body.lines().filter(|line| line.starts_with("# HELP")).count();
    assert_eq!(series, helped);
}

#[tokio::test]
async fn a_refill_is_told_as_long_as_it_is_news() {
    let agent = Agent::start(refilling).await;
    let metrics = agent.get("/metrics").await.body;
    for line in [
        "pillion_refill_partitions 3",
        "pillion_refill_left_bytes 314572800",
        "pillion_refill_rate_bytes_per_second 10485760",
        "pillion_refill_time_left_seconds 30.0",
    ] {
        assert!(metrics.lines().any(|there| there == line), "{line}\n{metrics}");
    }
    let words =
        "3 partition(s) not in sync lack 300 MiB of 400 MiB, less by 10 MiB a second, about 30.0 s to go";
    let limit = "follower.replication.throttled.rate of broker 1003: 20 MiB a second";
    let page = agent.get("/").await.body;
    assert!(page.contains(words) && page.contains(limit), "{page}");
    let status: Status = serde_json::from_str(&agent.get("/status").await.body).unwrap();
    let told = status.refill.unwrap();
    assert_eq!((told.words().as_str(), told.limits().count()), (words, 1));
    assert!(told.limits().all(|said| said.starts_with(limit)));
    // Who is cut off has no newer look, and this one is over.
    agent.clock.step(Duration::from_secs(200));
    let metrics = agent.get("/metrics").await.body;
    assert!(!metrics.contains("pillion_refill"), "{metrics}");
    agent.board.publish(healthy(agent.clock.now().boot));
    let metrics = agent.get("/metrics").await.body;
    assert!(metrics.contains("\npillion_refill_left_bytes 0\n"), "{metrics}");
    assert!(!metrics.contains("pillion_refill_rate_bytes_per_second"), "{metrics}");
}

#[tokio::test]
async fn the_page_is_one_bounded_file_that_escapes_names() {
    let agent = Agent::start(|now| lagging(now, "<script>alert(1)</script>", 30)).await;
    for round in 0..300 {
        agent.clock.step(Duration::from_millis(250));
        let now = agent.clock.now().boot;
        let seen = if round % 2 == 0 { healthy(now) } else { lagging(now, &"<b>".repeat(80), 30) };
        agent.board.publish(seen);
        agent.board.tick();
    }
    let page = agent.get("/").await;
    assert_eq!(page.status, 200);
    assert!(page.body.len() < 50 * 1024, "{} bytes", page.body.len());
    assert!(!page.body.contains("<b><b>") && page.body.contains("&lt;b&gt;&lt;b&gt;"));
    assert!(!page.body.contains("{{"), "all is filled in");
    assert!(!page.body.contains("http://") && !page.body.contains("https://"), "no outside assets");
    assert!(page.head.contains("content-security-policy: default-src 'none'"));
}

#[tokio::test]
async fn other_methods_and_paths_are_told() {
    let agent = Agent::start(healthy).await;
    let missing = agent.get("/ready").await;
    assert_eq!(missing.status, 404);
    assert!(missing.body.contains("/readyz"));
    let head = agent.send("HEAD /readyz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    let post = agent.send("POST /readyz HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n\r\nabcd").await;
    assert_eq!(post.status, 405);
    assert!(post.head.contains("allow: get, head") && post.body.contains("pillion override"));
    for index in 0..10_000 {
        let uri = format!("/{index}").parse().unwrap();
        assert_eq!(route(&agent, &uri), 404);
    }
    let metrics = agent.get("/metrics").await.body;
    let paths = metrics.lines().filter(|line| line.starts_with("pillion_http_requests_total")).count();
    assert_eq!(paths, 9, "a path that is not ours makes no series");
}

fn route(agent: &Agent, uri: &hyper::Uri) -> u16 {
    let site = http::Site::new(Arc::clone(&agent.board));
    http::respond(&site, &hyper::Method::GET, uri, &hyper::HeaderMap::new()).status().as_u16()
}

#[tokio::test]
async fn hostile_requests_are_bounded() {
    let agent = Agent::start(healthy).await;
    let huge = format!("GET / HTTP/1.1\r\nhost: x\r\nx: {}\r\n\r\n", "y".repeat(100_000));
    let mut stream = TcpStream::connect(agent.at).await.unwrap();
    let _ = stream.write_all(huge.as_bytes()).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 431"), "{}", String::from_utf8_lossy(&answer));
    for garbage in [&b"\x16\x03\x01\x02\x00\x01\x00"[..], b"\0\0\0\x10garbage\r\n\r\n", b"GET\r\n\r\n"] {
        let mut stream = TcpStream::connect(agent.at).await.unwrap();
        stream.write_all(garbage).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut answer = Vec::new();
        let read = timeout(Duration::from_secs(6), stream.read_to_end(&mut answer)).await;
        assert!(read.is_ok() && !answer.starts_with(b"HTTP/1.1 200"));
    }
    assert_eq!(agent.get("/readyz").await.status, 200);
}

#[tokio::test]
async fn idlers_and_drippers_do_not_starve_a_probe() {
    let agent = Agent::start(healthy).await;
    let mut idle = Vec::new();
    for _ in 0..http::CONNECTIONS * 2 {
        let mut stream = TcpStream::connect(agent.at).await.unwrap();
        stream.write_all(b"GET /readyz HTTP/1.1\r\nho").await.unwrap();
        idle.push(stream);
    }
    let asked = Instant::now();
    assert_eq!(agent.get("/readyz").await.status, 200);
    assert!(asked.elapsed() < Duration::from_millis(500), "{:?}", asked.elapsed());
    // A dripper is cut off by the deadline of the head, however it keeps dripping.
    let mut dripper = TcpStream::connect(agent.at).await.unwrap();
    let began = Instant::now();
    dripper.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
    while dripper.write_all(b"a: b\r\n").await.is_ok() && began.elapsed() < Duration::from_secs(20) {
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    let lasted = began.elapsed();
    assert!(lasted < http::HEADER_DEADLINE + Duration::from_secs(2), "{lasted:?}");
}

#[tokio::test]
async fn it_ends_at_once_with_idle_connections() {
    let agent = Agent::start(healthy).await;
    let _idle = TcpStream::connect(agent.at).await.unwrap();
    agent.get("/livez").await;
    agent.shutdown.cancel();
    timeout(Duration::from_secs(2), agent.task).await.unwrap().unwrap();
}

#[tokio::test]
async fn groups_are_told_while_they_are_this_brokers() {
    let agent = Agent::start(healthy).await;
    assert!(!agent.get("/metrics").await.body.contains("pillion_group"), "nobody asked for it");
    let now = agent.clock.now().boot;
    agent.board.lag(|lag| *lag = Some(groups(1, now.back(Duration::from_secs(2)))));
    let metrics = agent.get("/metrics").await.body;
    for line in [
        "pillion_group_lag_messages{group=\"billing\",topic=\"paid\"} 12",
        "pillion_group_lag_messages{group=\"billing\",topic=\"sent\"} 900",
        "pillion_group_lag_seconds{group=\"billing\",topic=\"paid\"} 3.0",
        "pillion_group_members{group=\"billing\"} 4",
        "pillion_groups_seen 3",
        "pillion_groups_left_out{why=\"lists\"} 1",
        "pillion_groups_left_out{why=\"denied\"} 1",
        "pillion_groups_left_out{why=\"max-groups\"} 0",
        "pillion_group_lag_age_seconds 2.0",
    ] {
        assert!(metrics.lines().any(|there| there == line), "{line}\n{metrics}");
    }
    assert!(
        !metrics.contains("pillion_group_lag_seconds{group=\"billing\",topic=\"sent\"}"),
        "it is not known"
    );
    let told: Status = serde_json::from_str(&agent.get("/status").await.body).unwrap();
    let lag = told.lag.unwrap();
    assert_eq!(lag.worst[0].words(), "912 message(s), more than 77.0 s, worst in sent (Stable, 4 member(s))");
    assert_eq!(lag.summary(), "3 consumer group(s) coordinated here, 2 left out; as of 2.0 s ago");
    assert_eq!((lag.groups_left_out[&Excluded::Lists], lag.groups_left_out[&Excluded::Denied]), (1, 1));
    assert_eq!((lag.left_out.len(), lag.left_out[0].group.as_str()), (1, "secret"), "the lists are no news");
    let page = agent.get("/").await.body;
    let row = "<th scope=row>billing</th><td>912 message(s), more than 77.0 s";
    assert!(page.contains("Consumer groups") && page.contains(row), "{page}");
    assert!(page.contains("secret: left out: the agent may not describe it"), "{page}");

    // Another life, and contact that was lost: another broker may tell of them by now.
    agent.board.lag(|lag| *lag = Some(groups(2, now)));
    assert!(!agent.get("/metrics").await.body.contains("pillion_group"));
    agent.board.lag(|lag| *lag = Some(groups(1, now)));
    assert!(agent.get("/metrics").await.body.contains("pillion_group_lag_messages{"));
    agent.clock.step(Duration::from_secs(30));
    assert!(!agent.get("/metrics").await.body.contains("pillion_group"));
    let told: Status = serde_json::from_str(&agent.get("/status").await.body).unwrap();
    assert!(told.lag.unwrap().worst.is_empty());
}

#[tokio::test]
async fn the_canary_is_up_while_it_comes_back() {
    let agent = Agent::start(healthy).await;
    assert!(!agent.get("/metrics").await.body.contains("pillion_canary"), "there is none");
    assert!(!agent.get("/").await.body.contains("Canary"), "nor on the page");
    let note = |outcome| {
        let now = agent.clock.now().boot;
        agent.board.canary(|canary| {
            let canary = canary.get_or_insert_with(|| Canary::new("pillion-canary"));
            canary.note(outcome, now, Duration::from_millis(7));
        });
    };
    note(Outcome::Ok);
    agent.clock.step(Duration::from_secs(5));
    let metrics = agent.get("/metrics").await.body;
    for line in [
        "pillion_canary_up 1",
        "pillion_canary_attempts_total{outcome=\"ok\"} 1",
        "pillion_canary_attempts_total{outcome=\"not-committed\"} 0",
        "pillion_canary_latency_seconds_count 1",
        "pillion_canary_latency_seconds_bucket{le=\"0.01\"} 1",
        "pillion_canary_latency_seconds_bucket{le=\"0.005\"} 0",
        "pillion_canary_age_seconds 5.0",
    ] {
        assert!(metrics.lines().any(|there| there == line), "{line}\n{metrics}");
    }
    note(Outcome::NotCommitted);
    assert!(agent.get("/metrics").await.body.contains("pillion_canary_up 0"));
    let told: Status = serde_json::from_str(&agent.get("/status").await.body).unwrap();
    assert_eq!(told.canary.unwrap().summary(), "not-committed, last good 5.0 s ago in 7 ms (pillion-canary)");
    let page = agent.get("/").await.body;
    assert!(page.contains("<p class=ignored>not-committed, last good 5.0 s ago"), "{page}");
    note(Outcome::Ok);
    assert!(agent.get("/metrics").await.body.contains("pillion_canary_up 1"));
    // A broker that does not answer is not asked.
    agent.clock.step(Duration::from_secs(31));
    assert!(agent.get("/metrics").await.body.contains("pillion_canary_up 0"));
}
