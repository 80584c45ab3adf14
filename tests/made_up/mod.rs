//! Made-up observations and a clock that is stepped, for tests without a broker.
#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "each test takes what it needs; a failed step should stop it"
)]

pub mod beside;

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use pillion::{
    board::{Board, Identity, Settings},
    clock::{Clock, Now},
    problem::SettingFinding,
};
use pillion_probes::{
    contact::Contact,
    hosting::Hosting,
    ledger::{Followed, Ledger},
    limits::Limits,
    observe::{Incarnation, Listing, LogDir, LogDirs, Observations, Process, Reach, Role, Silence},
    replicas::{Round, Tally},
    server::{Ensemble, Server, State},
    stops::Stops,
    time::BootTime,
    voter::{Standing, Vote},
    zookeeper::{self, Own, View},
};

/// The wall clock at boot: 2023-11-14T22:13:20Z.
pub const WALL_AT_BOOT: i64 = 1_700_000_000_000;

/// Milliseconds since boot, as the test wants them.
#[derive(Clone, Debug)]
pub struct Stepped(Arc<AtomicU64>);

impl Stepped {
    pub fn at(ms: u64) -> Self {
        Self(Arc::new(AtomicU64::new(ms)))
    }

    pub fn step(&self, by: Duration) {
        self.0.fetch_add(u64::try_from(by.as_millis()).unwrap(), Ordering::SeqCst);
    }

    pub fn now(&self) -> Now {
        let ms = self.0.load(Ordering::SeqCst);
        Now { boot: BootTime::from_millis(ms), wall_ms: WALL_AT_BOOT + i64::try_from(ms).unwrap() }
    }

    pub fn clock(&self) -> Clock {
        let this = self.clone();
        Clock::from_fn(move || this.now())
    }
}

pub fn settings(run_dir: Option<&Path>) -> Settings {
    Settings {
        identity: Identity {
            broker_id: 1001,
            zone: Some("eu-1a".into()),
            cluster: "orders".into(),
            mode: "kraft-broker".into(),
            pod: None,
        },
        limits: Limits::default(),
        override_cap: Duration::from_secs(7200),
        findings: vec![SettingFinding {
            severity: "warning".into(),
            rule: "unknown-key".into(),
            key: "num.network.thread".into(),
            place: "base.properties:2".into(),
            what: "Kafka 4.3 has no setting num.network.thread".into(),
            remedy: "did you mean num.network.threads?".into(),
        }],
        run_dir: run_dir.map(Path::to_owned),
    }
}

/// A broker with 120 partitions in sync at `now`, all evidence a little older.
pub fn healthy(now: BootTime) -> Observations {
    let ago = |ms| now.back(Duration::from_millis(ms));
    let stops = Some(Stops { asked: ago(20_000), ..Stops::default() });
    let tally = Tally { topics: 12, partitions: 360, assigned: 120, stops, ..Tally::default() };
    let dir = |path: &str, replicas| LogDir {
        path: path.into(),
        error: 0,
        replicas,
        total_bytes: Some(500 << 30),
        usable_bytes: Some(321 << 30),
        bytes: 170 << 30,
    };
    Observations {
        incarnation: Incarnation {
            number: 1,
            since: ago(90_000),
            answered: Some(ago(80_000)),
            last_answer: Some(ago(100)),
        },
        reach: (Reach::Answers, ago(80_000)),
        process: Some(Process {
            pid: 4711,
            started_ticks: 1,
            watched_since: ago(90_000),
            looked: ago(300),
            moved: ago(300),
            cpu_ms: 9000,
            io_bytes: Some(1 << 30),
        }),
        contact: Some(Contact { at: ago(400), current: ago(400), since: ago(80_000), read_index: ago(900) }),
        applied: Some((81_234, ago(200))),
        listing: Some(Listing { sent: ago(500), as_of: ago(600), listed: true }),
        round: Some(Arc::new(Round {
            started: ago(700),
            finished: ago(640),
            as_of: ago(600),
            bytes: 48_000,
            tally,
        })),
        log_dirs: Some(Arc::new(LogDirs {
            sent: ago(2000),
            answered: ago(1990),
            dirs: vec![dir("/data/0", 60), dir("/data/1", 60)],
            missing: Vec::new(),
        })),
        hosting: Some(Hosting { asked: ago(2000), ..Hosting::default() }),
        ledger: Some(Ledger::Follows(Followed {
            read: ago(100),
            end: 81_240,
            fenced: false,
            delay_ms: Some(42),
            agreed: Some(ago(25_000)),
            counts: true,
        })),
        ..Observations::nothing(Role::Broker, ago(95_000))
    }
}

/// A controller that follows, and keeps up.
pub fn voter(now: BootTime) -> Observations {
    let standing = Standing {
        at: now.back(Duration::from_millis(700)),
        leader: 2,
        epoch: 7,
        leads: false,
        unseats: None,
    };
    let Observations { agent_started, incarnation, reach, process, .. } = healthy(now);
    Observations {
        incarnation,
        reach,
        process,
        vote: Vote { standing: Some(standing), ..Vote::default() },
        ..Observations::nothing(Role::Controller, agent_started)
    }
}

/// A `ZooKeeper` server that leads three.
pub fn zookeeper_server(now: BootTime) -> Observations {
    let Observations { agent_started, incarnation, reach, process, .. } = healthy(now);
    let server = Server {
        sent: now.back(Duration::from_millis(700)),
        state: State::Leader,
        latency_us: Some([0, 500, 12_000]),
        outstanding: Some(0),
        connections: Some(4),
        ensemble: Some(Ensemble { voters: 3, synced: 2 }),
    };
    Observations {
        incarnation,
        reach,
        process,
        server: Some(server),
        ..Observations::nothing(Role::ZooKeeperServer, agent_started)
    }
}

/// The same, without a partition in the cluster that is this broker's.
pub fn empty(now: BootTime) -> Observations {
    let mut seen = healthy(now);
    let round = Arc::make_mut(seen.round.as_mut().unwrap());
    round.tally = Tally { topics: 3, partitions: 30, ..Tally::default() };
    for dir in &mut Arc::make_mut(seen.log_dirs.as_mut().unwrap()).dirs {
        dir.replicas = 0;
    }
    seen.nothing_assigned_since = Some(now.back(Duration::from_secs(60)));
    seen
}

/// The same in `ZooKeeper` mode, where two others say so too.
pub fn on_zookeeper(now: BootTime) -> Observations {
    let mut seen = healthy(now);
    (seen.role, seen.contact, seen.applied, seen.zookeeper) = (Role::ZooKeeper, None, None, Some(now));
    seen.ledger = None;
    let tally = seen.round.as_deref().map(|round| round.tally.clone()).unwrap();
    let view = |broker, sent| View {
        broker,
        sent,
        answered: sent,
        brokers: vec![1001, 1002, 1003],
        lists_us: true,
        controller: 1002,
        tally: tally.clone(),
    };
    for ms in [3400, 2400, 400] {
        let started = now.back(Duration::from_millis(ms));
        let views = vec![view(1002, started), view(1003, started)];
        let round = zookeeper::Round { started, views, ..zookeeper::Round::default() };
        seen.testimony.take(round, Own { id: 1001, listed: true, tally: Some(&tally) }, &Limits::default());
    }
    seen
}

/// The same, with partitions that are not in sync; `topic` names them.
pub fn lagging(now: BootTime, topic: &str, count: i32) -> Observations {
    let mut seen = healthy(now);
    let round = Arc::make_mut(seen.round.as_mut().unwrap());
    round.tally.assigned = 100;
    for partition in 0..count {
        round.tally.count_assigned(partition, false, true, false, || topic.to_owned());
    }
    seen
}

/// Hung for long enough, by every sign.
pub fn hung(now: BootTime) -> Observations {
    let mut seen = healthy(now);
    let long_ago = now.back(Duration::from_secs(70));
    seen.reach = (Reach::Silent, long_ago);
    seen.silence = Silence { old_connection: Some(long_ago), new_connection: Some(long_ago) };
    if let Some(process) = &mut seen.process {
        process.moved = long_ago;
    }
    seen
}

/// A board over `seen` at 100 s after boot, with its clock.
pub fn board(seen: impl FnOnce(BootTime) -> Observations) -> (Arc<Board>, Stepped) {
    board_of(1001, seen)
}

/// The same of the broker with this id.
pub fn board_of(id: i32, seen: impl FnOnce(BootTime) -> Observations) -> (Arc<Board>, Stepped) {
    let clock = Stepped::at(100_000);
    let mut settings = settings(None);
    settings.identity.broker_id = id;
    let board = Board::new(settings, clock.clock(), seen(clock.now().boot));
    (board, clock)
}
