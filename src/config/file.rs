//! The shape of the config file. Its JSON Schema is published, and is what the file is checked by.

use std::{collections::BTreeMap, path::PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::{canary::Canary, certificates::Certificates, client::Client, lag::Lag};
use super::duration::Written;

pub mod canary;
pub mod certificates;
pub mod client;
pub mod lag;

/// The whole file. Every setting may also come from the environment or a flag, which win.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(title = "pillion", extend("$id" = "https://pillion.dev/schema/pillion.schema.json"))]
pub struct File {
    /// The cluster this broker belongs to.
    pub cluster: Cluster,
    /// Who this broker is.
    pub broker: Broker,
    /// Which Kafka runs, and its settings.
    pub kafka: Kafka,
    /// The volumes of this node.
    pub storage: Storage,
    /// Where init leaves what the sidecar and Kafka read. Default: `/run/pillion`.
    pub run_dir: Option<PathBuf>,
    /// How the sidecar watches.
    pub sidecar: Sidecar,
    /// What Kubernetes tells of this pod, and what it is told.
    pub kubernetes: Kubernetes,
    /// Where the certificates of TLS listeners come from.
    pub certificates: Certificates,
    /// The turn, by which the nodes of a cluster stop one at a time.
    pub turn: Turn,
}

/// The turn, by which the nodes of a cluster stop one at a time: `pillion drain` waits for it. Default: none is taken.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Turn {
    /// The Lease (coordination.k8s.io) that holds it, in the pod's namespace; it must be there. Needs `get` and `update`
    /// on it. Brokers and controllers that are nothing else take turns apart: give them a Lease each.
    #[schemars(regex(pattern = "^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$"))]
    pub lease: Option<String>,
    /// Without Kubernetes: a file that holds it, for the nodes of one machine, and of no other.
    pub file: Option<PathBuf>,
    /// How long a node keeps it that is not heard of. At least the time in which a stop must be over, in a pod its
    /// terminationGracePeriodSeconds. Default: 10m.
    pub expires: Option<Written>,
}

/// The cluster this broker belongs to.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Cluster {
    /// A name for people: labels, metrics, the page. Required.
    pub name: Option<String>,
    /// Kafka's cluster id: 22 characters, as `kafka-storage random-uuid` prints it. Required. In `ZooKeeper` mode what
    /// the node `/cluster/id` holds: write it there before the first broker of a new cluster, which would invent one.
    #[schemars(regex(pattern = "^[A-Za-z0-9_-]{22}$"))]
    pub id: Option<String>,
    /// Brokers to ask, as host:port, when this node's volumes were lost: `init --replace` must learn from the
    /// others whether an empty volume may take their place. Names that lead to whichever broker is up will do.
    pub bootstrap: Vec<String>,
}

/// Who this broker is.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Broker {
    /// The roles of this node. Required.
    pub mode: Option<Mode>,
    /// id = idBase + ordinal. Required.
    #[schemars(range(min = 0, max = 2_147_483_647_i64))]
    pub id_base: Option<i64>,
    /// The ids this map may use, both ends included, as in "1001-1006". Default: any.
    #[schemars(regex(pattern = "^[0-9]+ *- *[0-9]+$"))]
    pub id_range: Option<String>,
    /// Which one of its map this is. Default: the number that the name of the pod, or of the host, ends with.
    #[schemars(range(min = 0, max = 2_147_483_647_i64))]
    pub ordinal: Option<i64>,
    /// The failure domain, written as `broker.rack`.
    pub zone: Zone,
    /// The address the agent asks: "auto" (from `listeners`) or host:port. Default: auto.
    pub listener: Option<String>,
    /// Who the agent is to that listener, and to the controllers', where they are not PLAINTEXT.
    pub client: Client,
    /// `advertised.listeners` as a pattern for each listener, host:port with {id} {ordinal} {pod} {namespace} {zone}
    /// {node} and {N+ordinal}, as in "{pod}.kafka.{namespace}.svc.cluster.local:9092" or "{node}:{31000+ordinal}".
    pub advertised: BTreeMap<String, String>,
}

/// The failure domain.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Zone {
    /// The zone. Default: `kubernetes.zone`, then with `kubernetes.zoneFromNode` the node's label.
    pub value: Option<String>,
    /// What to do when there is no zone: stop (fail), render no rack (none), use `literal`. Default: fail.
    pub when_missing: Option<WhenMissing>,
    /// The zone of a broker whose zone is not known, with `whenMissing: literal`.
    pub literal: Option<String>,
}

/// What to do when the zone is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum WhenMissing {
    /// Stop.
    Fail,
    /// Render no rack.
    None,
    /// Use the given literal.
    Literal,
}

/// The roles of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// A broker with `KRaft` controllers elsewhere.
    KraftBroker,
    /// A controller and nothing else.
    KraftController,
    /// Broker and controller in one process.
    KraftCombined,
    /// A broker without `KRaft`, up to Kafka 3.9.
    #[serde(rename = "zookeeper")]
    ZooKeeper,
}

/// Which Kafka runs, and its settings.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Kafka {
    /// Its version, as in "4.3.1". Required.
    #[schemars(regex(pattern = "^[0-9]+\\.[0-9]+(\\.[0-9]+)?$"))]
    pub version: Option<String>,
    /// Where it is installed. Default: `/opt/kafka`.
    pub home: Option<PathBuf>,
    /// Settings that are shared, the lowest first: each layer wins over the ones before it, and all over the defaults of
    /// the mode. Values may be templates, as in "{{ resources.cpu * 2 }}".
    pub layers: Vec<Layer>,
    /// Your settings, on top of the layers. What pillion computes cannot be contradicted.
    pub properties: BTreeMap<String, Scalar>,
    /// Settings of single brokers by their ordinal, on top of `properties`, as in `{"0": {num.io.threads: 16}}`.
    pub overrides: BTreeMap<String, BTreeMap<String, Scalar>>,
    /// The environment variables that templates may read, as `env.NAME`. Default: none.
    pub env: Vec<String>,
    /// What the broker's container has, for templates that size by it.
    pub resources: Resources,
}

/// Settings that are shared: one of file, directory and properties.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Layer {
    /// What people call it, as in "team". Required.
    pub name: Option<String>,
    /// A `.properties` file. A relative path begins at the directory of this config file.
    pub file: Option<PathBuf>,
    /// A directory, such as a mounted `ConfigMap`: all its `*.properties`, in the order of their names.
    pub directory: Option<PathBuf>,
    /// The settings themselves.
    pub properties: Option<BTreeMap<String, Scalar>>,
}

/// What the broker's container has. On Kubernetes by the downward API: `resourceFieldRef` with the `containerName` of Kafka.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Resources {
    /// Its memory limit, as in "8Gi". Default: the limit of the cgroup that init runs in.
    pub memory: Option<Scalar>,
    /// Its CPU limit, as in "4" or "2500m"; templates see whole cores, rounded up. Default: as for memory.
    pub cpu: Option<Scalar>,
    /// The size of all log directories together, as in "500Gi". Default: that of their file systems.
    pub disk: Option<Scalar>,
}

/// Text, a number or a truth value, taken as it is written.
#[derive(Debug, Clone, Deserialize)]
pub struct Scalar(pub String);

impl JsonSchema for Scalar {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Scalar".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": ["string", "number", "boolean"] })
    }
}

/// The volumes of this node.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Storage {
    /// Kafka's log directories. Required.
    pub log_dirs: Vec<PathBuf>,
    /// Where the metadata log lies (`KRaft`). Default: the first log directory.
    pub metadata_log_dir: Option<PathBuf>,
    /// Refuse a log directory that neither is a mount point nor lies directly in one. Default: false.
    pub must_be_mount: Option<bool>,
    /// This is the first start of this node: empty volumes are formatted, in `ZooKeeper` mode by the broker itself.
    /// Take it out afterwards.
    pub bootstrap: Option<bool>,
    /// How a controller of a dynamic quorum joins at bootstrap: "standalone", "none" (a joiner), or the
    /// value of `kafka-storage format --initial-controllers`.
    pub initial_controllers: Option<String>,
}

/// How the sidecar watches.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Sidecar {
    /// Address and port of the probes and metrics. Default: 0.0.0.0:9440.
    pub listen: Option<String>,
    /// Deadlines, ages and intervals, which must fit each other.
    pub timing: Timing,
    /// Whether replicas that a reassignment is adding, and that are not in sync yet, make the broker unready: until it
    /// was once in sync with everything assigned to it (untilInSync), always (count), never (ignore). Default:
    /// untilInSync.
    pub adding_replicas: Option<AddingReplicas>,
    /// Follow the metadata log on the broker's own volume, which shows a change of the ISR at once and costs the
    /// cluster nothing; what the broker answers is held against it now and then. Where the sidecar does not see that
    /// volume the broker's answers are all there is. Default: true.
    pub ledger: Option<bool>,
    /// The break-glass.
    #[serde(rename = "override")]
    pub override_: Override,
    /// What the node has and uses, in metrics and in the status.
    pub resources: Measured,
    /// How far consumer groups lag.
    pub lag: Lag,
    /// The canary.
    pub canary: Canary,
}

/// What the node has and uses, in metrics and in the status.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Measured {
    /// Write a few bytes to each log directory this often, at least 10s, and tell how long that took. It shows a disk that
    /// is slow or hangs before Kafka flushes anything. Default: it is not done.
    pub write_probe: Option<Written>,
}

/// Whether replicas that a reassignment is adding count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum AddingReplicas {
    /// Until the broker was once in sync with everything assigned to it.
    UntilInSync,
    /// Always.
    Count,
    /// Never.
    Ignore,
}

/// The break-glass.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Override {
    /// The longest a forced verdict may last. Default: 2h.
    pub max_duration: Option<Written>,
}

/// What Kubernetes tells of this pod (by the downward API), and what it is told. The token, the CA and the address of
/// the API server are found where every pod has them.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Kubernetes {
    /// The pod's name: `metadata.name`.
    pub pod: Option<String>,
    /// Its namespace: `metadata.namespace`.
    pub namespace: Option<String>,
    /// Its UID: `metadata.uid`.
    pub pod_uid: Option<String>,
    /// The node it runs on: `spec.nodeName`.
    pub node: Option<String>,
    /// Its zone: `metadata.labels['topology.kubernetes.io/zone']`, which pods have from Kubernetes 1.35 on.
    pub zone: Option<String>,
    /// Ask the API for the node's zone when nothing else tells it: needs `get` on `nodes`. Default: false.
    pub zone_from_node: Option<bool>,
    /// The directory of a downward API volume whose file `override` is the annotation `pillion.dev/override`.
    pub pod_info: Option<PathBuf>,
    /// Write the cluster, role, id, zone and listeners on the pod: needs `patch` on it. Default: false.
    pub publish_identity: Option<bool>,
    /// Tell what changes as Events of the pod: needs `create` on `events` (events.k8s.io). Default: false.
    pub events: Option<bool>,
}

/// Deadlines, ages and intervals.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Timing {
    /// `broker.session.timeout.ms`, rendered to brokers and controllers; in `ZooKeeper` mode
    /// `zookeeper.session.timeout.ms`. Default: 9s, in `ZooKeeper` mode 18s.
    pub session_timeout: Option<Written>,
    /// `broker.heartbeat.interval.ms`, rendered to brokers and controllers (`KRaft`). Default: 2s.
    pub heartbeat_interval: Option<Written>,
    /// The kubelet's readiness period. Default: 1s.
    pub probe_period: Option<Written>,
    /// The kubelet's readiness timeout. Default: 1s.
    pub probe_timeout: Option<Written>,
    /// What clocks and schedulers may take. Default: 500ms.
    pub margin: Option<Written>,
    /// Between two questions to the quorum (`KRaft`). Default: 500ms.
    pub quorum_interval: Option<Written>,
    /// Between two looks at how far the broker has applied metadata. Default: 300ms.
    pub applied_interval: Option<Written>,
    /// Between two scans of own replicas. Default: 500ms.
    pub scan_interval: Option<Written>,
    /// How old a scan of own replicas may be. Default: 15s.
    pub scan_max_age: Option<Written>,
    /// Between two looks at the log directories. Default: 5s.
    pub log_dir_interval: Option<Written>,
    /// How old a look at the log directories may be. Default: 20s.
    pub log_dir_max_age: Option<Written>,
    /// How long nothing may move before a broker counts as hung. Default: 60s.
    pub hung_after: Option<Written>,
    /// The deadline of one request. Default: 3s.
    pub request_timeout: Option<Written>,
}
