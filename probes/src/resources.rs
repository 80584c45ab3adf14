//! What a node has and uses, as it was seen: file systems, process, container, network. No verdict rests on it.

use serde::{Deserialize, Serialize};

/// A file system, as `statvfs` tells it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Space {
    /// Its size in bytes.
    pub size: u64,
    /// Bytes that a user without privileges may still write.
    pub available: u64,
    /// Inodes it has; `None` where it makes them as they are needed (btrfs).
    pub inodes: Option<u64>,
    /// Inodes that a user without privileges may still use; `None` as above.
    pub available_inodes: Option<u64>,
    /// It is mounted so that nothing can be written.
    pub read_only: bool,
}

impl Space {
    /// What cannot be written any more, in bytes: used, or reserved for others.
    pub fn taken(&self) -> u64 {
        self.size.saturating_sub(self.available)
    }
}

/// The broker's process, as `/proc` tells it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Process {
    /// Its number, as the agent sees it.
    pub pid: i32,
    /// Processor time it has used, in seconds, that of the kernel for it included.
    pub cpu_seconds: f64,
    /// Its threads.
    pub threads: u64,
    /// Resident memory in bytes.
    pub resident: u64,
    /// Files it has open, sockets included; `None` where another user's process keeps them to itself.
    pub open_files: Option<u64>,
    /// Sockets among them.
    pub sockets: Option<u64>,
    /// How many it may have open (the soft limit); `None` without a limit.
    pub open_files_limit: Option<u64>,
    /// When it started, in seconds since 1970.
    pub started: f64,
}

/// The container of the broker: its own control group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Container {
    /// The version of the control groups.
    pub version: u8,
    /// Processor time of all of the group, in seconds.
    pub cpu_seconds: Option<f64>,
    /// Cores it may use; `None` without a limit.
    pub cpu_limit: Option<f64>,
    /// Periods of enforcement that have passed, where there is a limit.
    pub periods: Option<u64>,
    /// Periods in which it was held up.
    pub throttled_periods: Option<u64>,
    /// For how long its threads were held up in total, in seconds.
    pub throttled_seconds: Option<f64>,
    /// Bytes of memory it may use; `None` without a limit.
    pub memory_limit: Option<u64>,
    /// Bytes of memory it uses, page cache included.
    pub memory_usage: Option<u64>,
    /// Bytes it uses less those of the page cache that were not needed lately: what a kubelet evicts by.
    pub working_set: Option<u64>,
    /// Bytes of its page cache.
    pub page_cache: Option<u64>,
    /// Processes of it that the kernel killed for lack of memory.
    pub oom_kills: Option<u64>,
    /// Pressure (PSI), which version 1 does not know.
    pub pressure: Option<Pressure>,
}

/// For how long tasks of the group had to wait for a resource in total, in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Pressure {
    /// For the processor.
    pub cpu: Option<Stall>,
    /// For memory.
    pub memory: Option<Stall>,
    /// For I/O.
    pub io: Option<Stall>,
}

/// Waiting, in seconds in total.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Stall {
    /// Some task waited.
    pub some: f64,
    /// All waited. Older kernels do not tell it of the processor.
    pub full: Option<f64>,
}

/// A network interface of the node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Interface {
    /// Its name.
    pub name: String,
    /// What came in.
    pub received: Traffic,
    /// What went out.
    pub sent: Traffic,
}

/// One direction of an interface, since it came up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traffic {
    /// Bytes.
    pub bytes: u64,
    /// Packets that were damaged.
    pub errors: u64,
    /// Packets that were dropped.
    pub dropped: u64,
}
