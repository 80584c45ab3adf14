//! Which listeners have certificates to keep, and what is to be known of each.

use crate::{
    config::{Config, certificates::Source},
    init::{Identity, certificates::TlsListener},
    kafka::Address,
};

/// A listener whose certificate is kept.
#[derive(Debug)]
pub(super) struct Listener {
    /// As init found it.
    pub of: TlsListener,
    /// Its name, in capitals.
    pub name: String,
    /// Where it is found from here; `None`: this node only connects by it.
    pub address: Option<Address>,
    /// Where the certificate comes from.
    pub source: Source,
    /// The same in words.
    pub origin: String,
    /// The raft client of this node shows its certificate, and goes on to show the one that the node was started with.
    pub raft: bool,
}

impl Listener {
    /// Its certificate comes from a CA for development.
    pub fn is_development(&self) -> bool {
        matches!(self.source, Source::Development(_))
    }

    /// The name that a handshake asks for.
    pub fn server_name(&self) -> Option<&str> {
        self.of.names.first().map(String::as_str)
    }
}

/// The listeners that init prepared and that the configuration still has.
pub(super) fn listeners(config: &Config, identity: &Identity) -> Vec<Listener> {
    let one = |of: &TlsListener| {
        let source = config.certificates.listeners.get(&of.name)?.clone();
        Some(Listener {
            name: of.name.clone(),
            address: of.port.map(|port| Address { host: of.host.clone(), port }),
            origin: origin(&source),
            source,
            raft: config.broker.mode.is_kraft() && is_raft(config, &of.name),
            of: of.clone(),
        })
    };
    identity.certificates.iter().filter_map(one).collect()
}

/// Controllers are asked by the first of their listeners; whether they ask for a certificate there is known only where this
/// node is one of them, or is told.
fn is_raft(config: &Config, name: &str) -> bool {
    let get = |key: &str| config.kafka.properties.get(key).map(|text| text.trim().to_lowercase());
    let names = get("controller.listener.names").unwrap_or_else(|| "controller".to_owned());
    let first = names.split(',').next().unwrap_or_default().trim().eq_ignore_ascii_case(name);
    let asked = get(&format!("listener.name.{}.ssl.client.auth", name.to_lowercase()));
    let asked = asked.or_else(|| get("ssl.client.auth"));
    first && asked.map_or(!config.broker.mode.has_controller(), |asked| asked != "none")
}

fn origin(source: &Source) -> String {
    match source {
        Source::Directory(of) => format!("directory {}", of.path.display()),
        Source::Secret(of) => format!("Secret {}", of.name),
        Source::Vault(of) => format!("Vault {}/{}", of.mount, of.role),
        Source::Development(of) => format!("development CA {}", of.directory.display()),
    }
}
