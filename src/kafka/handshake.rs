//! Looks which certificate a listener serves.

use std::sync::{Arc, Mutex, PoisonError};

use ::aws_lc_rs::digest;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::crypto::{
    CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature,
};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{DigitallySignedStruct, Error, SignatureScheme};

use crate::kafka::connection::Address;
use crate::kafka::security::{builder, server_name};
use crate::kafka::session::connect;
use crate::kafka::{Tls, TlsFault, WireError};

/// What a listener serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Served {
    /// SHA-256 of the leaf in DER.
    pub leaf_sha256: [u8; 32],
    /// The leaf and what follows it, each in DER.
    pub chain: Vec<Vec<u8>>,
}

/// Shakes hands with a listener and tells the certificate that it serves, whatever it is: trust, names and validity are
/// not looked at. That the listener has its key is proven.
///
/// `name` is what the listener is asked for (SNI), the host of the address by default. `client` shows our certificate, if
/// it has one; a listener that misses it has shown its own before it says so, and that is told all the same.
pub async fn handshake(
    address: &Address,
    name: Option<&str>,
    client: Option<&Tls>,
    deadline: Instant,
) -> Result<Served, WireError> {
    let name = server_name(name.unwrap_or(&address.host))?;
    let look = Arc::new(Look { provider: Arc::new(aws_lc_rs::default_provider()), seen: Mutex::default() });
    let verifier = Arc::clone(&look) as Arc<dyn ServerCertVerifier>;
    let connector = if let Some(tls) = client {
        tls.current()?.with_verifier(verifier)
    } else {
        let builder = builder()?.dangerous().with_custom_certificate_verifier(verifier);
        TlsConnector::from(Arc::new(builder.with_no_client_auth()))
    };
    let socket = connect(address, deadline).await?;
    let outcome = timeout_at(deadline, connector.connect(name, socket)).await;
    if let Some(served) = look.served() {
        return Ok(served);
    }
    Err(match outcome {
        Ok(Ok(_)) => WireError::Tls(TlsFault::Other("it shows no certificate".to_owned())),
        Ok(Err(source)) => WireError::from_io(source, "shaking hands (TLS)"),
        Err(_) => WireError::TimedOut { what: "shaking hands (TLS)", heard: false },
    })
}

/// Takes any certificate, and keeps it.
#[derive(Debug)]
struct Look {
    provider: Arc<CryptoProvider>,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    chain: Vec<Vec<u8>>,
    /// The listener has signed with the leaf's key.
    proven: bool,
}

impl Look {
    fn served(&self) -> Option<Served> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let leaf = seen.chain.first().filter(|_| seen.proven)?;
        let mut leaf_sha256 = [0; 32];
        leaf_sha256.copy_from_slice(digest::digest(&digest::SHA256, leaf).as_ref());
        Some(Served { leaf_sha256, chain: seen.chain.clone() })
    }

    fn proven(
        &self,
        valid: Result<HandshakeSignatureValid, Error>,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).proven = valid.is_ok();
        valid
    }
}

impl ServerCertVerifier for Look {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let chain = [leaf].into_iter().chain(others).map(|one| one.to_vec()).collect();
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Seen { chain, proven: false };
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        self.proven(verify_tls12_signature(message, leaf, signed, algorithms))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        self.proven(verify_tls13_signature(message, leaf, signed, algorithms))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
