//! An answer as it comes in: whole, or a line at a time.

use bytes::{Buf, BytesMut};
use http_body_util::BodyExt;
use hyper::{
    Response, StatusCode,
    body::{Bytes, Incoming},
};
use tokio_util::task::AbortOnDropHandle;

use super::{Fault, fault::lost};

/// An answer whose beginning is there. The connection ends with it.
#[derive(Debug)]
pub struct Answer {
    status: StatusCode,
    body: Incoming,
    /// What came and was not taken yet.
    came: BytesMut,
    /// So much of it is known to hold no end of a line.
    searched: usize,
    _connection: AbortOnDropHandle<()>,
}

impl Answer {
    pub(super) fn new(response: Response<Incoming>, connection: AbortOnDropHandle<()>) -> Self {
        let (head, body) = response.into_parts();
        Self { status: head.status, body, came: BytesMut::new(), searched: 0, _connection: connection }
    }

    /// What it says of the request.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// All of it.
    ///
    /// # Errors
    /// It broke off, or is larger than `cap` bytes.
    pub async fn whole(mut self, cap: usize) -> Result<Bytes, Fault> {
        while self.more(cap).await? {}
        Ok(self.came.freeze())
    }

    /// The next line, without its end; `None`: there is none any more. May be dropped and called again.
    ///
    /// # Errors
    /// It broke off, or the line is longer than `cap` bytes.
    pub async fn line(&mut self, cap: usize) -> Result<Option<Bytes>, Fault> {
        loop {
            let end = self.came[self.searched..].iter().position(|byte| *byte == b'\n');
            if let Some(end) = end {
                let line = self.came.split_to(self.searched + end).freeze();
                self.came.advance(1);
                self.searched = 0;
                return Ok(Some(line));
            }
            self.searched = self.came.len();
            if !self.more(cap).await? {
                return Ok(None);
            }
        }
    }

    /// Takes in what comes next; `false`: that was all.
    async fn more(&mut self, cap: usize) -> Result<bool, Fault> {
        let Some(frame) = self.body.frame().await else { return Ok(false) };
        if let Ok(data) = frame.map_err(lost)?.into_data() {
            if self.came.len() + data.len() > cap {
                return Err(Fault::TooLarge(cap));
            }
            self.came.extend_from_slice(&data);
        }
        Ok(true)
    }
}
