//! Waits until the controllers can be reached, before a broker is started.
//!
//! One that reaches none of them asks again without a pause (`KafkaRaftClient.pollUnattachedCommon`, seen with Kafka
//! 4.3.1): it takes most of a core until one listens, and on a small node keeps the controllers beside it from starting.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::{
    net::TcpStream,
    time::{Instant, sleep, timeout},
};

use super::Controller;

/// Between two attempts.
const INTERVAL: Duration = Duration::from_millis(500);
/// What one attempt may take.
const ATTEMPT: Duration = Duration::from_secs(2);
/// How often what is missing is told.
const TELL: Duration = Duration::from_secs(10);

/// Waits for `patience` at the most until a majority of `controllers` listens; `told` hears now and then which do not.
/// Returns whether they do.
pub async fn wait(controllers: &[Controller], patience: Duration, told: impl Fn(&str)) -> bool {
    let majority = controllers.len() / 2 + 1;
    let end = Instant::now() + patience;
    let mut tell_at = Instant::now();
    loop {
        let answers = join_all(controllers.iter().map(reach)).await;
        let missing: Vec<String> = answers.into_iter().flatten().collect();
        let reached = controllers.len() - missing.len();
        if reached >= majority {
            return true;
        }
        let now = Instant::now();
        if now >= end {
            return false;
        }
        if now >= tell_at {
            told(&format!(
                "waiting for a majority of the controllers: {reached} of {} can be reached; {}",
                controllers.len(),
                missing.join("; ")
            ));
            tell_at = now + TELL;
        }
        sleep(INTERVAL).await;
    }
}

/// Why it cannot be reached; `None` when it can.
async fn reach(controller: &Controller) -> Option<String> {
    let Controller { host, port, .. } = controller;
    match timeout(ATTEMPT, TcpStream::connect((host.as_str(), *port))).await {
        Ok(Ok(_)) => None,
        Ok(Err(error)) => Some(format!("{host}:{port}: {error}")),
        Err(_) => Some(format!("{host}:{port}: no answer")),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step should stop the test where it stands")]
    use std::{cell::RefCell, net::TcpListener};

    use super::*;

    fn at(port: u16) -> Controller {
        Controller { id: None, host: "127.0.0.1".into(), port }
    }

    /// A port that is free, and that nobody listens at.
    fn closed() -> Controller {
        at(TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port())
    }

    #[tokio::test]
    async fn a_majority_is_enough_and_no_less() {
        let up: Vec<_> = (0..2).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
        let [one, two] = [0, 1].map(|index: usize| at(up[index].local_addr().unwrap().port()));
        let told = RefCell::new(Vec::new());
        let note = |words: &str| told.borrow_mut().push(words.to_owned());
        assert!(wait(&[one.clone(), two, closed()], Duration::ZERO, note).await);
        assert!(told.borrow().is_empty());
        assert!(!wait(&[one, closed(), closed()], Duration::from_millis(600), note).await);
        let words = told.borrow().join("\n");
        assert!(
            words.starts_with("waiting for a majority of the controllers: 1 of 3 can be reached"),
            "{words}"
        );
        assert_eq!(told.borrow().len(), 1, "not at each attempt");
    }
}
