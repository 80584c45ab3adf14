//! The two servers, each on a thread and a runtime of its own, until the process ends.

use std::{convert::Infallible, io, net::SocketAddr, sync::Arc, thread, time::Duration};

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Request, Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use pillion::{
    board::{self, Board, Identity, Settings},
    cli,
    clock::Clock,
    http,
};
use pillion_probes::{
    contact::Contact,
    forced::DEFAULT_CAP,
    hosting::Hosting,
    limits::Limits,
    observe::{Incarnation, Listing, LogDir, LogDirs, Observations, Reach, Role},
    replicas::{Round, Tally},
    resources::{Container, Interface, Process, Space},
    time::BootTime,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Starts the agent's port over a broker that is made to look in sync; its loop and its observers run beside it.
pub(super) fn agent() -> io::Result<SocketAddr> {
    let (listener, at) = listen()?;
    thread::spawn(move || {
        cli::block_on(async {
            let clock = Clock::system();
            let settings = Settings {
                identity: Identity::default(),
                limits: Limits::default(),
                override_cap: DEFAULT_CAP,
                findings: Vec::new(),
                run_dir: None,
            };
            let never = CancellationToken::new();
            let board = Board::new(settings, clock.clone(), in_sync(clock.boot()));
            measure(&board, clock.boot());
            tokio::spawn(Arc::clone(&board).run(never.clone()));
            tokio::spawn(http::serve(TcpListener::from_std(listener)?, Arc::clone(&board), never));
            loop {
                board.publish(in_sync(clock.boot()));
                tokio::time::sleep(Duration::from_millis(250)).await;
            }
            #[expect(unreachable_code, reason = "names the error's type")]
            io::Result::Ok(())
        })
    });
    Ok(at)
}

/// Starts hyper with nothing on it.
pub(super) fn bare() -> io::Result<SocketAddr> {
    let (listener, at) = listen()?;
    thread::spawn(move || {
        cli::block_on(async {
            let listener = TcpListener::from_std(listener)?;
            loop {
                let (stream, _) = listener.accept().await?;
                stream.set_nodelay(true)?;
                let service = service_fn(|_: Request<Incoming>| async {
                    Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"ok\n"))))
                });
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
            #[expect(unreachable_code, reason = "names the error's type")]
            io::Result::Ok(())
        })
    });
    Ok(at)
}

/// Two log dirs, a process, a container and a network, as one look tells of them.
fn measure(board: &Board, now: BootTime) {
    board.measure(|all| {
        all.log_dirs = ["/data/0", "/data/1"].map(|path| log_dir(path, now)).into();
        all.process = Some((now, Process { open_files: Some(800), sockets: Some(40), ..Process::default() }));
        let memory_usage = Some(6 << 30);
        all.container = Some((now, Container { memory_usage, oom_kills: Some(0), ..Container::default() }));
        all.network = Some((now, vec![Interface { name: "eth0".into(), ..Interface::default() }]));
    });
}

fn log_dir(path: &str, now: BootTime) -> board::LogDir {
    let mut dir = board::LogDir::new(path, None);
    dir.answer(now, Ok(Space { size: 1 << 40, available: 1 << 39, ..Space::default() }));
    dir
}

fn listen() -> io::Result<(std::net::TcpListener, SocketAddr)> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    listener.set_nonblocking(true)?;
    let at = listener.local_addr()?;
    Ok((listener, at))
}

/// A broker with 3,000 partitions in sync at `now`.
fn in_sync(now: BootTime) -> Observations {
    let tally = Tally { topics: 300, partitions: 9000, assigned: 3000, ..Tally::default() };
    let dir = LogDir {
        path: "/data".into(),
        error: 0,
        replicas: 3000,
        total_bytes: None,
        usable_bytes: None,
        bytes: 0,
    };
    Observations {
        incarnation: Incarnation { number: 1, since: now, answered: Some(now), last_answer: Some(now) },
        reach: (Reach::Answers, now),
        contact: Some(Contact { at: now, current: now, since: now, read_index: now }),
        listing: Some(Listing { sent: now, as_of: now, listed: true }),
        round: Some(Arc::new(Round { started: now, finished: now, as_of: now, bytes: 1 << 20, tally })),
        log_dirs: Some(Arc::new(LogDirs { sent: now, answered: now, dirs: vec![dir], missing: Vec::new() })),
        hosting: Some(Hosting { asked: now, ..Hosting::default() }),
        ..Observations::nothing(Role::Broker, now)
    }
}
