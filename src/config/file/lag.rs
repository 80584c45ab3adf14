//! How far consumer groups lag, as written.

use schemars::JsonSchema;
use serde::Deserialize;

use super::super::duration::Written;

/// How far consumer groups lag: those that this broker coordinates, so each is told once in the cluster.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Lag {
    /// Ask for it. It costs requests, connections to other brokers, and series by group and topic. Default: false.
    pub enabled: Option<bool>,
    /// Between two rounds of questions. Default: 30s.
    pub interval: Option<Written>,
    /// Groups to look at, where * stands for any characters, as in "orders-*". Default: all.
    pub allow: Vec<String>,
    /// Groups to leave out, of those, as in "console-consumer-*". Default: none.
    pub deny: Vec<String>,
    /// How many groups are looked at; the first in the order of their names. Default: 100.
    #[schemars(range(min = 1, max = 10_000))]
    pub max_groups: Option<i64>,
    /// How many partitions of all these groups together are looked at; a partition counts once for each group that has
    /// committed in it, and takes up to half a kilobyte. Default: 2000.
    #[schemars(range(min = 1, max = 20_000))]
    pub max_partitions: Option<i64>,
}
