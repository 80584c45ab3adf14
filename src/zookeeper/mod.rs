//! A `ZooKeeper` server is asked for its state: by its four-letter words, or by its `AdminServer`.
//!
//! Both answer once a connection and need no session. Every server answers `srvr`, and `mntr` where it is told to
//! (`4lw.commands.whitelist`, 3.5 and newer), both on its ports for clients, the plain one and that with TLS; the
//! `AdminServer` speaks HTTP on one of its own (`admin.serverPort`).

mod admin;
mod answer;

use std::io;

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
};

pub use admin::monitor;
pub use answer::{Answer, Facts};

/// Most bytes of an answer that are read. `mntr` brings some hundred lines, `srvr` a dozen.
const CAP: u64 = 256 * 1024;

/// Says `word` on the plain port and reads the whole answer. The caller sets the deadline.
///
/// # Errors
///
/// What the system says of the connection; an answer without a byte is [`io::ErrorKind::UnexpectedEof`].
pub async fn say(word: &str, host: &str, port: u16) -> io::Result<Answer> {
    say_over(word, TcpStream::connect((host, port)).await?).await
}

/// The same on a stream that was opened before, such as one with TLS around it.
///
/// # Errors
///
/// As those of [`say`].
pub async fn say_over(word: &str, stream: impl AsyncRead + AsyncWrite + Unpin) -> io::Result<Answer> {
    Ok(Answer::of_word(&exchange(word, stream).await?))
}

async fn exchange(request: &str, mut stream: impl AsyncRead + AsyncWrite + Unpin) -> io::Result<String> {
    stream.write_all(request.as_bytes()).await?;
    stream.flush().await?;
    let mut answer = Vec::new();
    stream.take(CAP).read_to_end(&mut answer).await?;
    if answer.is_empty() {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
