//! What the port and the exec probe cost.
//!
//! `/readyz` at 1,000 requests a second beside a bare hyper server that says 200 to everything: the requests to the
//! two alternate, so that whatever else the machine does falls on both alike.

mod servers;

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::row::Row;

/// Requests a second to each server.
const RATE: u32 = 1000;

/// The ratio to the bare server that is allowed.
const ALLOWED: f64 = 1.3;

/// The time of an exec that is allowed, in milliseconds.
const EXEC: f64 = 5.0;

/// The time of a scrape that is allowed, in milliseconds.
const SCRAPE: f64 = 10.0;

/// The size of a scrape that is allowed, in kilobytes.
const SCRAPE_SIZE: f64 = 100.0;

/// `/readyz` against a bare server for `length`: p50 and p99.
pub fn readyz(length: Duration) -> io::Result<Vec<Row>> {
    let (ours, bare) = (servers::agent()?, servers::bare()?);
    let mut both = [Client::open(ours)?, Client::open(bare)?];
    both.iter_mut().try_for_each(Client::warm_up)?;
    let gap = Duration::from_secs(1) / (RATE * 2);
    let began = Instant::now();
    let mut due = began;
    let mut free = began;
    while due < began + length {
        for client in &mut both {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            // Open loop: what had to wait for the answer before it has waited, and that counts. The sleep's own
            // lateness does not: it is no server's.
            let from = if free > due { due } else { Instant::now() };
            client.ask()?;
            free = Instant::now();
            client.took.push(free - from);
            due += gap;
        }
    }
    let [ours, bare] = &mut both;
    let row = |name: &str, share: f64, ours: &mut Client, bare: &mut Client| {
        let (value, baseline) = (ours.quantile(share), bare.quantile(share));
        Row::ratio(
            &format!("/readyz at {RATE} req/s, {name} (baseline: bare hyper)"),
            value,
            "us",
            ALLOWED,
            baseline,
        )
    };
    Ok(vec![row("p50", 0.5, ours, bare), row("p99", 0.99, ours, bare)])
}

/// `pillion probe ready` as an exec, `times` times: the median of the wall time, beside an exec that does nothing.
pub fn exec(binary: &Path, times: usize) -> io::Result<Row> {
    let agent = servers::agent()?.to_string();
    let mut probes = Vec::with_capacity(times);
    let mut nothings = Vec::with_capacity(times);
    for _ in 0..times {
        probes.push(timed(Command::new(binary).args(["probe", "ready", "--address", &agent]))?);
        nothings.push(timed(&mut Command::new("true"))?);
    }
    let [value, baseline] = [probes, nothings].map(|mut all| quantile(&mut all, 0.5) / 1000.0);
    let name = "pillion probe ready as an exec (baseline: exec of true)";
    Ok(Row::at_most(name, value, "ms", EXEC, Some(baseline)))
}

/// `/metrics` of a broker with two log dirs: the 99th percentile of its time, and its size.
pub fn scrape(times: usize) -> io::Result<Vec<Row>> {
    let agent = servers::agent()?;
    let (mut took, mut size) = (Vec::with_capacity(times), 0_u32);
    for _ in 0..times {
        let mut stream = TcpStream::connect(agent)?;
        let began = Instant::now();
        stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        took.push(began.elapsed());
        if !answer.ends_with(b"# EOF\n") {
            return Err(io::Error::other("no whole answer"));
        }
        size = size.max(u32::try_from(answer.len()).unwrap_or(u32::MAX));
    }
    let name = |what: &str| format!("/metrics of a broker with two log dirs, {what}");
    Ok(vec![
        Row::at_most(&name("p99"), quantile(&mut took, 0.99) / 1000.0, "ms", SCRAPE, None),
        Row::at_most(&name("size"), f64::from(size) / 1000.0, "kB", SCRAPE_SIZE, None),
    ])
}

fn timed(command: &mut Command) -> io::Result<Duration> {
    let began = Instant::now();
    let status = command.stdout(Stdio::null()).status()?;
    let took = began.elapsed();
    if status.success() { Ok(took) } else { Err(io::Error::other("the probe said no")) }
}

/// In microseconds.
fn quantile(took: &mut [Duration], share: f64) -> f64 {
    took.sort_unstable();
    let last = u32::try_from(took.len().saturating_sub(1)).unwrap_or(u32::MAX);
    let rank = Duration::from_secs(last.into()).mul_f64(share).as_secs();
    let at = usize::try_from(rank).unwrap_or(0);
    took.get(at).map_or(f64::NAN, |time| time.as_secs_f64() * 1e6)
}

/// One connection that is kept, as a scraper keeps it.
struct Client {
    stream: TcpStream,
    took: Vec<Duration>,
}

impl Client {
    fn open(at: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(at)?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, took: Vec::new() })
    }

    fn warm_up(&mut self) -> io::Result<()> {
        (0..500).try_for_each(|_| self.ask())
    }

    /// One exchange. Both servers' answers are small and come in one piece.
    fn ask(&mut self) -> io::Result<()> {
        self.stream.write_all(b"GET /readyz HTTP/1.1\r\nhost: localhost\r\n\r\n")?;
        let mut answer = [0; 2048];
        let count = self.stream.read(&mut answer)?;
        let whole = answer[..count].starts_with(b"HTTP/1.1 200") && answer[..count].ends_with(b"\n");
        if whole { Ok(()) } else { Err(io::Error::other("no whole 200")) }
    }

    fn quantile(&mut self, share: f64) -> f64 {
        quantile(&mut self.took, share)
    }
}
