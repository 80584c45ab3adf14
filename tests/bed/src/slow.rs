//! A listener in front of a broker that hands its answers on late.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Result;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{Receiver, channel};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep_until};

/// Pieces of an answer on their way; more than any answer here has.
const ON_THE_WAY: usize = 1024;

/// Every connection to it leads to the broker; what the broker answers arrives `delay` later. Stops when dropped.
#[derive(Debug)]
pub struct Slow {
    addr: SocketAddr,
    task: JoinHandle<()>,
}

impl Slow {
    /// Listens on loopback.
    pub async fn start(broker: SocketAddr, delay: Duration) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let addr = listener.local_addr()?;
        let task = tokio::spawn(async move {
            let mut open = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                open.spawn(join(client, broker, delay));
                while open.try_join_next().is_some() {}
            }
        });
        Ok(Self { addr, task })
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }
}

impl Drop for Slow {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Ends with either side.
async fn join(client: TcpStream, broker: SocketAddr, delay: Duration) -> Result<()> {
    let (mut asks, told) = client.into_split();
    let (mut answers, mut asked) = TcpStream::connect(broker).await?.into_split();
    let (sender, receiver) = channel(ON_THE_WAY);
    let read = async {
        let mut piece = vec![0; 64 << 10];
        loop {
            let length = answers.read(&mut piece).await?;
            let late = (Instant::now() + delay, piece[..length].to_vec());
            if length == 0 || sender.send(late).await.is_err() {
                return Ok::<(), anyhow::Error>(());
            }
        }
    };
    tokio::select! {
        ended = tokio::io::copy(&mut asks, &mut asked) => { ended?; }
        ended = read => ended?,
        ended = tell(receiver, told) => ended?,
    }
    Ok(())
}

async fn tell(
    mut pieces: Receiver<(Instant, Vec<u8>)>,
    mut client: tokio::net::tcp::OwnedWriteHalf,
) -> Result<()> {
    while let Some((due, piece)) = pieces.recv().await {
        sleep_until(due).await;
        client.write_all(&piece).await?;
    }
    Ok(())
}
