//! What is known of names: pure, from the events of a watch on `EndpointSlices`.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use serde::Deserialize;

use crate::places::{API_ADDRESS, DOMAIN};

/// An event of the watch.
#[derive(Debug, Deserialize)]
pub(super) struct Event {
    #[serde(rename = "type")]
    kind: String,
    object: Slice,
}

#[derive(Debug, Deserialize)]
struct Slice {
    metadata: Metadata,
    /// Written as null when there are none.
    #[serde(default)]
    endpoints: Option<Vec<Endpoint>>,
}

#[derive(Debug, Deserialize)]
struct Metadata {
    namespace: String,
    name: String,
    #[serde(default)]
    labels: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
struct Endpoint {
    addresses: Vec<String>,
    hostname: Option<String>,
    #[serde(default)]
    conditions: Conditions,
}

#[derive(Debug, Default, Deserialize)]
struct Conditions {
    /// True for all of a Service that publishes addresses that are not ready. Unknown counts as ready.
    ready: Option<bool>,
}

/// All that is known.
#[derive(Debug, Default)]
pub(super) struct Zone {
    /// By namespace and name of the slice: what it adds, by name.
    slices: BTreeMap<(String, String), Vec<(String, Ipv4Addr)>>,
}

impl Zone {
    /// Forgets everything: a new watch tells all that there is.
    pub(super) fn clear(&mut self) {
        self.slices.clear();
    }

    /// Takes what an event tells.
    pub(super) fn apply(&mut self, event: &Event) {
        let key = (event.object.metadata.namespace.clone(), event.object.metadata.name.clone());
        match event.kind.as_str() {
            "ADDED" | "MODIFIED" => drop(self.slices.insert(key, names(&event.object))),
            "DELETED" => drop(self.slices.remove(&key)),
            // Bookmarks and errors tell nothing of names.
            _ => {}
        }
    }

    /// The addresses of a name (lower case, without the last dot); none when it is not there.
    pub(super) fn addresses(&self, name: &str) -> Option<Vec<Ipv4Addr>> {
        if name.strip_suffix(DOMAIN) == Some("kubernetes.default.svc.") {
            return API_ADDRESS.parse().ok().map(|address| vec![address]);
        }
        let all = self.slices.values().flatten();
        let found: BTreeSet<_> =
            all.filter(|(known, _)| known == name).map(|(_, address)| *address).collect();
        (!found.is_empty()).then(|| found.into_iter().collect())
    }
}

/// The names of a slice: its Service's, for all its endpoints, and each endpoint's own.
fn names(slice: &Slice) -> Vec<(String, Ipv4Addr)> {
    let Some(service) = slice.metadata.labels.get("kubernetes.io/service-name") else { return Vec::new() };
    let domain = format!("{service}.{}.svc.{DOMAIN}", slice.metadata.namespace);
    let mut found = Vec::new();
    for endpoint in slice.endpoints.iter().flatten() {
        if endpoint.conditions.ready == Some(false) {
            continue;
        }
        for address in endpoint.addresses.iter().filter_map(|text| text.parse().ok()) {
            found.push((domain.clone(), address));
            found.extend(endpoint.hostname.iter().map(|host| (format!("{host}.{domain}"), address)));
        }
    }
    found
}

#[cfg(test)]
pub(super) mod tests {
    use std::net::Ipv4Addr;

    use serde_json::{Value, json};

    use super::Zone;

    fn event(kind: &str, endpoints: &Value) -> super::Event {
        let labels = json!({"kubernetes.io/service-name": "kafka"});
        let metadata = json!({"namespace": "here", "name": "kafka-x1", "labels": labels});
        serde_json::from_value(
            json!({"type": kind, "object": {"metadata": metadata, "endpoints": endpoints}}),
        )
        .unwrap()
    }

    fn endpoint(host: &str, address: &str, ready: bool) -> Value {
        json!({"addresses": [address], "hostname": host, "conditions": {"ready": ready}})
    }

    pub(in crate::dns) fn zone_of_one() -> Zone {
        let mut zone = Zone::default();
        zone.apply(&event("ADDED", &json!([endpoint("kafka-0", "10.88.0.21", true)])));
        zone
    }

    #[test]
    fn a_service_is_all_of_its_pods_that_are_published() {
        let mut zone = zone_of_one();
        let service = "kafka.here.svc.cluster.local";
        zone.apply(&event(
            "MODIFIED",
            &json!([
                endpoint("kafka-0", "10.88.0.31", true),
                endpoint("kafka-1", "10.88.0.32", true),
                endpoint("kafka-2", "10.88.0.33", false)
            ]),
        ));
        let last = |zone: &Zone, name: &str| {
            zone.addresses(name).map(|found| found.iter().map(|a| a.octets()[3]).collect::<Vec<_>>())
        };
        assert_eq!(last(&zone, service), Some(vec![31, 32]));
        assert_eq!(last(&zone, "kafka-1.kafka.here.svc.cluster.local"), Some(vec![32]));
        assert_eq!(last(&zone, "kafka-2.kafka.here.svc.cluster.local"), None, "not ready, not published");
        assert_eq!(last(&zone, "kafka-1.kafka.there.svc.cluster.local"), None, "another namespace");
        zone.apply(&event("DELETED", &Value::Null));
        assert_eq!(last(&zone, service), None);
    }

    #[test]
    fn the_api_server_has_a_name_at_all_times() {
        let found = Zone::default().addresses("kubernetes.default.svc.cluster.local");
        assert_eq!(found, Some(vec![Ipv4Addr::new(10, 96, 0, 1)]));
        assert_eq!(Zone::default().addresses("example.org"), None);
    }
}
