//! Contenders that read a gauge of the broker, all through one JVM of ours.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use super::Timeline;
use crate::cluster::Cluster;
use crate::process;

const PROGRAM: &str = include_str!("../../kafka/Gauges.java");
/// Longer than any line of it.
const LINE: u64 = 1024;
/// A broker that is asked each 250 ms with a patience of a second, a close and a new connection included,
/// gives a row far sooner. Longer than that, it is the poller that is ill.
const SILENT: Duration = Duration::from_secs(20);

/// A gauge that a rule reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Gauge {
    UnderReplicatedPartitions,
    BrokerState,
}

impl Gauge {
    /// Whether a value means ready. `BrokerState` as in Strimzi's agent: from 3, RUNNING, but not 127, UNKNOWN.
    fn ready(self, value: i64) -> bool {
        match self {
            Self::UnderReplicatedPartitions => value == 0,
            Self::BrokerState => value >= 3 && value != 127,
        }
    }
}

/// One poll of one gauge of one broker.
#[derive(Debug, PartialEq, Eq)]
struct Row {
    id: i32,
    gauge: Gauge,
    /// Or no answer.
    value: Option<i64>,
}

#[derive(Debug, Default)]
struct Seen {
    samples: BTreeMap<(i32, Gauge), Timeline>,
    /// Why no more rows come.
    ended: Option<String>,
}

/// The poller and what it has seen. Ends when dropped.
#[derive(Debug)]
pub(super) struct Gauges {
    seen: Arc<Mutex<Seen>>,
    child: Child,
}

impl Gauges {
    /// Polls every broker of a cluster that was built with [`jmx`](crate::Builder::jmx).
    pub(super) fn start(cluster: &Cluster) -> Result<Self> {
        let source = cluster.dir().join("Gauges.java");
        fs::write(&source, PROGRAM)?;
        let [first, rest @ ..] = process::tied();
        let mut command = Command::new(first);
        command.args(rest).args(["java", "-Xmx64m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]);
        command.arg(&source).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut samples = BTreeMap::new();
        for node in cluster.brokers() {
            let addr = node.jmx_addr().context("the cluster was not built with `jmx`")?;
            command.arg(format!("{}={addr}", node.id()));
            for gauge in [Gauge::UnderReplicatedPartitions, Gauge::BrokerState] {
                samples.insert((node.id(), gauge), Timeline::new());
            }
        }
        let mut child = process::spawn(command).context("failed to start the poller of the gauges")?;
        let rows = child.stdout.take().context("its output is piped")?;
        let seen = Arc::new(Mutex::new(Seen { samples, ended: None }));
        let kept = Arc::clone(&seen);
        thread::spawn(move || {
            let why = read(rows, &kept).map_or_else(|error| format!("{error:#}"), |()| "it ended".to_owned());
            kept.lock().expect("seen").ended = Some(why);
        });
        Ok(Self { seen, child })
    }

    pub(super) fn timeline(&self, id: i32, gauge: Gauge) -> Timeline {
        self.seen.lock().expect("seen").samples.get(&(id, gauge)).cloned().unwrap_or_default()
    }

    /// An error when rows no longer come.
    pub(super) fn check(&self) -> Result<()> {
        let seen = self.seen.lock().expect("seen");
        if let Some(why) = &seen.ended {
            bail!("the poller of the gauges: {why}");
        }
        for ((id, gauge), samples) in &seen.samples {
            let age = samples.last().context("the poller of the gauges has not begun")?.0.elapsed();
            ensure!(age < SILENT, "the poller of the gauges: no {gauge:?} of {id} for {age:?}");
        }
        Ok(())
    }
}

impl Drop for Gauges {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Takes rows until there are no more.
fn read(rows: ChildStdout, seen: &Mutex<Seen>) -> Result<()> {
    let mut rows = BufReader::new(rows);
    loop {
        let mut line = String::new();
        if rows.by_ref().take(LINE).read_line(&mut line)? == 0 {
            return Ok(());
        }
        let at = Instant::now();
        let row = parse(line.trim_end()).with_context(|| format!("not a row: {line:?}"))?;
        let ready = row.value.is_some_and(|value| row.gauge.ready(value));
        let mut seen = seen.lock().expect("seen");
        seen.samples.entry((row.id, row.gauge)).or_default().push((at, ready));
    }
}

fn parse(line: &str) -> Option<Row> {
    let mut words = line.splitn(4, ' ');
    let id = words.next()?.parse().ok()?;
    let gauge = match words.next()? {
        "UnderReplicatedPartitions" => Gauge::UnderReplicatedPartitions,
        "BrokerState" => Gauge::BrokerState,
        _ => return None,
    };
    let value = match words.next()? {
        "-" => None,
        value => Some(value.parse().ok()?),
    };
    Some(Row { id, gauge, value })
}

#[cfg(test)]
mod tests {
    use super::{Gauge, Row, parse};

    #[test]
    fn rows_are_read() {
        let row = |gauge, value| Some(Row { id: 1001, gauge, value });
        assert_eq!(parse("1001 BrokerState 3"), row(Gauge::BrokerState, Some(3)));
        let none = "1001 UnderReplicatedPartitions - java.net.ConnectException: Connection refused";
        assert_eq!(parse(none), row(Gauge::UnderReplicatedPartitions, None));
        for bad in ["", "1001", "1001 BrokerState", "1001 BrokerState x", "x BrokerState 3", "1001 Other 3"] {
            assert_eq!(parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn states_from_running_on_are_ready_but_unknown_is_not() {
        let ready: Vec<i64> = (0..=127).filter(|state| Gauge::BrokerState.ready(*state)).collect();
        assert_eq!((ready.first(), ready.last(), ready.len()), (Some(&3), Some(&126), 124));
        assert!(Gauge::UnderReplicatedPartitions.ready(0) && !Gauge::UnderReplicatedPartitions.ready(1));
    }
}
