//! TLS with trust and certificate from files.

use std::net::IpAddr;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::Resumption;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{self, ClientConfig, RootCertStore};
use x509_parser::prelude::{FromDer, X509Certificate};
use zeroize::Zeroizing;

use super::TlsFault;
use crate::files::read_capped;
use crate::kafka::WireError;

/// Largest file of certificates or keys.
const FILE_CAP: u64 = 1 << 20;
/// Between two looks at the files.
const LOOK: Duration = Duration::from_secs(1);

/// The files that TLS needs, all PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The authorities that are trusted.
    pub authority: PathBuf,
    /// Our certificate with its chain, and its key, which may stand in one file; `None`: we have none.
    pub own: Option<(PathBuf, PathBuf)>,
}

/// TLS by files, which are looked at anew at most once a second.
#[derive(Debug)]
pub struct Tls {
    files: TlsFiles,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    looked: Option<Instant>,
    stamps: Vec<Stamp>,
    loaded: Option<Arc<Loaded>>,
}

/// By which a file is told from what it was: modification, length and place; `None`: it is not there.
type Stamp = Option<(i64, i64, u64, u64)>;

/// What the files held.
pub(in crate::kafka) struct Loaded {
    config: Arc<ClientConfig>,
    /// The file with our certificate, and its last second since 1970.
    own: Option<(PathBuf, i64)>,
    /// Counts what was loaded.
    pub generation: u64,
}

impl std::fmt::Debug for Loaded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Loaded").field("generation", &self.generation).finish_non_exhaustive()
    }
}

impl Tls {
    /// By these files, none of which is read yet.
    pub fn new(files: TlsFiles) -> Self {
        Self { files, state: Mutex::default() }
    }

    /// What the files hold now. Files that changed and cannot be used leave what they held before.
    pub(in crate::kafka) fn current(&self) -> Result<Arc<Loaded>, WireError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(loaded) = &state.loaded
            && state.looked.is_some_and(|looked| looked.elapsed() < LOOK)
        {
            return Ok(Arc::clone(loaded));
        }
        state.looked = Some(Instant::now());
        // From before they are read: what changes meanwhile is read again.
        let stamps = self.stamps();
        if let Some(loaded) = &state.loaded
            && state.stamps == stamps
        {
            return Ok(Arc::clone(loaded));
        }
        let generation = state.loaded.as_ref().map_or(0, |loaded| loaded.generation + 1);
        match (self.files.load(generation), &state.loaded) {
            (Ok(loaded), before) => {
                if before.is_some() {
                    tracing::info!(authority = %self.files.authority.display(), "read new certificates for asking Kafka");
                }
                let loaded = Arc::new(loaded);
                (state.stamps, state.loaded) = (stamps, Some(Arc::clone(&loaded)));
                Ok(loaded)
            }
            (Err(error), Some(before)) => {
                tracing::warn!(%error, "the changed certificates for asking Kafka cannot be used: going on with the old ones");
                let before = Arc::clone(before);
                state.stamps = stamps;
                Ok(before)
            }
            (Err(error), None) => Err(error),
        }
    }

    fn stamps(&self) -> Vec<Stamp> {
        let own = self.files.own.iter().flat_map(|(certificate, key)| [certificate, key]);
        [&self.files.authority].into_iter().chain(own).map(|path| stamp(path)).collect()
    }
}

fn stamp(path: &Path) -> Stamp {
    let facts = std::fs::metadata(path).ok()?;
    Some((facts.mtime(), facts.mtime_nsec(), facts.len(), facts.ino()))
}

impl TlsFiles {
    fn load(&self, generation: u64) -> Result<Loaded, WireError> {
        let mut roots = RootCertStore::empty();
        for certificate in certificates(&self.authority)? {
            roots.add(certificate).map_err(|_| no_certificate(&self.authority))?;
        }
        let builder = builder()?.with_root_certificates(roots);
        let (mut config, own) = match &self.own {
            None => (builder.with_no_client_auth(), None),
            Some((file, key_file)) => {
                let chain = certificates(file)?;
                let last = chain.first().and_then(|leaf| not_after(leaf));
                let key = private_key(key_file)?;
                let config = builder.with_client_auth_cert(chain, key).map_err(|error| {
                    let what =
                        format!("the key does not go with the certificate in {}: {error}", file.display());
                    unusable(key_file, what, "put the certificate and its own key (PKCS#8, RSA or EC) there")
                })?;
                (config, last.map(|last| (file.clone(), last)))
            }
        };
        config.resumption = Resumption::disabled();
        Ok(Loaded { config: Arc::new(config), own, generation })
    }
}

impl Loaded {
    /// Shakes hands by these.
    pub fn connector(&self) -> TlsConnector {
        TlsConnector::from(Arc::clone(&self.config))
    }

    /// The certificate and key that these are shown with, for another verifier of the peer's.
    pub fn with_verifier(
        &self,
        verifier: Arc<dyn rustls::client::danger::ServerCertVerifier>,
    ) -> TlsConnector {
        let mut config = (*self.config).clone();
        config.dangerous().set_certificate_verifier(verifier);
        TlsConnector::from(Arc::new(config))
    }

    /// A certificate of ours that is refused may have expired.
    pub fn explain(&self, error: WireError) -> WireError {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        match (error, &self.own) {
            (WireError::Tls(TlsFault::OwnRefused(_)), Some((file, last)))
                if u64::try_from(*last).is_ok_and(|last| last < now) =>
            {
                WireError::Tls(TlsFault::OwnExpired(file.display().to_string()))
            }
            (error, _) => error,
        }
    }
}

/// Kafka speaks TLS 1.2 and 1.3.
pub(in crate::kafka) fn builder()
-> Result<rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier>, WireError> {
    ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| WireError::Tls(TlsFault::Other(error.to_string())))
}

/// The name that is looked for in the peer's certificate.
pub(in crate::kafka) fn server_name(host: &str) -> Result<ServerName<'static>, WireError> {
    match host.parse::<IpAddr>() {
        Ok(address) => Ok(ServerName::IpAddress(address.into())),
        Err(_) => ServerName::try_from(host.to_owned())
            .map_err(|_| WireError::Tls(TlsFault::WrongName(format!("{host:?} is no host name")))),
    }
}

fn not_after(certificate: &CertificateDer<'_>) -> Option<i64> {
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    Some(certificate.validity().not_after.timestamp())
}

fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, WireError> {
    read_capped(path, FILE_CAP)
        .map(Zeroizing::new)
        .map_err(|error| unusable(path, error.fault.to_string(), &error.remedy()))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, WireError> {
    let text = read(path)?;
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    all.ok().filter(|all| !all.is_empty()).ok_or_else(|| no_certificate(path))
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, WireError> {
    let text = read(path)?;
    PrivateKeyDer::from_pem_slice(&text).map_err(|_| {
        let what = "it holds no private key in PEM that is not encrypted";
        unusable(path, what.to_owned(), "convert it, as with `openssl pkcs8 -topk8 -nocrypt`")
    })
}

fn no_certificate(path: &Path) -> WireError {
    unusable(path, "it holds no certificate in PEM".to_owned(), "put certificates in PEM there")
}

pub(super) fn unusable(path: &Path, what: String, remedy: &str) -> WireError {
    WireError::Credentials { path: path.display().to_string(), what, remedy: remedy.to_owned() }
}
