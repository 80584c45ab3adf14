//! Who the broker is, written on its own pod: others find the brokers of a cluster by a label selector.

use serde_json::{Value, json};

use super::{Api, Fault, Regarding};

/// What stands on the pod; what is `None` is taken off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marks {
    /// Label `pillion.dev/cluster`: the cluster's name.
    pub cluster: String,
    /// Label `pillion.dev/role`: `broker`, `controller` or `combined`.
    pub role: &'static str,
    /// Annotation `pillion.dev/broker-id`.
    pub broker_id: i32,
    /// Annotation `pillion.dev/zone`.
    pub zone: Option<String>,
    /// Annotation `pillion.dev/listeners`: what the broker advertises.
    pub listeners: Option<String>,
}

impl Marks {
    /// A merge patch. With the UID it fits no other pod of the same name.
    fn patch(&self, pod: &Regarding) -> Value {
        let mut metadata = json!({
            "labels": { "pillion.dev/cluster": self.cluster, "pillion.dev/role": self.role },
            "annotations": {
                "pillion.dev/broker-id": self.broker_id.to_string(),
                "pillion.dev/zone": self.zone,
                "pillion.dev/listeners": self.listeners,
            },
        });
        if let (Some(uid), Value::Object(metadata)) = (&pod.uid, &mut metadata) {
            metadata.insert("uid".to_owned(), json!(uid));
        }
        json!({ "metadata": metadata })
    }
}

/// Writes the marks once.
///
/// # Errors
/// Why they cannot be written.
pub async fn mark(api: &Api, pod: &Regarding, marks: &Marks) -> Result<(), Fault> {
    let path = format!("/api/v1/namespaces/{}/pods/{}", pod.namespace, pod.name);
    api.merge(&path, &marks.patch(pod)).await.map(|_| ())
}
