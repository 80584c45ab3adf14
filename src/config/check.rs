//! What a schema cannot say: required settings, ids, paths, sums.

mod canary;
mod certificates;
mod client;
mod lag;
mod pod;
mod settings;
mod turn;

pub use settings::bytes;

use std::{
    path::{Component, Path, PathBuf},
    time::Duration,
};

use pillion_probes::moves::AddingReplicas;

use super::{
    duration::show,
    file::{self, Mode},
    model::{
        Broker, Cluster, Config, Endpoint, InitialControllers, Kafka, KafkaVersion, Listener, Override,
        Sidecar, Storage,
    },
    shape::Gathered,
    timing::Timing,
};
use crate::problem::Problem;

/// Checks everything; `None` only where a mistake was added.
pub(super) fn check(file: file::File, gathered: Gathered, problems: &mut Vec<Problem>) -> Option<Config> {
    let mut check = Check { gathered, problems };
    let cluster = check.cluster(file.cluster);
    let broker = check.broker(&file.broker, &file.kubernetes);
    let mode = file.broker.mode;
    let kafka = check.kafka(file.kafka, mode);
    let storage = check.storage(file.storage);
    let run_dir = check.absolute("runDir", Some(file.run_dir.unwrap_or_else(|| "/run/pillion".into())));
    if let (Some(storage), Some(run_dir)) = (&storage, &run_dir) {
        check.apart(storage, run_dir);
    }
    let sidecar = check.sidecar(&file.sidecar, mode);
    let version = kafka.as_ref().map(|kafka| kafka.version);
    let turn = check.turn(file.turn, file.kubernetes.namespace.as_deref());
    let kubernetes = check.kubernetes(file.kubernetes);
    let namespace = check.gathered.places.is_written("kubernetes.namespace");
    let certificates = check.certificates(file.certificates, version, namespace);
    if mode == Some(Mode::ZooKeeper) {
        check.only_kraft();
    }
    Some(Config {
        cluster: cluster?,
        broker: broker?,
        kafka: kafka?,
        storage: storage?,
        run_dir: run_dir?,
        sidecar: sidecar?,
        kubernetes: kubernetes?,
        certificates: certificates?,
        turn: turn.ok()?,
        places: check.gathered.places,
    })
}

/// The log directories are looked at this often; they are not written to more often.
const WRITE_PROBE: Duration = Duration::from_secs(10);

struct Check<'a> {
    gathered: Gathered,
    problems: &'a mut Vec<Problem>,
}

impl Check<'_> {
    /// Adds a mistake and yields nothing, so that it can end a function.
    fn wrong<T>(&mut self, path: &str, what: impl Into<String>, remedy: impl Into<String>) -> Option<T> {
        self.problems.push(Problem::new(self.gathered.places.of(path), what, remedy));
        None
    }

    fn refuse<T>(&mut self, path: &str, what: &str, remedy: impl Into<String>) -> Result<T, ()> {
        self.wrong(path, what, remedy).ok_or(())
    }

    fn required<T>(&mut self, path: &str, value: Option<T>, remedy: &str) -> Option<T> {
        if value.is_none() && !self.gathered.is_spoilt(path) {
            let variable = super::variable(path);
            self.wrong::<()>(path, "it is required", format!("{remedy}; or set {variable}"));
        }
        value
    }

    fn cluster(&mut self, file: file::Cluster) -> Option<Cluster> {
        let name = self.required("cluster.name", file.name, "name the cluster");
        let name = name.and_then(|name| {
            // It becomes a label in Kubernetes.
            let inner = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
            let ends = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
            let good = name.len() <= 63 && name.chars().all(inner);
            if good && ends(name.chars().next()) && ends(name.chars().last()) {
                return Some(name);
            }
            let remedy = "up to 63 of A-Z a-z 0-9 - _ . with a letter or digit at both ends";
            self.wrong("cluster.name", "it cannot be a label", remedy)
        });
        let remedy = "the running cluster's id, or for a new one what `kafka-storage random-uuid` prints";
        let id = self.required("cluster.id", file.id, remedy);
        let id = id.and_then(|id| {
            let good = id.len() == 22 && id.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
            if good {
                Some(id)
            } else {
                self.wrong("cluster.id", "it is not 22 characters of A-Z a-z 0-9 - _", remedy)
            }
        });
        // Every one of them is looked at before a wrong one ends the check.
        let bootstrap: Vec<_> = file.bootstrap.iter().map(|text| self.endpoint(text)).collect();
        let bootstrap = bootstrap.into_iter().collect::<Option<_>>();
        Some(Cluster { name: name?, id: id?, bootstrap: bootstrap? })
    }

    fn endpoint(&mut self, text: &str) -> Option<Endpoint> {
        if let Some((host, port)) = host_port(text) {
            return Some(Endpoint { host, port });
        }
        self.wrong("cluster.bootstrap", format!("{text:?} is no address"), "write each broker as host:port")
    }

    fn broker(&mut self, file: &file::Broker, of_pod: &file::Kubernetes) -> Option<Broker> {
        let mode = self.required(
            "broker.mode",
            file.mode,
            "kraft-broker, kraft-controller, kraft-combined or zookeeper",
        );
        let id_base = self.required("broker.idBase", file.id_base, "the id of ordinal 0");
        let as_id = |n: i64| i32::try_from(n).ok();
        let id_range = match &file.id_range {
            None => Some(None),
            Some(text) => {
                let ends = text.split_once('-').and_then(|(low, high)| {
                    let low: i32 = low.trim().parse().ok()?;
                    let high: i32 = high.trim().parse().ok()?;
                    (low <= high).then_some(low..=high)
                });
                match ends {
                    None => self.wrong(
                        "broker.idRange",
                        format!("{text:?} is no range"),
                        "write it like \"1001-1006\"",
                    ),
                    Some(range) => Some(Some(range)),
                }
            }
        };
        if let (Some(base), Some(Some(range))) = (id_base.and_then(as_id), &id_range)
            && !range.contains(&base)
        {
            let what = format!("idBase {base} is outside of the range {} to {}", range.start(), range.end());
            self.wrong::<()>("broker.idRange", what, "let the range hold every id of this map");
        }
        let zone = self.zone(&file.zone, of_pod, mode);
        let advertised = self.advertised(&file.advertised, mode);
        let client = self.client(file.client.clone());
        let listener = match file.listener.as_deref() {
            None | Some("auto") => Some(Listener::Auto),
            Some(text) => match host_port(text) {
                Some((host, port)) => Some(Listener::At { host, port }),
                None => {
                    self.wrong("broker.listener", format!("{text:?} is no address"), "\"auto\" or host:port")
                }
            },
        };
        Some(Broker {
            mode: mode?,
            id_base: as_id(id_base?)?,
            id_range: id_range?,
            ordinal: file.ordinal.and_then(as_id),
            zone: zone.ok()?,
            listener: listener?,
            client: client?,
            advertised: advertised?,
        })
    }

    fn kafka(&mut self, file: file::Kafka, mode: Option<Mode>) -> Option<Kafka> {
        let version = self.required("kafka.version", file.version, "as in \"4.3.1\"");
        let version = version.and_then(|text| match KafkaVersion::parse(&text) {
            Some(version) => match unsupported(version, mode) {
                None => Some(version),
                Some((what, remedy)) => self.wrong("kafka.version", what, remedy),
            },
            None => self.wrong("kafka.version", format!("{text:?} is no version"), "as in \"4.3.1\""),
        });
        let home = self.absolute("kafka.home", Some(file.home.unwrap_or_else(|| "/opt/kafka".into())));
        let layers = self.layers(file.layers);
        let properties = self.properties("kafka.properties", file.properties);
        let overrides = self.overrides(file.overrides);
        let env = self.env(file.env);
        let resources = self.resources(&file.resources);
        Some(Kafka {
            version: version?,
            home: home?,
            layers: layers?,
            properties: properties?,
            overrides: overrides?,
            env: env?,
            resources: resources?,
        })
    }

    fn storage(&mut self, file: file::Storage) -> Option<Storage> {
        let path = "storage.logDirs";
        if file.log_dirs.is_empty() {
            return self.required(path, None, "list the directories of Kafka's log.dirs");
        }
        let before = self.problems.len();
        for (i, dir) in file.log_dirs.iter().enumerate() {
            self.absolute(path, Some(dir.clone()));
            let earlier = file.log_dirs.iter().take(i);
            for other in earlier {
                if dir.starts_with(other) || other.starts_with(dir) {
                    let what = format!("{} and {} overlap", other.display(), dir.display());
                    self.wrong::<()>(path, what, "give each log directory a place of its own");
                }
            }
            if dir.to_string_lossy().contains(',') {
                let what = format!("{} holds a comma, which divides log.dirs", dir.display());
                self.wrong::<()>(path, what, "mount it under another name");
            }
        }
        let metadata = file.metadata_log_dir;
        if let Some(dir) = &metadata {
            self.absolute("storage.metadataLogDir", metadata.clone());
            let mut others = file.log_dirs.iter().filter(|other| *other != dir);
            if let Some(other) = others.find(|other| dir.starts_with(other) || other.starts_with(dir)) {
                let what = format!("{} and {} overlap", other.display(), dir.display());
                self.wrong::<()>("storage.metadataLogDir", what, "give it a place of its own");
            }
        }
        let initial_controllers = file.initial_controllers.map(|text| match text.as_str() {
            "standalone" => InitialControllers::Standalone,
            "none" => InitialControllers::None,
            _ => InitialControllers::Voters(text),
        });
        (self.problems.len() == before).then_some(Storage {
            log_dirs: file.log_dirs,
            metadata_log_dir: metadata,
            must_be_mount: file.must_be_mount.unwrap_or(false),
            bootstrap: file.bootstrap.unwrap_or(false),
            initial_controllers,
        })
    }

    /// What has no meaning without a quorum is not passed over in silence.
    fn only_kraft(&mut self) {
        let settings = [
            "storage.metadataLogDir",
            "storage.initialControllers",
            "sidecar.timing.heartbeatInterval",
            "sidecar.timing.quorumInterval",
            "sidecar.addingReplicas",
        ];
        for path in settings {
            if self.gathered.places.is_written(path) {
                self.wrong::<()>(path, "it has no meaning in ZooKeeper mode", "take it out");
            }
        }
    }

    fn sidecar(&mut self, file: &file::Sidecar, mode: Option<Mode>) -> Option<Sidecar> {
        let listen = file.listen.as_deref().unwrap_or("0.0.0.0:9440");
        let listen = match listen.parse() {
            Ok(address) => Some(address),
            Err(_) => self.wrong("sidecar.listen", format!("{listen:?} is no address"), "as in 0.0.0.0:9440"),
        };
        let timing = Timing::from_file(&file.timing, mode);
        for (key, what, remedy) in timing.misfits(mode) {
            self.wrong::<()>(&format!("sidecar.timing.{key}"), what, remedy);
        }
        let max_duration = file.override_.max_duration.map_or(Duration::from_secs(2 * 3600), |d| d.0);
        let adding_replicas = match file.adding_replicas {
            None | Some(file::AddingReplicas::UntilInSync) => AddingReplicas::UntilInSync,
            Some(file::AddingReplicas::Count) => AddingReplicas::Count,
            Some(file::AddingReplicas::Ignore) => AddingReplicas::Ignore,
        };
        let write_probe = file.resources.write_probe.map(|every| every.0);
        if write_probe.is_some_and(|every| every < WRITE_PROBE) {
            let what = format!("it is less than {}", show(WRITE_PROBE));
            self.wrong::<()>("sidecar.resources.writeProbe", what, "leave the disk to Kafka: as in 10s");
        }
        let lag = self.lag(&file.lag, mode);
        let canary = self.canary(&file.canary, mode);
        Some(Sidecar {
            listen: listen?,
            timing,
            adding_replicas,
            override_: Override { max_duration },
            ledger: file.ledger.unwrap_or(true),
            write_probe,
            lag: lag.ok()?,
            canary: canary.ok()?,
        })
    }

    fn absolute(&mut self, key: &str, path: Option<PathBuf>) -> Option<PathBuf> {
        let path = path?;
        let plain = path.components().all(|c| matches!(c, Component::RootDir | Component::Normal(_)));
        if plain && path.is_absolute() && path != Path::new("/") {
            return Some(path);
        }
        let what = format!("{:?} is not an absolute path below /", path.display().to_string());
        self.wrong(key, what, "write the path from / on, without . and ..")
    }

    fn apart(&mut self, storage: &Storage, run_dir: &Path) {
        if let Some(dir) =
            storage.all_dirs().iter().find(|dir| run_dir.starts_with(dir) || dir.starts_with(run_dir))
        {
            let what = format!("{} and the log directory {} overlap", run_dir.display(), dir.display());
            self.wrong::<()>("runDir", what, "keep Kafka's data and pillion's files apart");
        }
    }
}

/// Why this version is not run in this mode, and what to do.
fn unsupported(version: KafkaVersion, mode: Option<Mode>) -> Option<(String, &'static str)> {
    if mode != Some(Mode::ZooKeeper) {
        let remedy = "upgrade Kafka; KRaft is for production from 3.3 on";
        return (!version.at_least(3, 3)).then(|| (format!("KRaft of {version} is not supported"), remedy));
    }
    if version.at_least(4, 0) {
        let remedy = "correct it, or broker.mode; ZooKeeper mode ends with 3.9";
        return Some((format!("Kafka {version} has no ZooKeeper mode"), remedy));
    }
    let remedy = "upgrade Kafka to 2.8 at the least";
    (!version.at_least(2, 8)).then(|| (format!("Kafka {version} is not supported"), remedy))
}

/// `host:port`, the host in brackets when it has colons.
pub fn host_port(text: &str) -> Option<(String, u16)> {
    let (host, port) = text.rsplit_once(':')?;
    let bare = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
    let host = bare.unwrap_or(host);
    let good =
        !host.is_empty() && !host.contains(char::is_whitespace) && (bare.is_some() || !host.contains(':'));
    let port = port.parse().ok().filter(|p| *p > 0)?;
    good.then(|| (host.to_owned(), port))
}
