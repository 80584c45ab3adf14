//! A connection to one broker or controller.

use std::fmt;
use std::io::ErrorKind;

use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::protocol::{Encodable, HeaderVersion, Message, StrBytes};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

use crate::kafka::call::{Answer, Call, decode_answer, encode_request};
use crate::kafka::frame::frame_length;
use crate::kafka::{PendingCall, WireError};

/// Largest answer, in bytes, to everything but the streamed requests.
pub const DEFAULT_CAP: u64 = 1 << 20;

/// At most this much is reserved ahead of the bytes that came: a length is a claim, not a fact.
const RESERVE: usize = 16 << 10;

/// Where a broker or controller listens.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Address {
    /// Name or IP address, an IPv6 address without brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// No request outstanding.
    Idle,
    /// A request is being sent, or its answer is due.
    Busy,
    /// What was sent or read cannot be told any more.
    Broken,
}

/// One connection with at most one request outstanding.
///
/// A call that fails, runs into its deadline or is dropped before its answer was read leaves bytes of unknown
/// extent behind: the connection is poisoned, and every later call on it is [`WireError::Abandoned`]. To wait
/// longer than one deadline, use [`Connection::start`].
#[derive(Debug)]
pub struct Connection<S = TcpStream> {
    stream: S,
    client_id: StrBytes,
    correlation: i32,
    state: State,
    cap: u64,
    inbox: BytesMut,
}

impl Connection<TcpStream> {
    /// Resolves and connects. Every address that the name has is tried, until `deadline`.
    pub async fn open(address: &Address, client_id: &str, deadline: Instant) -> Result<Self, WireError> {
        let connect = TcpStream::connect((address.host.as_str(), address.port));
        let stream = timeout_at(deadline, connect)
            .await
            .map_err(|_| WireError::TimedOut { what: "connecting", heard: false })?
            .map_err(|source| match source.kind() {
                ErrorKind::ConnectionRefused => WireError::Refused { address: address.to_string() },
                ErrorKind::ConnectionReset => WireError::Closed { during: "connecting" },
                ErrorKind::TimedOut => WireError::TimedOut { what: "connecting", heard: false },
                _ => WireError::Unreachable { address: address.to_string(), source },
            })?;
        // Without it a request that spans two segments may wait for a delayed acknowledgement; harmless to lack.
        let _ = stream.set_nodelay(true);
        Ok(Self::over(stream, client_id))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    /// Speaks Kafka over a stream that is already open, authenticated and encrypted as it has to be.
    pub fn over(stream: S, client_id: &str) -> Self {
        Self {
            stream,
            client_id: StrBytes::from_string(client_id.to_owned()),
            correlation: 0,
            state: State::Idle,
            cap: DEFAULT_CAP,
            inbox: BytesMut::new(),
        }
    }

    /// Caps answers at `cap` bytes instead of [`DEFAULT_CAP`].
    #[must_use]
    pub fn with_cap(mut self, cap: u64) -> Self {
        self.cap = cap;
        self
    }

    /// Another call may be made on this connection.
    pub fn is_usable(&self) -> bool {
        self.state == State::Idle
    }

    /// Sends a request and reads its whole answer before `deadline`.
    pub async fn call<Req: Call>(
        &mut self,
        version: i16,
        request: &Req,
        deadline: Instant,
    ) -> Result<Answer<Req::Response>, WireError> {
        let frame = self.exchange::<Req>(version, request, deadline).await?;
        let message = decode_answer::<Req>(&frame, version).inspect_err(|_| self.poison())?;
        Ok(Answer { bytes: frame.len() as u64 + 4, message })
    }

    /// Sends a request whose answer may be waited for longer than one deadline.
    ///
    /// `deadline` is that of the sending alone.
    pub async fn start<Req: Call>(
        mut self,
        version: i16,
        request: &Req,
        deadline: Instant,
    ) -> Result<PendingCall<Req, S>, WireError> {
        self.send(Req::NAME, Req::KEY, version, request, deadline).await?;
        Ok(PendingCall::new(self, version))
    }

    /// Sends a request and reads its answer, returned from behind the correlation id.
    pub(super) async fn exchange<Req: Call>(
        &mut self,
        version: i16,
        request: &Req,
        deadline: Instant,
    ) -> Result<Bytes, WireError> {
        self.send(Req::NAME, Req::KEY, version, request, deadline).await?;
        self.receive(deadline).await.inspect_err(|_| self.poison())
    }

    /// Sends a request. From here to the end of the answer the connection counts as busy.
    pub(super) async fn send<Req: Message + Encodable + HeaderVersion>(
        &mut self,
        api: &'static str,
        key: i16,
        version: i16,
        request: &Req,
        deadline: Instant,
    ) -> Result<(), WireError> {
        if self.state != State::Idle {
            return Err(WireError::Abandoned);
        }
        let correlation = self.correlation.wrapping_add(1);
        let frame = encode_request(api, key, version, correlation, &self.client_id, request)?;
        self.correlation = correlation;
        self.state = State::Busy;
        self.inbox.clear();
        let written = timeout_at(deadline, async {
            self.stream.write_all(&frame).await?;
            self.stream.flush().await
        });
        let outcome = match written.await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(source)) => WireError::from_io(source, "sending a request"),
            Err(_) => WireError::TimedOut { what: "sending a request", heard: false },
        };
        self.state = State::Broken;
        Err(outcome)
    }

    /// Reads the answer that is due. A timeout may be followed by another `receive`; any other error is final.
    pub(super) async fn receive(&mut self, deadline: Instant) -> Result<Bytes, WireError> {
        let body = self.receive_head(self.cap, deadline).await?;
        // The whole frame fits a usize: it is below a cap that was set for holding it.
        let whole = usize::try_from(body).unwrap_or(usize::MAX).saturating_add(8);
        self.read_to(whole, deadline).await?;
        self.finish();
        Ok(self.inbox.split().freeze().slice(8..))
    }

    /// Reads the length and the correlation id; returns how many bytes follow.
    pub(super) async fn receive_head(&mut self, cap: u64, deadline: Instant) -> Result<u64, WireError> {
        if self.state != State::Busy {
            return Err(WireError::Abandoned);
        }
        self.read_to(4, deadline).await?;
        let len = frame_length(word(&self.inbox, 0), cap).inspect_err(|_| self.poison())?;
        self.read_to(8, deadline).await?;
        if i32::from_be_bytes(word(&self.inbox, 4)) != self.correlation {
            self.state = State::Broken;
            return Err(WireError::Malformed { what: "an answer to another request" });
        }
        Ok(len - 4)
    }

    /// Reads what is there of a streamed answer into `buffer`.
    pub(super) async fn receive_chunk(
        &mut self,
        buffer: &mut [u8],
        deadline: Instant,
    ) -> Result<usize, WireError> {
        let outcome = timeout_at(deadline, self.stream.read(buffer)).await;
        let read = self.judge_read(outcome.map_err(|_| true))?;
        // A read that is always ready never lets the timer have its turn.
        if Instant::now() >= deadline {
            return Err(WireError::TimedOut { what: "reading an answer", heard: true });
        }
        Ok(read)
    }

    /// The answer has been read to its end: the connection is free again.
    pub(super) fn finish(&mut self) {
        self.state = State::Idle;
    }

    /// Nothing more can be read from this connection.
    pub(super) fn poison(&mut self) {
        self.state = State::Broken;
    }

    async fn read_to(&mut self, target: usize, deadline: Instant) -> Result<(), WireError> {
        while self.inbox.len() < target {
            let missing = target - self.inbox.len();
            self.inbox.reserve(missing.min(RESERVE));
            let heard = !self.inbox.is_empty();
            let mut room = (&mut self.inbox).limit(missing);
            let outcome = timeout_at(deadline, self.stream.read_buf(&mut room)).await;
            self.judge_read(outcome.map_err(|_| heard))?;
            // A read that is always ready never lets the timer have its turn.
            if self.inbox.len() < target && Instant::now() >= deadline {
                return Err(WireError::TimedOut { what: "waiting for an answer", heard: true });
            }
        }
        Ok(())
    }

    fn judge_read(&mut self, outcome: Result<std::io::Result<usize>, bool>) -> Result<usize, WireError> {
        let error = match outcome {
            Ok(Ok(read)) if read > 0 => return Ok(read),
            Ok(Ok(_)) => WireError::Closed { during: "reading an answer" },
            Ok(Err(source)) => WireError::from_io(source, "reading an answer"),
            Err(heard) => return Err(WireError::TimedOut { what: "waiting for an answer", heard }),
        };
        self.state = State::Broken;
        Err(error)
    }
}

/// The four bytes from `at` on; `read_to` has made sure of them.
fn word(inbox: &[u8], at: usize) -> [u8; 4] {
    inbox.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).unwrap_or([0; 4])
}
