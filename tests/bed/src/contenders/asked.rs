//! Contenders that ask the broker's client listener.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::Result;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::Timeline;
use crate::pace::Pace;
use crate::truth::View;
use crate::wire::Connection;

/// A poll without an answer by then is a no.
const PATIENCE: Duration = Duration::from_secs(1);

/// What is asked in each poll.
#[derive(Debug)]
pub(super) enum Question {
    /// Whether a connection is accepted.
    Tcp,
    /// On a new connection: which requests are spoken.
    ApiVersions,
    /// The metadata of all topics, on a connection that is kept while it answers.
    OwnMetadata(Option<Box<Connection>>),
}

impl Question {
    /// Asks broker `id`: does the answer mean ready?
    async fn ask(&mut self, id: i32, addr: SocketAddr) -> Result<bool> {
        match self {
            Self::Tcp => Ok(TcpStream::connect(addr).await.map(|_| true)?),
            Self::ApiVersions => Connection::open(addr, PATIENCE).await.map(|_| true),
            Self::OwnMetadata(open) => {
                // Taken out: a poll that is given up takes its connection along.
                let mut connection = match open.take() {
                    Some(connection) => connection,
                    None => Box::new(Connection::open(addr, PATIENCE).await?),
                };
                let view = View::ask_on(&mut connection).await?;
                *open = Some(connection);
                Ok(none_lacks(&view, id))
            }
        }
    }
}

/// A poller in the background. Stops when dropped.
#[derive(Debug)]
pub(super) struct Asked {
    samples: Arc<Mutex<Timeline>>,
    task: JoinHandle<()>,
}

impl Asked {
    pub(super) fn start(mut question: Question, id: i32, addr: SocketAddr, pace: Pace) -> Self {
        let samples: Arc<Mutex<Timeline>> = Arc::default();
        let kept = Arc::clone(&samples);
        let task = tokio::spawn(async move {
            loop {
                let asked = Instant::now();
                let ready = matches!(timeout(PATIENCE, question.ask(id, addr)).await, Ok(Ok(true)));
                // A prober believes an answer from when it is there.
                kept.lock().expect("samples").push((Instant::now(), ready));
                pace.wait(asked).await;
            }
        });
        Self { samples, task }
    }

    pub(super) fn timeline(&self) -> Timeline {
        self.samples.lock().expect("samples").clone()
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// No partition has `id` among its replicas and not in its ISR. Nothing at all is ready too, and leaders are
/// not looked at: that is the rule.
fn none_lacks(view: &View, id: i32) -> bool {
    view.assigned(id).all(|partition| partition.isr.contains(&id))
}

#[cfg(test)]
mod tests {
    use super::none_lacks;
    use crate::truth::{Partition, View};

    #[test]
    fn only_the_own_place_in_the_isr_counts() {
        let partition = |leader, isr: &[i32]| Partition {
            topic: "t".to_owned(),
            index: 0,
            leader,
            replicas: vec![1, 2],
            isr: isr.to_vec(),
            offline: vec![],
        };
        let view = |partitions| View { brokers: vec![], partitions, epoch: 1 };
        assert!(none_lacks(&view(vec![]), 1), "vacuous, and yet the rule");
        assert!(none_lacks(&view(vec![partition(-1, &[1])]), 1));
        assert!(!none_lacks(&view(vec![partition(2, &[1, 2]), partition(2, &[2])]), 1));
        assert!(none_lacks(&view(vec![partition(2, &[2])]), 3), "not assigned");
    }
}
