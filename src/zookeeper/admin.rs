//! The `AdminServer`: JSON over plain HTTP.

use std::io;

use tokio::net::TcpStream;

use super::{Answer, exchange};

/// Asks for `/commands/monitor`, which tells what `mntr` tells. The caller sets the deadline.
///
/// It fails while the server has no majority (`MonitorCommand` of 3.8.4 takes it for there, and the answer is an error of
/// the servlet's); the other commands say that it serves nobody.
///
/// # Errors
///
/// What the system says of the connection, and [`io::ErrorKind::InvalidData`] for an answer that is not the command's.
pub async fn monitor(host: &str, port: u16) -> io::Result<Answer> {
    let mut told = command("monitor", host, port).await?;
    if told == Answer::Foreign {
        told = command("ruok", host, port).await?;
    }
    match told {
        Answer::Foreign => Err(io::ErrorKind::InvalidData.into()),
        told => Ok(told),
    }
}

async fn command(name: &str, host: &str, port: u16) -> io::Result<Answer> {
    // By HTTP/1.0 the answer is not chunked and its end is that of the connection.
    let request = format!("GET /commands/{name} HTTP/1.0\r\nHost: {host}:{port}\r\n\r\n");
    let answer = exchange(&request, TcpStream::connect((host, port)).await?).await?;
    let (_, body) = answer.split_once("\r\n\r\n").ok_or(io::ErrorKind::InvalidData)?;
    Ok(Answer::of_monitor(body))
}
