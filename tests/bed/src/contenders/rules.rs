//! Who takes part, by which rule.

/// Somebody who says of a broker whether it is ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Contender {
    /// The stable name, in kebab case.
    pub name: &'static str,
    /// When it says ready, in one line.
    pub rule: &'static str,
    /// Who uses it.
    pub source: &'static str,
}

/// pillion. Its answers are the fleet's own watch on `/readyz`.
pub const PILLION: Contender = Contender {
    name: "pillion",
    rule: "every assigned replica in sync, proven by contact with a live quorum younger than the session",
    source: "this project",
};

/// pillion without the metadata log.
pub const BY_ANSWERS: Contender = Contender {
    name: "pillion-by-answers",
    rule: "the same, by what the broker answers alone, without the metadata log on its volume (`sidecar.ledger: false`)",
    source: "this project, where the sidecar does not see the volume",
};

/// The port is open.
pub const TCP: Contender = Contender {
    name: "tcp-connect",
    rule: "the client listener accepts a connection within 1 s",
    source: "tcpSocket probes of most Helm charts, Bitnami's among them",
};

/// The broker speaks.
pub const API_VERSIONS: Contender = Contender {
    name: "api-versions",
    rule: "a new connection gets an answer to ApiVersions within 1 s",
    source: "exec probes that run kafka-broker-api-versions.sh",
};

/// What the broker itself says of its replicas.
pub const OWN_METADATA: Contender = Contender {
    name: "own-metadata",
    rule: "Metadata of all topics, asked of the broker itself, shows no partition that has it among the \
           replicas and not in the ISR",
    source: "the obvious check once the ISR counts; near to it are kafka-health-check and Redpanda's operator",
};

/// The gauge that everybody graphs.
pub const UNDER_REPLICATED: Contender = Contender {
    name: "under-replicated-gauge",
    rule: "kafka.server:type=ReplicaManager,name=UnderReplicatedPartitions of the broker, by JMX, is 0",
    source: "Kafka's own advice on monitoring; sidecars such as koperator's (pull request 278)",
};

/// What Strimzi believes.
pub const BROKER_STATE: Contender = Contender {
    name: "broker-state",
    rule: "kafka.server:type=KafkaServer,name=BrokerState of the broker, by JMX, is 3 or more and not 127",
    source: "Strimzi: /v1/ready of its kafka-agent (KafkaAgent.java), which its readiness script asks; here \
             by JMX, as the agent is not published",
};

/// All but pillion.
pub const OTHERS: [Contender; 5] = [TCP, API_VERSIONS, OWN_METADATA, UNDER_REPLICATED, BROKER_STATE];
/// All, in the order in which they are shown.
pub const ALL: [Contender; 7] =
    [PILLION, BY_ANSWERS, TCP, API_VERSIONS, OWN_METADATA, UNDER_REPLICATED, BROKER_STATE];
