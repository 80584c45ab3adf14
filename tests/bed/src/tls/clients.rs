//! Kafka's own clients against a listener with TLS or SASL: a producer and a consumer that go on, and others with new
//! connections all the time.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::cluster::Cluster;
use crate::process;
use crate::wait::eventually;

const PROGRAM: &str = include_str!("../../kafka/Clients.java");
/// Longer than any line of it.
const LINE: u64 = 8192;

/// What the clients lived through so far.
#[derive(Debug, Clone, Default)]
pub struct ClientsReport {
    /// Records that were acknowledged.
    pub acked: u64,
    /// Of them, those that were read, each once.
    pub read: u64,
    /// Pairs of producer and consumer that were opened, each with connections of its own, and did their work.
    pub opened: u64,
    /// When each failure came, and what it was.
    pub errors: Vec<(Instant, String)>,
    ended: bool,
}

/// The clients. They end when dropped.
#[derive(Debug)]
pub struct TlsClients {
    report: Arc<Mutex<ClientsReport>>,
    child: Child,
    stdin: Option<ChildStdin>,
    reader: Option<JoinHandle<()>>,
}

impl TlsClients {
    /// Starts them on a topic, in the bed's own namespace, with the settings of [`Cluster::tls_client`] or others.
    pub fn start(cluster: &Cluster, topic: &str, client: &[(String, String)]) -> Result<Self> {
        let (source, settings) =
            (cluster.dir().join("Clients.java"), cluster.dir().join("clients.properties"));
        fs::write(&source, PROGRAM)?;
        let lines = client.iter().map(|(key, value)| format!("{key}={value}\n"));
        fs::write(&settings, lines.collect::<String>())?;
        let log = fs::File::create(cluster.dir().join("clients.log"))?;
        let [first, rest @ ..] = process::tied();
        let mut command = Command::new(first);
        command.args(rest).args(["java", "-Xmx192m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp"]);
        command.arg(format!("{}/*", cluster.kafka().libs().display())).arg(&source).arg(&settings).arg(topic);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log);
        let mut child = process::spawn(command).context("failed to start the clients")?;
        let lines = child.stdout.take().context("its output is piped")?;
        let stdin = child.stdin.take();
        let report = Arc::<Mutex<ClientsReport>>::default();
        let kept = Arc::clone(&report);
        let reader = Some(thread::spawn(move || follow(lines, &kept)));
        Ok(Self { report, child, stdin, reader })
    }

    /// What they lived through so far.
    pub fn so_far(&self) -> ClientsReport {
        self.report.lock().expect("report").clone()
    }

    /// Waits until so many more pairs were opened, and records acknowledged, from now on.
    pub async fn wait_more(&self, more: u64, deadline: Duration) -> Result<()> {
        let goal = self.so_far();
        eventually("the clients go on", deadline, async || {
            let now = self.so_far();
            ensure!(now.acked >= goal.acked + more && now.opened >= goal.opened + more, "{now:?}");
            Ok(())
        })
        .await
    }

    /// Stops them, waits until all that was acknowledged is read, and reports.
    pub async fn stop(mut self, deadline: Duration) -> Result<ClientsReport> {
        drop(self.stdin.take());
        eventually("the clients end", deadline, async || {
            ensure!(self.so_far().ended, "{:?}", self.so_far());
            Ok(())
        })
        .await?;
        Ok(self.so_far())
    }
}

impl Drop for TlsClients {
    fn drop(&mut self) {
        // It may have ended by itself; either way it must be gone.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
    }
}

fn follow(lines: ChildStdout, report: &Mutex<ClientsReport>) {
    let mut lines = BufReader::new(lines);
    let mut line = String::new();
    while lines.by_ref().take(LINE).read_line(&mut line).is_ok_and(|read| read > 0) {
        let mut report = report.lock().expect("report");
        match line.trim_end().split_once(' ') {
            Some(("counts", numbers)) => {
                let mut numbers = numbers.split(' ').map(|one| one.parse().unwrap_or_default());
                let mut next = || numbers.next().unwrap_or_default();
                (report.acked, report.read, report.opened) = (next(), next(), next());
            }
            Some(("error", what)) => report.errors.push((Instant::now(), what.to_owned())),
            _ => report.ended |= line.trim_end() == "end",
        }
        drop(report);
        line.clear();
    }
}
