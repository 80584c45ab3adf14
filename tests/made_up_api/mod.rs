//! An API server made up: real TLS, answers as told.

use std::{
    convert::Infallible,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use futures_util::stream;
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::{
    HeaderMap, Response,
    body::{Bytes, Frame, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use pillion::kube::Api;
use serde_json::{Value, json};
use tokio::{
    net::TcpListener,
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    task::JoinHandle,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::aws_lc_rs,
        pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    },
};

/// A request as it arrived.
pub struct Request {
    pub method: String,
    pub path: String,
    headers: HeaderMap,
    body: Bytes,
}

impl Request {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// What is answered.
#[derive(Clone)]
pub enum Answer {
    Body(u16, String),
    /// Piece by piece, until the sender is dropped.
    Pieces(Arc<Mutex<Option<UnboundedReceiver<String>>>>),
    /// The connection is closed instead.
    Hangup,
}

impl Answer {
    pub fn raw(code: u16, body: &str) -> Self {
        Self::Body(code, body.to_owned())
    }

    pub fn json(code: u16, body: &Value) -> Self {
        Self::Body(code, body.to_string())
    }

    /// One that goes on as long as the sender lives.
    pub fn pieces() -> (UnboundedSender<String>, Self) {
        let (sender, receiver) = unbounded_channel();
        (sender, Self::Pieces(Arc::new(Mutex::new(Some(receiver)))))
    }

    fn body(self) -> Result<Response<UnsyncBoxBody<Bytes, Infallible>>, &'static str> {
        let (code, body) = match self {
            Self::Body(code, body) => (code, Full::new(Bytes::from(body)).boxed_unsync()),
            Self::Pieces(receiver) => {
                let receiver = receiver.lock().unwrap().take().ok_or("asked for once more")?;
                let pieces = stream::unfold(receiver, async |mut receiver| {
                    let piece: String = receiver.recv().await?;
                    Some((Ok(Frame::data(Bytes::from(piece))), receiver))
                });
                (200, StreamBody::new(pieces).boxed_unsync())
            }
            Self::Hangup => return Err("hang up"),
        };
        Ok(Response::builder().status(code).body(body).unwrap())
    }

    /// A failure in the words of Kubernetes.
    pub fn status(code: u16, message: &str) -> Self {
        Self::json(code, &json!({ "kind": "Status", "status": "Failure", "message": message, "code": code }))
    }
}

type Handler = Arc<dyn Fn(Request) -> Answer + Send + Sync>;

/// Serves until it is dropped. What its handler finds wrong with a request fails the test: the answer stays out.
pub struct Server {
    port: u16,
    directory: tempfile::TempDir,
    certificate: String,
    requests: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Server {
    pub async fn answering(answer: Answer) -> Self {
        Self::start(move |_| answer.clone()).await
    }

    pub async fn start(handler: impl Fn(Request) -> Answer + Send + Sync + 'static) -> Self {
        let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("ca.crt"), made.cert.pem()).unwrap();
        std::fs::write(directory.path().join("token"), "secret\n").unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests = Arc::new(AtomicUsize::new(0));
        let tls = TlsAcceptor::from(Arc::new(config));
        let task = tokio::spawn(serve(listener, tls, Arc::new(handler), Arc::clone(&requests)));
        Self { port, directory, certificate: made.cert.pem(), requests, task }
    }

    pub fn api(&self) -> Api {
        Api::new("127.0.0.1", self.port, self.directory.path())
    }

    pub fn credentials(&self) -> PathBuf {
        Path::to_owned(self.directory.path())
    }

    pub fn certificate(&self) -> &str {
        &self.certificate
    }

    /// Requests that were answered.
    pub fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Stops it; its port refuses from then on.
    pub async fn stop(&mut self) {
        self.task.abort();
        let _ = (&mut self.task).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: TcpListener, tls: TlsAcceptor, handler: Handler, requests: Arc<AtomicUsize>) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let (tls, handler, requests) = (tls.clone(), Arc::clone(&handler), Arc::clone(&requests));
        tokio::spawn(async move {
            // A client that does not trust the certificate ends the handshake.
            let Ok(stream) = tls.accept(stream).await else { return };
            let service = service_fn(|request: hyper::Request<Incoming>| {
                let (handler, requests) = (Arc::clone(&handler), Arc::clone(&requests));
                async move {
                    let (head, body) = request.into_parts();
                    let body =
                        body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
                    let (method, path) = (head.method.to_string(), head.uri.to_string());
                    requests.fetch_add(1, Ordering::SeqCst);
                    // No answer is an error to hyper, which closes the connection.
                    handler(Request { method, path, headers: head.headers, body }).body()
                }
            });
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}
