//! The command line as kubelets, scripts and people meet it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed step should stop the test where it stands")]

mod made_up;

use std::{
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpListener},
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Output},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use assert_cmd::cargo::cargo_bin;
use made_up::{board_of, healthy, hung, lagging};
use pillion::{
    board::{Board, LogDir, Status},
    http,
};
use pillion_probes::{
    forced::{self, FirstSeen, Source, Stated},
    observe::Observations,
    resources::Space,
    time::BootTime,
};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

/// Serves a board on a thread of its own until it is dropped.
struct Agent {
    at: String,
    board: Arc<Board>,
    shutdown: CancellationToken,
}

impl Agent {
    fn start(seen: impl FnOnce(BootTime) -> Observations) -> Self {
        Self::of(1001, seen)
    }

    fn of(id: i32, seen: impl FnOnce(BootTime) -> Observations) -> Self {
        let (board, _) = board_of(id, seen);
        board.tick();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap().to_string();
        listener.set_nonblocking(true).unwrap();
        let shutdown = CancellationToken::new();
        let (served, ended) = (Arc::clone(&board), shutdown.clone());
        thread::spawn(move || {
            pillion::cli::block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                http::serve(listener, served, ended).await;
            })
        });
        Self { at, board, shutdown }
    }

    fn state(&self, text: &str) {
        let now = self.board.clock().now().into();
        let request = forced::parse(text).map_err(|error| error.to_string());
        let stated = Stated { source: Source::File, request, first: FirstSeen::at(now), looked: now.boot };
        self.board.stated().send_replace(Arc::new(vec![stated]));
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

/// A server that is not ours: answers whatever it is asked with `answer`, or only takes the connection.
fn stranger(answer: Option<&'static [u8]>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let Some(answer) = answer else {
                thread::sleep(Duration::from_secs(5));
                continue;
            };
            let _ = stream.read(&mut [0; 1024]);
            let _ = stream.write_all(answer);
        }
    });
    at
}

fn pillion(args: &[&str]) -> Output {
    let mut command = Command::new(cargo_bin!("pillion"));
    command.env_clear().env("USER", "alice").args(args).output().unwrap()
}

fn code(args: &[&str]) -> i32 {
    pillion(args).status.code().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn probe_live_fails_open() {
    let dead = Agent::start(hung);
    assert_eq!(code(&["probe", "live", "--address", &dead.at]), 1, "an explicit dead, and nothing else");
    let alive = Agent::start(healthy);
    assert_eq!(code(&["probe", "live", "--address", &alive.at]), 0);
    let strangers: [Option<&[u8]>; 7] = [
        None,
        Some(b""),
        Some(b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 5\r\n\r\ndead\n"),
        Some(b"HTTP/1.1 503 Service Unavailable\r\npillion-verdict: not-ready\r\n\r\n"),
        Some(b"HTTP/1.1 500 Oops\r\npillion-verdict: dead\r\n\r\n"),
        Some(b"SSH-2.0-OpenSSH_9.6\r\n"),
        Some(b"HTTP/1.1 503 Service Unavailable\r\npillion-verdict: dead\r\ncontent-length: 9"),
    ];
    for answer in strangers {
        let at = stranger(answer).to_string();
        let began = Instant::now();
        assert_eq!(code(&["probe", "live", "--address", &at, "--timeout", "300ms"]), 0, "{answer:?}");
        assert!(began.elapsed() < Duration::from_millis(2500), "{answer:?} took {:?}", began.elapsed());
    }
    let closed = { TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string() };
    for args in [
        &["probe", "live", "--address", &closed][..],
        &["probe", "live", "--address", "nowhere.invalid:1", "--timeout", "300ms"],
        &["probe", "live", "--address", "nonsense"],
        &["probe", "live", "--timeout", "soon"],
        &["probe", "live", "--bogus"],
        &["probe", "--bogus", "live"],
        &["probe", "live", "extra"],
        &["probe", "live", "--help"],
    ] {
        assert_eq!(code(args), 0, "{args:?}");
    }
    let told = pillion(&["probe", "live", "--bogus"]);
    assert!(stderr(&told).contains("--bogus"));
}

#[test]
fn the_other_probes_fail_closed() {
    let ready = Agent::start(healthy);
    let yes = pillion(&["probe", "ready", "--url", &format!("http://{}/", ready.at)]);
    assert_eq!(yes.status.code(), Some(0));
    assert!(stdout(&yes).starts_with("ready: in the ISR of all 120"));
    assert_eq!(code(&["probe", "started", "--address", &ready.at]), 0);
    assert_eq!(code(&["probe", "stop", "--address", &ready.at]), 0);
    assert!(pillion(&["probe", "ready", "-q", "--address", &ready.at]).stdout.is_empty());
    ready.state("hold,for=1m,reason=x");
    assert_eq!(code(&["probe", "ready", "--address", &ready.at]), 1);
    let lagging = Agent::start(|now| lagging(now, "orders", 2));
    assert_eq!(code(&["probe", "ready", "--address", &lagging.at]), 1);
    lagging.state("ready,for=1m,reason=x");
    assert_eq!(code(&["probe", "ready", "--address", &lagging.at]), 0);
    let parrot = stranger(Some(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")).to_string();
    for args in [
        &["probe", "ready", "--address", &parrot][..],
        &["probe", "ready", "--address", "nonsense"],
        &["probe", "ready", "--bogus"],
        &["probe", "redy"],
        &["probe"],
    ] {
        assert_eq!(code(args), 1, "{args:?}");
    }
}

#[test]
fn exit_codes_are_an_interface() {
    use pillion::cli::Exit;
    let codes =
        [Exit::Yes, Exit::No, Exit::BadConfig, Exit::Unavailable, Exit::TryAgain].map(|exit| exit as u8);
    assert_eq!(codes, [0, 1, 64, 69, 75]);
    assert_eq!(code(&["bogus"]), 64);
    assert_eq!(code(&["--version"]), 0);
    let help = stdout(&pillion(&["--help"]));
    for part in ["69  something depended on cannot be reached", "pillion override ready"] {
        assert!(help.contains(part), "{help}");
    }
    for shell in ["bash", "zsh", "fish"] {
        assert!(stdout(&pillion(&["completions", shell])).contains("override"));
    }
}

#[test]
fn status_is_read_by_people_and_machines() {
    let agent = Agent::start(|now| lagging(now, "orders\u{1b}[31m", 12));
    let text = pillion(&["status", "--address", &agent.at]);
    assert_eq!(text.status.code(), Some(0), "{}", stderr(&text));
    let text = stdout(&text);
    for part in [
        "✗ NOT READY  broker 1001, cluster orders, zone eu-1a",
        "12 of 112 assigned partition(s) not in the ISR",
        "→ wait while it catches up",
        "and 4 more",
        "ready     no (out-of-isr)",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    assert!(!text.contains('\u{1b}'), "no colour and no steering into a pipe");
    let json = pillion(&["status", "-o", "json", "--address", &agent.at]);
    let status: Status = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(status.partitions.unwrap().not_in_sync, 12);
    let gone = pillion(&["status", "--address", &stranger(Some(b"")).to_string()]);
    assert_eq!(gone.status.code(), Some(69));
    assert!(stderr(&gone).contains("is the sidecar running there?"));
}

#[test]
fn a_whole_cluster_is_one_table() {
    let healthy = Agent::of(1002, healthy);
    healthy.board.measure(|all| {
        let now = healthy.board.clock().boot();
        let mut dir = LogDir::new("/data/0", None);
        dir.ask(now);
        let space =
            Space { size: 1000, available: 51, inodes: None, available_inodes: None, read_only: false };
        dir.answer(now, Ok(space));
        all.log_dirs = vec![dir];
    });
    let lagging = Agent::of(1001, |now| lagging(now, "orders\u{1b}[31m", 12));
    let forced = Agent::of(1003, |now| made_up::lagging(now, "payments", 1));
    forced.state("ready,for=30m,reason=INC-7,by=alice");
    let closed = { TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string() };
    let list = [&*healthy.at, &*lagging.at, &*forced.at, &*closed, &*healthy.at].join(",");
    let told = pillion(&["status", "--cluster", &list]);
    assert_eq!(told.status.code(), Some(69), "one of them does not answer");
    let text = stdout(&told);
    assert!(!text.contains('\u{1b}'), "no colour and no steering into a pipe");
    assert!(
        text.starts_with("2 of 4 ready, 1 by an override, 1 without an answer, cluster orders"),
        "{text}"
    );
    let row = |start: &str| text.lines().find(|line| line.trim_start().starts_with(start)).unwrap_or(&text);
    for (start, part) in [
        ("broker 1001", "✗ no"),
        ("broker 1001", "12 of 112"),
        ("broker 1002", "✓ yes"),
        ("broker 1002", "5 % left"),
        ("broker 1003", "! forced (truly no)"),
        (&closed, "? no answer"),
    ] {
        assert!(row(start).contains(part), "{start}: {part}\n{text}");
    }
    assert!(text.contains("broker 1001: 12 of 112 assigned partition(s) not in the ISR"), "{text}");
    assert!(text.contains(&format!("{closed}: no answer: ")), "{text}");
    let order: Vec<_> =
        ["broker 1001", "broker 1002", "broker 1003", &closed].map(|one| text.find(one)).into();
    assert!(order.is_sorted() && order.iter().all(Option::is_some), "{text}");

    let all_answer = pillion(&["status", "-o", "json", "--cluster", &healthy.at]);
    assert_eq!(all_answer.status.code(), Some(0));
    let json: serde_json::Value = serde_json::from_slice(&all_answer.stdout).unwrap();
    assert_eq!(json["nodes"][0]["address"], healthy.at.as_str());
    let status: Status = serde_json::from_value(json["nodes"][0]["status"].clone()).unwrap();
    assert_eq!(status.identity.broker_id, 1002);
}

#[test]
fn a_cluster_of_nobody_is_a_wrong_question() {
    let told = pillion(&["status", "--cluster", " , "]);
    assert_eq!(told.status.code(), Some(64));
    assert!(stderr(&told).contains("names nobody"), "{}", stderr(&told));
    let many = (1..=300).map(|port| format!("127.0.0.1:{port}")).collect::<Vec<_>>().join(",");
    let told = pillion(&["status", "--cluster", &many]);
    assert_eq!(told.status.code(), Some(64));
    assert!(stderr(&told).contains("at most 256"), "{}", stderr(&told));
    let unknown = pillion(&["status", "--timeout", "3s", "--cluster", "nobody.invalid"]);
    assert_eq!(unknown.status.code(), Some(69));
    assert!(
        stdout(&unknown).contains("nobody.invalid:9440: the name is not resolved"),
        "{}",
        stdout(&unknown)
    );
}

/// Whom it is about must be said, and be somebody; scripts that asked for an object get one when nobody can be asked.
#[test]
fn questions_to_the_cluster_are_checked_before_they_are_asked() {
    let asked = ["--bootstrap", "127.0.0.1:1"];
    for (args, words) in [
        (&["stop-check"][..], "<--brokers <ID>|--zone <ZONE>>"),
        (&["stop-check", "--zone", ""], "--zone"),
        (&["stop-check", "--brokers", "1001", "--zone", "a"], "cannot be used with"),
        (&["stop-check", "--brokers=-1"], "-1 is not in 0.."),
        (&["decommission-check", "--broker=-1"], "-1 is not in 0.."),
        (&["unregister", "--broker=-1"], "-1 is not in 0.."),
    ] {
        let output = pillion(&[args, &asked].concat());
        assert_eq!(output.status.code(), Some(64), "{args:?}");
        assert!(stderr(&output).contains(words), "{args:?}: {}", stderr(&output));
    }
    for command in [["stop-check", "--brokers", "1001"], ["decommission-check", "--broker", "1001"]] {
        let output = pillion(&[&command[..], &asked, &["--json"]].concat());
        assert_eq!(output.status.code(), Some(69));
        let said: serde_json::Value = serde_json::from_str(&stdout(&output)).unwrap();
        assert!(said["error"].as_str().unwrap().contains("nobody can be asked: 127.0.0.1:1"), "{said}");
    }
}

fn in_dir(dir: &Path, args: &[&str]) -> Output {
    let dir = dir.to_str().unwrap();
    pillion(&[&["override", "--run-dir", dir], args].concat())
}

#[test]
fn override_is_validated_before_it_is_written() {
    let dir = TempDir::new().unwrap();
    let stray = pillion(&["override", "clear", "--run-dir", dir.path().to_str().unwrap()]);
    assert_eq!(stray.status.code(), Some(64), "nobody listens in a directory that init did not prepare");
    fs::write(dir.path().join("identity.json"), "{}").unwrap();
    let path = dir.path().join("override");
    for (args, words) in [
        (&["ready", "--for", "30m"][..], "--reason"),
        (&["ready", "--reason", "x"], "--for"),
        (&["ready", "--reason", "x", "--for", "soon"], "no length of time"),
        (&["ready", "--reason", "x", "--for", "3h"], "the most that is allowed"),
        (&["ready", "--reason", "a, b", "--for", "3m"], "cannot hold a comma"),
        (&["ready", "--reason", "x", "--until", "2020-01-01T00:00:00Z"], "already past"),
        (&["ready", "--reason", "x", "--until", "tomorrow"], "RFC 3339"),
        (&["force", "--reason", "x", "--for", "3m"], "force"),
    ] {
        let refused = in_dir(dir.path(), args);
        assert_eq!(refused.status.code(), Some(64), "{args:?}");
        assert!(stderr(&refused).contains(words), "{args:?}: {}", stderr(&refused));
        assert!(!path.exists(), "{args:?}");
    }
    let done = in_dir(dir.path(), &["ready", "--reason", "INC-1", "--for", "30m"]);
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    let told = stdout(&done);
    assert!(told.contains("forced ready by alice") && told.contains("PodDisruptionBudgets"), "{told}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "ready,for=30m,reason=INC-1,by=alice\n");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
    assert!(stdout(&in_dir(dir.path(), &["show"])).contains("reason: INC-1"));
    let held = in_dir(dir.path(), &["hold", "--reason", "swap", "--for", "1h", "--by", "bob"]);
    assert!(stdout(&held).contains("held not ready by bob"));
    let cleared = in_dir(dir.path(), &["clear"]);
    assert!(stdout(&cleared).contains("kubectl annotate pod POD pillion.dev/override-"));
    assert!(!path.exists());
    assert!(stdout(&in_dir(dir.path(), &["show"])).starts_with("no override"));
    let nowhere = in_dir(Path::new("/nonexistent"), &["hold", "--reason", "x", "--for", "1m"]);
    assert_eq!(nowhere.status.code(), Some(64));
}

#[test]
fn an_annotation_is_shown_and_what_removes_it() {
    let dir = TempDir::new().unwrap();
    let info = dir.path().join("podinfo");
    fs::create_dir(&info).unwrap();
    let annotate = |text: &str| fs::write(info.join("override"), text).unwrap();
    let identity = serde_json::json!({
        "format": 1, "id": 1002, "ordinal": 1, "zone": null, "cluster": "c", "clusterId": "x", "mode": "kraft-broker",
        "listener": { "name": "P", "host": "h", "port": 1, "protocol": "PLAINTEXT" }, "controllers": [], "logDirs": [],
        "metadataLogDir": "/d", "kafkaVersion": "4.3.1", "pillionVersion": "0", "settingsDigest": "",
        "pod": { "name": "kafka-1", "namespace": "prod", "info": info },
    });
    fs::write(dir.path().join("identity.json"), identity.to_string()).unwrap();
    let remove = "kubectl annotate pod -n prod kafka-1 pillion.dev/override-";
    // The volume is mounted in another container than this: nobody knows.
    assert!(stdout(&in_dir(dir.path(), &["clear"])).contains(&format!("that stays: {remove}")));
    assert!(stdout(&in_dir(dir.path(), &["show"])).contains("not to be seen in this container"));
    annotate("");
    let cleared = in_dir(dir.path(), &["clear"]);
    assert!(cleared.status.success() && !stdout(&cleared).contains("kubectl"), "{cleared:?}");
    assert!(stdout(&in_dir(dir.path(), &["show"])).contains("override is empty"));
    let stated = in_dir(dir.path(), &["ready", "--reason", "it's late", "--for", "30m"]);
    let line = "kubectl annotate pod -n prod kafka-1 --overwrite \
                pillion.dev/override='ready,for=30m,reason=it'\\''s late,by=alice'";
    assert!(stdout(&stated).contains(line), "{stated:?}");

    annotate("ready,for=1h,reason=INC-2,by=bob");
    assert!(
        stdout(&in_dir(dir.path(), &["hold", "--reason", "x", "--for", "1m"]))
            .contains("The pod has an annotation, too")
    );
    let shown = stdout(&in_dir(dir.path(), &["show"]));
    assert!(
        shown.contains("file: hold,")
            && shown.contains("annotation: ready,")
            && shown.contains("held not ready"),
        "{shown}"
    );
    let cleared = in_dir(dir.path(), &["clear"]);
    assert_eq!(cleared.status.code(), Some(1), "readiness is still forced");
    let told = stdout(&cleared);
    assert!(
        told.contains("forced ready by bob (annotation)")
            && told.contains(&format!("Remove it with: {remove}\n")),
        "{told}"
    );
    annotate("ready");
    let cleared = in_dir(dir.path(), &["clear"]);
    assert!(cleared.status.success() && stdout(&cleared).contains("is ignored"), "{cleared:?}");
}

#[test]
fn install_leaves_a_copy_of_itself() {
    let dir = TempDir::new().unwrap();
    let into = dir.path().join("new/run");
    let install = || pillion(&["install", into.to_str().unwrap()]);
    assert!(stdout(&install()).ends_with("/new/run/pillion written\n"));
    let copy = into.join("pillion");
    assert_eq!(fs::metadata(&copy).unwrap().permissions().mode() & 0o7777, 0o755);
    assert_eq!(fs::read(&copy).unwrap(), fs::read(cargo_bin("pillion")).unwrap());
    assert!(stdout(&install()).ends_with("unchanged\n"));
    // The copy itself may be run so.
    assert!(Command::new(&copy).args(["install", into.to_str().unwrap()]).status().unwrap().success());
    let failed = pillion(&["install", "/proc/nowhere"]);
    assert!(failed.status.code() == Some(1) && stderr(&failed).contains("failed to create"), "{failed:?}");
}

#[test]
fn an_override_that_may_not_be_read_is_told() {
    if !is_root() {
        return; // Only root can become somebody else.
    }
    let dir = tempfile::Builder::new().permissions(fs::Permissions::from_mode(0o755)).tempdir().unwrap();
    fs::write(dir.path().join("identity.json"), "{}").unwrap();
    let path = dir.path().join("override");
    fs::write(&path, "ready,for=1m,reason=x").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    // The build directory may be closed to others, so the binary goes along. By a process of its own: a file that is open
    // for writing here is inherited by what other tests start meanwhile, and cannot be run as long (ETXTBSY).
    let binary = dir.path().join("pillion");
    let copied = Command::new("cp").arg(cargo_bin!("pillion")).arg(&binary).status().unwrap();
    assert!(copied.success());
    let shown = Command::new("setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .arg(&binary)
        .args(["override", "show", "--run-dir"])
        .arg(dir.path())
        .output()
        .unwrap();
    assert!(stdout(&shown).contains("is ignored: permission denied"), "{shown:?}");
}

fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output().unwrap();
    output.stdout.trim_ascii() == b"0"
}
