//! The few requests of `ZooKeeper`'s protocol that tell what is true: a session, and reading nodes.
//!
//! Frames are a length and the fields in order, numbers in network order, texts and bytes with a length in front
//! (`zookeeper.jute`).

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use bytes::{Buf, BufMut};
use serde::Deserialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::truth::Partition;

/// Longest answer.
const FRAME: usize = 16 << 20;
const SESSION_MS: i32 = 10_000;

const CREATE: i32 = 1;
const GET_DATA: i32 = 4;
const GET_CHILDREN: i32 = 8;
const NO_NODE: i32 = -101;
const NODE_EXISTS: i32 = -110;

/// What `ZooKeeper` holds of a cluster at a moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Registry {
    /// Brokers whose session is alive (`/brokers/ids`).
    pub brokers: Vec<i32>,
    /// Every partition that was given a leader once; `offline` is not known here.
    pub partitions: Vec<Partition>,
}

impl Registry {
    /// Registered, in every ISR of its partitions, and none of them without a leader.
    pub fn in_sync(&self, id: i32) -> bool {
        let mut own = self.partitions.iter().filter(|partition| partition.replicas.contains(&id));
        self.brokers.contains(&id) && own.all(|partition| partition.good_for(id))
    }
}

#[derive(Deserialize)]
struct Assignment {
    partitions: BTreeMap<i32, Vec<i32>>,
}

#[derive(Deserialize)]
struct State {
    leader: i32,
    isr: Vec<i32>,
}

/// A session with one server. It ends with the connection, a little later.
#[derive(Debug)]
pub struct Zk {
    stream: TcpStream,
    patience: Duration,
    xid: i32,
}

impl Zk {
    /// Connects and begins a session.
    pub async fn open(addr: SocketAddr, patience: Duration) -> Result<Self> {
        let stream = timeout(patience, TcpStream::connect(addr)).await.context("connecting timed out")??;
        let mut zk = Self { stream, patience, xid: 0 };
        let mut hello = Vec::new();
        hello.put_i32(0);
        hello.put_i64(0);
        hello.put_i32(SESSION_MS);
        hello.put_i64(0);
        put_bytes(&mut hello, &[0; 16]);
        let answer = zk.exchange(&hello).await?;
        // Protocol version, then the session's time-out: none was begun when that is 0.
        let granted = answer.get(4..8).context("a short answer")?.get_i32();
        ensure!(granted > 0, "no session was granted");
        Ok(zk)
    }

    /// Writes the cluster's id where the first broker looks for it.
    pub async fn found(&mut self, cluster_id: &str) -> Result<()> {
        self.create("/cluster", "").await?;
        self.create("/cluster/id", &format!(r#"{{"version":"1","id":"{cluster_id}"}}"#)).await
    }

    /// Reads who is registered and how every partition stands.
    pub async fn registry(&mut self) -> Result<Registry> {
        let ids = self.children("/brokers/ids").await?;
        let mut registry = Registry {
            brokers: ids.iter().filter_map(|id| id.parse().ok()).collect(),
            partitions: Vec::new(),
        };
        for topic in self.children("/brokers/topics").await? {
            let Some(data) = self.data(&format!("/brokers/topics/{topic}")).await? else { continue };
            let assignment: Assignment = serde_json::from_slice(&data)?;
            for (index, replicas) in assignment.partitions {
                let path = format!("/brokers/topics/{topic}/partitions/{index}/state");
                // A topic in the making, or gone again.
                let Some(data) = self.data(&path).await? else { continue };
                let State { leader, isr } = serde_json::from_slice(&data)?;
                let topic = topic.clone();
                registry.partitions.push(Partition {
                    topic,
                    index,
                    leader,
                    replicas,
                    isr,
                    offline: Vec::new(),
                });
            }
        }
        Ok(registry)
    }

    /// The id of the broker that is the controller.
    pub async fn controller(&mut self) -> Result<i32> {
        #[derive(Deserialize)]
        struct Controller {
            brokerid: i32,
        }
        let data = self.data("/controller").await?.context("no controller is elected")?;
        Ok(serde_json::from_slice::<Controller>(&data)?.brokerid)
    }

    async fn create(&mut self, path: &str, data: &str) -> Result<()> {
        let mut body = Vec::new();
        put_bytes(&mut body, path.as_bytes());
        put_bytes(&mut body, data.as_bytes());
        // One entry: everybody may do everything. Not ephemeral, not numbered.
        body.put_i32(1);
        body.put_i32(31);
        put_bytes(&mut body, b"world");
        put_bytes(&mut body, b"anyone");
        body.put_i32(0);
        match self.call(CREATE, &body).await? {
            (0 | NODE_EXISTS, _) => Ok(()),
            (code, _) => bail!("creating {path}: error {code}"),
        }
    }

    async fn data(&mut self, path: &str) -> Result<Option<Vec<u8>>> {
        match self.read(GET_DATA, path).await? {
            Some(answer) => Ok(Some(bytes_at(&mut answer.as_slice())?)),
            None => Ok(None),
        }
    }

    async fn children(&mut self, path: &str) -> Result<Vec<String>> {
        let Some(answer) = self.read(GET_CHILDREN, path).await? else { return Ok(Vec::new()) };
        let mut rest = answer.as_slice();
        let count = rest.try_get_i32()?;
        (0..count).map(|_| Ok(String::from_utf8(bytes_at(&mut rest)?)?)).collect()
    }

    async fn read(&mut self, kind: i32, path: &str) -> Result<Option<Vec<u8>>> {
        let mut body = Vec::new();
        put_bytes(&mut body, path.as_bytes());
        body.put_u8(0);
        match self.call(kind, &body).await? {
            (0, answer) => Ok(Some(answer)),
            (NO_NODE, _) => Ok(None),
            (code, _) => bail!("reading {path}: error {code}"),
        }
    }

    /// Error code and what follows the header of the answer.
    async fn call(&mut self, kind: i32, body: &[u8]) -> Result<(i32, Vec<u8>)> {
        self.xid += 1;
        let mut request = Vec::new();
        request.put_i32(self.xid);
        request.put_i32(kind);
        request.extend_from_slice(body);
        let mut answer = self.exchange(&request).await?;
        let mut head = answer.get(..16).context("a short answer")?;
        ensure!(head.get_i32() == self.xid, "an answer to another request");
        head.advance(8);
        let code = head.get_i32();
        Ok((code, answer.split_off(16)))
    }

    async fn exchange(&mut self, body: &[u8]) -> Result<Vec<u8>> {
        let mut frame = Vec::new();
        put_bytes(&mut frame, body);
        let stream = &mut self.stream;
        let exchange = async {
            stream.write_all(&frame).await?;
            let length = usize::try_from(stream.read_i32().await?)?;
            ensure!(length <= FRAME, "an answer of {length} bytes");
            let mut answer = vec![0; length];
            stream.read_exact(&mut answer).await?;
            Ok(answer)
        };
        timeout(self.patience, exchange).await.context("ZooKeeper is silent")?
    }
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    out.put_i32(i32::try_from(bytes.len()).expect("short"));
    out.extend_from_slice(bytes);
}

fn bytes_at(rest: &mut &[u8]) -> Result<Vec<u8>> {
    // Null is written as -1.
    let length = usize::try_from(rest.try_get_i32()?).unwrap_or(0);
    ensure!(length <= rest.len(), "a text runs past the end of the answer");
    let (text, behind) = rest.split_at(length);
    *rest = behind;
    Ok(text.to_vec())
}
