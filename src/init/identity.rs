//! `identity.json`: who this node is. Init writes it last; the sidecar reads it first.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::certificates::TlsListener;
use crate::{
    config::{Config, Mode},
    files::{ReadError, read_capped},
    problem::{Problem, SettingFinding},
};

/// Its name in the run directory.
pub const FILE_NAME: &str = "identity.json";

/// The form of the file; a reader refuses one it does not know.
const FORMAT: u32 = 1;

/// The largest one that is read, in bytes.
const MAX_BYTES: u64 = 1 << 20;

/// Who this node is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Identity {
    /// The form of this file.
    pub format: u32,
    /// The node's id.
    pub id: i32,
    /// Its place in its map.
    pub ordinal: i32,
    /// Its zone, written as `broker.rack`.
    pub zone: Option<String>,
    /// The cluster's name, for people.
    pub cluster: String,
    /// Kafka's cluster id.
    pub cluster_id: String,
    /// The roles of this node.
    pub mode: Mode,
    /// The listener the agent asks.
    pub listener: ListenerAddress,
    /// Where else clients and brokers are served.
    #[serde(default)]
    pub listeners: Vec<ListenerAddress>,
    /// The listener of controllers, as others come to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub controller_listener: Option<ListenerName>,
    /// Where the controllers of the quorum are.
    pub controllers: Vec<Controller>,
    /// The log directories, as they were found before the broker's start.
    pub log_dirs: Vec<LogDirFacts>,
    /// Where the metadata log lies.
    pub metadata_log_dir: PathBuf,
    /// The version of Kafka that was configured.
    pub kafka_version: String,
    /// The version of pillion that wrote this.
    pub pillion_version: String,
    /// A digest of the rendered settings: the same settings, the same digest.
    pub settings_digest: String,
    /// The longest that an override may last, for the command that states one.
    #[serde(default)]
    pub override_cap_seconds: Option<u64>,
    /// Where clients and other brokers are told to find this node: `advertised.listeners`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advertised: Option<String>,
    /// The pod, where it is known, for the command that states an override.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod: Option<PodFacts>,
    /// The listeners whose certificates pillion manages.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub certificates: Vec<TlsListener>,
    /// What lint says of the settings and that stops nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<SettingFinding>,
}

/// The pod.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PodFacts {
    /// Its name.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// Where the downward API volume with the annotation is mounted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub info: Option<PathBuf>,
}

impl PodFacts {
    pub(super) fn of(config: &Config) -> Option<Self> {
        let pod = &config.kubernetes;
        let (name, namespace) = (pod.pod.clone()?, pod.namespace.clone()?);
        Some(Self { name, namespace, info: pod.pod_info.clone() })
    }
}

/// A listener.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListenerAddress {
    /// Its name in `listeners`.
    pub name: String,
    /// Host name or address, without brackets.
    pub host: String,
    /// Port.
    pub port: u16,
    /// `PLAINTEXT`, `SSL`, `SASL_PLAINTEXT` or `SASL_SSL`.
    pub protocol: String,
}

/// A listener that may be another node's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListenerName {
    /// Its name.
    pub name: String,
    /// `PLAINTEXT`, `SSL`, `SASL_PLAINTEXT` or `SASL_SSL`.
    pub protocol: String,
}

/// A controller of the quorum.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Controller {
    /// Its id, where `controller.quorum.voters` tells it.
    pub id: Option<i32>,
    /// Host name or address, without brackets.
    pub host: String,
    /// Port.
    pub port: u16,
}

/// A log directory as it was found before the broker's start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LogDirFacts {
    /// Where it is.
    pub path: PathBuf,
    /// `directory.id`, from Kafka 3.7 on.
    pub directory_id: Option<String>,
    /// Whether the broker was shut down cleanly: otherwise it recovers the logs here. Kafka removes the sign
    /// as it loads, so only init can know.
    pub clean_shutdown: bool,
    /// How many partitions lie here.
    pub partitions: usize,
}

impl Identity {
    /// A new one has the form this pillion writes.
    pub(super) const FORMAT: u32 = FORMAT;

    /// Reads the one that init left in `run_dir`.
    ///
    /// # Errors
    /// When there is none, or none that this pillion knows.
    pub fn read(run_dir: &Path) -> Result<Self, Problem> {
        let path = run_dir.join(FILE_NAME);
        let bad = |what: String| {
            let remedy = "run `pillion init` again, with the same version of pillion";
            Problem::new(path.display().to_string(), what, remedy)
        };
        let bytes = read_capped(&path, MAX_BYTES).map_err(|e: ReadError| bad(e.to_string()))?;
        let identity: Self =
            serde_json::from_slice(&bytes).map_err(|e| bad(format!("it is damaged: {e}")))?;
        if identity.format == FORMAT {
            Ok(identity)
        } else {
            Err(bad(format!("its format {} is not known", identity.format)))
        }
    }

    pub(super) fn render(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }
}

/// FNV-1a: a digest to tell versions of a file apart, not to protect it.
pub(super) fn digest(text: &str) -> String {
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{hash:016x}")
}
