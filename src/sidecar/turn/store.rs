//! Where the record of the turn is kept, and how it is changed: only by who has seen its last change.

use std::{
    fmt,
    path::{Path, PathBuf},
    time::Duration,
};

use pillion_probes::turn::Record;
use rustix::fs::{FlockOperation, Mode, OFlags};
use serde::{Deserialize, Serialize};
use tokio::time::timeout;

use crate::{
    board::Trouble,
    config::TurnKeeper,
    files::{Disk, read_if_present},
    kube::{Api, Fault, LEASES, Lease, LeaseName},
};

/// What a file may take: on a disk that hangs nobody knows who has the turn.
const DEADLINE: Duration = Duration::from_secs(5);
/// Largest file that is read.
const CAP: u64 = 64 << 10;
/// The nodes of one machine may run as users of their own; they share a group.
const FILE_MODE: u32 = 0o660;

/// Where it is kept.
#[derive(Debug)]
pub(super) enum Store {
    /// In a Lease, as it was seen last.
    Lease { name: LeaseName, seen: Option<Lease> },
    /// In a file of this machine.
    File(PathBuf),
}

impl fmt::Display for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lease { name, .. } => write!(f, "Lease {}/{}", name.namespace, name.name),
            Self::File(path) => write!(f, "{}", path.display()),
        }
    }
}

/// A change of the record.
#[derive(Debug, Clone)]
pub(super) struct Change {
    /// Whose it is then.
    pub holder: Option<String>,
    /// How long it must stand unchanged before others may take it.
    pub duration: Duration,
    /// The wall clock, for people.
    pub now_ms: i64,
}

impl Store {
    pub(super) fn new(keeper: &TurnKeeper) -> Self {
        match keeper {
            TurnKeeper::File(path) => Self::File(path.clone()),
            TurnKeeper::Lease { namespace, name } => {
                let name = LeaseName { namespace: namespace.clone(), name: name.clone() };
                Self::Lease { name, seen: None }
            }
        }
    }

    /// Looks at the record.
    pub(super) async fn read(&mut self) -> Result<Record, Trouble> {
        match self {
            Self::Lease { name, seen } => {
                let lease = async { name.read(&Api::of_pod()?).await }.await.map_err(|fault| told(&fault))?;
                Ok(seen.insert(lease).record.clone())
            }
            Self::File(path) => {
                let path = path.clone();
                on_a_thread(&path.clone(), move || locked(&path, || Kept::read(&path)))
                    .await
                    .map(Kept::record)
            }
        }
    }

    /// Changes it, if it still is of this revision; `None` where it is not.
    pub(super) async fn write(&mut self, base: &str, change: Change) -> Result<Option<Record>, Trouble> {
        let Change { holder, duration, now_ms } = &change;
        match self {
            Self::Lease { name, seen } => {
                let Some(lease) = seen.as_ref().filter(|lease| lease.record.revision == base) else {
                    return Ok(None);
                };
                let written =
                    async { name.write(&Api::of_pod()?, lease, holder.as_deref(), *duration, *now_ms).await };
                *seen = written.await.map_err(|fault| told(&fault))?;
                Ok(seen.as_ref().map(|lease| lease.record.clone()))
            }
            Self::File(path) => {
                let (path, base) = (path.clone(), base.to_owned());
                let write = move || locked(&path, || Kept::write(&path, &base, &change));
                let path = self.to_string();
                Ok(on_a_thread(Path::new(&path), write).await?.map(Kept::record))
            }
        }
    }
}

fn told(fault: &Fault) -> Trouble {
    Trouble { text: fault.to_string(), remedy: LEASES.remedy(fault) }
}

/// Files block, so they are for a thread of their own.
async fn on_a_thread<T: Send + 'static>(
    path: &Path,
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> Result<T, Trouble> {
    let why = match timeout(DEADLINE, tokio::task::spawn_blocking(work)).await {
        Ok(Ok(Ok(done))) => return Ok(done),
        Ok(Ok(Err(error))) => error.to_string(),
        Ok(Err(error)) => error.to_string(),
        Err(_) => "it does not answer".to_owned(),
    };
    let remedy = "see that its directory is there and that all nodes of this machine may write in it, or correct turn.file";
    Err(Trouble { text: format!("{}: {why}", path.display()), remedy: remedy.to_owned() })
}

/// Alone among those that look at the file.
fn locked<T>(path: &Path, work: impl FnOnce() -> std::io::Result<T>) -> std::io::Result<T> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let file = rustix::fs::open(PathBuf::from(name), flags, Mode::from_raw_mode(FILE_MODE))?;
    rustix::fs::flock(&file, FlockOperation::LockExclusive)?;
    work()
}

/// The record as it stands in the file.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Kept {
    holder: Option<String>,
    duration_seconds: u64,
    acquired_ms: Option<i64>,
    renewed_ms: Option<i64>,
    revision: u64,
}

impl Kept {
    fn read(path: &Path) -> std::io::Result<Self> {
        let Some(bytes) = read_if_present(path, CAP).map_err(std::io::Error::other)? else {
            return Ok(Self::default());
        };
        // Whoever has it may be about to stop, so one that is spoilt or emptied is not taken for free.
        serde_json::from_slice(&bytes).map_err(|_| {
            std::io::Error::other("it is no record of the turn; take it away while no node is being stopped")
        })
    }

    fn write(path: &Path, base: &str, change: &Change) -> std::io::Result<Option<Self>> {
        let before = Self::read(path)?;
        if before.revision.to_string() != base {
            return Ok(None);
        }
        let same = before.holder == change.holder;
        let kept = Self {
            holder: change.holder.clone(),
            duration_seconds: change.duration.as_secs(),
            acquired_ms: before.acquired_ms.filter(|_| same).or(Some(change.now_ms)),
            renewed_ms: Some(change.now_ms),
            revision: before.revision + 1,
        };
        let bytes = serde_json::to_vec(&kept)?;
        Disk::default().write(path, &bytes, FILE_MODE).map_err(std::io::Error::other)?;
        Ok(Some(kept))
    }

    fn record(self) -> Record {
        Record {
            holder: self.holder.filter(|holder| !holder.is_empty()),
            duration: Duration::from_secs(self.duration_seconds),
            acquired_ms: self.acquired_ms,
            revision: self.revision.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step should stop the test where it stands")]
    use super::*;

    fn change(holder: Option<&str>) -> Change {
        Change { holder: holder.map(str::to_owned), duration: Duration::from_secs(60), now_ms: 7 }
    }

    #[tokio::test]
    async fn a_file_is_changed_only_by_who_saw_the_last_change() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("turn.json");
        let mut stores = [(); 2].map(|()| Store::new(&TurnKeeper::File(path.clone())));
        let empty = stores[0].read().await.unwrap();
        assert_eq!(empty.holder, None);
        let first = stores[0].write(&empty.revision, change(Some("broker-1"))).await.unwrap().unwrap();
        assert_eq!((first.holder.as_deref(), first.acquired_ms), (Some("broker-1"), Some(7)));
        assert_eq!(stores[1].write(&empty.revision, change(Some("broker-2"))).await.unwrap(), None);
        assert_eq!(stores[1].read().await.unwrap(), first);
        let later = Change { now_ms: 9, ..change(Some("broker-1")) };
        let renewed = stores[0].write(&first.revision, later).await.unwrap().unwrap();
        assert_eq!(renewed.acquired_ms, Some(7), "since when it holds");
        assert_ne!(renewed.revision, first.revision);
    }

    #[tokio::test]
    async fn a_file_that_is_spoilt_is_not_free() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("turn.json");
        let mut store = Store::new(&TurnKeeper::File(path.clone()));
        for spoilt in ["", "garbage", "[]x"] {
            std::fs::write(&path, spoilt).unwrap();
            let trouble = store.read().await.unwrap_err();
            assert!(trouble.text.ends_with("take it away while no node is being stopped"), "{trouble:?}");
            assert!(store.write("0", change(Some("broker-1"))).await.is_err());
            assert_eq!(std::fs::read_to_string(&path).unwrap(), spoilt, "it is left as it is");
        }
        std::fs::write(&path, r#"{"holder":"","durationSeconds":60}"#).unwrap();
        assert_eq!(store.read().await.unwrap().holder, None, "the name was taken out by hand");
        std::fs::remove_file(&path).unwrap();
        assert_eq!(store.read().await.unwrap().holder, None);
    }

    #[tokio::test]
    async fn a_file_that_cannot_be_had_is_told() {
        let mut store = Store::new(&TurnKeeper::File("/nowhere/at/all/turn.json".into()));
        let trouble = store.read().await.unwrap_err();
        assert!(trouble.text.contains("/nowhere/at/all/turn.json"), "{trouble:?}");
    }
}
