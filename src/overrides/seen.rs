//! When each override was first seen, kept over restarts of the agent and of the machine.

use std::path::Path;

use pillion_probes::forced::{FirstSeen, Instant, Kind, Request};
use serde::{Deserialize, Serialize};

use crate::files::{Disk, DiskError, read_capped, read_if_present};

/// Name of the file in the run directory.
pub const SEEN_NAME: &str = "override.seen.json";

/// Most overrides that are remembered; there is one a source.
const KEPT: usize = 8;

/// Larger than the most that can be kept.
const CAP: u64 = 64 * 1024;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    kind: Kind,
    reason: String,
    by: Option<String>,
    first: FirstSeen,
}

impl Entry {
    fn is_of(&self, request: &Request) -> bool {
        (self.kind, &self.reason, &self.by) == (request.kind, &request.reason, &request.by)
    }
}

/// The first sights that are remembered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    boot_id: String,
    entries: Vec<Entry>,
}

impl Seen {
    /// Reads what was kept. What cannot be understood is told in the error's words, with an empty memory.
    pub fn load(path: &Path, boot_id: &str, now: Instant) -> (Self, Option<String>) {
        let fresh = |entries| Self { boot_id: boot_id.to_owned(), entries };
        let bytes = match read_if_present(path, CAP) {
            Ok(Some(bytes)) => bytes,
            Ok(None) => return (fresh(Vec::new()), None),
            Err(error) => return (fresh(Vec::new()), Some(error.to_string())),
        };
        match serde_json::from_slice::<Self>(&bytes) {
            Ok(mut seen) => {
                seen.entries.truncate(KEPT);
                if seen.boot_id != boot_id || boot_id.is_empty() {
                    for entry in &mut seen.entries {
                        entry.first = entry.first.after_reboot(now);
                    }
                }
                (fresh(seen.entries), None)
            }
            Err(error) => (fresh(Vec::new()), Some(format!("{} is broken: {error}", path.display()))),
        }
    }

    /// Keeps it for the next start.
    pub fn save(&self, path: &Path) -> Result<(), DiskError> {
        let json = serde_json::to_vec(self).unwrap_or_default();
        Disk::default().write(path, &json, 0o640).map(|_| ())
    }

    /// When this override was first seen, if it is remembered.
    pub fn first(&self, request: &Request) -> Option<FirstSeen> {
        self.entries.iter().find(|entry| entry.is_of(request)).map(|entry| entry.first)
    }

    /// When it was first seen; now, when it is new.
    pub fn see(&mut self, request: &Request, now: Instant) -> FirstSeen {
        if let Some(first) = self.first(request) {
            return first;
        }
        let first = FirstSeen::at(now);
        let Request { kind, reason, by, .. } = request.clone();
        if self.entries.len() == KEPT {
            self.entries.remove(0);
        }
        self.entries.push(Entry { kind, reason, by, first });
        first
    }

    /// Forgets all that none of `stated` restates.
    pub fn keep_only(&mut self, stated: &[&Request]) {
        self.entries.retain(|entry| stated.iter().any(|request| entry.is_of(request)));
    }
}

/// The id of this boot; empty where the system does not tell, so that every start of the agent bridges by the wall
/// clock.
pub fn boot_id() -> String {
    let bytes = read_capped(Path::new("/proc/sys/kernel/random/boot_id"), 4096).unwrap_or_default();
    String::from_utf8_lossy(&bytes).trim().to_owned()
}
