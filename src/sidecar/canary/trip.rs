//! One round trip.

use std::time::Duration;

use bytes::Bytes;
use kafka_protocol::messages::{FetchRequest, ProduceRequest};
use pillion_probes::canary::Partition;
use tokio::time::Instant;
use uuid::Uuid;

use super::Keeper;
use crate::{
    board::Outcome,
    kafka::{
        Call, Connection, WireError, codes,
        requests::{fetch_has, produce_one},
    },
};

/// How long replicas may take to commit the record.
const COMMIT: Duration = Duration::from_secs(4);
/// How long the broker may take to answer beyond that, and how long the record may take to be read.
const BEYOND: Duration = Duration::from_secs(1);

/// What an error code comes to: a lack of rights is the agent's own.
pub(super) fn refused(code: i16, otherwise: Outcome) -> Outcome {
    if code == codes::TOPIC_AUTHORIZATION_FAILED { Outcome::Denied } else { otherwise }
}

impl Keeper<'_> {
    /// Writes and reads one record; how that ended, and how long it took.
    pub(super) async fn trip(&mut self, partitions: &[Partition]) -> (Outcome, Duration) {
        let mut led = partitions.iter().filter(|one| one.leader == self.target.id);
        // The one that it should lead, or any that it leads for another now.
        let own = led.clone().find(|one| one.replicas.first() == Some(&self.target.id));
        let Some(partition) = own.or_else(|| led.next()).map(|one| one.index) else {
            return (Outcome::NoPartition, Duration::ZERO);
        };
        let began = self.desk.now();
        let outcome = match self.lent(partition).await {
            Ok(outcome) => outcome,
            Err(error) => {
                tracing::debug!(%error, "canary: lost");
                self.why = Some(error.to_string());
                Outcome::ProduceFailed
            }
        };
        tracing::debug!(partition, outcome = outcome.word(), "canary");
        (outcome, self.desk.now().since(began))
    }

    /// The connection is given back unless it was lost.
    async fn lent(&mut self, partition: i32) -> Result<Outcome, WireError> {
        let mut own = self.lend().await?;
        let outcome = self.write_and_read(&mut own, partition).await?;
        self.own = Some(own);
        Ok(outcome)
    }

    async fn write_and_read(&mut self, own: &mut Connection, partition: i32) -> Result<Outcome, WireError> {
        let versions = &self.life.versions.clone();
        let value = Uuid::new_v4().into_bytes();
        let (place, record) =
            ((self.topic, partition), (Bytes::copy_from_slice(&value), self.desk.clock.now().wall_ms));
        let within = i32::try_from(COMMIT.as_millis()).unwrap_or(i32::MAX);
        let deadline = Instant::now() + COMMIT + BEYOND;
        let written = produce_one(own, versions, place, record, within, deadline).await;
        let offset = match written {
            Ok(Ok(offset)) => offset,
            Ok(Err(code)) => {
                self.why = Some(WireError::Answered { api: ProduceRequest::NAME, code }.to_string());
                return Ok(match code {
                    codes::NOT_ENOUGH_REPLICAS
                    | codes::NOT_ENOUGH_REPLICAS_AFTER_APPEND
                    | codes::REQUEST_TIMED_OUT => Outcome::NotCommitted,
                    // It leads no longer.
                    codes::NOT_LEADER_OR_FOLLOWER => Outcome::NoPartition,
                    code => refused(code, Outcome::ProduceFailed),
                });
            }
            // A broker that hangs does not take it either.
            Err(error) => return Err(error),
        };
        let until = Instant::now() + BEYOND;
        while Instant::now() < until {
            match fetch_has(own, versions, place, offset, &value, until + BEYOND).await {
                Ok(Ok(true)) => return Ok(Outcome::Ok),
                // The high watermark is told to the leader's readers a moment later.
                Ok(Ok(false)) => {}
                Ok(Err(code)) => {
                    self.why = Some(WireError::Answered { api: FetchRequest::NAME, code }.to_string());
                    return Ok(refused(code, Outcome::NotRead));
                }
                Err(error) => {
                    self.why = Some(error.to_string());
                    return Ok(Outcome::NotRead);
                }
            }
        }
        Ok(Outcome::NotRead)
    }
}
