//! Writes what was decided, in an order in which a kill leaves a state that the next run completes.

use std::{
    fs::File,
    path::{Path, PathBuf},
};

use rustix::fs::{FlockOperation, Mode, OFlags};

use super::{
    Options, Report, SERVER_PROPERTIES,
    certificates::{self, Certificates},
    error::{Exit, InitError},
    format_tool,
    identity::FILE_NAME as IDENTITY_FILE,
    prepare::{self, Prepared},
    volumes,
};
use crate::{
    config::Config,
    files::{Disk, DiskError},
    problem::Problem,
    storage::{self, FORMAT_MARK, META_PROPERTIES, MetaProperties, Plan},
};

const DIR_MODE: u32 = 0o750;
const FILE_MODE: u32 = 0o640;
/// The mode of the binary in the run directory.
pub const BINARY_MODE: u32 = 0o755;
/// As Kafka writes it; it holds ids only.
const META_MODE: u32 = 0o644;
/// The name of the binary in the run directory.
pub const BINARY: &str = "pillion";
/// The node was told that it may stop: the sidecar writes it.
pub const STOP_MARK: &str = "stopping";
const LOCK: &str = ".init.lock";

/// Takes the lock of the run directory, which is made if it is not there. Held while the file is open, also
/// by a formatter that outlives this process.
pub(super) fn lock(disk: &Disk, run_dir: &Path) -> Result<File, InitError> {
    disk.make_dir(run_dir, DIR_MODE)?;
    let path = run_dir.join(LOCK);
    let failed =
        |errno: rustix::io::Errno| DiskError { what: "lock", path: path.clone(), source: errno.into() };
    disk.step("create the lock file");
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let mode = Mode::from_raw_mode(FILE_MODE);
    let file = rustix::fs::open(&path, flags, mode).map_err(failed)?;
    match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file.into()),
        Err(rustix::io::Errno::WOULDBLOCK) => {
            let what = "another init is at work in this run directory";
            let problem = Problem::new(path.display().to_string(), what, "wait for it, then run this again");
            Err(InitError::one(Exit::TryLater, problem))
        }
        Err(errno) => Err(failed(errno).into()),
    }
}

/// Writes settings, volumes, the binary and, last, who this is.
pub(super) fn apply(
    config: &Config,
    prepared: Prepared,
    certificates: &Certificates,
    options: &Options,
    lock: &File,
) -> Result<Report, InitError> {
    options.disk.gather();
    let outcome = write_all(config, prepared, certificates, options, lock);
    // After a failure too: the next run takes what it finds for lasting.
    let synced = options.disk.sync_gathered();
    let report = outcome?;
    synced?;
    Ok(report)
}

fn write_all(
    config: &Config,
    prepared: Prepared,
    certificates: &Certificates,
    options: &Options,
    lock: &File,
) -> Result<Report, InitError> {
    let disk = &options.disk;
    let run_dir = &config.run_dir;
    disk.sweep(run_dir)?;
    // Of a stop that is over: the node is about to start.
    disk.remove(&run_dir.join(STOP_MARK))?;
    for dir in config.storage.all_dirs() {
        disk.sweep(&dir)?;
    }
    // Before the settings that name them.
    let renewed = certificates::install(disk, run_dir, certificates)?;
    let settings = disk.write(&run_dir.join(SERVER_PROPERTIES), prepared.settings.as_bytes(), FILE_MODE)?;
    let formatted = volumes_of(config, &prepared, disk, lock)?;
    if let Some(binary) = &options.binary {
        let to = run_dir.join(BINARY);
        // A container may run the copy itself.
        if *binary != to {
            disk.place(binary, &to, BINARY_MODE)?;
        }
    }
    let mut identity = prepared.identity;
    // Once more: directories that were just formatted have ids now.
    let found = volumes::survey(config).map_err(InitError::usage)?;
    identity.log_dirs = prepare::facts(&found, &config.storage.log_dirs);
    disk.write(&run_dir.join(IDENTITY_FILE), identity.render().as_bytes(), FILE_MODE)?;
    Ok(Report {
        identity,
        run_dir: run_dir.clone(),
        settings,
        certificates: renewed,
        formatted,
        notices: prepared.notices,
    })
}

fn volumes_of(
    config: &Config,
    prepared: &Prepared,
    disk: &Disk,
    lock: &File,
) -> Result<Vec<PathBuf>, InitError> {
    let (dirs, beside_others) = match &prepared.plan {
        Plan::Ready { marked } => {
            for dir in marked {
                disk.remove(&dir.join(FORMAT_MARK))?;
            }
            return Ok(Vec::new());
        }
        Plan::Native { dirs, .. } => (dirs, None),
        Plan::Tool { dirs, beside_others, .. } => (dirs, Some(*beside_others)),
    };
    let command = match beside_others {
        Some(beside_others) => Some(format_tool::command(config, prepared, beside_others)?),
        None => None,
    };
    for dir in dirs {
        disk.make_dir(dir, DIR_MODE)?;
        clear_leftovers(dir, disk)?;
    }
    match command {
        None => {
            let identity = &prepared.identity;
            for dir in dirs {
                let text =
                    MetaProperties::render(&identity.cluster_id, identity.id, &storage::fresh_directory_id());
                disk.write(&dir.join(META_PROPERTIES), text.as_bytes(), META_MODE)?;
            }
            // The volumes last before a mark goes, and before identity.json tells of them.
            disk.sync_gathered()?;
            for dir in dirs {
                disk.remove(&dir.join(FORMAT_MARK))?;
            }
        }
        Some(command) => {
            for dir in dirs {
                disk.write(&dir.join(FORMAT_MARK), b"pillion formats this directory\n", META_MODE)?;
            }
            // What the formatter leaves behind must never be there without our mark.
            disk.sync_gathered()?;
            disk.step("run kafka-storage");
            format_tool::run(&command, &config.run_dir, lock)?;
            for dir in dirs {
                disk.remove(&dir.join(FORMAT_MARK))?;
            }
        }
    }
    Ok(dirs.clone())
}

/// Clears what a stopped formatter left. Only where our mark stands, and nothing but a formatter's files.
fn clear_leftovers(dir: &Path, disk: &Disk) -> Result<(), InitError> {
    if !dir.join(FORMAT_MARK).exists() {
        return Ok(());
    }
    let Some(left) = storage::leftovers(dir) else {
        let what = "it carries the mark of a stopped formatter, and something else lies beside it";
        let problem =
            Problem::new(dir.display().to_string(), what, "look what it is, and remove the one or the other");
        return Err(InitError::one(Exit::Usage, problem));
    };
    for path in left {
        disk.remove(&path)?;
    }
    Ok(())
}
