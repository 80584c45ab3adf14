//! A `ZooKeeper` server is asked for its state: by its four-letter words, or by its `AdminServer`.
//!
//! Both answer once a connection and need no session. Every server answers `srvr`, and `mntr` where it is told to
//! (`4lw.commands.whitelist`, 3.5 and newer), both on its plain port; the `AdminServer` speaks HTTP on one of its own
//! (`admin.serverPort`).

mod admin;
mod answer;

use std::io;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

pub use admin::monitor;
pub use answer::{Answer, Facts};

/// Most bytes of an answer that are read. `mntr` brings some hundred lines, `srvr` a dozen.
const CAP: u64 = 256 * 1024;

/// Says `word` and reads the whole answer. The caller sets the deadline.
///
/// # Errors
///
/// What the system says of the connection; an answer without a byte is [`io::ErrorKind::UnexpectedEof`].
pub async fn say(word: &str, host: &str, port: u16) -> io::Result<Answer> {
    Ok(Answer::of_word(&exchange(word, host, port).await?))
}

async fn exchange(request: &str, host: &str, port: u16) -> io::Result<String> {
    let mut stream = TcpStream::connect((host, port)).await?;
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(CAP).read_to_end(&mut answer).await?;
    if answer.is_empty() {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
