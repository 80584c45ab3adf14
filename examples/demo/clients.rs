//! Who writes, and reads, all the while.

use std::fmt;

use anyhow::Result;
use bed::{Cluster, Load, TlsClients, load::LoadOptions};

/// A producer; with TLS Kafka's own clients, of which new ones connect all the time.
pub enum Clients {
    Plain(Load),
    Tls(TlsClients),
}

/// What they lived through.
pub struct Report {
    /// Records that were acknowledged.
    pub acked: u64,
    /// What failed.
    pub failed: Vec<String>,
    /// What else there was, in words.
    more: String,
}

impl Clients {
    /// Starts them on a topic.
    pub fn start(cluster: &Cluster, topic: &str, secured: bool) -> Result<Self> {
        Ok(if secured {
            Self::Tls(TlsClients::start(cluster, topic, &cluster.tls_client())?)
        } else {
            Self::Plain(Load::start(cluster, topic, LoadOptions::default())?)
        })
    }

    /// Stops them, and waits for what is under way.
    pub async fn stop(self) -> Result<Report> {
        match self {
            Self::Plain(load) => {
                let report = load.stop().await?;
                let failed = report.errors.into_iter().map(|(_, error)| error).collect();
                Ok(Report { acked: report.acked.len() as u64, failed, more: String::new() })
            }
            Self::Tls(clients) => {
                let report = clients.stop(super::story::SOON).await?;
                let more = format!(", {} of them read, {} new connections made", report.read, report.opened);
                let failed = report.errors.into_iter().map(|(_, error)| error).collect();
                Ok(Report { acked: report.acked, failed, more })
            }
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { acked, failed, more } = self;
        write!(
            f,
            "A producer wrote all the while with acks=all: {acked} records acknowledged{more}, {} failed.",
            failed.len()
        )?;
        failed.iter().take(3).try_for_each(|error| write!(f, "\n  {error}"))
    }
}
