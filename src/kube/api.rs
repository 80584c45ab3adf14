//! One request to the API server, as a pod makes it.

use std::{
    io,
    net::IpAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use http_body_util::{BodyExt, Full, Limited};
use hyper::{
    Method, Request, Response,
    body::{Bytes, Incoming},
    client::conn::http1,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue, USER_AGENT},
};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::{net::TcpStream, time::timeout};
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{
        self, ClientConfig, RootCertStore,
        crypto::aws_lc_rs,
        pki_types::{CertificateDer, ServerName, pem::PemObject},
    },
};

use super::Fault;
use crate::files::read_capped;

/// Where every pod that has a service account finds its token and the cluster's CA.
const CREDENTIALS: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
/// What one request may take.
const DEADLINE: Duration = Duration::from_secs(5);
/// Largest answer that is read.
const ANSWER_CAP: usize = 1 << 20;
/// Largest token or CA bundle.
const FILE_CAP: u64 = 1 << 20;
/// Of an object only its metadata: a node's status lists every image it holds.
const METADATA: &str = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json";
const USER: &str = concat!("pillion/", env!("CARGO_PKG_VERSION"));

/// The API server of this cluster, and who this pod is to it.
#[derive(Debug, Clone)]
pub struct Api {
    host: String,
    port: u16,
    credentials: PathBuf,
}

impl Api {
    /// As it is told to every pod.
    ///
    /// # Errors
    /// [`Fault::NotInPod`].
    pub fn of_pod() -> Result<Self, Fault> {
        let of = |name| std::env::var(name).ok().filter(|text| !text.is_empty());
        let host = of("KUBERNETES_SERVICE_HOST").ok_or(Fault::NotInPod)?;
        let port = of("KUBERNETES_SERVICE_PORT").and_then(|text| text.parse().ok()).ok_or(Fault::NotInPod)?;
        Ok(Self::new(&host, port, Path::new(CREDENTIALS)))
    }

    /// The one at this address, with the `token` and `ca.crt` of a directory.
    pub fn new(host: &str, port: u16, credentials: &Path) -> Self {
        Self { host: host.to_owned(), port, credentials: credentials.to_owned() }
    }

    /// Reads an object's metadata.
    pub(super) async fn get(&self, path: &str) -> Result<Value, Fault> {
        self.send(Method::GET, path, "application/json", None).await
    }

    /// Merges into an object (RFC 7396).
    pub(super) async fn merge(&self, path: &str, change: &Value) -> Result<Value, Fault> {
        self.send(Method::PATCH, path, "application/merge-patch+json", Some(change)).await
    }

    /// Creates an object.
    pub(super) async fn create(&self, path: &str, object: &Value) -> Result<Value, Fault> {
        self.send(Method::POST, path, "application/json", Some(object)).await
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        kind: &'static str,
        body: Option<&Value>,
    ) -> Result<Value, Fault> {
        let body = body.map(Value::to_string).unwrap_or_default();
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, self.authority())
            .header(USER_AGENT, USER)
            .header(ACCEPT, METADATA)
            .header(CONTENT_TYPE, kind)
            .header(AUTHORIZATION, self.token()?)
            .body(Full::new(Bytes::from(body)))
            .map_err(|error| Fault::Nonsense(error.to_string()))?;
        let tls = self.tls()?;
        timeout(DEADLINE, self.exchange(request, tls)).await.unwrap_or(Err(Fault::Silent))
    }

    async fn exchange(&self, request: Request<Full<Bytes>>, tls: TlsConnector) -> Result<Value, Fault> {
        let stream = self.connect(tls).await?;
        let lost = |error: hyper::Error| Fault::Unreachable(innermost(&error));
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(lost)?;
        let answer = async {
            let answer = sender.send_request(request).await.map_err(lost)?;
            read(answer).await
        };
        let (mut answer, mut connection) = (std::pin::pin!(answer), std::pin::pin!(connection));
        tokio::select! {
            biased;
            answer = &mut answer => answer,
            // What it brought may still lie there.
            _ = &mut connection => answer.await,
        }
    }

    async fn connect(&self, tls: TlsConnector) -> Result<TlsStream<TcpStream>, Fault> {
        let name = match self.host.parse::<IpAddr>() {
            Ok(address) => ServerName::IpAddress(address.into()),
            Err(_) => ServerName::try_from(self.host.clone())
                .map_err(|_| Fault::Nonsense(format!("{:?} is no host name", self.host)))?,
        };
        let unreachable = |error: io::Error| Fault::Unreachable(format!("{}: {error}", self.authority()));
        let stream = TcpStream::connect((&*self.host, self.port)).await.map_err(unreachable)?;
        tls.connect(name, stream).await.map_err(|error| {
            let of_tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
            match of_tls {
                Some(rustls::Error::InvalidCertificate(why)) => Fault::Untrusted(why.to_string()),
                Some(why) => Fault::Nonsense(why.to_string()),
                None => unreachable(error),
            }
        })
    }

    /// `host:port`, as in a URL.
    fn authority(&self) -> String {
        let Self { host, port, .. } = self;
        if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
    }

    fn file(&self, name: &str) -> Result<Vec<u8>, Fault> {
        let path = self.credentials.join(name);
        read_capped(&path, FILE_CAP)
            .map_err(|error| Fault::Credentials { path, why: error.fault.to_string() })
    }

    fn token(&self) -> Result<HeaderValue, Fault> {
        let token = self.file("token")?;
        let text = String::from_utf8_lossy(&token);
        let mut header = HeaderValue::from_str(&format!("Bearer {}", text.trim())).map_err(|_| {
            Fault::Credentials { path: self.credentials.join("token"), why: "it holds no token".to_owned() }
        })?;
        header.set_sensitive(true);
        Ok(header)
    }

    fn tls(&self) -> Result<TlsConnector, Fault> {
        let pem = self.file("ca.crt")?;
        let bad = || Fault::Credentials {
            path: self.credentials.join("ca.crt"),
            why: "it holds no certificate".to_owned(),
        };
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(&pem) {
            roots.add(certificate.map_err(|_| bad())?).map_err(|_| bad())?;
        }
        if roots.is_empty() {
            return Err(bad());
        }
        let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| Fault::Nonsense(error.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(TlsConnector::from(Arc::new(config)))
    }
}

/// The object, or what the API server says against it.
async fn read(answer: Response<Incoming>) -> Result<Value, Fault> {
    let status = answer.status();
    let body = Limited::new(answer.into_body(), ANSWER_CAP).collect().await;
    let body = body.map_err(|error| Fault::Unreachable(error.to_string()))?.to_bytes();
    let value = serde_json::from_slice::<Value>(&body);
    if status.is_success() {
        return value.map_err(|_| Fault::Nonsense("its answer is no JSON".to_owned()));
    }
    // A Status of Kubernetes; what stands before an API server answers in other words.
    let said = value.ok().and_then(|value| Some(value.get("message")?.as_str()?.to_owned()));
    let message = said.unwrap_or_else(|| String::from_utf8_lossy(&body).into_owned());
    let message: String = message.trim().chars().filter(|c| !c.is_control()).take(500).collect();
    Err(Fault::Refused { code: status.as_u16(), message })
}

/// The cause that lies deepest: hyper's own words say little.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}
