//! Accepts connections within bounds: so many, with heads so large, for so long.

use std::{collections::VecDeque, convert::Infallible, io, net::IpAddr, sync::Arc, time::Duration};

use http_body_util::Full;
use hyper::{
    Request, Response,
    body::{Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    task::{AbortHandle, JoinSet},
    time,
};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use super::{Site, respond};
use crate::board::Board;

/// Most connections at a time. One more pushes out the oldest: a kubelet's probe must not wait behind idlers.
pub const CONNECTIONS: usize = 64;

/// A request's head must be complete within this, and a connection that is kept must bring the next one.
pub const HEADER_DEADLINE: Duration = Duration::from_secs(5);

/// A connection ends after this, so that nobody who does not read keeps one for ever.
const LONGEST: Duration = Duration::from_secs(60);

/// Largest head of a request. The least that hyper takes.
const HEAD: usize = 8192;

/// How long answers under way may take at the end.
const LAST_ANSWERS: Duration = Duration::from_millis(500);

/// Serves `board` on `listener` until `shutdown`, then lets answers under way end.
pub async fn serve(listener: TcpListener, board: Arc<Board>, shutdown: CancellationToken) {
    let site = Arc::new(Site::new(board));
    let mut tasks = JoinSet::new();
    let mut open: VecDeque<AbortHandle> = VecDeque::with_capacity(CONNECTIONS + 1);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shutdown.cancelled() => break,
        };
        while tasks.try_join_next().is_some() {}
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                pause(&error).await;
                continue;
            }
        };
        if open.len() >= CONNECTIONS {
            open.retain(|task| !task.is_finished());
        }
        if open.len() >= CONNECTIONS
            && let Some(oldest) = open.pop_front()
        {
            oldest.abort();
        }
        open.push_back(tasks.spawn(connection(stream, Arc::clone(&site), shutdown.clone())));
    }
    drop(listener);
    let _ = time::timeout(LAST_ANSWERS, async { while tasks.join_next().await.is_some() {} }).await;
    tasks.shutdown().await;
}

/// HTTP whose heads are small and soon complete.
pub(super) fn bounded() -> http1::Builder {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEADER_DEADLINE).max_buf_size(HEAD).max_headers(64);
    http
}

/// Out of file descriptors, for one: the loop must not spin meanwhile.
pub(super) async fn pause(error: &io::Error) {
    warn!("failed to accept a connection: {error}");
    time::sleep(Duration::from_millis(50)).await;
}

async fn connection(stream: TcpStream, site: Arc<Site>, shutdown: CancellationToken) {
    let _ = stream.set_nodelay(true);
    let peer: Option<IpAddr> = stream.peer_addr().ok().map(|peer| peer.ip());
    let service = service_fn(|request: Request<Incoming>| {
        let answer = respond(&site, request.method(), request.uri(), request.headers());
        std::future::ready(Answer::Ok(answer))
    });
    let serving = bounded().serve_connection(TokioIo::new(stream), service);
    tokio::pin!(serving);
    let ended = tokio::select! {
        ended = serving.as_mut() => ended,
        () = shutdown.cancelled() => finish(serving).await,
        () = time::sleep(LONGEST) => finish(serving).await,
    };
    if let Err(error) = ended {
        debug!(?peer, "connection ended: {error}");
    }
}

type Answer = Result<Response<Full<Bytes>>, Infallible>;

async fn finish<S, F>(
    mut serving: std::pin::Pin<&mut http1::Connection<TokioIo<TcpStream>, S>>,
) -> hyper::Result<()>
where
    S: hyper::service::Service<
            Request<Incoming>,
            Response = Response<Full<Bytes>>,
            Error = Infallible,
            Future = F,
        >,
    F: Future<Output = Answer>,
{
    serving.as_mut().graceful_shutdown();
    time::timeout(LAST_ANSWERS, serving).await.unwrap_or(Ok(()))
}
