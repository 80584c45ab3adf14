//! Topics: made, filled, counted, deleted.

use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use kafka_protocol::messages::elect_leaders_request::TopicPartitions;
use kafka_protocol::messages::{ElectLeadersRequest, TopicName};
use kafka_protocol::protocol::StrBytes;
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::{ClientContext, DefaultClientContext};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseProducer, BaseRecord, DeliveryResult, Producer, ProducerContext};

use crate::cluster::Cluster;
use crate::wait::eventually;
use crate::wire::Connection;

const PATIENCE: Duration = Duration::from_secs(20);
/// `ElectionType.UNCLEAN`.
const UNCLEAN: i8 = 1;
const RECORD: usize = 64 << 10;

/// A topic to be made.
#[derive(Debug, Clone)]
#[must_use = "nothing exists before `create_topic`"]
pub struct Topic<'a> {
    name: &'a str,
    partitions: i32,
    replication: i32,
    assignment: Vec<Vec<i32>>,
    config: Vec<(&'a str, &'a str)>,
}

impl<'a> Topic<'a> {
    /// Kafka chooses where the replicas go.
    pub fn new(name: &'a str, partitions: i32, replication: i32) -> Self {
        Self { name, partitions, replication, assignment: Vec::new(), config: Vec::new() }
    }

    /// Six partitions on the brokers 1001 to 1003, three copies each, led by all of them in turn, of which two must
    /// be in sync.
    pub fn in_turn(name: &'a str) -> Self {
        let spread: [&[i32]; 6] = [
            &[1001, 1002, 1003],
            &[1002, 1003, 1001],
            &[1003, 1001, 1002],
            &[1001, 1003, 1002],
            &[1002, 1001, 1003],
            &[1003, 1002, 1001],
        ];
        Self::assigned(name, &spread).config("min.insync.replicas", "2")
    }

    /// The replicas of each partition, the preferred leader first.
    pub fn assigned(name: &'a str, assignment: &[&[i32]]) -> Self {
        let assignment = assignment.iter().map(|replicas| replicas.to_vec()).collect();
        Self { assignment, ..Self::new(name, 0, 0) }
    }

    /// A setting of the topic, such as `min.insync.replicas`.
    pub fn config(mut self, key: &'a str, value: &'a str) -> Self {
        self.config.push((key, value));
        self
    }

    /// Makes it. Some brokers may not know of it yet.
    pub async fn make(&self, client: &ClientConfig) -> Result<()> {
        let rows: Vec<&[i32]> = self.assignment.iter().map(Vec::as_slice).collect();
        let new = if rows.is_empty() {
            NewTopic::new(self.name, self.partitions, TopicReplication::Fixed(self.replication))
        } else {
            NewTopic::new(self.name, i32::try_from(rows.len())?, TopicReplication::Variable(&rows))
        };
        let new = self.config.iter().fold(new, |new, (key, value)| new.set(key, value));
        let admin: AdminClient<DefaultClientContext> = client.create()?;
        let results = admin.create_topics([&new], &options()).await?;
        let result = results.into_iter().next().context("no result")?;
        result.map(drop).map_err(|(name, code)| anyhow!("{name}: {code}"))
    }

    fn count(&self) -> Result<usize> {
        if self.assignment.is_empty() {
            Ok(usize::try_from(self.partitions)?)
        } else {
            Ok(self.assignment.len())
        }
    }
}

impl Cluster {
    /// A librdkafka configuration that knows this cluster. The client lives in the host's namespace.
    pub fn client(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        // Its own chatter is turned off: tests cut and kill brokers, and it would tell about each.
        config.set("bootstrap.servers", self.bootstrap()).set("log_level", "0");
        config.set("socket.connection.setup.timeout.ms", "3000");
        config
    }

    /// Makes a topic and waits until every running broker shows a leader for each partition.
    pub async fn create_topic(&self, topic: Topic<'_>) -> Result<()> {
        topic.make(&self.client()).await?;
        let count = topic.count()?;
        eventually(&format!("{} has leaders everywhere", topic.name), PATIENCE, async || {
            for node in self.brokers().filter(|node| node.running()) {
                let view = crate::truth::View::ask(node.bootstrap(), Duration::from_secs(2)).await?;
                let led = view.partitions.iter().filter(|p| p.topic == topic.name && p.leader >= 0).count();
                anyhow::ensure!(led == count, "{} shows {led} of {count}", node.id());
            }
            Ok(())
        })
        .await
    }

    /// Deletes a topic.
    pub async fn delete_topic(&self, name: &str) -> Result<()> {
        let results = self.admin()?.delete_topics(&[name], &options()).await?;
        let result = results.into_iter().next().context("no result")?;
        result.map(drop).map_err(|(name, code)| anyhow!("{name}: {code}"))
    }

    /// Makes one of a partition's live replicas its leader, although it is not in the ISR.
    pub async fn elect_unclean(&self, topic: &str, partition: i32) -> Result<()> {
        let name = TopicName(StrBytes::from_string(topic.to_owned()));
        let which = TopicPartitions::default().with_topic(name).with_partitions(vec![partition]);
        let request = ElectLeadersRequest::default()
            .with_election_type(UNCLEAN)
            .with_topic_partitions(Some(vec![which]))
            .with_timeout_ms(10_000);
        let node = self.brokers().find(|node| node.running()).context("no broker runs")?;
        let answer = Connection::open(node.bootstrap(), PATIENCE).await?.call(&request).await?;
        ensure!(answer.error_code == 0, "ElectLeaders: error {}", answer.error_code);
        let results = answer.replica_election_results.iter().flat_map(|topic| &topic.partition_result);
        for result in results {
            ensure!(result.error_code == 0, "{topic}-{}: error {}", result.partition_id, result.error_code);
        }
        Ok(())
    }

    /// Writes about `bytes` bytes into a topic, the same into each of its partitions, acknowledged by all replicas.
    pub async fn fill(&self, topic: &str, bytes: usize) -> Result<()> {
        let (config, topic) = (self.client(), topic.to_owned());
        tokio::task::spawn_blocking(move || fill(config, &topic, bytes)).await?
    }

    /// How many records a topic holds: the sum of the partitions' high minus low watermarks.
    pub async fn count_records(&self, topic: &str) -> Result<i64> {
        let (config, topic) = (self.client(), topic.to_owned());
        tokio::task::spawn_blocking(move || count(&config, &topic)).await?
    }

    fn admin(&self) -> Result<AdminClient<DefaultClientContext>> {
        Ok(self.client().create()?)
    }
}

fn options() -> AdminOptions {
    AdminOptions::new().request_timeout(Some(PATIENCE)).operation_timeout(Some(PATIENCE))
}

/// The first record that was not acknowledged in time, and why.
#[derive(Default)]
struct Lost(OnceLock<KafkaError>);

impl ClientContext for Lost {}

impl ProducerContext for Lost {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        if let Err((error, _)) = result {
            self.0.get_or_init(|| error.clone());
        }
    }
}

/// Writes about `bytes` bytes into a topic, the same into each of its partitions, acknowledged by all replicas. Fails with the first
/// record that is not within a minute.
pub fn fill(mut config: ClientConfig, topic: &str, bytes: usize) -> Result<()> {
    config
        .set("acks", "all")
        .set("linger.ms", "20")
        .set("batch.size", "900000")
        .set("message.timeout.ms", "60000");
    config.set("queue.buffering.max.kbytes", "32768");
    let producer: BaseProducer<Lost> = config.create_with_context(Lost::default())?;
    // In turn: a partitioner that sticks to one for a while may leave the others with nothing.
    let metadata = producer.client().fetch_metadata(Some(topic), PATIENCE)?;
    let partitions = metadata.topics().first().context("no such topic")?.partitions().len();
    ensure!(partitions > 0, "{topic} has no partitions yet");
    // Not one byte over and over: batches that a compacting or compressing layer could shrink to nothing.
    let payload: Vec<u8> = (0..RECORD).map(|i| u8::try_from(i * 31 % 251).unwrap_or(0)).collect();
    let lost = |sent: usize| match producer.context().0.get() {
        None => Ok(()),
        Some(error) => Err(anyhow!("{topic}: a record of the first {sent} was not acknowledged: {error}")),
    };
    let records = bytes.div_ceil(RECORD);
    for sent in 0..records {
        let partition = i32::try_from(sent % partitions)?;
        let mut record = BaseRecord::to(topic).partition(partition).payload(&payload);
        while let Err((error, again)) = producer.send::<(), _>(record) {
            if error != KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull) {
                return Err(error.into());
            }
            producer.poll(Duration::from_millis(20));
            lost(sent)?;
            record = again;
        }
        producer.poll(Duration::ZERO);
    }
    producer.flush(Duration::from_secs(90))?;
    lost(records)
}

fn count(config: &ClientConfig, topic: &str) -> Result<i64> {
    let consumer: BaseConsumer = config.create()?;
    let metadata = consumer.fetch_metadata(Some(topic), PATIENCE)?;
    let partitions = metadata.topics().first().context("no such topic")?.partitions();
    partitions.iter().try_fold(0, |sum, partition| {
        let (low, high) = consumer.fetch_watermarks(topic, partition.id(), PATIENCE)?;
        Ok(sum + high - low)
    })
}
