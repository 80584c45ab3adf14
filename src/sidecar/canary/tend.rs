//! Keeps the canary's topic right. Every agent sees the same brokers, and the one beside the lowest of them acts; two that act
//! at once ask for the same.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use pillion_probes::{
    canary::{COPIES, LEAST_BROKERS, Minimum, Partition, Step, minimum, plan},
    observe::Role,
    time::BootTime,
};
use tokio::time::sleep;

use super::Keeper;
use crate::{
    board::Trouble,
    kafka::{
        Connection, WireError, codes,
        requests::{ApiVersions, needed, set_on_topic, tend, usual_minimum},
    },
};

/// Between two looks after a topic that is right.
const TEND: Duration = Duration::from_secs(60);
/// After something was done, or failed.
const SOON: Duration = Duration::from_secs(10);
/// After an election: who is told too late that it leads waits for the next round trip.
const HEARD: Duration = Duration::from_millis(500);
/// A broker that was away for so long is not waited for.
const GONE: Duration = Duration::from_secs(3600);
/// What the topic has its own: records of ten minutes, in segments of the least size that Kafka takes, as they were written:
/// they are looked for as they are.
const SETTINGS: [(&str, &str); 5] = [
    ("compression.type", "uncompressed"),
    ("cleanup.policy", "delete"),
    ("retention.ms", "600000"),
    ("segment.ms", "600000"),
    ("segment.bytes", "1048576"),
];
const MINIMUM: &str = "min.insync.replicas";

/// Who takes changes of topics, and what it speaks.
struct Changer {
    id: i32,
    connection: Connection,
    versions: Arc<ApiVersions>,
}

impl Keeper<'_> {
    pub(super) async fn tend(&mut self, partitions: &[Partition], now: BootTime) {
        let outcome = self.look_after(partitions, now).await;
        let (after, trouble) = match outcome {
            Ok(told) => told,
            Err(error) => {
                self.own = None;
                let remedy = match error {
                    WireError::Answered {
                        code: codes::TOPIC_AUTHORIZATION_FAILED | codes::CLUSTER_AUTHORIZATION_FAILED,
                        ..
                    } => {
                        "grant the agent CREATE, ALTER, ALTER_CONFIGS, READ and WRITE on it, and ALTER on the cluster"
                    }
                    _ => "it is tried again; make the topic by hand if this lasts",
                };
                let text = format!("the canary's topic {} is not kept right: {error}", self.topic);
                (SOON, Some(Trouble { text, remedy: remedy.to_owned() }))
            }
        };
        self.tend_at = Some(now.forth(after));
        self.board.canary(|canary| {
            if let Some(canary) = canary {
                canary.trouble = trouble;
            }
        });
    }

    /// A broker that was restarted leads nothing before somebody elects it, which Kafka does after some minutes: it takes its
    /// own partition back at once. Returns the partitions as they are then.
    pub(super) async fn lead(&mut self, partitions: Vec<Partition>) -> Vec<Partition> {
        let own = self.target.id;
        let lost = |one: &&Partition| one.replicas.first() == Some(&own) && one.leader != own;
        let lost: Vec<i32> = partitions.iter().filter(lost).map(|one| one.index).collect();
        if lost.is_empty() || partitions.iter().any(|one| one.leader == own) {
            return partitions;
        }
        let outcome = async {
            let mut changer = self.changer().await?;
            let step = Step::Elect(lost);
            tend(&mut changer.connection, &changer.versions, self.topic, &step, &[], self.deadline()).await?;
            self.give_back(changer);
            // The broker hears of it a moment after the controller has answered.
            sleep(HEARD).await;
            self.partitions().await
        };
        outcome.await.unwrap_or_else(|error| {
            // A replica that is not in sync yet cannot lead.
            tracing::debug!(%error, "canary: its partition is led by another one");
            partitions
        })
    }

    /// How long until the next look, and why the topic is not right, where it cannot be.
    async fn look_after(
        &mut self,
        partitions: &[Partition],
        now: BootTime,
    ) -> Result<(Duration, Option<Trouble>), WireError> {
        let (live, racks): (BTreeSet<i32>, BTreeMap<i32, String>) = {
            let roster = self.target.roster.borrow();
            let brokers = || roster.iter().flat_map(|roster| &roster.brokers);
            let racks = brokers().filter_map(|broker| Some((broker.id, broker.rack.clone()?)));
            (brokers().map(|broker| broker.id).collect(), racks.collect())
        };
        if live.is_empty() {
            // The broker has not said yet who is alive.
            return Ok((SOON, None));
        }
        let held = partitions.iter().flat_map(|one| one.replicas.iter().copied());
        let missing: BTreeSet<i32> = held.filter(|id| !live.contains(id)).collect();
        self.away.retain(|id, _| missing.contains(id));
        for id in missing {
            self.away.entry(id).or_insert(now);
        }
        if live.len() < LEAST_BROKERS && partitions.is_empty() {
            let trouble = Trouble {
                text: "there is no canary in a cluster of one broker".to_owned(),
                remedy: "its partition would be one more that stops with the broker; take sidecar.canary out"
                    .to_owned(),
            };
            return Ok((SOON, Some(trouble)));
        }
        // Without contact its image of the cluster may be old.
        if live.first() != Some(&self.target.id) || self.desk.as_of(now).is_none() {
            return Ok((TEND, None));
        }
        let gone: BTreeSet<i32> =
            self.away.iter().filter(|(_, since)| now.since(**since) >= GONE).map(|(id, _)| *id).collect();
        let mut changer = self.changer().await?;
        let steps = plan(partitions, &live, &gone, &racks);
        let after = if steps.is_empty() { TEND } else { SOON };
        for step in steps {
            tracing::info!(topic = self.topic, ?step, "canary: the topic is made right");
            let create = matches!(step, Step::Create(_));
            let settings =
                if create { self.settings(&mut changer, live.len().min(COPIES)).await? } else { Vec::new() };
            let (own, versions) = (&mut changer.connection, &changer.versions);
            tend(own, versions, self.topic, &step, &settings, self.deadline()).await?;
            if create {
                break;
            }
        }
        let (own, versions) = (&mut changer.connection, &changer.versions);
        let copies = partitions.iter().map(|one| one.replicas.len()).min();
        if let [known] = needed(own, versions, &[self.topic.to_owned()], self.deadline()).await?.as_slice() {
            let value =
                match minimum(known.least, known.own, copies.unwrap_or_else(|| live.len().min(COPIES))) {
                    Minimum::Keep => None,
                    Minimum::Set(value) => Some(Some(value.to_string())),
                    Minimum::Inherit => Some(None),
                };
            if let Some(value) = value {
                tracing::info!(
                    topic = self.topic,
                    ?value,
                    "canary: {MINIMUM}, so that one of its brokers may stop"
                );
                let setting = (MINIMUM, value.as_deref());
                set_on_topic(own, versions, self.topic, setting, self.deadline()).await?;
            }
        }
        self.give_back(changer);
        Ok((after, None))
    }

    /// What the topic is made with. Its minimum is right from the first moment on, or its brokers could not stop until it is.
    async fn settings(
        &self,
        changer: &mut Changer,
        copies: usize,
    ) -> Result<Vec<(&'static str, String)>, WireError> {
        let mut settings: Vec<_> = SETTINGS.iter().map(|(key, value)| (*key, (*value).to_owned())).collect();
        let (own, versions) = (&mut changer.connection, &changer.versions);
        let usual = match usual_minimum(own, versions, changer.id, self.deadline()).await {
            // Who may not ask for it sets it when the topic is there.
            Err(WireError::Answered { .. }) => None,
            told => told?,
        };
        if let Some(Minimum::Set(value)) = usual.map(|usual| minimum(usual, false, copies)) {
            settings.push((MINIMUM, value.to_string()));
        }
        Ok(settings)
    }

    /// Brokers of `KRaft` forward a change to the controller; those with `ZooKeeper` refuse it (`NOT_CONTROLLER`).
    async fn changer(&mut self) -> Result<Changer, WireError> {
        let controller = self.target.roster.borrow().as_ref().map(|roster| roster.controller_id);
        let elsewhere = controller.filter(|id| self.target.role == Role::ZooKeeper && *id != self.target.id);
        let Some(id) = elsewhere else {
            let versions = self.life.versions.clone();
            return Ok(Changer { id: self.target.id, connection: self.lend().await?, versions });
        };
        let address = self.target.address_of(id).ok_or(WireError::Abandoned)?;
        let (connection, versions) = self.target.connect_to(&address, self.deadline()).await?;
        Ok(Changer { id, connection, versions: Arc::new(versions) })
    }

    /// What was lent is used again; a connection to another broker is made for once.
    fn give_back(&mut self, changer: Changer) {
        if changer.id == self.target.id {
            self.own = Some(changer.connection);
        }
    }
}
