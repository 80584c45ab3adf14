//! The small requests, each answered by a plain struct of ours.
//!
//! Each takes the connection, what the broker supports ([`ApiVersions`]) and a deadline for the whole call.

mod api_versions;
mod authorizer;
mod brokers;
mod canary;
mod configs;
mod ends;
mod groups;
mod log_dirs;
mod quorum;
mod reassignments;
mod registered;
mod reload;
mod throttle;
mod topic_configs;
mod topics;
mod unregister;

pub use api_versions::{ApiVersions, Kind, VersionRange, api_versions};
pub use authorizer::has_authorizer;
pub use brokers::{ListedBroker, ListedBrokers, listed_brokers};
pub use canary::{canary_partitions, fetch_has, produce_one, set_on_topic, tend};
pub use configs::{BrokerSetting, Told, broker_configs};
pub use ends::{Ended, Led, leaders, log_ends};
pub use groups::{
    CommittedGroup, CommittedTopic, GroupKind, ListedGroup, committed, committed_batch, listed_groups,
    members,
};
pub use log_dirs::{LOG_DIRS_CAP, describe_log_dirs, log_dir_health, log_sizes};
pub use quorum::{
    Quorum, ReplicaState, describe_quorum, describe_quorum_request, describe_quorum_version, quorum_of,
};
pub use reassignments::{Reassignment, list_partition_reassignments};
pub use registered::{Registered, registered_brokers};
pub use reload::{Refusal, reload};
pub use throttle::{Side, throttled_rate};
pub use topic_configs::{Needed, needed, usual_minimum};
pub use unregister::unregister;
