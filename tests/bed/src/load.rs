//! A steady producer in the background, as witness of what clients live through.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use rdkafka::message::{DeliveryResult, Message};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer, ProducerContext};
use rdkafka::{ClientConfig, ClientContext, Statistics};

use crate::cluster::Cluster;

/// The bytes of a record's number.
const NUMBER: usize = size_of::<u64>();

/// What a producer lived through.
#[derive(Debug, Clone, Default)]
pub struct LoadReport {
    /// Records handed to the client library.
    pub sent: u64,
    /// When each acknowledgement came.
    pub acked: Vec<Instant>,
    /// The numbers of the records that were acknowledged, in the order in which that came.
    pub numbers: Vec<u64>,
    /// When each failure came, and what it was.
    pub errors: Vec<(Instant, String)>,
    /// The longest time without an acknowledgement, from the first one to the end of sending.
    pub longest_gap: Duration,
    /// How often the idempotent producer began a new epoch. From then on brokers do not know again what it sent before, and
    /// what it sends again may stand twice in the log.
    pub epochs: i16,
}

impl LoadReport {
    /// The first acknowledgement at or after an instant.
    pub fn first_ack_since(&self, when: Instant) -> Option<Instant> {
        self.acked.iter().copied().find(|at| *at >= when)
    }
}

#[derive(Debug, Default)]
struct Recorder(Mutex<LoadReport>);

/// Hands the outcomes to the recorder that the load keeps.
struct Outcomes(Arc<Recorder>);

impl ClientContext for Outcomes {
    fn stats(&self, statistics: Statistics) {
        let epoch = statistics.eos.map_or(0, |eos| eos.producer_epoch);
        let mut report = self.0.0.lock().expect("report");
        report.epochs = report.epochs.max(i16::try_from(epoch).unwrap_or(i16::MAX));
    }
}

impl ProducerContext for Outcomes {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        let now = Instant::now();
        let mut report = self.0.0.lock().expect("report");
        match result {
            Ok(message) => {
                report.acked.push(now);
                report.numbers.extend(number(message));
            }
            Err((error, _)) => report.errors.push((now, error.to_string())),
        }
    }
}

/// How a load is to be.
#[derive(Debug, Clone)]
pub struct LoadOptions {
    /// Records a second.
    pub rate: u32,
    /// Bytes a record, eight at the least: its number.
    pub size: usize,
    /// Whether the producer is idempotent.
    pub idempotent: bool,
    /// After how long an unacknowledged record is an error.
    pub delivery_timeout: Duration,
}

impl Default for LoadOptions {
    fn default() -> Self {
        Self { rate: 200, size: 1024, idempotent: true, delivery_timeout: Duration::from_secs(30) }
    }
}

/// A producer with acks=all that runs until [`Load::stop`]. Its records are numbered.
#[derive(Debug)]
pub struct Load {
    stop: Arc<AtomicBool>,
    recorder: Arc<Recorder>,
    thread: Option<JoinHandle<Result<u64>>>,
}

impl Load {
    /// Starts to write into all partitions of a topic.
    pub fn start(cluster: &Cluster, topic: &str, options: LoadOptions) -> Result<Self> {
        Self::with(cluster.client(), topic, options)
    }

    /// [`Load::start`], with a client of one's own. What is not in the options is at the client's default.
    pub fn with(mut config: ClientConfig, topic: &str, options: LoadOptions) -> Result<Self> {
        config.set("acks", "all").set("linger.ms", "5");
        config.set("enable.idempotence", options.idempotent.to_string());
        if options.idempotent {
            // With several requests in flight, a new leader may refuse the first for it does not lead yet, and the second for
            // the first is missing. librdkafka begins a new epoch then, for all partitions, and writes twice what another
            // leader took and did not live to acknowledge (confluentinc/librdkafka#4953). This is a witness of brokers.
            config.set("max.in.flight.requests.per.connection", "1");
        }
        config.set("statistics.interval.ms", "1000");
        config.set("message.timeout.ms", options.delivery_timeout.as_millis().to_string());
        // Every record may go elsewhere: each partition is to see a steady trickle.
        config.set("sticky.partitioning.linger.ms", "0").set("partitioner", "random");
        let (stop, recorder) = (Arc::<AtomicBool>::default(), Arc::<Recorder>::default());
        let (flag, outcomes, topic) = (Arc::clone(&stop), Outcomes(Arc::clone(&recorder)), topic.to_owned());
        let producer = create(&config, outcomes)?;
        let thread = std::thread::spawn(move || run(&producer, &topic, &options, &flag));
        Ok(Self { stop, recorder, thread: Some(thread) })
    }

    /// How many records are acknowledged so far.
    pub fn acked(&self) -> usize {
        self.recorder.0.lock().expect("report").acked.len()
    }

    /// Waits until `more` records are acknowledged from now on.
    pub async fn wait_acked(&self, more: usize, deadline: Duration) -> Result<()> {
        let goal = self.acked() + more;
        crate::wait::eventually("the producer gets its acknowledgements", deadline, async || {
            let acked = self.acked();
            anyhow::ensure!(acked >= goal, "{acked} of {goal}");
            Ok(())
        })
        .await
    }

    /// Stops sending, waits for what is on its way, and reports.
    pub async fn stop(mut self) -> Result<LoadReport> {
        let ended = Instant::now();
        self.stop.store(true, Ordering::Relaxed);
        let thread = self.thread.take().expect("stopped once");
        let sent = tokio::task::spawn_blocking(move || thread.join()).await?;
        let mut report = std::mem::take(&mut *self.recorder.0.lock().expect("report"));
        report.sent = sent.map_err(|_| anyhow!("the producer panicked"))??;
        let until = report.acked.last().map_or(ended, |last| ended.max(*last));
        let edges: Vec<_> = report.acked.iter().copied().chain([until]).collect();
        report.longest_gap = edges.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or_default();
        Ok(report)
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// The number of a record, which its payload begins with.
pub fn number(message: &impl Message) -> Option<u64> {
    message.payload().and_then(|payload| payload.first_chunk()).map(|head| u64::from_be_bytes(*head))
}

fn create(config: &ClientConfig, outcomes: Outcomes) -> Result<BaseProducer<Outcomes>> {
    use rdkafka::config::FromClientConfigAndContext;
    Ok(BaseProducer::from_config_and_context(config, outcomes)?)
}

fn run(
    producer: &BaseProducer<Outcomes>,
    topic: &str,
    options: &LoadOptions,
    stop: &AtomicBool,
) -> Result<u64> {
    let mut payload = vec![b'p'; options.size.max(NUMBER)];
    let pause = Duration::from_secs(1) / options.rate.max(1);
    let mut sent = 0_u64;
    let mut next = Instant::now();
    while !stop.load(Ordering::Relaxed) {
        payload[..NUMBER].copy_from_slice(&sent.to_be_bytes());
        // A full queue is a record not sent, not an error: the brokers are away.
        if producer.send(BaseRecord::<(), _>::to(topic).payload(&payload)).is_ok() {
            sent += 1;
        }
        next += pause;
        producer.poll(next.saturating_duration_since(Instant::now()));
        // poll returns at the first event; the rate is kept by the clock.
        while let Some(left) = next.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) {
            producer.poll(left);
        }
    }
    producer.flush(options.delivery_timeout + Duration::from_secs(5))?;
    Ok(sent)
}
