//! One request to the API server, as a pod makes it.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use http_body_util::Full;
use hyper::{
    Method, Request, StatusCode,
    body::Bytes,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue, USER_AGENT},
};
use serde_json::Value;

use super::Fault;
use crate::{
    files::read_capped,
    https::{self, Answer, Server, Trust},
};

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
/// The whole object.
const WHOLE: &str = "application/json";

/// The API server of this cluster, and who this pod is to it.
#[derive(Debug, Clone)]
pub struct Api {
    server: Server,
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
        let server = Server { host: host.to_owned(), port };
        Self { server, credentials: credentials.to_owned() }
    }

    /// Reads an object's metadata.
    pub(super) async fn get(&self, path: &str) -> Result<Value, Fault> {
        self.send(Method::GET, path, METADATA, "application/json", None).await
    }

    /// Reads an object.
    pub(super) async fn get_whole(&self, path: &str) -> Result<Value, Fault> {
        self.send(Method::GET, path, WHOLE, "application/json", None).await
    }

    /// Merges into an object (RFC 7396).
    pub(super) async fn merge(&self, path: &str, change: &Value) -> Result<Value, Fault> {
        self.send(Method::PATCH, path, METADATA, "application/merge-patch+json", Some(change)).await
    }

    /// Creates an object.
    pub(super) async fn create(&self, path: &str, object: &Value) -> Result<Value, Fault> {
        self.send(Method::POST, path, METADATA, "application/json", Some(object)).await
    }

    /// Replaces an object, if it still is of the resourceVersion that `object` names.
    pub(super) async fn replace(&self, path: &str, object: &Value) -> Result<Value, Fault> {
        self.send(Method::PUT, path, WHOLE, "application/json", Some(object)).await
    }

    /// Begins a watch: its answer is a line an event.
    pub(super) async fn watch(&self, path: &str) -> Result<Answer, Fault> {
        let request = self.request(Method::GET, path, WHOLE, "application/json", None)?;
        let answer = self.server.open(&self.trust()?, request, DEADLINE).await?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        let status = answer.status();
        let body = tokio::time::timeout(DEADLINE, answer.whole(ANSWER_CAP)).await;
        Err(refused(status, &body.unwrap_or(Err(https::Fault::Silent))?))
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        accept: &'static str,
        kind: &'static str,
        body: Option<&Value>,
    ) -> Result<Value, Fault> {
        let request = self.request(method, path, accept, kind, body)?;
        let (status, body) = self.server.ask(&self.trust()?, request, DEADLINE, ANSWER_CAP).await?;
        if !status.is_success() {
            return Err(refused(status, &body));
        }
        serde_json::from_slice(&body).map_err(|_| Fault::Nonsense("its answer is no JSON".to_owned()))
    }

    fn request(
        &self,
        method: Method,
        path: &str,
        accept: &'static str,
        kind: &'static str,
        body: Option<&Value>,
    ) -> Result<Request<Full<Bytes>>, Fault> {
        let body = body.map(Value::to_string).unwrap_or_default();
        Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, self.server.authority())
            .header(USER_AGENT, https::USER)
            .header(ACCEPT, accept)
            .header(CONTENT_TYPE, kind)
            .header(AUTHORIZATION, self.token()?)
            .body(Full::new(Bytes::from(body)))
            .map_err(|error| Fault::Nonsense(error.to_string()))
    }

    fn file(&self, name: &str) -> Result<Vec<u8>, Fault> {
        let path = self.credentials.join(name);
        read_capped(&path, FILE_CAP)
            .map_err(|error| Fault::Credentials { path, why: error.fault.to_string() })
    }

    fn token(&self) -> Result<HeaderValue, Fault> {
        let token = self.file("token")?;
        let text = String::from_utf8_lossy(&token);
        https::secret_header(&format!("Bearer {}", text.trim())).ok_or_else(|| Fault::Credentials {
            path: self.credentials.join("token"),
            why: "it holds no token".to_owned(),
        })
    }

    fn trust(&self) -> Result<Trust, Fault> {
        let bad = || Fault::Credentials {
            path: self.credentials.join("ca.crt"),
            why: "it holds no certificate".to_owned(),
        };
        Trust::of_pem(&self.file("ca.crt")?).ok_or_else(bad)
    }
}

/// What the API server says against it.
fn refused(status: StatusCode, body: &[u8]) -> Fault {
    // A Status of Kubernetes; what stands before an API server answers in other words.
    let value = serde_json::from_slice::<Value>(body).ok();
    let said = value.and_then(|value| Some(value.get("message")?.as_str()?.to_owned()));
    let message = said.unwrap_or_else(|| String::from_utf8_lossy(body).into_owned());
    Fault::refused(status.as_u16(), &message)
}
