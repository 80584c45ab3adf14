//! Opens a connection as its listener wants it, and keeps it so.
//!
//! A broker takes a client for who it is for a limited time (KIP-368, `connections.max.reauth.ms`), and closes a
//! connection that goes on without authenticating anew. It may do so on the same connection, also after that time.
//!
//! When the files of our certificates change, a connection goes over to a new stream before the next request. The old
//! stream is asked once more then: whoever answers on it has lived until the new one was open, so it is the same process
//! that listens, and what is known of it stays true. A connection that we end ourselves is no sign of its end.

use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use kafka_protocol::messages::{ApiVersionsRequest, SaslAuthenticateRequest, SaslHandshakeRequest};
use kafka_protocol::protocol::StrBytes;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

use crate::kafka::connection::{Address, Connection};
use crate::kafka::security::{Loaded, Step, server_name};
use crate::kafka::stream::{Heard, Stream};
use crate::kafka::{Sasl, Security, WireError, codes};

/// Largest answer of a broker that has not taken us yet.
const SASL_CAP: u64 = 64 << 10;
/// Messages of one authentication; SCRAM takes two.
const MESSAGES: usize = 4;
/// Longest reason of a broker that is repeated.
const WHY_CAP: usize = 300;
/// Of a session, the part after which it is renewed, in hundredths. The broker looks at its clock when it takes a request
/// up: what is late by less than the rest, on a machine that is busy, is not closed.
const RENEW: u32 = 50;
/// Kafka takes no more than one authentication a second (`KafkaChannel.MIN_REAUTH_INTERVAL_ONE_SECOND_NANOS`).
const SOONEST: Duration = Duration::from_millis(1050);
/// What opening a new stream may take while the old one serves.
const CHANGE: Duration = Duration::from_secs(1);
/// Before another attempt at that.
const CHANGE_AGAIN: Duration = Duration::from_secs(5);

/// How long the broker takes us for who we are.
#[derive(Debug)]
pub(super) struct Session {
    sasl: Arc<Sasl>,
    /// When to authenticate anew; `None`: never.
    renew_at: Option<Instant>,
}

/// How a connection was opened.
#[derive(Debug)]
pub(super) struct Origin {
    address: Address,
    security: Security,
    client_id: String,
    loaded: Arc<Loaded>,
    not_before: Option<Instant>,
}

impl Origin {
    /// An error that the state of our certificates explains.
    pub fn explain(&self, error: WireError) -> WireError {
        self.loaded.explain(error)
    }

    /// The files of our certificates hold something else now.
    fn is_outdated(&self) -> bool {
        let due = self.not_before.is_none_or(|at| Instant::now() >= at);
        let current = self.security.tls.as_ref().filter(|_| due).and_then(|tls| tls.current().ok());
        current.is_some_and(|current| current.generation != self.loaded.generation)
    }
}

/// Opens a connection as its listener wants it.
pub(super) async fn open(
    address: &Address,
    security: &Security,
    client_id: &str,
    deadline: Instant,
) -> Result<Connection, WireError> {
    let (stream, loaded) = stream(address, security, deadline).await?;
    let mut connection = Connection::over(stream, client_id);
    connection.origin = loaded.map(|loaded| {
        let (address, security, client_id) = (address.clone(), security.clone(), client_id.to_owned());
        Box::new(Origin { address, security, client_id, loaded, not_before: None })
    });
    if let Some(sasl) = &security.sasl {
        let tls = security.tls.is_some();
        connection.authenticate(sasl, deadline).await.map_err(|error| match error {
            // It has shaken hands.
            WireError::TimedOut { what, heard } => WireError::TimedOut { what, heard: heard || tls },
            other => other,
        })?;
    }
    Ok(connection)
}

/// Opens a stream to what is no node of Kafka, with TLS around it where it is to be; who it is for speaks by itself.
///
/// # Errors
///
/// As those of a connection.
pub async fn dial(
    address: &Address,
    security: &Security,
    deadline: Instant,
) -> Result<impl AsyncRead + AsyncWrite + Unpin + Send + use<>, WireError> {
    stream(address, security, deadline).await.map(|(stream, _)| stream)
}

/// Opens a stream, and tells by which certificates.
async fn stream(
    address: &Address,
    security: &Security,
    deadline: Instant,
) -> Result<(Stream, Option<Arc<Loaded>>), WireError> {
    let Some(tls) = &security.tls else {
        return Ok((Stream::Plain(connect(address, deadline).await?), None));
    };
    let loaded = tls.current()?;
    let stream = secure(address, security, &loaded, deadline).await?;
    Ok((stream, Some(loaded)))
}

/// Connects a socket.
pub(super) async fn connect(address: &Address, deadline: Instant) -> Result<TcpStream, WireError> {
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
    Ok(stream)
}

async fn secure(
    address: &Address,
    security: &Security,
    loaded: &Loaded,
    deadline: Instant,
) -> Result<Stream, WireError> {
    let name = server_name(security.server_name.as_deref().unwrap_or(&address.host))?;
    let (socket, heard) = Heard::new(connect(address, deadline).await?);
    match timeout_at(deadline, loaded.connector().connect(name, socket)).await {
        Ok(Ok(stream)) => Ok(Stream::Tls(Box::new(stream))),
        Ok(Err(source)) => Err(loaded.explain(WireError::from_io(source, "shaking hands (TLS)"))),
        Err(_) => {
            let heard = heard.load(Ordering::Relaxed);
            Err(WireError::TimedOut { what: "shaking hands (TLS)", heard })
        }
    }
}

impl Connection {
    /// Before a request: renews what has to be.
    pub(super) async fn settle(&mut self, deadline: Instant) -> Result<(), WireError> {
        let due =
            self.session.as_ref().filter(|session| session.renew_at.is_some_and(|at| Instant::now() >= at));
        if let Some(sasl) = due.map(|session| Arc::clone(&session.sasl)) {
            self.authenticate(&sasl, deadline).await?;
        }
        // Afterwards: what is asked of the old stream must be within its session.
        if self.origin.as_ref().is_some_and(|origin| origin.is_outdated()) {
            Box::pin(self.change(deadline)).await?;
        }
        Ok(())
    }

    /// Goes over to a new stream to the same broker, by the certificates of now. While that fails the old one serves.
    async fn change(&mut self, deadline: Instant) -> Result<(), WireError> {
        let Some(origin) = &mut self.origin else { return Ok(()) };
        origin.not_before = Some(Instant::now() + CHANGE_AGAIN);
        let until = deadline.min(Instant::now() + CHANGE);
        let new = match open(&origin.address, &origin.security, &origin.client_id, until).await {
            Ok(new) => new,
            Err(error) => {
                tracing::warn!(address = %origin.address, %error, "the new certificates do not serve for asking Kafka yet");
                return Ok(());
            }
        };
        self.unsettled = true;
        self.call_now(0, &ApiVersionsRequest::default(), SASL_CAP, deadline).await?;
        (self.stream, self.session, self.origin) = (new.stream, new.session, new.origin);
        tracing::debug!("asking Kafka goes on by the new certificates");
        self.unsettled = false;
        Ok(())
    }

    /// Says who we are, for the first time or anew.
    async fn authenticate(&mut self, sasl: &Arc<Sasl>, deadline: Instant) -> Result<(), WireError> {
        self.unsettled = true;
        let began = Instant::now();
        let (mut exchange, mut message) = sasl.begin()?;
        let handshake =
            SaslHandshakeRequest::default().with_mechanism(StrBytes::from_static_str(sasl.mechanism.name()));
        let answer = self.call_now(1, &handshake, SASL_CAP, deadline).await?;
        match answer.error_code {
            codes::NONE => {}
            codes::UNSUPPORTED_SASL_MECHANISM => {
                let offered: Vec<&str> = answer.mechanisms.iter().take(8).map(|name| &**name).collect();
                return Err(sasl.failed(plain(&format!("the listener takes {}", offered.join(", ")))));
            }
            codes::ILLEGAL_SASL_STATE => return Err(sasl.failed("the listener asks for no authentication")),
            code => return Err(sasl.failed(format!("error {code}"))),
        }
        for _ in 0..MESSAGES {
            let request = SaslAuthenticateRequest::default().with_auth_bytes(message.to_vec().into());
            let answer = self.call_now(1, &request, SASL_CAP, deadline).await?;
            if answer.error_code != codes::NONE {
                let why = answer.error_message.as_deref().unwrap_or_default();
                return Err(sasl.failed(if why.is_empty() {
                    format!("error {}", answer.error_code)
                } else {
                    plain(why)
                }));
            }
            match exchange.step(&answer.auth_bytes).map_err(|why| sasl.failed(why))? {
                Step::Send(next) => message = next,
                Step::Done => {
                    let life = u64::try_from(answer.session_lifetime_ms).ok().filter(|life| *life > 0);
                    let renew_at = life.map(|life| began + renewed_after(Duration::from_millis(life)));
                    self.session = Some(Session { sasl: Arc::clone(sasl), renew_at });
                    self.unsettled = false;
                    return Ok(());
                }
            }
        }
        Err(sasl.failed("the broker goes on to ask"))
    }
}

/// How long after its beginning a session of this length is renewed.
fn renewed_after(life: Duration) -> Duration {
    (life.min(Duration::from_secs(24 * 3600)) * RENEW / 100).max(SOONEST)
}

/// Words of a peer that are fit to be repeated.
fn plain(words: &str) -> String {
    words.chars().filter(|c| !c.is_control()).take(WHY_CAP).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_renewed_in_time() {
        assert_eq!(renewed_after(Duration::from_secs(3)), Duration::from_millis(1500));
        assert_eq!(renewed_after(Duration::from_millis(500)), SOONEST);
        assert_eq!(renewed_after(Duration::MAX), Duration::from_secs(24 * 3600) * RENEW / 100);
    }
}
