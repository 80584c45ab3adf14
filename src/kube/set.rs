//! A `StatefulSet`, as far as its pods want to know of it: whether any of them shall be left.

use serde_json::Value;

use super::{Api, Fault};

/// A `StatefulSet` of this namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetName {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl SetName {
    /// That of a pod, by the pod's name; `None` for one that no `StatefulSet` made.
    pub fn of_pod(namespace: &str, pod: &str) -> Option<Self> {
        let (name, ordinal) = pod.rsplit_once('-')?;
        let is_ordinal = !ordinal.is_empty() && ordinal.bytes().all(|byte| byte.is_ascii_digit());
        is_ordinal.then(|| Self { namespace: namespace.to_owned(), name: name.to_owned() })
    }

    /// Whether it is deleted, or scaled to zero: all its pods go, for good.
    ///
    /// # Errors
    /// Why it cannot be told.
    pub async fn is_disbanded(&self, api: &Api) -> Result<bool, Fault> {
        let path = format!("/apis/apps/v1/namespaces/{}/statefulsets/{}", self.namespace, self.name);
        match api.get_whole(&path).await {
            Ok(set) => Ok(disbanded(&set)),
            Err(fault) if fault.code() == Some(404) => Ok(true),
            Err(fault) => Err(fault),
        }
    }
}

fn disbanded(set: &Value) -> bool {
    let deleted = set.pointer("/metadata/deletionTimestamp").is_some();
    deleted || set.pointer("/spec/replicas").and_then(Value::as_i64) == Some(0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step should stop the test where it stands")]
    use serde_json::json;

    use super::*;

    #[test]
    fn the_set_of_a_pod() {
        let name = |pod: &str| SetName::of_pod("n", pod).map(|set| set.name);
        assert_eq!(name("kafka-b-12").as_deref(), Some("kafka-b"));
        assert_eq!(name("kafka-7d4b9"), None);
        assert_eq!(name("kafka"), None);
    }

    #[test]
    fn scaled_to_zero_or_deleted() {
        assert!(!disbanded(&json!({ "spec": { "replicas": 1 } })));
        assert!(disbanded(&json!({ "spec": { "replicas": 0 } })));
        let deleted =
            json!({ "metadata": { "deletionTimestamp": "2026-01-01T00:00:00Z" }, "spec": { "replicas": 3 } });
        assert!(disbanded(&deleted));
    }
}
