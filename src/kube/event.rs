//! An Event of the pod (events.k8s.io/v1): what `kubectl describe pod` shows.

use serde_json::{Value, json};

use super::{Api, Fault};

/// Who reports.
const CONTROLLER: &str = "pillion.dev/sidecar";
/// The most that a note may hold, in bytes.
const NOTE_CAP: usize = 1024;
/// The most that a reporting instance may hold, in bytes.
const INSTANCE_CAP: usize = 128;

/// The pod that is spoken of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Regarding {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its UID, by which `kubectl describe pod` finds the events of this very pod.
    pub uid: Option<String>,
}

/// Whether somebody should look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// All is well.
    Normal,
    /// Something is not.
    Warning,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// When, by the wall clock in milliseconds since 1970.
    pub at_ms: i64,
    /// Whether somebody should look.
    pub kind: Kind,
    /// The stable name of what happened, in `CamelCase`.
    pub reason: &'static str,
    /// What was done: `Judging` or `Overriding`.
    pub action: &'static str,
    /// For people.
    pub note: String,
    /// How often it happened, the last time at `at_ms`.
    pub count: u32,
}

impl Event {
    /// Tells it once. That it is there already, from an attempt whose answer was lost, is fine.
    ///
    /// # Errors
    /// Why it cannot be told.
    pub async fn tell(&self, api: &Api, pod: &Regarding) -> Result<(), Fault> {
        let path = format!("/apis/events.k8s.io/v1/namespaces/{}/events", pod.namespace);
        match api.create(&path, &self.object(pod)).await {
            Err(fault) if fault.code() == Some(409) => Ok(()),
            outcome => outcome.map(|_| ()),
        }
    }

    fn object(&self, pod: &Regarding) -> Value {
        let at = micros(self.at_ms);
        let mut name = pod.name.clone();
        // 253 bytes are the most; a name of its own for each, so that it is not told twice.
        cut(&mut name, 200);
        let mut instance = pod.name.clone();
        cut(&mut instance, INSTANCE_CAP);
        let mut note = self.note.clone();
        cut(&mut note, NOTE_CAP);
        let mut object = json!({
            "apiVersion": "events.k8s.io/v1",
            "kind": "Event",
            "metadata": {
                "namespace": pod.namespace,
                "name": format!("{name}.{:x}.{}", self.at_ms, self.reason.to_lowercase()),
            },
            "eventTime": at,
            "reportingController": CONTROLLER,
            "reportingInstance": instance,
            "action": self.action,
            "reason": self.reason,
            "regarding": {
                "apiVersion": "v1",
                "kind": "Pod",
                "namespace": pod.namespace,
                "name": pod.name,
                "uid": pod.uid,
            },
            "note": note,
            "type": match self.kind {
                Kind::Normal => "Normal",
                Kind::Warning => "Warning",
            },
        });
        if self.count > 1
            && let Value::Object(fields) = &mut object
        {
            fields.insert("series".to_owned(), json!({ "count": self.count, "lastObservedTime": at }));
        }
        object
    }
}

/// RFC 3339 with microseconds, as `MicroTime` is written.
pub(super) fn micros(at_ms: i64) -> String {
    let at = jiff::Timestamp::from_millisecond(at_ms).unwrap_or(jiff::Timestamp::MAX);
    format!("{at:.6}")
}

/// Shortens to at most `cap` bytes.
fn cut(text: &mut String, cap: usize) {
    if text.len() > cap {
        let dots = "...";
        let fits = |at: &usize| text.is_char_boundary(*at);
        let end = (0..=cap.saturating_sub(dots.len())).rev().find(fits).unwrap_or(0);
        text.truncate(end);
        text.push_str(dots);
    }
}
