//! How a checked certificate is put where Kafka reads it, and what is there.

use std::path::{Path, PathBuf};

use super::{
    Bundle, Checked, Leaf, PASSWORD, Secret,
    chain::{self, Certificate},
    key, pem,
};
use crate::{
    files::{Disk, DiskError, Outcome, read_if_present},
    problem::Problem,
};

/// The file with the key and the chain.
pub const KEYSTORE: &str = "keystore.pem";
/// The file with the CAs.
pub const TRUSTSTORE: &str = "truststore.pem";
/// As `server.properties`: Kafka may run as another user of the same group.
const FILE_MODE: u32 = 0o640;
const DIR_MODE: u32 = 0o750;
/// The largest file of ours that is read, in bytes.
const MAX_BYTES: u64 = 4 << 20;

/// Where the files of a listener lie: `<runDir>/tls/<LISTENER>`.
pub fn place(run_dir: &Path, listener: &str) -> PathBuf {
    run_dir.join("tls").join(listener.to_uppercase())
}

/// What is installed for a listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    /// The certificate.
    pub leaf: Leaf,
    /// The certificate and those that lead to the CA, in DER, the leaf first.
    pub chain: Vec<Vec<u8>>,
    /// The private key, as PKCS#8 in DER, not encrypted.
    pub key: Secret,
    /// The CAs that are trusted.
    pub trust: Vec<Leaf>,
    /// The CAs in DER.
    pub authorities: Vec<Vec<u8>>,
}

impl Installed {
    pub(super) fn trusted(&self) -> Vec<Certificate> {
        let both = self.authorities.iter().zip(&self.trust);
        both.map(|(der, says)| Certificate { der: der.clone(), says: says.clone() }).collect()
    }

    /// Whether its certificate is of one of these CAs.
    pub(super) fn is_of(&self, authorities: &[Certificate], now: i64) -> bool {
        let mut chain: Vec<_> = self.chain.iter().filter_map(|der| Certificate::of(der.clone())).collect();
        if chain.is_empty() {
            return false;
        }
        let leaf = chain.remove(0);
        chain::path(&leaf, &chain, authorities, false, now).is_ok()
    }
}

/// Writes what was checked. The same again writes nothing, so that the age of a file tells of a change.
///
/// A kill between two writes leaves a pair that works: who is trusted before and after is trusted meanwhile.
///
/// # Errors
/// The file that could not be written; what stood there before still does.
pub fn install(disk: &Disk, dir: &Path, checked: &Checked) -> Result<Outcome, DiskError> {
    disk.make_dir(dir, DIR_MODE)?;
    disk.sweep(dir)?;
    let at = dir.join(TRUSTSTORE);
    let meanwhile = both(&at, &checked.truststore);
    let mut outcome = disk.write(&at, meanwhile.as_deref().unwrap_or(&checked.truststore), FILE_MODE)?;
    let mut note = |next| outcome = if next == Outcome::Written { next } else { outcome };
    note(disk.write(&dir.join(KEYSTORE), checked.keystore.expose(), FILE_MODE)?);
    note(disk.write(&at, &checked.truststore, FILE_MODE)?);
    Ok(outcome)
}

/// What is trusted now and what will be, where that is more than the latter.
fn both(at: &Path, new: &[u8]) -> Option<Vec<u8>> {
    let there = read_if_present(at, MAX_BYTES).ok().flatten()?;
    let mut all = chain::read(new, pem::AUTHORITY, "").ok()?;
    let old = chain::read(&there, pem::AUTHORITY, "").ok()?;
    if chain::includes(&all, &old) {
        return None;
    }
    let more: Vec<_> =
        old.into_iter().filter(|one| !chain::includes(&all, std::slice::from_ref(one))).collect();
    all.extend(more);
    Some(pem::render("CERTIFICATE", all.iter().map(|one| one.der.as_slice())))
}

/// Reads what is installed; `None` where nothing is, or only a part.
///
/// # Errors
/// A file that is there and cannot be read, or is damaged.
pub fn installed(dir: &Path) -> Result<Option<Installed>, Problem> {
    let read = |name: &str| read_if_present(&dir.join(name), MAX_BYTES).map_err(|e| e.problem());
    let (Some(keystore), Some(truststore)) = (read(KEYSTORE)?, read(TRUSTSTORE)?) else { return Ok(None) };
    let damaged = |name: &'static str| {
        move |fault: super::Fault| {
            let remedy = "run `pillion init` again: it writes the file anew";
            Problem::new(dir.join(name).display().to_string(), fault.text, remedy)
        }
    };
    let chain = chain::read(&keystore, pem::CERTIFICATE, "the keystore").map_err(damaged(KEYSTORE))?;
    let bundle = Bundle {
        certificate: Vec::new(),
        key: Secret::new(keystore),
        authority: Vec::new(),
        password: Some(Secret::new(PASSWORD.into())),
        origin: "the keystore".to_owned(),
    };
    let key = key::read(&bundle).map_err(damaged(KEYSTORE))?;
    let trusted = chain::read(&truststore, pem::AUTHORITY, "the truststore").map_err(damaged(TRUSTSTORE))?;
    let leaf = chain.first().map(|one| one.says.clone());
    Ok(leaf.map(|leaf| Installed {
        leaf,
        chain: chain.into_iter().map(|one| one.der).collect(),
        key: key.pkcs8,
        trust: trusted.iter().map(|one| one.says.clone()).collect(),
        authorities: trusted.into_iter().map(|one| one.der).collect(),
    }))
}
