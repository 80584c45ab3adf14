//! The canary.

use super::{
    super::{
        file::{self, Mode},
        model::Canary,
    },
    Check,
};

/// Where nothing is said.
const TOPIC: &str = "pillion-canary";

impl Check<'_> {
    /// `None` where there is none; `Err` where a mistake was added.
    pub(super) fn canary(&mut self, file: &file::Canary, mode: Option<Mode>) -> Result<Option<Canary>, ()> {
        let before = self.problems.len();
        let topic = file.topic.clone().unwrap_or_else(|| TOPIC.to_owned());
        // `org.apache.kafka.common.internals.Topic`.
        let good = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        let named = !topic.is_empty() && topic.len() <= 249 && topic.chars().all(good);
        if !named || topic == "." || topic == ".." || topic.starts_with("__") {
            let what = format!("{topic:?} is no topic of its own");
            self.wrong::<()>(
                "sidecar.canary.topic",
                what,
                "up to 249 of A-Z a-z 0-9 . _ - and no __ in front",
            );
        }
        let enabled = file.enabled.unwrap_or(false);
        if enabled && mode == Some(Mode::KraftController) {
            let what = "a controller holds no topic";
            self.wrong::<()>("sidecar.canary.enabled", what, "take it out here; the brokers keep it");
        }
        if self.problems.len() > before { Err(()) } else { Ok(enabled.then_some(Canary { topic })) }
    }
}
