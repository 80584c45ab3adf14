//! A consumer in the background that reads what a numbered [`Load`](crate::load::Load) writes, and tells what was lost
//! and what came twice.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::Message;

use crate::load::number;

/// How long one poll waits.
const POLL: Duration = Duration::from_millis(100);

/// What a consumer lived through.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReadReport {
    /// Records that came, each place in the log once.
    pub read: u64,
    /// Numbers that were acknowledged, and never came.
    pub lost: Vec<u64>,
    /// Numbers that stand in the log more than once.
    pub duplicated: Vec<u64>,
    /// Places in the log that came again: the group read on from an older commit.
    pub repeated: u64,
    /// What the client library told as errors.
    pub errors: Vec<(Instant, String)>,
    /// The longest time without a record, from the first one on.
    pub longest_gap: Duration,
}

/// What came so far.
#[derive(Debug, Default)]
struct Seen {
    /// How often each number stands in the log.
    numbers: HashMap<u64, u32>,
    places: HashSet<(i32, i64)>,
    repeated: u64,
    errors: Vec<(Instant, String)>,
    last: Option<Instant>,
    longest_gap: Duration,
}

impl Seen {
    fn take(&mut self, partition: i32, offset: i64, number: u64, now: Instant) {
        if let Some(last) = self.last.replace(now) {
            self.longest_gap = self.longest_gap.max(now - last);
        }
        if self.places.insert((partition, offset)) {
            *self.numbers.entry(number).or_default() += 1;
        } else {
            self.repeated += 1;
        }
    }

    fn report(self, acked: &[u64]) -> ReadReport {
        let mut duplicated: Vec<u64> =
            self.numbers.iter().filter(|(_, times)| **times > 1).map(|(number, _)| *number).collect();
        duplicated.sort_unstable();
        ReadReport {
            read: self.places.len() as u64,
            lost: acked.iter().copied().filter(|number| !self.numbers.contains_key(number)).collect(),
            duplicated,
            repeated: self.repeated,
            errors: self.errors,
            longest_gap: self.longest_gap,
        }
    }
}

/// A member of a consumer group that reads a topic from its beginning until [`Reader::finish`].
#[derive(Debug)]
pub struct Reader {
    stop: Arc<AtomicBool>,
    seen: Arc<Mutex<Seen>>,
    thread: Option<JoinHandle<()>>,
}

impl Reader {
    /// Starts to read with a group of its own. The topic must hold only what one load writes.
    pub fn start(mut config: ClientConfig, topic: &str) -> Result<Self> {
        config.set("group.id", format!("reader-of-{topic}")).set("auto.offset.reset", "earliest");
        let consumer: BaseConsumer = config.create()?;
        consumer.subscribe(&[topic])?;
        let (stop, seen) = (Arc::<AtomicBool>::default(), Arc::<Mutex<Seen>>::default());
        let (flag, kept) = (Arc::clone(&stop), Arc::clone(&seen));
        let thread = std::thread::spawn(move || {
            while !flag.load(Ordering::Relaxed) {
                let Some(outcome) = consumer.poll(POLL) else { continue };
                let now = Instant::now();
                let mut seen = kept.lock().expect("seen");
                match outcome {
                    Ok(message) => {
                        let number = number(&message).unwrap_or(u64::MAX);
                        seen.take(message.partition(), message.offset(), number, now);
                    }
                    Err(error) => seen.errors.push((now, error.to_string())),
                }
            }
        });
        Ok(Self { stop, seen, thread: Some(thread) })
    }

    /// How many places of the log came so far.
    pub fn read(&self) -> usize {
        self.seen.lock().expect("seen").places.len()
    }

    /// Waits until all that was acknowledged has come, for `patience` at the most, and reports.
    pub fn finish(mut self, acked: &[u64], patience: Duration) -> Result<ReadReport> {
        let began = Instant::now();
        while began.elapsed() < patience {
            let seen = self.seen.lock().expect("seen");
            if acked.iter().all(|number| seen.numbers.contains_key(number)) {
                break;
            }
            drop(seen);
            std::thread::sleep(POLL);
        }
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.join().map_err(|_| anyhow!("the consumer panicked"))?;
        }
        Ok(std::mem::take(&mut *self.seen.lock().expect("seen")).report(acked))
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::Seen;
    use std::time::{Duration, Instant};

    #[test]
    fn what_is_lost_twice_in_the_log_and_read_again_are_three_things() {
        let now = Instant::now();
        let mut seen = Seen::default();
        for (at, (partition, offset, number)) in
            [(0, 0, 1), (0, 1, 2), (1, 0, 3), (0, 1, 2), (1, 1, 3)].into_iter().enumerate()
        {
            seen.take(partition, offset, number, now + Duration::from_secs(at as u64 * at as u64));
        }
        let report = seen.report(&[1, 2, 3, 4]);
        assert_eq!((report.lost, report.duplicated, report.repeated), (vec![4], vec![3], 1));
        assert_eq!((report.read, report.longest_gap), (4, Duration::from_secs(7)));
    }
}
