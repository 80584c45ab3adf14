//! The canary, as written.

use schemars::JsonSchema;
use serde::Deserialize;

/// The canary: each 10 s a record is written to a partition that this broker leads, and read back.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Canary {
    /// Keep it. It makes a topic, with a partition for each broker, and keeps that right. Default: false.
    pub enabled: Option<bool>,
    /// The topic. Default: pillion-canary.
    #[schemars(regex(pattern = "^[A-Za-z0-9._-]{1,249}$"))]
    pub topic: Option<String>,
}
