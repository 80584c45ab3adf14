//! A pod, as the API shows it.

use std::collections::BTreeMap;

use serde_json::Value;

/// What matters of a pod.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pod {
    /// Its name.
    pub name: String,
    /// Another one for each life.
    pub uid: String,
    /// Where it runs; empty before it is bound.
    pub node: String,
    /// Its address; empty before it has one.
    pub ip: String,
    /// The condition of that name: what rollouts and disruption budgets read.
    pub ready: bool,
    /// It was told to end.
    pub deleting: bool,
    /// How often each container was started again, init containers too.
    pub restarts: BTreeMap<String, u64>,
    /// The revision of its `StatefulSet`.
    pub revision: String,
    /// Running, Pending, ...
    pub phase: String,
}

impl Pod {
    /// Reads the API's object.
    pub fn read(object: &Value) -> Self {
        let text =
            |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let list = |pointer: &str| object.pointer(pointer).and_then(Value::as_array).into_iter().flatten();
        let statuses = list("/status/initContainerStatuses").chain(list("/status/containerStatuses"));
        Self {
            name: text("/metadata/name"),
            uid: text("/metadata/uid"),
            node: text("/spec/nodeName"),
            ip: text("/status/podIP"),
            ready: list("/status/conditions").any(|one| one["type"] == "Ready" && one["status"] == "True"),
            deleting: object.pointer("/metadata/deletionTimestamp").is_some(),
            restarts: statuses
                .filter_map(|one| Some((one["name"].as_str()?.to_owned(), one["restartCount"].as_u64()?)))
                .collect(),
            revision: text("/metadata/labels/controller-revision-hash"),
            phase: text("/status/phase"),
        }
    }

    /// Ready, and not about to end.
    pub fn well(&self) -> bool {
        self.ready && !self.deleting
    }

    /// How often a container was started again.
    pub fn restarted(&self, container: &str) -> u64 {
        self.restarts.get(container).copied().unwrap_or_default()
    }
}
