//! A CA that pillion makes by itself, for a laptop or a test. Whoever can read its directory can be any broker: it is
//! marked in its name, in every certificate, and wherever it is spoken of. Not for production.

use std::{fs::File, io, path::Path};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256,
};
use rustix::fs::{FlockOperation, Mode, OFlags, flock, open};
use time::{Duration, OffsetDateTime};

use super::{Bundle, Installed, Secret, SourceFault, chain, pem};
use crate::files::{Disk, read_if_present};

/// How the CA names itself, so that nobody takes it for another.
pub const NAME: &str = "pillion DEVELOPMENT CA, NOT FOR PRODUCTION";

const CERTIFICATE: &str = "ca.crt";
const KEY: &str = "ca.key";
const LOCK: &str = ".lock";
const MAX_BYTES: u64 = 1 << 16;
/// How long a certificate lives: short, so that its rotation is seen on a laptop, too.
const LIFE: Duration = Duration::hours(24);
const CA_LIFE: Duration = Duration::days(365);
/// With less than this part of its life left it is made anew, a little before who asks for one at two thirds of its life.
const RENEWED: f64 = 0.4;
/// Clocks of a few machines differ.
const BEFORE: Duration = Duration::minutes(5);

/// A certificate for `names`, by the CA in `directory`, which is made if it is not there. What is installed is given again
/// while it is the CA's, covers them and is not to be renewed yet.
///
/// # Errors
/// What stands in the way, with the file.
pub fn issue(
    directory: &Path,
    subject: &str,
    names: &[String],
    installed: Option<&Installed>,
    now: i64,
) -> Result<Bundle, SourceFault> {
    let failed = |what: &str| SourceFault {
        text: format!("failed to {what} the development CA in {}", directory.display()),
        remedy: format!("check that {} is a directory that pillion may write to", directory.display()),
        heals: false,
    };
    let io = |what: &'static str| {
        move |error: io::Error| SourceFault {
            text: format!("{}: {error}", failed(what).text),
            ..failed(what)
        }
    };
    let disk = Disk::default();
    disk.make_dir(directory, 0o750).map_err(|e| io("make")(e.source))?;
    // Held until the end: others wait for the one that makes it.
    let _lock = lock(&directory.join(LOCK)).map_err(io("lock"))?;
    let read = |name: &str| read_if_present(&directory.join(name), MAX_BYTES).ok().flatten();
    let (ca, key) = if let (Some(ca), Some(key)) = (read(CERTIFICATE), read(KEY)) {
        (ca, Secret::new(key))
    } else {
        let (ca, key) = make(now).map_err(|_| failed("make"))?;
        disk.sweep(directory).map_err(|e| io("write")(e.source))?;
        // The certificate last: without it there is none.
        disk.write(&directory.join(KEY), key.expose(), 0o600).map_err(|e| io("write")(e.source))?;
        disk.write(&directory.join(CERTIFICATE), &ca, 0o644).map_err(|e| io("write")(e.source))?;
        (ca, key)
    };
    let origin = format!("the development CA of {}", directory.display());
    if let Some(again) = installed.and_then(|installed| again(installed, &ca, names, now, &origin)) {
        return Ok(again);
    }
    let (certificate, leaf) = sign(&ca, &key, subject, names, now).ok_or_else(|| failed("use"))?;
    Ok(Bundle { certificate, key: leaf, authority: ca, password: None, origin })
}

fn lock(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let file = File::from(open(path, flags, Mode::RUSR | Mode::WUSR)?);
    flock(&file, FlockOperation::LockExclusive)?;
    Ok(file)
}

fn at(now: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(now).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

fn make(now: i64) -> Result<(Vec<u8>, Secret), rcgen::Error> {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, NAME);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    (params.not_before, params.not_after) = (at(now) - BEFORE, at(now) + CA_LIFE);
    let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?)?;
    let key = Secret::new(issuer.key().serialize_pem().into_bytes());
    Ok((issuer.pem().into_bytes(), key))
}

fn sign(ca: &[u8], key: &Secret, subject: &str, names: &[String], now: i64) -> Option<(Vec<u8>, Secret)> {
    let key = KeyPair::from_pem(std::str::from_utf8(key.expose()).ok()?).ok()?;
    let issuer = Issuer::from_ca_cert_pem(std::str::from_utf8(ca).ok()?, key).ok()?;
    let mut params = CertificateParams::new(names.to_vec()).ok()?;
    params.distinguished_name.push(DnType::OrganizationName, NAME);
    params.distinguished_name.push(DnType::CommonName, subject);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages =
        vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    (params.not_before, params.not_after) = (at(now) - BEFORE, at(now) + LIFE);
    let own = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).ok()?;
    let certificate = params.signed_by(&own, &issuer).ok()?;
    Some((certificate.pem().into_bytes(), Secret::new(own.serialize_pem().into_bytes())))
}

fn again(installed: &Installed, ca: &[u8], names: &[String], now: i64, origin: &str) -> Option<Bundle> {
    let authorities = chain::read(ca, pem::AUTHORITY, "").ok()?;
    let leaf = &installed.leaf;
    let covers = super::names::missing(&leaf.names, names).is_empty();
    (covers && !leaf.is_expiring(now, RENEWED) && installed.is_of(&authorities, now)).then(|| Bundle {
        certificate: pem::render("CERTIFICATE", installed.chain.iter().map(Vec::as_slice)),
        key: Secret::new(pem::render("PRIVATE KEY", [installed.key.expose()])),
        authority: ca.to_vec(),
        password: None,
        origin: origin.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step should stop the test where it stands")]
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::certs::{Phase, Rules, check, install, installed};

    const NOW: i64 = 1_800_000_000;

    #[test]
    fn brokers_at_once_make_one_ca_and_each_has_a_certificate_that_is_good() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("ca");
        let names = |i: usize| vec![format!("kafka-{i}.kafka"), "127.0.0.1".to_owned()];
        let bundles: Vec<_> = std::thread::scope(|scope| {
            let run = |i| {
                let dir = &dir;
                scope.spawn(move || issue(dir, &format!("kafka-{i}"), &names(i), None, NOW).unwrap())
            };
            let all: Vec<_> = (0..4).map(run).collect();
            all.into_iter().map(|one| one.join().unwrap()).collect()
        });
        assert!(bundles.iter().all(|one| one.authority == bundles[0].authority), "more than one CA was made");
        assert_eq!(std::fs::metadata(dir.join(KEY)).unwrap().permissions().mode() & 0o777, 0o600);
        let names = names(1);
        let rules = Rules {
            names: &names,
            now: NOW,
            skew: std::time::Duration::from_secs(300),
            installed: None,
            allow_dn_changes: false,
            allow_san_changes: false,
            inter_broker: true,
            kafka: (4, 3),
            phase: &Phase::Stable,
        };
        let checked = check(&bundles[1], &rules).unwrap();
        assert!(checked.leaf.subject.contains("NOT FOR PRODUCTION"), "{:?}", checked.leaf);
        install(&Disk::default(), &root.path().join("tls"), &checked).unwrap();
        let there = installed(&root.path().join("tls")).unwrap().unwrap();
        assert_eq!(there.leaf, checked.leaf);
        // The same again while it is good, another one when it is to be renewed.
        let next = |now| issue(&dir, "kafka-1", &names, Some(&there), now).unwrap();
        let same = check(&next(NOW + 3600), &Rules { now: NOW + 3600, ..rules }).unwrap();
        assert_eq!(
            (same.leaf.sha256, same.keystore.expose()),
            (there.leaf.sha256, checked.keystore.expose())
        );
        let later = NOW + 16 * 3600;
        let rules = Rules { now: later, installed: Some(&there), ..rules };
        assert_ne!(check(&next(later), &rules).unwrap().leaf.sha256, there.leaf.sha256);
    }
}
