//! Every rule: what it is about, why, and where that is known from.

use std::fmt::Write;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Good to know.
    Note,
    /// Kafka starts, and does something else than is meant, or loses what it should keep.
    Warning,
    /// Kafka does not start with it.
    Error,
}

impl Severity {
    /// In one word, which is also what GitHub and SARIF call it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// Which part of a line a finding is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// All of it.
    Line,
    /// The name of the setting.
    Name,
    /// Its value.
    Value,
    /// Its value, and the blanks behind it.
    ValueAndBlanks,
}

/// A rule.
#[derive(Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its name, as it is written where it is allowed.
    pub id: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What a finding is about.
    pub mark: Mark,
    /// What it finds.
    pub title: &'static str,
    /// Why that is bad.
    pub why: &'static str,
    /// Where that is known from: a class of Kafka, a proposal (KIP), its documentation.
    pub source: &'static str,
}

macro_rules! rules {
    ($($name:ident = $id:literal, $severity:ident, $mark:ident, $title:literal, $why:literal, $source:literal;)*) => {
        $(#[doc = $title] pub static $name: Rule = Rule {
            id: $id, severity: Severity::$severity, mark: Mark::$mark, title: $title, why: $why, source: $source,
        };)*
        /// All rules, by how bad they are.
        pub static ALL: &[&Rule] = &[$(&$name),*];
    };
}

rules! {
    MALFORMED = "malformed-file", Error, Line, "The file is no .properties file",
        "Java refuses it as a whole, and the broker does not start.", "java.util.Properties.load";
    VALUE = "wrong-value", Error, Value, "A value is of the wrong type, out of range, or none of the choices",
        "Kafka refuses to start.", "ConfigDef.parseType and the validator of the setting";
    MISSING = "missing-key", Error, Value, "A setting that has no default is not there",
        "Kafka refuses to start.", "ConfigDef.parseValue";
    NOWHERE = "advertised-nowhere", Error, Value, "0.0.0.0 is advertised",
        "Nobody can connect to it, and Kafka refuses to start.", "KafkaConfig.validateValues";
    ID = "unfit-id", Error, Value, "This node has no id, or two",
        "Kafka refuses to start.", "KafkaConfig.validateValues";
    ROLES = "unfit-roles", Error, Value, "A role is there twice",
        "Kafka refuses to start.", "KafkaConfig.parseProcessRoles";
    QUORUM = "unfit-quorum", Error, Value, "No controller is named, one in no form, or this node wrongly",
        "Kafka refuses to start.", "KafkaConfig.validateValues, QuorumConfig";
    LISTENER = "unfit-listener", Error, Value, "A listener is no address, there twice, or of no protocol",
        "Kafka refuses to start.", "CoreUtils.listenerListToEndPoints, SocketServerConfigs";
    MAP = "unfit-protocol-map", Error, Value, "A pair of the protocol map is none",
        "Kafka refuses to start.", "KafkaConfig.effectiveListenerSecurityProtocolMap";
    ADVERTISED = "unfit-advertised", Error, Value, "What is advertised is no listener, or nothing is",
        "Kafka refuses to start.", "KafkaConfig.validateValues";
    BETWEEN = "unfit-inter-broker", Error, Value, "The listener of brokers among themselves is not advertised, or said twice",
        "Kafka refuses to start.", "KafkaConfig.getInterBrokerListenerNameAndSecurityProtocol";
    CONTROLLERS = "unfit-controller-listener", Error, Value, "The controllers' listener does not fit the roles",
        "Kafka refuses to start.", "KafkaConfig.validateValues";
    CONTROL_PLANE = "unfit-control-plane", Error, Value, "The listener of the control plane does not fit",
        "Kafka refuses to start.", "KafkaConfig.validateValues";
    SASL = "unfit-mechanism", Error, Value, "Brokers speak SASL with each other by a mechanism that they do not take",
        "Kafka refuses to start.", "KafkaConfig.validateValues";
    PER_ADDRESS = "unfit-overrides", Error, Value, "Limits of connections are no addresses and numbers",
        "Kafka refuses to start.", "KafkaConfig.maxConnectionsPerIpOverrides";
    NUMBERS = "contradiction", Error, Value, "Two settings contradict each other, or one has a limit of its own",
        "Kafka refuses to start.", "KafkaConfig.validateValues, GroupCoordinatorConfig, ShareGroupConfig";
    SAME_DIR = "duplicate-log-dir", Error, Value, "A log directory is named twice",
        "Kafka refuses to start, although it takes the setting.", "LogManager.createAndValidateLogDirs";
    UNKNOWN = "unknown-key", Warning, Name, "Kafka has no such setting",
        "Kafka says nothing about it and goes on with its default. A plugin may read it.", "ConfigDef; AbstractConfig.logUnused";
    BYTE_ORDER = "byte-order-mark", Warning, Name, "A byte order mark stands before the first setting",
        "Kafka takes it for a part of the setting's name, and so does not know the setting.", "java.util.Properties.load";
    REMOVED = "removed-key", Warning, Name, "The setting was removed",
        "Kafka says nothing about it and goes on without it.", "the ConfigDef of each release";
    EARLY = "not-yet-known", Warning, Name, "The setting came with a later release",
        "Kafka says nothing about it and goes on without it.", "the ConfigDef of each release";
    TWICE = "duplicate-key", Warning, Name, "A setting is there twice",
        "Only the last one counts.", "java.util.Properties.load";
    COMMENT = "inline-comment", Warning, Value, "A comment stands behind a value",
        "A comment needs a line of its own: behind a value it is a part of it.", "java.util.Properties.load";
    QUOTES = "quoted-value", Warning, Value, "A value stands in quotes",
        "The quotes are a part of the value.", "java.util.Properties.load";
    NO_LISTENER = "no-such-listener", Warning, Name, "A setting is for a listener that this node does not have",
        "Kafka says nothing about it and does not read it.", "AbstractConfig.valuesWithPrefixOverride";
    IDLE = "no-role", Warning, Value, "A node has no role",
        "Kafka 4.0 and 4.1 start, and do nothing.", "KafkaRaftServer";
    PROVIDER = "unnamed-provider", Warning, Value, "A config provider is asked that is not named, or one is named that has no class",
        "Kafka leaves it out, and takes the words that ask it as they stand.", "KIP-297, AbstractConfig.instantiateConfigProviders";
    SLACK = "no-slack-in-isr", Warning, Value, "min.insync.replicas leaves no replica that may be away",
        "With one replica away, nobody can write with acks=all: each restart of a broker stops producers.",
        "Kafka's documentation of min.insync.replicas";
    UNCLEAN = "unclean-election", Warning, Value, "A replica that is behind may become the leader",
        "What it does not have is lost, although it was acknowledged.", "Kafka's documentation of unclean.leader.election.enable";
    ENDLESS = "endless-retention", Warning, Value, "Nothing is ever deleted",
        "The disk fills up, and the broker stops.", "Kafka's documentation of log.retention.ms and log.retention.bytes";
    DISK = "retention-beyond-disk", Warning, Value, "One partition alone may grow beyond the disk",
        "The disk fills up before anything is deleted by size, and the broker stops.",
        "UnifiedLog.deleteRetentionSizeBreachedSegments: whole segments, and never the one that is written to";
    VOLATILE = "volatile-log-dir", Warning, Value, "Logs lie below /tmp",
        "What is there is gone after a restart of the machine, or earlier.", "systemd-tmpfiles; Kafka's default is /tmp/kafka-logs";
    SINGLE = "single-copy", Warning, Value, "Topics have one copy",
        "The loss of one broker loses them; for internal topics, the offsets of all groups or transactions.",
        "Kafka's documentation of default.replication.factor and offsets.topic.replication.factor";
    LOOPBACK = "advertised-loopback", Warning, Value, "localhost, or no address at all, is advertised",
        "Clients and brokers on other machines connect to themselves.", "Kafka's documentation of advertised.listeners";
    PLAIN = "plaintext-outside", Warning, Value, "A listener for outside is not encrypted",
        "Passwords and records can be read on the way.", "Kafka's documentation of listener.security.protocol.map";
    SECRET = "secret-inline", Warning, Value, "A secret stands in the file",
        "Whoever reads the file, its backups or its repository has it. A config provider keeps it elsewhere.", "KIP-297";
    DEPRECATED = "deprecated-key", Note, Name, "The setting is deprecated",
        "A later release does not have it.", "the ConfigDef of the release";
    INTERNAL = "internal-key", Note, Name, "The setting is not meant for users",
        "It may change or go without notice.", "ConfigDef.defineInternal";
    BLANKS = "trailing-blanks", Note, ValueAndBlanks, "Blanks stand behind a value",
        "Kafka cuts them off where it knows the setting; a plugin gets them.", "ConfigDef.parseType";
    CREATE = "auto-create-topics", Note, Value, "Topics are made when somebody names them",
        "A mistyped name becomes a topic with the default copies.", "Kafka's documentation of auto.create.topics.enable";
    ALLOWED = "unfit-permission", Warning, Line, "A permission names no rule or no reason, or an error",
        "It permits nothing.", "`# pillion:allow RULE REASON`";
    IDLE_PERMISSION = "idle-permission", Note, Line, "A permission has nothing to permit",
        "It stands in the wrong place, or outlived what it was for, and would hide what comes next.", "`# pillion:allow RULE REASON`";
}

/// The page of all rules, in Markdown.
pub fn page() -> String {
    let mut out = String::from(
        "# What `pillion lint` finds\n\nWritten by its tests from the rules themselves.\n\nA warning or note is permitted by a comment \
         above its setting: `# pillion:allow RULE REASON`, or with several rules `# pillion:allow RULE, RULE REASON`. Other \
         comments and blank lines may stand between. What is permitted is counted, and listed by `--format json` and `sarif`. \
         Errors cannot be permitted, nor can what concerns the file as a whole.\n",
    );
    for severity in [Severity::Error, Severity::Warning, Severity::Note] {
        let about = match severity {
            Severity::Error => "Errors: Kafka does not start",
            Severity::Warning => "Warnings: Kafka starts, and does something else than is meant",
            Severity::Note => "Notes",
        };
        let _ = writeln!(out, "\n## {about}\n\n| rule | finds | why | known from |\n|---|---|---|---|");
        for rule in ALL.iter().filter(|rule| rule.severity == severity) {
            let _ = writeln!(out, "| `{}` | {} | {} | {} |", rule.id, rule.title, rule.why, rule.source);
        }
    }
    out
}
