//! What nodes in all kinds of trouble publish, as Prometheus reads it. The nodes are made up, the text is the product's own.
#![allow(dead_code, reason = "each test takes what it needs")]

use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, SystemTime},
};

use pillion::{
    board::{Board, Errand, Settings, Trouble, TurnTold},
    http,
};
use pillion_probes::{
    certificates::{Known, Life, Print},
    forced::{self, FirstSeen, Source, Stated},
    observe::Observations,
    time::BootTime,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_util::sync::CancellationToken;

use crate::made_up::{Stepped, lagging, on_zookeeper, settings, voter, zookeeper_server};

/// Figures that the made-up nodes do not have: values made up, in trouble. `made_up_series_are_real` holds their names against
/// those that the product documents.
pub const BESIDE: &str = include_str!("beside.txt");

/// A broker that lags and has every trouble there is, a controller, one in `ZooKeeper` mode, and a `ZooKeeper` server: a text
/// each.
pub fn nodes() -> Vec<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (troubled, clock) = board(1001, "kraft-broker", |now| lagging(now, "orders", 3));
    trouble(&troubled, &clock);
    let (controller, _) = board(1, "kraft-controller", voter);
    let (on_zookeeper, _) = board(1002, "zookeeper", |now| {
        let zookeeper = Some(now.back(Duration::from_millis(800)));
        Observations { zookeeper, ..on_zookeeper(now) }
    });
    let (server, _) = board(1, "zookeeper-server", zookeeper_server);
    let read = |board| runtime.block_on(metrics(board));
    let broker = read(troubled).replace("# EOF\n", &format!("{BESIDE}# EOF\n"));
    vec![broker, read(controller), read(on_zookeeper), read(server)]
}

/// The names of all their series.
pub fn names() -> BTreeSet<String> {
    let name = |line: &str| line.split(['{', ' ']).next().unwrap().to_owned();
    let all = nodes();
    all.iter().flat_map(|text| text.lines()).filter(|line| !line.starts_with('#')).map(name).collect()
}

fn board(id: i32, mode: &str, seen: impl FnOnce(BootTime) -> Observations) -> (Arc<Board>, Stepped) {
    let mut all: Settings = settings(None);
    (all.identity.broker_id, all.identity.mode) = (id, mode.to_owned());
    let clock = Stepped::at(100_000);
    let board = Board::new(all, clock.clock(), seen(clock.now().boot));
    (board, clock)
}

fn trouble(board: &Board, clock: &Stepped) {
    let why = || Trouble { text: "it is made up".into(), remedy: "none".into() };
    for errand in [Errand::Identity, Errand::Events] {
        board.errand(errand, |course| course.trouble = Some(why()));
    }
    // By the clock of this machine, as Prometheus has it: it ends in an hour.
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs().cast_signed();
    let known = Known {
        source: "directory /certs".into(),
        installed: Some(Life { print: Print([7; 32]), not_before: now - 86400, not_after: now + 3600 }),
        authority_until: Some(now + 86400),
        started_with: Some(Life { print: Print([6; 32]), not_before: now - 86400, not_after: now + 3600 }),
        last_rotation: Some(now - 80000),
        last_proof: Some(now - 60),
        failures: [("certificate-expiring".to_owned(), 1)].into(),
        ..Known::default()
    };
    board.certify(|all| all.listeners.insert("TLS".into(), known));
    let told = TurnTold {
        kept: "the Lease kafka-turn".into(),
        holder: Some("broker-1001".into()),
        mine: true,
        trouble: Some(why()),
        ..TurnTold::default()
    };
    board.turn(|turn| turn.told = told);
    board.drain(Duration::from_secs(300));
    clock.step(Duration::from_secs(1));
    board.drain(Duration::from_secs(299));
    let (request, first) = (forced::parse("ready,for=30m,reason=INC-1"), FirstSeen::at(clock.now().into()));
    let request = request.map_err(|error| error.to_string());
    let stated = Stated { source: Source::File, request, first, looked: clock.now().boot };
    board.stated().send_replace(Arc::new(vec![stated]));
}

async fn metrics(board: Arc<Board>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let serving = tokio::spawn(http::serve(listener, board, CancellationToken::new()));
    let mut stream = TcpStream::connect(at).await.unwrap();
    stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    serving.abort();
    text.split_once("\r\n\r\n").unwrap().1.to_owned()
}

/// The series that a text with expressions in it speaks of, by their names.
pub fn spoken_of(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':'));
    words.filter(|word| word.starts_with("pillion_")).map(str::to_owned).collect()
}
