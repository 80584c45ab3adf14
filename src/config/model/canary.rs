//! The canary, as checked.

/// The canary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Canary {
    /// Its topic.
    pub topic: String,
}
