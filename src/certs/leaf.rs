//! What a certificate says of itself.

use std::{collections::BTreeSet, net::IpAddr};

use x509_parser::{
    extensions::GeneralName,
    prelude::{FromDer, X509Certificate},
    public_key::PublicKey,
};

/// What a certificate says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaf {
    /// SHA-256 of the certificate in DER.
    pub sha256: [u8; 32],
    /// The subject's distinguished name.
    pub subject: String,
    /// The issuer's distinguished name.
    pub issuer: String,
    /// The serial number, in hexadecimal digits.
    pub serial: String,
    /// The names of the subject (SAN) as they are written: DNS names, IP addresses, `URI:` and `email:` with what follows.
    pub names: BTreeSet<String>,
    /// The first second of its life, since 1970.
    pub not_before: i64,
    /// The last second of its life, since 1970.
    pub not_after: i64,
    /// Its key.
    pub key: KeyKind,
}

/// The kind of a public key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyKind {
    /// RSA, with the number of bits.
    Rsa(usize),
    /// An elliptic curve, by its object identifier.
    Ec(String),
    /// DSA.
    Dsa,
    /// Ed25519 or Ed448, which Kafka does not take.
    Edwards,
    /// Another one, by its object identifier.
    Other(String),
}

impl Leaf {
    /// Reads a certificate in DER; `None` where it is none.
    pub fn of(der: &[u8]) -> Option<Self> {
        let (rest, certificate) = X509Certificate::from_der(der).ok()?;
        rest.is_empty().then(|| Self::parsed(der, &certificate))
    }

    /// For how many seconds it still lives at `now`; negative when it has ended.
    pub fn left(&self, now: i64) -> i64 {
        self.not_after.saturating_sub(now)
    }

    /// Whether less than `part` of its life is left at `now`.
    pub fn is_expiring(&self, now: i64, part: f64) -> bool {
        #[expect(clippy::cast_precision_loss, reason = "seconds of a life fit")]
        let (left, life) = (self.left(now) as f64, self.not_after.saturating_sub(self.not_before) as f64);
        left < life * part
    }

    pub(super) fn parsed(der: &[u8], certificate: &X509Certificate<'_>) -> Self {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, der);
        let mut sha256 = [0; 32];
        sha256.copy_from_slice(digest.as_ref());
        let names = certificate.subject_alternative_name().ok().flatten();
        let names = names.iter().flat_map(|names| &names.value.general_names).filter_map(name).collect();
        let validity = certificate.validity();
        Self {
            sha256,
            subject: certificate.subject().to_string(),
            issuer: certificate.issuer().to_string(),
            serial: hex(certificate.raw_serial()),
            names,
            not_before: validity.not_before.timestamp(),
            not_after: validity.not_after.timestamp(),
            key: kind(certificate),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect()
}

fn name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        // No client takes an address for a DNS name.
        GeneralName::DNSName(name) if name.parse::<IpAddr>().is_ok() => None,
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::URI(uri) => Some(format!("URI:{uri}")),
        GeneralName::RFC822Name(address) => Some(format!("email:{address}")),
        GeneralName::IPAddress(bytes) => {
            let four = <[u8; 4]>::try_from(*bytes).map(IpAddr::from);
            four.or_else(|_| <[u8; 16]>::try_from(*bytes).map(IpAddr::from)).ok().map(|ip| ip.to_string())
        }
        _ => None,
    }
}

fn kind(certificate: &X509Certificate<'_>) -> KeyKind {
    let key = certificate.public_key();
    let oid = key.algorithm.algorithm.to_id_string();
    if oid == "1.3.101.112" || oid == "1.3.101.113" {
        return KeyKind::Edwards;
    }
    match key.parsed() {
        Ok(PublicKey::RSA(rsa)) => KeyKind::Rsa(rsa.key_size()),
        Ok(PublicKey::EC(_)) => {
            let curve = key.algorithm.parameters.as_ref().and_then(|any| any.as_oid().ok());
            KeyKind::Ec(curve.map_or_else(|| "unnamed".to_owned(), |curve| curve.to_id_string()))
        }
        Ok(PublicKey::DSA(_)) => KeyKind::Dsa,
        _ => KeyKind::Other(oid),
    }
}
