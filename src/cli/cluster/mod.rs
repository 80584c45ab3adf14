//! Commands that ask the cluster.

pub mod remove;
pub mod stop;
pub mod unregister;

use std::path::PathBuf;

use pillion_probes::reason::Told;

use super::{Exit, out, source::SourceArgs};
use crate::{
    config::host_port,
    init::{self, cluster::ClusterError, render, security},
    kafka::{Address, Security},
};

/// Whom to ask, and how.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Whom {
    /// The config file of a node of the cluster: for TLS, SASL, and cluster.bootstrap
    #[arg(short, long, env = "PILLION_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Which node of its map it is for; otherwise the number the host name ends with
    #[arg(long, value_name = "N")]
    ordinal: Option<String>,
    /// Any other setting by its path, as in --set broker.client.serverName=kafka; may be given often
    #[arg(long, value_name = "PATH=VALUE")]
    set: Vec<String>,
    /// Whom to ask; otherwise cluster.bootstrap of the configuration
    #[arg(long, value_name = "HOST:PORT", value_delimiter = ',')]
    bootstrap: Vec<String>,
    /// One object for scripts
    #[arg(long)]
    json: bool,
}

impl Whom {
    /// The brokers, and how they are secured.
    fn brokers(&self) -> Result<Vec<(Address, Security)>, String> {
        let mut named = Vec::new();
        for text in &self.bootstrap {
            let (host, port) = host_port(text).ok_or(format!("--bootstrap {text:?}: it is no host:port"))?;
            named.push(Address { host, port });
        }
        if self.config.is_none() {
            if named.is_empty() {
                return Err("say whom to ask: --bootstrap HOST:PORT, or --config FILE".to_owned());
            }
            return Ok(named.into_iter().map(|address| (address, Security::plain())).collect());
        }
        // How listeners are secured does not depend on the zone, which may be known on the node alone.
        let zone = Some("unknown".to_owned());
        let source = SourceArgs {
            config: self.config.clone(),
            ordinal: self.ordinal.clone(),
            zone,
            set: self.set.clone(),
        };
        let sources = source.sources()?;
        let rendered =
            render::render(&sources, init::host_name().as_deref()).map_err(|error| error.to_string())?;
        if named.is_empty() {
            let all = &rendered.config.cluster.bootstrap;
            named = all.iter().map(|one| Address { host: one.host.clone(), port: one.port }).collect();
        }
        if named.is_empty() {
            return Err("cluster.bootstrap names nobody; say whom to ask: --bootstrap HOST:PORT".to_owned());
        }
        let secured = |address: Address| {
            let security = security::of_port(&rendered.config, &rendered.identity, address.port);
            (address, security)
        };
        Ok(named.into_iter().map(secured).collect())
    }

    /// Asks, and tells why there is no answer.
    fn ask<T>(
        &self,
        question: impl AsyncFnOnce(&[(Address, Security)]) -> Result<T, ClusterError>,
    ) -> Result<T, Exit> {
        let brokers = self.brokers().map_err(|error| self.failed(&error, Exit::BadConfig))?;
        let asked = super::block_on(question(&brokers)).map_err(|error| {
            self.failed(&format!("failed to set up the asking: {error}"), Exit::Unavailable)
        })?;
        asked.map_err(|error| match error {
            ClusterError::Unknown { .. } => self.failed(&error.to_string(), Exit::BadConfig),
            ClusterError::Unasked(_) => {
                let text = format!("nobody can be asked: {}", out::plain(&error.to_string()));
                self.failed(&text, Exit::Unavailable)
            }
        })
    }

    /// Tells people, and scripts that asked for an object.
    fn failed(&self, error: &str, exit: Exit) -> Exit {
        out::complain(error);
        if self.json {
            out::print(format!("{:#}\n", serde_json::json!({ "error": error })));
        }
        exit
    }
}

/// Each reason with its remedy.
fn lines(reasons: &[Told]) -> String {
    let line = |reason: &Told| {
        let Told { code, text, remedy, .. } = reason;
        format!("  {code}: {}\n    remedy: {remedy}\n", out::plain(text))
    };
    reasons.iter().map(line).collect()
}
