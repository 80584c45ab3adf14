//! What becomes of what the agent tells Kubernetes. No verdict rests on it.

use serde::{Deserialize, Serialize};

/// What is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Errand {
    /// Who the broker is, on its pod.
    Identity,
    /// What changed, as Events.
    Events,
}

impl Errand {
    /// As the metrics name it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Events => "events",
        }
    }
}

/// How it went so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Course {
    /// How often it was done.
    pub done: u64,
    /// How often it failed.
    pub failed: u64,
    /// Events that were given up: the API server was away for too long, or refused them.
    pub dropped: u64,
    /// What stands in the way now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<Trouble>,
}

/// Why it cannot be told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// In one sentence.
    pub text: String,
    /// What to do.
    pub remedy: String,
}

/// All that is told; `None` where it is not asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Kubernetes {
    /// Who the broker is, on its pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<Course>,
    /// What changed, as Events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub events: Option<Course>,
}

impl Kubernetes {
    /// Whether anything is told at all.
    pub fn is_off(&self) -> bool {
        self.courses().next().is_none()
    }

    /// What is told, and how it goes.
    pub fn courses(&self) -> impl Iterator<Item = (Errand, &Course)> {
        let all = [(Errand::Identity, &self.identity), (Errand::Events, &self.events)];
        all.into_iter().filter_map(|(errand, course)| Some((errand, course.as_ref()?)))
    }

    pub(super) fn course(&mut self, errand: Errand) -> &mut Course {
        let course = match errand {
            Errand::Identity => &mut self.identity,
            Errand::Events => &mut self.events,
        };
        course.get_or_insert_default()
    }
}
