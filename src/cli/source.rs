//! What describes a node on the command line.

use std::path::PathBuf;

use crate::config::Sources;

/// The config file and what lies over it.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct SourceArgs {
    /// The config file; everything may come from the environment and flags instead
    #[arg(short, long, env = "PILLION_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Which one of its map this is; otherwise the number the host name ends with
    #[arg(long, value_name = "N")]
    pub ordinal: Option<String>,
    /// The failure domain, written as broker.rack
    #[arg(long, value_name = "ZONE")]
    pub zone: Option<String>,
    /// Any other setting by its path, as in --set sidecar.timing.margin=1s; may be given often
    #[arg(long, value_name = "PATH=VALUE")]
    pub set: Vec<String>,
}

impl SourceArgs {
    /// File, environment, flags.
    ///
    /// # Errors
    /// A `--set` without `=`.
    pub fn sources(&self) -> Result<Sources, String> {
        let mut sources = Sources::of_process(self.config.clone());
        for pair in &self.set {
            sources.set(pair)?;
        }
        let named =
            [("--ordinal", "broker.ordinal", &self.ordinal), ("--zone", "broker.zone.value", &self.zone)];
        for (name, path, value) in named {
            if let Some(value) = value {
                sources.flag(name, path, value);
            }
        }
        Ok(sources)
    }
}
