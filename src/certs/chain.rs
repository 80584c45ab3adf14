//! The way from a certificate to a CA, as TLS peers walk it.

use std::time::Duration;

use tokio_rustls::rustls::pki_types::{CertificateDer, TrustAnchor, UnixTime};
use webpki::{ALL_VERIFICATION_ALGS, EndEntityCert, Error, KeyUsage, anchor_from_trusted_cert};
use x509_parser::prelude::{FromDer, X509Certificate};

use super::{Fault, Leaf, pem};

/// A certificate in DER, and what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Certificate {
    pub der: Vec<u8>,
    pub says: Leaf,
}

impl Certificate {
    /// Reads one in DER.
    pub fn of(der: Vec<u8>) -> Option<Self> {
        Leaf::of(&der).map(|says| Self { der, says })
    }
}

/// Every certificate of a file.
pub(super) fn read(bytes: &[u8], codes: pem::Codes, what: &str) -> Result<Vec<Certificate>, Fault> {
    let found = pem::blocks(bytes, codes, what, pem::certificate_of)?;
    let is_certificate = |block: &::pem::Pem| ["CERTIFICATE", "X509 CERTIFICATE"].contains(&block.tag());
    let damaged = || {
        let text = format!("{what} holds something that is no X.509 certificate");
        Fault::new(codes.1, text, "write the file anew and whole")
    };
    let one = |block: ::pem::Pem| Certificate::of(block.into_contents()).ok_or_else(damaged);
    let all: Vec<_> = found.into_iter().filter(is_certificate).map(one).collect::<Result<_, _>>()?;
    if all.is_empty() {
        let text = format!("{what} holds no certificate");
        return Err(Fault::new(
            codes.0,
            text,
            "put the certificate there, in PEM (-----BEGIN CERTIFICATE-----)",
        ));
    }
    Ok(all)
}

/// Whether both are of the same CAs.
pub(super) fn includes(more: &[Certificate], fewer: &[Certificate]) -> bool {
    fewer.iter().all(|one| more.iter().any(|other| other.der == one.der))
}

/// The way to one of `trusted`: the certificates between, in order, and the CA. The validity of the certificate itself is
/// looked at elsewhere, so the way is walked at an instant of its life, and so is that of each one between and of the CA.
pub(super) fn path(
    leaf: &Certificate,
    others: &[Certificate],
    trusted: &[Certificate],
    inter_broker: bool,
    now: i64,
) -> Result<Path, Broken> {
    let der = CertificateDer::from(leaf.der.as_slice());
    let end = EndEntityCert::try_from(&der).map_err(Broken::Invalid)?;
    let ders: Vec<_> = trusted.iter().map(|one| CertificateDer::from(one.der.as_slice())).collect();
    let anchors: Vec<TrustAnchor<'_>> =
        ders.iter().filter_map(|der| anchor_from_trusted_cert(der).ok()).collect();
    let between: Vec<_> = others.iter().map(|one| CertificateDer::from(one.der.as_slice())).collect();
    // No `clamp`: a certificate may end before it begins.
    let within = now.max(leaf.says.not_before).min(leaf.says.not_after);
    let time = UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(within).unwrap_or(0)));
    let walk =
        |usage| end.verify_for_usage(ALL_VERIFICATION_ALGS, &anchors, &between, time, usage, None, None);
    let way = walk(KeyUsage::server_auth()).map_err(Broken::Invalid)?;
    if inter_broker {
        walk(KeyUsage::client_auth()).map_err(|error| match error {
            Error::RequiredEkuNotFoundContext(_) => Broken::NotAClient,
            other => Broken::Invalid(other),
        })?;
    }
    let find = |der: &[u8]| others.iter().find(|one| one.der == der).cloned();
    let between = way.intermediate_certificates().filter_map(|cert| find(cert.der().as_ref())).collect();
    let anchor = way.anchor();
    let authority = trusted.iter().zip(&ders).find(|(_, der)| {
        anchor_from_trusted_cert(der).is_ok_and(|one| {
            one.subject == anchor.subject && one.subject_public_key_info == anchor.subject_public_key_info
        })
    });
    let authority = authority.map(|(one, _)| one.clone()).ok_or(Broken::Invalid(Error::UnknownIssuer))?;
    Ok(Path { between, authority })
}

/// The way from a certificate to a CA.
pub(super) struct Path {
    pub between: Vec<Certificate>,
    pub authority: Certificate,
}

/// Why there is none.
pub(super) enum Broken {
    Invalid(Error),
    /// It may serve only, and brokers connect with it, too.
    NotAClient,
}

/// Java takes nothing else for a CA (`jdk.security.allowNonCaAnchor`).
pub(super) fn may_sign(certificate: &Certificate) -> bool {
    X509Certificate::from_der(&certificate.der).is_ok_and(|(_, parsed)| {
        parsed.version().0 < 2
            || parsed.basic_constraints().ok().flatten().is_some_and(|found| found.value.ca)
    })
}

/// Whether it may sign handshakes: where it names its uses, this one is among them.
pub(super) fn may_shake_hands(certificate: &Certificate) -> bool {
    X509Certificate::from_der(&certificate.der).is_ok_and(|(_, parsed)| {
        parsed.key_usage().ok().flatten().is_none_or(|use_| use_.value.digital_signature())
    })
}

/// The public key, as a `SubjectPublicKeyInfo` in DER.
pub(super) fn public_key(certificate: &Certificate) -> Option<Vec<u8>> {
    X509Certificate::from_der(&certificate.der).ok().map(|(_, parsed)| parsed.public_key().raw.to_vec())
}
