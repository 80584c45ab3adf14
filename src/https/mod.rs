//! A small HTTPS client: a connection a request, TLS that trusts the given authorities and nobody else, answers capped.
//!
//! What is asked for by HTTPS is asked for now and then (a zone at the start, a certificate a day), so nothing is pooled
//! or kept; whoever asks reads its credentials anew, for they are renewed under it.

mod answer;
mod fault;

use std::{io, net::IpAddr, sync::Arc, time::Duration};

use http_body_util::Full;
use hyper::{Request, StatusCode, Uri, body::Bytes, client::conn::http1, header::HeaderValue};
use hyper_util::rt::TokioIo;
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
use tokio_util::task::AbortOnDropHandle;

pub use answer::Answer;
pub use fault::Fault;

/// How pillion names itself to a server.
pub const USER: &str = concat!("pillion/", env!("CARGO_PKG_VERSION"));

/// Where a server is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Host name or address, without brackets.
    pub host: String,
    /// Port.
    pub port: u16,
}

/// The authorities that may vouch for a server.
#[derive(Debug, Clone)]
pub struct Trust(Arc<ClientConfig>);

impl Trust {
    /// The certificates of a PEM file; `None`: it holds none, or one that cannot be read.
    pub fn of_pem(pem: &[u8]) -> Option<Self> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            roots.add(certificate.ok()?).ok()?;
        }
        if roots.is_empty() {
            return None;
        }
        let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .ok()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Some(Self(Arc::new(config)))
    }
}

/// A header that no log shows; `None`: it holds what a header may not.
pub fn secret_header(text: &str) -> Option<HeaderValue> {
    let mut header = HeaderValue::from_str(text).ok()?;
    header.set_sensitive(true);
    Some(header)
}

impl Server {
    /// The one of an address as in `https://vault:8200`; `None`: it is none, or more than that.
    pub fn of_address(address: &str) -> Option<Self> {
        let uri: Uri = address.parse().ok()?;
        let host = uri.host()?.trim_start_matches('[').trim_end_matches(']').to_owned();
        let alone = uri.path_and_query().is_none_or(|rest| rest == "/");
        let port = uri.port_u16().unwrap_or(443);
        (alone && uri.scheme_str() == Some("https")).then_some(Self { host, port })
    }

    /// `host:port`, as in a URL.
    pub fn authority(&self) -> String {
        let Self { host, port } = self;
        if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
    }

    /// Asks, and reads the whole answer, of `cap` bytes at the most, within `deadline`.
    ///
    /// # Errors
    /// No answer came; a status of any kind is one.
    pub async fn ask(
        &self,
        trust: &Trust,
        request: Request<Full<Bytes>>,
        deadline: Duration,
        cap: usize,
    ) -> Result<(StatusCode, Bytes), Fault> {
        let whole = async {
            let answer = self.exchange(trust, request).await?;
            Ok((answer.status(), answer.whole(cap).await?))
        };
        timeout(deadline, whole).await.unwrap_or(Err(Fault::Silent))
    }

    /// Asks, and waits for the beginning of the answer; the rest comes as it comes.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub async fn open(
        &self,
        trust: &Trust,
        request: Request<Full<Bytes>>,
        deadline: Duration,
    ) -> Result<Answer, Fault> {
        timeout(deadline, self.exchange(trust, request)).await.unwrap_or(Err(Fault::Silent))
    }

    async fn exchange(&self, trust: &Trust, request: Request<Full<Bytes>>) -> Result<Answer, Fault> {
        let stream = self.connect(trust).await?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(fault::lost)?;
        let connection = AbortOnDropHandle::new(tokio::spawn(async {
            // How it ends is told to whoever waits for the answer.
            let _ = connection.await;
        }));
        let response = sender.send_request(request).await.map_err(fault::lost)?;
        Ok(Answer::new(response, connection))
    }

    async fn connect(&self, trust: &Trust) -> Result<TlsStream<TcpStream>, Fault> {
        let name = match self.host.parse::<IpAddr>() {
            Ok(address) => ServerName::IpAddress(address.into()),
            Err(_) => ServerName::try_from(self.host.clone())
                .map_err(|_| Fault::Nonsense(format!("{:?} is no host name", self.host)))?,
        };
        let unreachable = |error: io::Error| Fault::Unreachable(format!("{}: {error}", self.authority()));
        let stream = TcpStream::connect((&*self.host, self.port)).await.map_err(unreachable)?;
        TlsConnector::from(Arc::clone(&trust.0)).connect(name, stream).await.map_err(|error| {
            let of_tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
            match of_tls {
                Some(rustls::Error::InvalidCertificate(why)) => Fault::Untrusted(why.to_string()),
                Some(why) => Fault::Nonsense(why.to_string()),
                None => unreachable(error),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_server_by_https_and_nothing_more() {
        let of = |host: &str, port| Some(Server { host: host.to_owned(), port });
        assert_eq!(Server::of_address("https://vault:8200"), of("vault", 8200));
        assert_eq!(Server::of_address("https://vault.example/"), of("vault.example", 443));
        assert_eq!(Server::of_address("https://[::1]:8200"), of("::1", 8200));
        for none in ["vault:8200", "http://vault:8200", "https://vault:8200/v1", "https://", ""] {
            assert_eq!(Server::of_address(none), None, "{none}");
        }
    }
}
