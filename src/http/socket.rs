//! A socket in the run directory, for the user of the node alone: whoever wants to stop the node asks here.

use std::{
    convert::Infallible,
    fs, io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use http_body_util::Full;
use hyper::{
    Method, Request, Response, StatusCode, Uri,
    body::{Bytes, Incoming},
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{UnixListener, UnixStream},
    task::JoinSet,
    time,
};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use super::{
    route::{JSON, Reply, TEXT, finish},
    serve::{bounded, pause},
};
use crate::{board::Board, files::TEMP_PREFIX};

/// Its name in the run directory.
pub const SOCKET: &str = "agent.sock";
/// `POST` there: somebody wants to stop the node. `?left=` says after how many milliseconds they go on in any case.
pub const DRAIN: &str = "/drain";
/// The parameter of [`DRAIN`].
pub const LEFT: &str = "left";

/// Most connections at a time; more wait.
const CONNECTIONS: usize = 16;
/// The longest that anybody may say they wait.
pub const LONGEST: Duration = Duration::from_secs(24 * 3600);
/// A connection ends after this.
const LIFE: Duration = Duration::from_secs(10);

/// Takes the socket's place in `run_dir`, also that of an agent before this one. Without it `pillion drain` goes on after
/// a few seconds, and says so; that must not keep the agent from running.
pub fn bind_socket(run_dir: &Path) -> Option<UnixListener> {
    let path = run_dir.join(SOCKET);
    match bind(run_dir, &path) {
        Ok(listener) => Some(listener),
        Err(error) => {
            warn!("failed to listen on {}: {error}; `pillion drain` will find nobody to ask", path.display());
            None
        }
    }
}

fn bind(run_dir: &Path, path: &Path) -> io::Result<UnixListener> {
    // It appears under its name when nobody but this user may use it.
    let aside: PathBuf = run_dir.join(format!("{TEMP_PREFIX}sock"));
    match fs::remove_file(&aside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(&aside)?;
    fs::set_permissions(&aside, fs::Permissions::from_mode(0o600))?;
    fs::rename(&aside, path)?;
    Ok(listener)
}

/// Answers on it until `shutdown`.
pub async fn serve_socket(listener: Option<UnixListener>, board: Arc<Board>, shutdown: CancellationToken) {
    let Some(listener) = listener else { return };
    let mut tasks = JoinSet::new();
    loop {
        while tasks.len() >= CONNECTIONS {
            tasks.join_next().await;
        }
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shutdown.cancelled() => return,
        };
        while tasks.try_join_next().is_some() {}
        match accepted {
            Ok((stream, _)) => drop(tasks.spawn(connection(stream, Arc::clone(&board)))),
            Err(error) => pause(&error).await,
        }
    }
}

async fn connection(stream: UnixStream, board: Arc<Board>) {
    let service = service_fn(|request: Request<Incoming>| {
        let answer = respond(&board, request.method(), request.uri());
        std::future::ready(Result::<_, Infallible>::Ok(answer))
    });
    let serving = bounded().serve_connection(TokioIo::new(stream), service);
    if let Ok(Err(error)) = time::timeout(LIFE, serving).await {
        debug!("connection ended: {error}");
    }
}

fn respond(board: &Board, method: &Method, uri: &Uri) -> Response<Full<Bytes>> {
    if method != Method::POST || uri.path() != DRAIN {
        return finish(Reply::new(StatusCode::NOT_FOUND, TEXT, "not-found: POST /drain?left=MILLISECONDS\n"));
    }
    let left = uri.query().and_then(|query| query.strip_prefix(LEFT)?.strip_prefix('=')?.parse().ok());
    let Some(left) = left.map(Duration::from_millis).filter(|left| *left <= LONGEST) else {
        let text = "bad-request: left is no number of milliseconds\n";
        return finish(Reply::new(StatusCode::BAD_REQUEST, TEXT, text));
    };
    let told = serde_json::to_vec(&board.drain(left)).unwrap_or_default();
    finish(Reply::new(StatusCode::OK, JSON, told))
}
