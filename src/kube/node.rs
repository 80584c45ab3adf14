//! The zone of a node.

use super::{Api, Fault};

/// The labels, the newer one first (it is from Kubernetes 1.17).
const LABELS: [&str; 2] = ["topology.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/zone"];

/// Asks once for the zone of a node; `None`: the node is there and has no such label, or an empty one.
///
/// # Errors
/// Why it cannot be told.
pub async fn zone(api: &Api, node: &str) -> Result<Option<String>, Fault> {
    let node = api.get(&format!("/api/v1/nodes/{node}")).await?;
    let metadata =
        node.get("metadata").ok_or_else(|| Fault::Nonsense("its answer has no metadata".into()))?;
    let label = |name: &&str| metadata.get("labels")?.get(name)?.as_str().filter(|zone| !zone.is_empty());
    Ok(LABELS.iter().find_map(label).map(str::to_owned))
}
