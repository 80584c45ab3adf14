//! A Lease (coordination.k8s.io/v1): who holds something, changed only by who has seen the last change.

use std::time::Duration;

use pillion_probes::turn::Record;
use serde_json::{Value, json};

use super::{Api, Fault, event::micros};

/// Which Lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaseName {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

/// A Lease as it was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Lease {
    /// What it says.
    pub record: Record,
    object: Value,
}

impl LeaseName {
    fn path(&self) -> String {
        format!("/apis/coordination.k8s.io/v1/namespaces/{}/leases/{}", self.namespace, self.name)
    }

    /// Reads it once.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub async fn read(&self, api: &Api) -> Result<Lease, Fault> {
        Lease::decode(api.get_whole(&self.path()).await?)
    }

    /// Writes `holder` into it at `now_ms` of the wall clock, if it still is as it was read; `None` where it is not. Who
    /// holds it on keeps the time since when.
    ///
    /// # Errors
    /// Why it cannot be written; what became of it is not known where nothing was answered.
    pub async fn write(
        &self,
        api: &Api,
        lease: &Lease,
        holder: Option<&str>,
        duration: Duration,
        now_ms: i64,
    ) -> Result<Option<Lease>, Fault> {
        match api.replace(&self.path(), &lease.held_by(holder, duration, now_ms)).await {
            Ok(object) => Lease::decode(object).map(Some),
            Err(fault) if fault.code() == Some(409) => Ok(None),
            Err(fault) => Err(fault),
        }
    }
}

impl Lease {
    fn decode(object: Value) -> Result<Self, Fault> {
        let text = |at: &str| object.pointer(at).and_then(Value::as_str).filter(|text| !text.is_empty());
        let revision = text("/metadata/resourceVersion");
        let revision = revision.ok_or_else(|| Fault::Nonsense("its answer has no resourceVersion".into()))?;
        let seconds = object.pointer("/spec/leaseDurationSeconds").and_then(Value::as_u64).unwrap_or(0);
        let acquired = text("/spec/acquireTime").and_then(|at| at.parse::<jiff::Timestamp>().ok());
        let record = Record {
            holder: text("/spec/holderIdentity").map(str::to_owned),
            duration: Duration::from_secs(seconds),
            acquired_ms: acquired.map(jiff::Timestamp::as_millisecond),
            revision: revision.to_owned(),
        };
        Ok(Self { record, object })
    }

    /// The object with another holder, or with the same one renewed. What others wrote on it stays.
    fn held_by(&self, holder: Option<&str>, duration: Duration, now_ms: i64) -> Value {
        let now = micros(now_ms);
        let changes_hands = self.record.holder.as_deref() != holder;
        let acquired = match self.object.pointer("/spec/acquireTime") {
            Some(since) if !changes_hands => since.clone(),
            _ => json!(now),
        };
        let before = self.object.pointer("/spec/leaseTransitions").and_then(Value::as_i64).unwrap_or(0);
        let taken = changes_hands && holder.is_some();
        let mut object = self.object.clone();
        if let Value::Object(fields) = &mut object {
            let spec = json!({
                "holderIdentity": holder.unwrap_or_default(),
                "leaseDurationSeconds": duration.as_secs().min(i32::MAX as u64),
                "acquireTime": acquired,
                "renewTime": now,
                "leaseTransitions": (before + i64::from(taken)).min(i32::MAX.into()),
            });
            fields.insert("spec".to_owned(), spec);
        }
        object
    }
}
