//! Which path says what.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use http_body_util::Full;
use hyper::{
    HeaderMap, Method, Response, StatusCode, Uri,
    body::Bytes,
    header::{self, HeaderValue},
};

use super::{metrics, page, probe};
use crate::board::Board;

/// The paths, in the order of [`Site::served`]; all others are counted under `other`.
pub(super) const PATHS: [&str; 8] =
    ["/readyz", "/livez", "/startupz", "/stopz", "/agentz", "/metrics", "/status", "/"];

/// What the port serves.
#[derive(Debug)]
pub struct Site {
    pub(super) board: Arc<Board>,
    pub(super) served: [AtomicU64; PATHS.len() + 1],
}

impl Site {
    /// The site of `board`.
    pub fn new(board: Arc<Board>) -> Self {
        Self { board, served: Default::default() }
    }
}

/// An answer before it is one of HTTP.
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) kind: &'static str,
    pub(super) body: Bytes,
    /// For the probes: the answer in one word.
    pub(super) verdict: Option<&'static str>,
}

impl Reply {
    pub(super) fn new(status: StatusCode, kind: &'static str, body: impl Into<Bytes>) -> Self {
        Self { status, kind, body: body.into(), verdict: None }
    }

    fn text(status: StatusCode, body: &'static str) -> Self {
        Self::new(status, TEXT, Bytes::from_static(body.as_bytes()))
    }
}

pub(super) const TEXT: &str = "text/plain; charset=utf-8";
pub(super) const JSON: &str = "application/json";
const HTML: &str = "text/html; charset=utf-8";

const HELP: &str = "not-found: there is nothing at this path; try /livez /startupz /readyz /stopz /agentz (add ?verbose), \
                    /metrics, /status, or / in a browser\n";
const READ_ONLY: &str = "read-only: this port answers GET and HEAD only; to force or hold readiness use \
                         `pillion override` on the pod\n";

/// Answers one request. A request's body is never read.
pub fn respond(site: &Site, method: &Method, uri: &Uri, headers: &HeaderMap) -> Response<Full<Bytes>> {
    let path = uri.path();
    let known = PATHS.iter().position(|known| *known == path);
    site.served[known.unwrap_or(PATHS.len())].fetch_add(1, Ordering::Relaxed);
    if method != Method::GET && method != Method::HEAD {
        let mut refusal = finish(Reply::text(StatusCode::METHOD_NOT_ALLOWED, READ_ONLY));
        refusal.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        // Its body stays unread, so the connection cannot be used again.
        refusal.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        return refusal;
    }
    let detail = detail(uri, headers);
    // hyper leaves the body out for HEAD.
    let reply = match path {
        "/readyz" => probe::ready(&site.board, detail),
        "/livez" => probe::live(&site.board, detail),
        "/startupz" => probe::started(&site.board, detail),
        "/stopz" => probe::stoppable(&site.board, detail),
        "/agentz" => probe::agent(&site.board),
        "/metrics" => metrics::render(site),
        "/status" => Reply::new(StatusCode::OK, JSON, probe::json(&site.board)),
        "/" => Reply::new(StatusCode::OK, HTML, page::render(&site.board)),
        _ => Reply::text(StatusCode::NOT_FOUND, HELP),
    };
    let mut response = finish(reply);
    if path == "/" {
        let policy = HeaderValue::from_static(page::POLICY);
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

pub(super) fn finish(reply: Reply) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(reply.body));
    *response.status_mut() = reply.status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(reply.kind));
    // An answer is of its instant: whoever keeps it turns it into a lie.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Some(verdict) = reply.verdict {
        headers.insert(probe::VERDICT_HEADER, HeaderValue::from_static(verdict));
    }
    response
}

/// How much a probe tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Detail {
    /// The answer and its reasons.
    Plain,
    /// All verdicts and the evidence, as text.
    Verbose,
    /// Everything, as JSON.
    Json,
}

fn detail(uri: &Uri, headers: &HeaderMap) -> Detail {
    let accepted = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    if accepted.is_some_and(|accept| accept.contains(JSON)) {
        return Detail::Json;
    }
    let verbose = uri
        .query()
        .is_some_and(|query| query.split('&').any(|key| key == "verbose" || key.starts_with("verbose=")));
    if verbose { Detail::Verbose } else { Detail::Plain }
}
