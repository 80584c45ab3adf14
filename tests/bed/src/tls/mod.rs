//! Listeners with TLS and SASL, beside the plain one that the bed's own tools and its truth use.

mod authority;
mod clients;
mod settings;
mod users;

use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

pub use authority::{Authority, Issued, bundle};
pub use clients::{ClientsReport, TlsClients};
pub(crate) use settings::{combine, settings};
pub use users::{Mechanism, token};

use crate::fetch::succeeded;

/// Clients come here by TLS.
pub const EXTERNAL: &str = "EXTERNAL";
/// Brokers come here by TLS, with certificates.
pub const INTERNAL: &str = "INTERNAL";
/// Clients come here by SASL.
pub const SASL: &str = "SASL";
/// The password of private keys, where the bed encrypts them.
const PASSWORD: &str = "bed-key-password";

/// Which listeners a cluster has beside the plain ones. Brokers speak with each other over [`INTERNAL`] alone.
#[derive(Debug, Clone, Default)]
#[must_use = "give it to `Builder::tls`"]
pub struct Tls {
    pub(crate) client_auth: bool,
    pub(crate) sasl: Option<bool>,
    pub(crate) controllers: bool,
    pub(crate) managed: bool,
}

impl Tls {
    /// [`EXTERNAL`], where a client needs no certificate, and [`INTERNAL`], where it does.
    pub fn new() -> Self {
        Self::default()
    }

    /// Clients, too, need a certificate.
    pub fn client_auth(self) -> Self {
        Self { client_auth: true, ..self }
    }

    /// A listener [`SASL`] with every [`Mechanism`], over TLS or without it. The users of PLAIN are fixed
    /// ([`Mechanism`]); those of SCRAM are made by [`Cluster::set_scram_user`](crate::Cluster::set_scram_user).
    pub fn sasl(self, over_tls: bool) -> Self {
        Self { sasl: Some(over_tls), ..self }
    }

    /// The controllers' listener speaks TLS, and asks for certificates. Another one, without it, is the bed's own.
    pub fn controllers(self) -> Self {
        Self { controllers: true, ..self }
    }

    /// Who prepares the nodes installs keystores and truststores, and renders the settings that name them.
    pub fn managed(self) -> Self {
        Self { managed: true, ..self }
    }
}

/// Where the files of a node or of the clients lie: what a source of certificates gives (`tls.crt`, `tls.key`, `ca.crt`)
/// and what Kafka reads.
#[derive(Debug, Clone)]
pub struct Files {
    dir: PathBuf,
}

impl Files {
    pub(crate) fn of(dir: &Path) -> Self {
        Self { dir: dir.join("tls") }
    }

    /// The directory, which holds these files and nothing else.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The certificate, and what else of its chain is not the authority.
    pub fn certificate(&self) -> PathBuf {
        self.dir.join("tls.crt")
    }

    /// The private key (PKCS#8).
    pub fn key(&self) -> PathBuf {
        self.dir.join("tls.key")
    }

    /// The certificates of the authorities that are trusted.
    pub fn authority(&self) -> PathBuf {
        self.dir.join("ca.crt")
    }

    /// Key and certificate in one file, for Kafka.
    pub fn keystore(&self) -> PathBuf {
        self.dir.join("keystore.pem")
    }

    /// The authorities, for Kafka.
    pub fn truststore(&self) -> PathBuf {
        self.authority()
    }

    /// Puts a certificate here, each file at once; `trust` is what `ca.crt` is to hold.
    pub fn put(&self, issued: &Issued, trust: &str, encrypt: bool) -> Result<()> {
        fs::create_dir_all(&self.dir)?;
        replace(&self.authority(), trust)?;
        replace(&self.certificate(), &issued.certificate)?;
        replace(&self.key(), &issued.key)?;
        let key = if encrypt { encrypted(&self.key())? } else { issued.key.clone() };
        replace(&self.keystore(), &format!("{key}{}", issued.certificate))
    }
}

/// Writes aside and renames.
pub fn replace(path: &Path, text: &str) -> Result<()> {
    let aside = path.with_extension("aside");
    fs::write(&aside, text)?;
    Ok(fs::rename(aside, path)?)
}

/// Kafka 2.8 takes no keystore file with a key that is not encrypted, and of encrypted ones none of PBES2
/// (`NoSuchAlgorithmException: PBES2 SecretKeyFactory not available`): the algorithm must name its cipher.
fn encrypted(key: &Path) -> Result<String> {
    let mut command = Command::new("openssl");
    command.args(["pkcs8", "-topk8", "-v1", "PBE-SHA1-3DES"]);
    let output = command.args(["-passout", &format!("pass:{PASSWORD}"), "-in"]).arg(key).output()?;
    succeeded(&output)?;
    Ok(String::from_utf8(output.stdout)?)
}

/// The names of a node's certificate: `broker-<id>.bed`, and its address.
pub(crate) fn names(id: i32) -> Vec<String> {
    vec![format!("broker-{id}.bed"), "localhost".to_owned()]
}

/// The addresses of a node's certificate.
pub(crate) fn addresses(ip: Ipv4Addr) -> Vec<IpAddr> {
    vec![ip.into(), Ipv4Addr::LOCALHOST.into()]
}
