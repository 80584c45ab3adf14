//! A connection to one broker or controller.

use std::fmt;

use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::protocol::{Encodable, HeaderVersion, Message, StrBytes};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout_at};

use crate::kafka::call::{Answer, Call, decode_answer, encode_request};
use crate::kafka::frame::frame_length;
use crate::kafka::session::{Origin, Session};
use crate::kafka::stream::Stream;
use crate::kafka::{PendingCall, Security, WireError, session};

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
///
/// It stays what it is to the caller while its authentication is renewed, and while certificates that changed make it go
/// over to a new stream to the same broker.
#[derive(Debug)]
pub struct Connection {
    pub(super) stream: Stream,
    client_id: StrBytes,
    correlation: i32,
    state: State,
    cap: u64,
    inbox: BytesMut,
    /// How long the broker takes us for who we are.
    pub(super) session: Option<Session>,
    /// How it was opened, to open it anew.
    pub(super) origin: Option<Box<Origin>>,
    /// An authentication or a change of streams has begun and not ended.
    pub(super) unsettled: bool,
}

impl Connection {
    /// Waits until the broker has closed the connection, while nothing is asked. Where that cannot be seen, it waits for ever.
    pub async fn closed(&self) {
        self.stream.closed().await;
    }

    /// Resolves, connects, and where `security` wants it shakes hands and authenticates. Every address that the name has
    /// is tried. All of it until `deadline`.
    pub async fn open(
        address: &Address,
        security: &Security,
        client_id: &str,
        deadline: Instant,
    ) -> Result<Self, WireError> {
        session::open(address, security, client_id, deadline).await
    }

    pub(super) fn over(stream: Stream, client_id: &str) -> Self {
        Self {
            stream,
            client_id: StrBytes::from_string(client_id.to_owned()),
            correlation: 0,
            state: State::Idle,
            cap: DEFAULT_CAP,
            inbox: BytesMut::new(),
            session: None,
            origin: None,
            unsettled: false,
        }
    }

    /// Stays with the stream that it has, whatever becomes of certificates: behind the address there may be others.
    #[must_use]
    pub fn pinned(mut self) -> Self {
        self.origin = None;
        self
    }

    /// The peer answered while this was opened: it is not hung.
    pub fn is_greeted(&self) -> bool {
        self.session.is_some() || matches!(self.stream, Stream::Tls(_))
    }

    /// Caps answers at `cap` bytes instead of [`DEFAULT_CAP`].
    #[must_use]
    pub fn with_cap(mut self, cap: u64) -> Self {
        self.cap = cap;
        self
    }

    /// Another call may be made on this connection.
    pub fn is_usable(&self) -> bool {
        self.state == State::Idle && !self.unsettled
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
    ) -> Result<PendingCall<Req>, WireError> {
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
        if !self.is_usable() {
            return Err(WireError::Abandoned);
        }
        self.settle(deadline).await?;
        self.transmit(api, key, version, request, deadline).await
    }

    /// [`Connection::call`] on the stream as it is, with a cap of its own.
    pub(super) async fn call_now<Req: Call>(
        &mut self,
        version: i16,
        request: &Req,
        cap: u64,
        deadline: Instant,
    ) -> Result<Req::Response, WireError> {
        self.transmit(Req::NAME, Req::KEY, version, request, deadline).await?;
        let usual = std::mem::replace(&mut self.cap, cap);
        let frame = self.receive(deadline).await;
        self.cap = usual;
        let frame = frame.inspect_err(|_| self.poison())?;
        decode_answer::<Req>(&frame, version).inspect_err(|_| self.poison())
    }

    async fn transmit<Req: Message + Encodable + HeaderVersion>(
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
            Ok(Err(source)) => {
                self.why_closed(WireError::from_io(source, "sending a request"), deadline).await
            }
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

    /// A peer that refuses our certificate may do so after the handshake (TLS 1.3), and close: its alert lies there still.
    async fn why_closed(&mut self, error: WireError, deadline: Instant) -> WireError {
        let (Stream::Tls(stream), WireError::Closed { .. }) = (&mut self.stream, &error) else {
            return error;
        };
        match timeout_at(deadline, stream.read(&mut [0; 1])).await {
            Ok(Err(source)) => match WireError::from_io(source, "sending a request") {
                alert @ WireError::Tls(_) => self.explain(alert),
                _ => error,
            },
            _ => error,
        }
    }

    fn explain(&self, error: WireError) -> WireError {
        match &self.origin {
            Some(origin) => origin.explain(error),
            None => error,
        }
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
            Ok(Err(source)) => self.explain(WireError::from_io(source, "reading an answer")),
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
