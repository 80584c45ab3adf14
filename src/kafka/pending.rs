//! A request whose answer is still due.

use std::marker::PhantomData;

use tokio::time::Instant;

use crate::kafka::call::{Answer, Call, decode_answer};
use crate::kafka::{Connection, WireError};

/// A call that can be waited for again after a deadline passed.
///
/// A broker that is cut off from its controllers answers `DescribeQuorum` after 60 s and more; asking again on
/// new connections meanwhile would pile up. Dropping a wait loses nothing: the next one goes on where it was.
#[derive(Debug)]
pub struct PendingCall<Req> {
    connection: Connection,
    version: i16,
    kind: PhantomData<fn() -> Req>,
}

impl<Req: Call> PendingCall<Req> {
    pub(super) fn new(connection: Connection, version: i16) -> Self {
        Self { connection, version, kind: PhantomData }
    }

    /// Waits for the answer until `deadline`.
    ///
    /// After [`WireError::TimedOut`] it may be called again; any other outcome is the last, and a further wait
    /// is [`WireError::Abandoned`].
    pub async fn wait(&mut self, deadline: Instant) -> Result<Answer<Req::Response>, WireError> {
        let frame = self.connection.receive(deadline).await?;
        let message = decode_answer::<Req>(&frame, self.version)?;
        Ok(Answer { bytes: frame.len() as u64 + 4, message })
    }

    /// Gives the connection back: usable after the answer, poisoned before it.
    pub fn into_connection(mut self) -> Connection {
        if !self.connection.is_usable() {
            self.connection.poison();
        }
        self.connection
    }
}
