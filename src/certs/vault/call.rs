//! One request to Vault.

use std::time::Duration;

use http_body_util::Full;
use hyper::{
    Request,
    body::Bytes,
    header::{CONTENT_TYPE, HOST, USER_AGENT},
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use super::{Vault, fault::Why};
use crate::{
    files::read_capped,
    https::{self, Trust},
};

/// What one request may take.
const DEADLINE: Duration = Duration::from_secs(5);
/// Largest answer that is read.
const ANSWER_CAP: usize = 1 << 20;
/// Largest CA bundle.
const AUTHORITY_CAP: u64 = 1 << 20;

/// What Vault says against a request.
#[derive(Deserialize)]
struct Refusal {
    errors: Vec<String>,
}

impl Vault {
    /// Posts `body` to `path` below `/v1`.
    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        token: Option<&str>,
        body: &Value,
    ) -> Result<T, Why> {
        let request = self.request(path, token, body)?;
        let asked = self.server.ask(&self.trust()?, request, DEADLINE, ANSWER_CAP).await;
        let (status, answer) = asked.map_err(Why::NoAnswer)?;
        if !status.is_success() {
            let said = serde_json::from_slice::<Refusal>(&answer).map(|refusal| refusal.errors.join("; "));
            let said = said.unwrap_or_else(|_| String::from_utf8_lossy(&answer).into_owned());
            let said = said.trim().chars().filter(|c| !c.is_control()).take(500).collect();
            return Err(Why::Refused { code: status.as_u16(), said });
        }
        serde_json::from_slice(&answer).map_err(|_| Why::Nonsense)
    }

    fn request(&self, path: &str, token: Option<&str>, body: &Value) -> Result<Request<Full<Bytes>>, Why> {
        let mut request = Request::post(format!("/v1/{path}"))
            .header(HOST, self.server.authority())
            .header(USER_AGENT, https::USER)
            .header(CONTENT_TYPE, "application/json")
            .header("X-Vault-Request", "true");
        if let Some(namespace) = &self.namespace {
            request = request.header("X-Vault-Namespace", namespace);
        }
        if let Some(token) = token {
            request = request.header("X-Vault-Token", https::secret_header(token).ok_or(Why::Nonsense)?);
        }
        request.body(Full::new(Bytes::from(body.to_string()))).map_err(|_| Why::BadPath)
    }

    fn trust(&self) -> Result<Trust, Why> {
        let pem = read_capped(&self.authority, AUTHORITY_CAP).map_err(Why::File)?;
        Trust::of_pem(&pem).ok_or(Why::NoAuthority)
    }
}
