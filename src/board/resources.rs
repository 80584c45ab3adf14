//! What the node has and uses, as the last looks told it. No verdict rests on it.

use std::{
    fmt::{self, Display, Formatter},
    io,
    time::Duration,
};

use pillion_probes::{
    forecast::{Forecast, History},
    observe::Observations,
    resources::{Container, Interface, Process, Space},
    time::BootTime,
};
use serde::{Deserialize, Serialize};

/// A file system that has not answered a look for longer than this hangs.
pub const STUCK: Duration = Duration::from_secs(5);

/// What an older look told is told no more: six looks have failed since.
pub const STALE: Duration = Duration::from_secs(60);

/// Everything that was seen.
#[derive(Debug, Default)]
pub struct Resources {
    /// The log dirs, in the order of the settings.
    pub log_dirs: Vec<LogDir>,
    /// The broker's process.
    pub process: Option<(BootTime, Process)>,
    /// Its container.
    pub container: Option<(BootTime, Container)>,
    /// The network of the pod.
    pub network: Option<(BootTime, Vec<Interface>)>,
}

/// A log dir, by the looks of the agent itself.
#[derive(Debug, Default)]
pub struct LogDir {
    /// Where it is.
    pub path: String,
    /// A look is under way since.
    asked: Option<BootTime>,
    space: Option<(BootTime, Space)>,
    written: Option<(BootTime, Duration)>,
    /// How long what the probe told is told.
    probe_age: Duration,
    fault: Option<String>,
    write_fault: Option<String>,
    history: History,
    forecast: Forecast,
}

/// What the node has and uses.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResourcesTold {
    /// The log dirs.
    pub log_dirs: Vec<LogDirTold>,
    /// The broker's process, where it can be seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<Process>,
    /// Its container, where it has one that can be seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<Container>,
    /// The network interfaces of the pod.
    pub network: Vec<Interface>,
}

/// A log dir.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LogDirTold {
    /// Where it is.
    pub path: String,
    /// Its file system has not answered a look for more than 5 s.
    pub stuck: bool,
    /// Its file system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub space: Option<Space>,
    /// Bytes that Kafka tells of its replicas there, future ones included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kafka_bytes: Option<u64>,
    /// How fast it fills, and when it will be full.
    #[serde(flatten)]
    pub forecast: Forecast,
    /// How long the last probe took to write a few bytes, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub write_seconds: Option<f64>,
    /// What is wrong with it, in one sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
}

impl LogDir {
    /// A log dir that nobody has looked at; `probe`: between two probes, where they are switched on.
    pub fn new(path: &str, probe: Option<Duration>) -> Self {
        Self { path: path.to_owned(), probe_age: STALE + probe.unwrap_or_default(), ..Self::default() }
    }

    /// A look begins, which may never end.
    pub fn ask(&mut self, now: BootTime) {
        self.asked = Some(now);
    }

    /// The file system answered a look that began at `sent`; a probe may follow.
    pub fn answer(&mut self, sent: BootTime, told: io::Result<Space>) {
        match told {
            Ok(space) => {
                self.history.push(sent, &space);
                self.forecast = self.history.forecast();
                (self.space, self.fault) = (Some((sent, space)), None);
            }
            Err(error) => (self.space, self.fault) = (None, Some(error.to_string())),
        }
    }

    /// A probe that began at `sent` has ended.
    pub fn wrote(&mut self, sent: BootTime, told: io::Result<Duration>) {
        match told {
            Ok(took) => (self.written, self.write_fault) = (Some((sent, took)), None),
            Err(error) => (self.written, self.write_fault) = (None, Some(error.to_string())),
        }
    }

    /// The look is over.
    pub fn rest(&mut self) {
        self.asked = None;
    }

    fn told(&self, seen: &Observations, kafka_age: Duration, now: BootTime) -> LogDirTold {
        let silent = self.asked.map(|asked| now.since(asked)).filter(|silent| *silent > STUCK);
        let space = fresh(self.space.as_ref(), STALE, now);
        let read_only = space.is_some_and(|space| space.read_only);
        let trouble = match (silent, &self.fault, &self.write_fault) {
            (Some(silent), _, _) => {
                Some(format!("its file system has not answered for {}", super::Ago(silent)))
            }
            (None, Some(fault), _) => Some(format!("it cannot be looked at: {fault}")),
            (None, None, _) if read_only => Some("it is mounted read-only".to_owned()),
            (None, None, Some(fault)) => Some(format!("the probe cannot write there: {fault}")),
            (None, None, None) => None,
        };
        LogDirTold {
            path: self.path.clone(),
            stuck: silent.is_some(),
            kafka_bytes: kafka_bytes(seen, &self.path, kafka_age, now),
            forecast: if space.is_some() { self.forecast } else { Forecast::default() },
            write_seconds: fresh(self.written.as_ref(), self.probe_age, now).map(|took| took.as_secs_f64()),
            space,
            trouble,
        }
    }
}

impl Resources {
    /// As it is told at `now`. What Kafka says may be `kafka_age` old.
    pub(super) fn told(&self, seen: &Observations, kafka_age: Duration, now: BootTime) -> ResourcesTold {
        ResourcesTold {
            log_dirs: self.log_dirs.iter().map(|dir| dir.told(seen, kafka_age, now)).collect(),
            process: fresh(self.process.as_ref(), STALE, now),
            container: fresh(self.container.as_ref(), STALE, now),
            network: fresh(self.network.as_ref(), STALE, now).unwrap_or_default(),
        }
    }
}

impl ResourcesTold {
    /// Process and container in one line; `None` where neither can be seen.
    pub fn summary(&self) -> Option<String> {
        let mut parts = Vec::new();
        if let Some(seen) = &self.container {
            let of = seen.memory_limit.map(|limit| format!(" of {}", Size(limit))).unwrap_or_default();
            if let Some(set) = seen.working_set {
                parts.push(format!("memory {}{of} in use", Size(set)));
            }
            // At a limit Kafka stands still, and nothing else shows it.
            if let (Some(held), Some(all)) = (seen.throttled_periods, seen.periods)
                && held > 0
            {
                parts.push(format!("held up by its CPU limit in {held} of {all} periods"));
            }
            if let Some(kills) = seen.oom_kills.filter(|kills| *kills > 0) {
                parts.push(format!("{kills} killed for lack of memory"));
            }
        }
        if let Some(seen) = &self.process {
            parts.push(format!("process {} with {} resident", seen.pid, Size(seen.resident)));
            parts.push(format!("{} threads", seen.threads));
            if let Some(open) = seen.open_files {
                let of = seen.open_files_limit.map(|limit| format!(" of {limit}")).unwrap_or_default();
                let sockets =
                    seen.sockets.map(|count| format!(", {count} of them sockets")).unwrap_or_default();
                parts.push(format!("{open}{of} files open{sockets}"));
            }
        }
        (!parts.is_empty()).then(|| parts.join(", "))
    }
}

impl LogDirTold {
    /// The heads of [`LogDirTold::row`].
    pub const HEADS: [&'static str; 5] = ["size", "free", "Kafka's", "grows", "full in"];

    /// Its numbers as a person reads them; a dash for what is not known.
    pub fn row(&self) -> [String; 5] {
        let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
        let size = |bytes: Option<u64>| or_dash(bytes.map(|bytes| Size(bytes).to_string()));
        let growth = self.forecast.growth.map(|growth| {
            let (sign, rate) = if growth < 0.0 { ("-", -growth) } else { ("", growth) };
            let hourly = Duration::try_from_secs_f64(rate * 3600.0).map_or(u64::MAX, |rate| rate.as_secs());
            format!("{sign}{}/h", Size(hourly))
        });
        let full_in = self.forecast.full_in.and_then(|left| Duration::try_from_secs_f64(left).ok());
        [
            size(self.space.map(|space| space.size)),
            size(self.space.map(|space| space.available)),
            size(self.kafka_bytes),
            or_dash(growth),
            or_dash(full_in.map(|left| super::Ago(left).to_string())),
        ]
    }
}

/// Bytes as a person says them: `321.0 GiB`.
struct Size(u64);

impl Display for Size {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let units = ["KiB", "MiB", "GiB", "TiB", "PiB"];
        let (mut whole, mut part, mut unit) = (self.0, 0, "B");
        for larger in units {
            if whole < 1024 {
                break;
            }
            (whole, part, unit) = (whole / 1024, whole % 1024 * 10 / 1024, larger);
        }
        if unit == "B" { write!(f, "{whole} B") } else { write!(f, "{whole}.{part} {unit}") }
    }
}

fn fresh<T: Clone>(seen: Option<&(BootTime, T)>, limit: Duration, now: BootTime) -> Option<T> {
    seen.filter(|(at, _)| now.since(*at) <= limit).map(|(_, seen)| seen.clone())
}

fn kafka_bytes(seen: &Observations, path: &str, limit: Duration, now: BootTime) -> Option<u64> {
    let told = seen.log_dirs.as_deref().filter(|told| now.since(told.sent) <= limit)?;
    told.dirs.iter().find(|dir| dir.error == 0 && dir.is_at(path)).map(|dir| dir.bytes)
}
