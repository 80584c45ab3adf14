//! A certificate authority, and what it issues.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use anyhow::{Context, Result};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType,
};

/// How long a certificate is valid, unless told: a day.
const LIFE: Duration = Duration::from_secs(24 * 3600);
/// Certificates are valid from so long ago on: clocks differ.
const BACKDATED: Duration = Duration::from_secs(600);

/// A certificate authority, made up for a test.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: String,
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Authority")
    }
}

/// A certificate with its key, both PEM.
#[derive(Clone)]
pub struct Issued {
    /// The certificate alone.
    pub certificate: String,
    /// Its private key, PKCS#8.
    pub key: String,
}

impl fmt::Debug for Issued {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.certificate)
    }
}

impl Authority {
    /// A new one of this name.
    pub fn new(name: &str) -> Result<Self> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        valid(&mut params, LIFE * 3650)?;
        let key = KeyPair::generate()?;
        let certificate = params.self_signed(&key)?.pem();
        Ok(Self { issuer: Issuer::new(params, key), certificate })
    }

    /// Its own certificate, PEM.
    pub fn certificate(&self) -> &str {
        &self.certificate
    }

    /// A certificate for servers and clients, with a new key, valid for a day.
    pub fn issue(&self, common_name: &str, names: &[String], addresses: &[IpAddr]) -> Result<Issued> {
        self.issue_for(common_name, names, addresses, LIFE)
    }

    /// [`Authority::issue`], for as long from now on as told.
    pub fn issue_for(
        &self,
        common_name: &str,
        names: &[String],
        addresses: &[IpAddr],
        life: Duration,
    ) -> Result<Issued> {
        let mut params = CertificateParams::new(names.to_vec())?;
        params.subject_alt_names.extend(addresses.iter().copied().map(SanType::IpAddress));
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, common_name);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        params.use_authority_key_identifier_extension = true;
        valid(&mut params, life)?;
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?.pem();
        Ok(Issued { certificate, key: key.serialize_pem() })
    }
}

fn valid(params: &mut CertificateParams, life: Duration) -> Result<()> {
    let now = std::time::SystemTime::now();
    params.not_before = now.checked_sub(BACKDATED).context("a clock before its time")?.into();
    params.not_after = now.checked_add(life).context("a life without end")?.into();
    Ok(())
}

/// The certificates of several authorities as one file.
pub fn bundle<'a>(authorities: impl IntoIterator<Item = &'a Authority>) -> String {
    authorities.into_iter().map(Authority::certificate).collect()
}
