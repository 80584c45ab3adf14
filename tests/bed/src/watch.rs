//! Polling as a prober does, and remembering every answer.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::pace::Pace;

const EVERY: Duration = Duration::from_millis(250);
const PATIENCE: Duration = Duration::from_secs(1);
/// More of a body than any verdict needs.
const BODY: u64 = 1 << 20;

/// What came of one poll.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// An HTTP answer.
    Http {
        /// The status code.
        status: u16,
        /// The body.
        body: String,
    },
    /// The connection was accepted; nothing more was asked.
    Connected,
    /// No answer: why.
    Failed(String),
}

/// One poll.
#[derive(Debug, Clone)]
pub struct Answer {
    /// When it was asked.
    pub asked: Instant,
    /// When the answer, or the lack of one, was there: what a prober believes from then on.
    pub at: Instant,
    /// What it was.
    pub outcome: Outcome,
}

impl Answer {
    /// Yes or no, as a kubelet would take it: 200 to 399, or a connection.
    pub fn ready(&self) -> bool {
        match &self.outcome {
            Outcome::Http { status, .. } => (200..400).contains(status),
            Outcome::Connected => true,
            Outcome::Failed(_) => false,
        }
    }
}

/// Polls in the background: every 250 ms unless told, 1 s of patience. Stops when dropped.
#[derive(Debug)]
pub struct Watch {
    answers: Arc<Mutex<Vec<Answer>>>,
    pace: Pace,
    task: JoinHandle<()>,
}

impl Watch {
    /// GETs `path` with plain HTTP.
    pub fn http(addr: SocketAddr, path: &str) -> Self {
        Self::start(addr, Some(path.to_owned()))
    }

    /// Connects, and closes.
    pub fn tcp(addr: SocketAddr) -> Self {
        Self::start(addr, None)
    }

    /// From now on polls each `every`. A paused broker accepts as many connects as its backlog holds (50), which
    /// quick pollers use up and so flatter a probe of the port; a kubelet's pace of 10 s does not.
    pub fn pace(&self, every: Duration) {
        self.pace.set(every);
    }

    fn start(addr: SocketAddr, path: Option<String>) -> Self {
        let pace = Pace::new(EVERY);
        let kept_pace = pace.clone();
        let answers: Arc<Mutex<Vec<Answer>>> = Arc::default();
        let kept = Arc::clone(&answers);
        let task = tokio::spawn(async move {
            loop {
                let asked = Instant::now();
                let outcome = match timeout(PATIENCE, poll(addr, path.as_deref())).await {
                    Ok(Ok(outcome)) => outcome,
                    Ok(Err(error)) => Outcome::Failed(format!("{error:#}")),
                    Err(_) => Outcome::Failed("timed out".to_owned()),
                };
                kept.lock().expect("answers").push(Answer { asked, at: Instant::now(), outcome });
                kept_pace.wait(asked).await;
            }
        });
        Self { answers, pace, task }
    }

    /// Every answer so far.
    pub fn answers(&self) -> Vec<Answer> {
        self.answers.lock().expect("answers").clone()
    }

    /// The last answer.
    pub fn last(&self) -> Option<Answer> {
        self.answers.lock().expect("answers").last().cloned()
    }

    /// The answers as [`score`](crate::score::score) takes them.
    pub fn timeline(&self) -> Vec<(Instant, bool)> {
        self.answers.lock().expect("answers").iter().map(|answer| (answer.at, answer.ready())).collect()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn poll(addr: SocketAddr, path: Option<&str>) -> Result<Outcome> {
    let mut stream = TcpStream::connect(addr).await?;
    let Some(path) = path else { return Ok(Outcome::Connected) };
    // HTTP/1.0: the answer ends with the connection, and is never chunked.
    let request = format!("GET {path} HTTP/1.0\r\nHost: {addr}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut text = Vec::new();
    stream.take(BODY).read_to_end(&mut text).await?;
    parse(&String::from_utf8_lossy(&text))
}

fn parse(text: &str) -> Result<Outcome> {
    let (head, body) = text.split_once("\r\n\r\n").context("no end of the headers")?;
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).context("no status")?;
    Ok(Outcome::Http { status, body: body.to_owned() })
}

/// Why it was not ready, as pillion says it: the first line of each answer, once for each code (what stands before
/// the colon), in the order in which they came. Later lines of the same code differ in figures only.
pub fn reasons(answers: &[Answer]) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for answer in answers.iter().filter(|answer| !answer.ready()) {
        let Outcome::Http { body, .. } = &answer.outcome else { continue };
        let line = body.lines().next().unwrap_or_default();
        let code = |line: &str| line.split(':').next().map(str::to_owned);
        if !line.is_empty() && all.iter().all(|said| code(said) != code(line)) {
            all.push(line.to_owned());
        }
    }
    all
}

/// GETs once, for a test that needs one answer.
pub async fn get(addr: SocketAddr, path: &str) -> Result<(u16, String)> {
    match timeout(PATIENCE, poll(addr, Some(path))).await.context("timed out")?? {
        Outcome::Http { status, body } => Ok((status, body)),
        other => anyhow::bail!("not HTTP: {other:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::{Answer, Outcome, parse, reasons};
    use std::time::Instant;

    #[test]
    fn each_reason_is_told_once() {
        let now = Instant::now();
        let http = |status, body: &str| Outcome::Http { status, body: body.to_owned() };
        let answers = [
            http(200, "ready: all is well\n"),
            http(503, "not-in-isr: of 1; wait\nbehind: by 3\n"),
            Outcome::Failed("refused".to_owned()),
            http(503, "not-in-isr: of 2; wait\n"),
            http(503, "fenced: by the controller; look\n"),
        ]
        .map(|outcome| Answer { asked: now, at: now, outcome });
        assert_eq!(reasons(&answers), ["not-in-isr: of 1; wait", "fenced: by the controller; look"]);
    }

    #[test]
    fn reads_status_and_body() {
        let outcome = parse("HTTP/1.1 503 Service Unavailable\r\nA: b\r\n\r\nnot-in-isr\n").unwrap();
        assert_eq!(outcome, Outcome::Http { status: 503, body: "not-in-isr\n".to_owned() });
        let now = Instant::now();
        assert!(!Answer { asked: now, at: now, outcome }.ready());
        assert!(parse("HTTP/1.1 200 OK\r\n").is_err());
        assert!(parse("garbage\r\n\r\n").is_err());
    }
}
