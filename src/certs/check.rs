//! Whether Kafka and this cluster can live with a certificate.

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};

use super::{
    Bundle, Fault, Installed, Leaf, Phase, Secret, authority,
    chain::{self, Broken, Certificate},
    key::{self, Key},
    names, pbes1, pem,
};

/// What a certificate is checked by.
#[derive(Debug, Clone, Copy)]
pub struct Rules<'a> {
    /// The names that it must cover: DNS names and IP addresses under which this listener is found.
    pub names: &'a [String],
    /// Seconds since 1970.
    pub now: i64,
    /// How far the clock of who issued it may be ahead of this one.
    pub skew: Duration,
    /// What a running Kafka has, whose place it takes; `None` before Kafka is started.
    pub installed: Option<&'a Installed>,
    /// Kafka was told to take another subject (`ssl.allow.dn.changes`).
    pub allow_dn_changes: bool,
    /// Kafka was told to take fewer names (`ssl.allow.san.changes`).
    pub allow_san_changes: bool,
    /// Brokers or controllers talk to each other by this listener: the certificate is a client's, too.
    pub inter_broker: bool,
    /// Kafka's version, as major and minor.
    pub kafka: (u16, u16),
    /// Where a change of the CA stands.
    pub phase: &'a Phase,
}

/// A certificate that is good in every way, as it will be installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// The certificate.
    pub leaf: Leaf,
    /// The CAs that will be trusted.
    pub trust: Vec<Leaf>,
    /// The file with the key and the chain, the leaf first.
    pub keystore: Secret,
    /// The file with the CAs.
    pub truststore: Vec<u8>,
}

/// Checks it in every way.
///
/// # Errors
/// All that is wrong, at once.
pub fn check(bundle: &Bundle, rules: &Rules<'_>) -> Result<Checked, Vec<Fault>> {
    let mut faults = Vec::new();
    let origin = &bundle.origin;
    let mut keep = |fault| faults.push(fault);
    let key = key::read(bundle).map_err(&mut keep).ok();
    let what = format!("the certificate of {origin}");
    let chain = chain::read(&bundle.certificate, pem::CERTIFICATE, &what).map_err(&mut keep).ok();
    let trusted = authority::trusted(bundle, rules.phase).map_err(&mut keep).ok();
    let Some((leaf, others)) =
        chain.as_deref().and_then(|chain| of_key(chain, key.as_ref(), origin, &mut faults))
    else {
        return Err(faults);
    };
    faults.extend(alone(&leaf, origin, rules));
    faults.extend(
        rules.installed.into_iter().flat_map(|installed| beside(&leaf.says, installed, origin, rules)),
    );
    let path = trusted.as_ref().and_then(|trusted| {
        authority::path(&leaf, &others, trusted, origin, rules).map_err(|more| faults.extend(more)).ok()
    });
    let (Some(key), Some(trusted), Some(path)) = (key, trusted, path) else { return Err(faults) };
    let chain: Vec<_> = std::iter::once(&leaf).chain(&path.between).collect();
    match keystore(&key.pkcs8, chain.iter().map(|one| one.der.as_slice()), rules.kafka) {
        Some(keystore) if faults.is_empty() => Ok(Checked {
            leaf: leaf.says,
            trust: trusted.iter().map(|one| one.says.clone()).collect(),
            keystore,
            truststore: pem::render("CERTIFICATE", trusted.iter().map(|one| one.der.as_slice())),
        }),
        Some(_) => Err(faults),
        None => {
            faults.push(Fault::new(
                "key-format",
                format!("the key of {origin} cannot be encrypted"),
                "tell us",
            ));
            Err(faults)
        }
    }
}

/// The file that Kafka reads. One before 3.0 takes no key from a file that is not encrypted (`DefaultSslEngineFactory`).
pub(super) fn keystore<'a>(
    pkcs8: &Secret,
    chain: impl Iterator<Item = &'a [u8]>,
    kafka: (u16, u16),
) -> Option<Secret> {
    let mut file = if encrypts(kafka) {
        pem::render("ENCRYPTED PRIVATE KEY", [encrypted(pkcs8)?.as_slice()])
    } else {
        pem::render("PRIVATE KEY", [pkcs8.expose()])
    };
    file.extend(pem::render("CERTIFICATE", chain));
    Some(Secret::new(file))
}

/// The same key gives the same bytes, so that a file that is right is left alone: the salt comes from the key.
fn encrypted(pkcs8: &Secret) -> Option<Vec<u8>> {
    let seed = digest(&SHA256, digest(&SHA256, pkcs8.expose()).as_ref());
    pbes1::encrypt(pkcs8, *seed.as_ref().first_chunk()?)
}

/// Whether this Kafka reads encrypted keys only.
pub fn encrypts(kafka: (u16, u16)) -> bool {
    kafka.0 < 3
}

/// The certificate that the key belongs to, and the others. Without a key the first one stands in, so that the rest can be
/// checked, too.
fn of_key(
    chain: &[Certificate],
    key: Option<&Key>,
    origin: &str,
    faults: &mut Vec<Fault>,
) -> Option<(Certificate, Vec<Certificate>)> {
    let mine = |one: &Certificate| {
        key.is_none_or(|key| chain::public_key(one).is_some_and(|public| public == key.public))
    };
    let at = chain.iter().position(mine).unwrap_or_else(|| {
        let subject = chain.first().map_or("", |one| one.says.subject.as_str());
        let text = format!("the key of {origin} is not the one of its certificate ({subject})");
        let remedy =
            "write certificate and key of the same issue; whoever writes them must replace both at once";
        faults.push(Fault::new("key-mismatch", text, remedy));
        0
    });
    let mut others = chain.to_vec();
    let leaf = (at < others.len()).then(|| others.remove(at))?;
    Some((leaf, others))
}

/// What is to be said of the certificate itself.
fn alone(leaf: &Certificate, origin: &str, rules: &Rules<'_>) -> Vec<Fault> {
    let mut faults = Vec::new();
    let says = &leaf.says;
    let when = |at: i64| crate::stamp::seconds(at.saturating_mul(1000));
    if says.not_after <= rules.now {
        let text = format!("the certificate of {origin} ended at {}", when(says.not_after));
        let remedy =
            "have it issued again; see why it was not renewed in time, and check the clock of this node";
        faults.push(Fault::new("expired", text, remedy));
    } else if says.not_before > rules.now {
        let skew = i64::try_from(rules.skew.as_secs()).unwrap_or(i64::MAX);
        let near = says.not_before.saturating_sub(rules.now) <= skew;
        let text = format!("the certificate of {origin} becomes valid at {}", when(says.not_before));
        let remedy = if near {
            "it is waited for: the clock of who issued it is a little ahead"
        } else {
            "check the clocks of this node and of who issued it, or have it issued again"
        };
        let fault = Fault::new("not-yet-valid", text, remedy);
        faults.push(Fault { until: Some(says.not_before), ..fault });
    }
    let missing = names::missing(&says.names, rules.names);
    if !missing.is_empty() {
        let has: Vec<_> = says.names.iter().take(20).map(String::as_str).collect();
        let has = if has.is_empty() { "none".to_owned() } else { has.join(", ") };
        let text = format!(
            "the certificate of {origin} does not cover {}; its names (SAN) are: {has}",
            missing.join(", ")
        );
        let remedy = "have it issued with these names (cert-manager: spec.dnsNames, ipAddresses), or correct what the \
                      broker advertises; the common name (CN) does not count";
        faults.push(Fault::new("names-missing", text, remedy));
    }
    if !chain::may_shake_hands(leaf) {
        let text = format!(
            "the certificate of {origin} may not sign handshakes (keyUsage without digitalSignature)"
        );
        faults.push(Fault::new(
            "usage",
            text,
            "have it issued with keyUsage digitalSignature, or without keyUsage",
        ));
    }
    faults
}

/// What a running Kafka does not take in the place of what it has (`SslFactory.CertificateEntries.ensureCompatible`).
fn beside(says: &Leaf, installed: &Installed, origin: &str, rules: &Rules<'_>) -> Vec<Fault> {
    let mut faults = Vec::new();
    let old = &installed.leaf;
    if !rules.allow_dn_changes && !says.subject.eq_ignore_ascii_case(&old.subject) {
        let text = format!(
            "the certificate of {origin} is of {:?}, and a running Kafka takes only one of {:?}, as the old one is",
            says.subject, old.subject
        );
        let remedy = "have it issued with the old subject; or set certificates.allowDnChanges (Kafka 3.7 and newer) and \
                      restart the broker once";
        faults.push(Fault::new("subject-changed", text, remedy));
    }
    let lost: Vec<_> = old.names.difference(&says.names).map(String::as_str).collect();
    if !rules.allow_san_changes && !lost.is_empty() {
        let text = format!(
            "the certificate of {origin} lacks names that the old one has, which a running Kafka does not take: {}",
            lost.join(", ")
        );
        let remedy = "have it issued with them; or set certificates.allowSanChanges (Kafka 3.7 and newer) and restart \
                      the broker once";
        faults.push(Fault::new("names-lost", text, remedy));
    }
    faults
}

pub(super) fn broken(broken: &Broken, leaf: &Leaf, origin: &str) -> Fault {
    use webpki::Error;
    let issue = "have it issued again, by a CA that TLS peers take";
    match broken {
        Broken::NotAClient => {
            let text = format!(
                "the certificate of {origin} may only serve (extendedKeyUsage without clientAuth), and brokers connect to \
                 each other with it"
            );
            Fault::new(
                "usage",
                text,
                "have it issued with serverAuth and clientAuth (cert-manager: spec.usages)",
            )
        }
        Broken::Invalid(Error::RequiredEkuNotFoundContext(_)) => {
            let text =
                format!("the certificate of {origin} may not serve (extendedKeyUsage without serverAuth)");
            Fault::new(
                "usage",
                text,
                "have it issued with serverAuth (cert-manager: spec.usages: server auth)",
            )
        }
        Broken::Invalid(Error::CaUsedAsEndEntity) => {
            let text = format!("the certificate of {origin} is that of a CA (basicConstraints CA:TRUE)");
            Fault::new(
                "certificate-is-authority",
                text,
                "make a CA, and have it issue a certificate for the broker",
            )
        }
        Broken::Invalid(
            Error::UnsupportedSignatureAlgorithmContext(_)
            | Error::UnsupportedSignatureAlgorithmForPublicKeyContext(_),
        ) => {
            let text = format!(
                "the certificate of {origin}, or one between it and the CA, has a signature that TLS peers refuse (SHA-1, MD5)"
            );
            Fault::new("signature-algorithm", text, "have it issued again, signed with SHA-256 or better")
        }
        Broken::Invalid(Error::CertExpired { .. }) => {
            let text = format!("a certificate between that of {origin} and its CA has ended");
            Fault::new(
                "chain-expired",
                text,
                "renew the intermediate CA, and have the certificate issued again",
            )
        }
        Broken::Invalid(Error::InvalidSignatureForPublicKey) => {
            let text = format!(
                "the certificate of {origin} names {:?} as its issuer, but the CA of that name in ca.crt did not sign it",
                leaf.issuer
            );
            Fault::new(
                "authority-mismatch",
                text,
                "put the CA there that signed it; a new CA of the same name is another CA",
            )
        }
        Broken::Invalid(error) => {
            let text =
                format!("the way from the certificate of {origin} to its CA cannot be walked: {error:?}");
            Fault::new("chain-invalid", text, issue)
        }
    }
}
