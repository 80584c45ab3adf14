//! A tiny HTTP client for one answer of the agent: blocking, with one deadline over all, so that an exec probe costs
//! no runtime.

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream, ToSocketAddrs},
    os::unix::net::UnixStream,
    path::Path,
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use clap::Args;
use jiff::SignedDuration;

/// Largest answer that is read.
const CAP: u64 = 4 << 20;

/// Where the agent answers, and for how long it is waited for.
#[derive(Args, Clone, Debug)]
pub(super) struct Target {
    /// Where the agent answers: HOST:PORT or http://HOST:PORT
    #[arg(long, visible_alias = "url", env = "PILLION_ADDRESS", value_name = "HOST:PORT")]
    #[arg(default_value = "127.0.0.1:9440", value_parser = address)]
    pub(super) address: String,
    /// How long the whole exchange may take
    #[arg(long, value_name = "TIME", default_value = "900ms", value_parser = duration)]
    pub(super) timeout: Duration,
}

fn address(text: &str) -> Result<String, String> {
    let bare = text.strip_prefix("http://").unwrap_or(text);
    let bare = bare.split('/').next().unwrap_or(bare);
    let has_port =
        bare.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok());
    if has_port { Ok(bare.to_owned()) } else { Err("write HOST:PORT, as 127.0.0.1:9440".into()) }
}

/// A length of time as people write it: `900ms`, `30m`, `1h30m`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let parsed = text.parse::<SignedDuration>().ok().and_then(|length| Duration::try_from(length).ok());
    match parsed {
        Some(length) if !length.is_zero() => Ok(length),
        _ => Err("write a length of time above zero, as 900ms, 30m or 1h30m".into()),
    }
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) status: u16,
    /// The agent's own word for a verdict, by which it is told from any other server.
    pub(super) verdict: Option<String>,
    pub(super) body: Vec<u8>,
}

/// Asks for `path` and reads the whole answer.
pub(super) fn get(target: &Target, path: &str) -> io::Result<Reply> {
    let end = Instant::now() + target.timeout;
    let stream = connect(&target.address, end)?;
    exchange(stream, &format!("GET {path}"), &target.address, end)
}

/// Posts nothing to `path` behind a Unix socket, and reads the whole answer.
pub(super) fn post(socket: &Path, path: &str, timeout: Duration) -> io::Result<Reply> {
    let end = Instant::now() + timeout;
    exchange(UnixStream::connect(socket)?, &format!("POST {path}"), "pillion", end)
}

/// A stream whose every step has what is left of the deadline.
trait Timed: Read + Write {
    fn patience(&self, left: Duration) -> io::Result<()>;
}

impl Timed for TcpStream {
    fn patience(&self, left: Duration) -> io::Result<()> {
        self.set_write_timeout(Some(left)).and_then(|()| self.set_read_timeout(Some(left)))
    }
}

impl Timed for UnixStream {
    fn patience(&self, left: Duration) -> io::Result<()> {
        self.set_write_timeout(Some(left)).and_then(|()| self.set_read_timeout(Some(left)))
    }
}

fn exchange(mut stream: impl Timed, what: &str, host: &str, end: Instant) -> io::Result<Reply> {
    let request =
        format!("{what} HTTP/1.1\r\nhost: {host}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    stream.patience(left(end)?)?;
    stream.write_all(request.as_bytes())?;
    parse(&read(&mut stream, end)?)
}

fn left(end: Instant) -> io::Result<Duration> {
    let left = end.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
}

fn connect(address: &str, end: Instant) -> io::Result<TcpStream> {
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for at in resolve(address, end)? {
        match TcpStream::connect_timeout(&at, left(end)?) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// A name is resolved on a thread of its own: the system's resolver knows no deadline.
pub(super) fn resolve(address: &str, end: Instant) -> io::Result<Vec<SocketAddr>> {
    if let Ok(at) = address.parse() {
        return Ok(vec![at]);
    }
    let (sender, receiver) = mpsc::channel();
    let address = address.to_owned();
    thread::spawn(move || sender.send(address.to_socket_addrs().map(Iterator::collect)));
    receiver.recv_timeout(left(end)?).unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

/// Reads until the end that the answer announces, or that the server makes. A read at a time has what is left of the
/// deadline, so a server that drips bytes does not prolong it.
fn read(stream: &mut impl Timed, end: Instant) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(1024);
    let mut room = [0; 4096];
    loop {
        stream.patience(left(end)?)?;
        match stream.read(&mut room) {
            Ok(0) => return Ok(bytes),
            Ok(count) => bytes.extend_from_slice(&room[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                return Err(io::ErrorKind::TimedOut.into());
            }
            Err(error) => return Err(error),
        }
        if bytes.len() as u64 > CAP {
            return Err(other("the answer is too large"));
        }
        if complete(&bytes) {
            return Ok(bytes);
        }
    }
}

fn head_end(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).position(|four| four == b"\r\n\r\n")
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut fields = head.lines().skip(1).filter_map(|line| line.split_once(':'));
    fields.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}

fn complete(bytes: &[u8]) -> bool {
    let Some(head) = head_end(bytes) else { return false };
    let length = std::str::from_utf8(&bytes[..head]).ok().and_then(|head| header(head, "content-length"));
    length.and_then(|text| text.parse::<usize>().ok()).is_some_and(|length| bytes.len() - head - 4 >= length)
}

fn other(why: &str) -> io::Error {
    io::Error::other(why.to_owned())
}

/// Takes an answer apart.
fn parse(bytes: &[u8]) -> io::Result<Reply> {
    let no_http = || other("what answers does not speak HTTP");
    let end = head_end(bytes).ok_or_else(no_http)?;
    let head = std::str::from_utf8(&bytes[..end]).map_err(|_| no_http())?;
    let mut first = head.lines().next().unwrap_or_default().split(' ');
    let version = first.next().unwrap_or_default();
    let status = first.next().and_then(|code| code.parse().ok());
    match status {
        Some(status) if version.starts_with("HTTP/1.") => Ok(Reply {
            status,
            verdict: header(head, crate::http::VERDICT_HEADER).map(str::to_owned),
            body: bytes[end + 4..].to_vec(),
        }),
        _ => Err(no_http()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step should stop the test where it stands")]
    use super::*;

    #[test]
    fn answers_are_taken_apart_or_refused() {
        let whole = b"HTTP/1.1 503 Nope\r\nPillion-Verdict: dead\r\ncontent-length: 4\r\n\r\ndead";
        assert!(complete(whole) && !complete(&whole[..whole.len() - 1]));
        let reply = parse(whole).unwrap();
        assert_eq!((reply.status, reply.verdict.as_deref()), (503, Some("dead")));
        assert_eq!(reply.body, b"dead");
        for bad in
            [&b""[..], b"HTTP/1.1 503", b"SSH-2.0-x\r\n\r\n", b"HTTP/1.1 x\r\n\r\n", b"\xff\xff\r\n\r\n"]
        {
            assert!(parse(bad).is_err());
        }
    }

    #[test]
    fn addresses_and_lengths() {
        for good in ["127.0.0.1:1", "http://127.0.0.1:1", "http://127.0.0.1:1/readyz"] {
            assert_eq!(address(good).unwrap(), "127.0.0.1:1");
        }
        assert_eq!(address("[::1]:9440").unwrap(), "[::1]:9440");
        assert!(address("localhost").is_err() && address(":1").is_err() && address("h:99999").is_err());
        assert_eq!(duration("1h30m").unwrap(), Duration::from_secs(5400));
        assert!(duration("0s").is_err() && duration("-1s").is_err() && duration("x").is_err());
    }
}
