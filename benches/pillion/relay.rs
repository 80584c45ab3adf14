//! Passes on what an agent and its broker say to each other, and counts it by request.

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI16, Ordering},
    },
};

use anyhow::Result;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
};

/// Requests, and bytes of them and their answers, by Kafka's number of the request.
pub type Counts = BTreeMap<i16, (u64, u64)>;

/// A port that leads to a broker.
#[derive(Clone)]
pub struct Relay {
    /// The port.
    pub port: u16,
    counts: Arc<Mutex<Counts>>,
}

impl Relay {
    /// One on this address, for as long as the runtime lives.
    pub async fn start(at: Ipv4Addr, broker: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind((at, 0)).await?;
        let relay = Self { port: listener.local_addr()?.port(), counts: Arc::default() };
        let counts = Arc::clone(&relay.counts);
        tokio::spawn(async move {
            while let Ok((agent, _)) = listener.accept().await {
                // The agent sees a closed connection where the broker refuses one.
                let Ok(broker) = TcpStream::connect(broker).await else { continue };
                let _ = (agent.set_nodelay(true), broker.set_nodelay(true));
                let ((from_agent, to_agent), (from_broker, to_broker)) =
                    (agent.into_split(), broker.into_split());
                // One request at a time is under way, so an answer is that of the last.
                let last = Arc::new(AtomicI16::new(-1));
                tokio::spawn(pass(from_agent, to_broker, Arc::clone(&counts), Arc::clone(&last), true));
                tokio::spawn(pass(from_broker, to_agent, Arc::clone(&counts), last, false));
            }
        });
        Ok(relay)
    }

    /// All so far.
    pub fn counts(&self) -> Counts {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Frame by frame, until one side is gone; the other is then closed too.
async fn pass(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    counts: Arc<Mutex<Counts>>,
    last: Arc<AtomicI16>,
    requests: bool,
) -> Result<()> {
    loop {
        let mut head = [0; 4];
        from.read_exact(&mut head).await?;
        let mut body = vec![0; usize::try_from(u32::from_be_bytes(head))?];
        from.read_exact(&mut body).await?;
        if let (true, Some(key)) = (requests, body.first_chunk()) {
            last.store(i16::from_be_bytes(*key), Ordering::Relaxed);
        }
        {
            let mut counts = counts.lock().unwrap_or_else(PoisonError::into_inner);
            let count = counts.entry(last.load(Ordering::Relaxed)).or_default();
            count.0 += u64::from(requests);
            count.1 += u64::try_from(body.len())? + 4;
        }
        to.write_all(&head).await?;
        to.write_all(&body).await?;
    }
}
