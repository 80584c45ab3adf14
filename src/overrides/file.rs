//! The override's file: written by whoever works on the broker, read by the agent, which trusts little of it.

use std::{
    fs::File,
    io::{self, Read},
    os::unix::fs::MetadataExt,
    path::Path,
};

use pillion_probes::forced::{self, MAX_BYTES, Request};
use rustix::{
    fs::{Mode, OFlags},
    io::Errno,
};

use crate::files::{Disk, DiskError};

/// Name of the file in the run directory.
pub const FILE_NAME: &str = "override";

/// Readable by the group that the two containers share, written by its owner only.
const MODE: u32 = 0o640;

/// What a look at the file found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look {
    /// There is none.
    Absent,
    /// Its bytes, [`MAX_BYTES`] at the most.
    Found(Vec<u8>),
    /// It cannot be used, and why, in one sentence.
    Unusable(String),
}

impl Look {
    /// The override that was found, or why it cannot be used; `None` where there is none.
    pub fn request(self) -> Option<Result<Request, String>> {
        match self {
            Self::Absent => None,
            Self::Unusable(why) => Some(Err(why)),
            Self::Found(bytes) => Some(forced::parse_bytes(&bytes).map_err(|error| error.to_string())),
        }
    }
}

/// Looks at the file, which may be anything: a link is not followed, and what is no small regular file is not read.
pub fn look(path: &Path) -> Look {
    match read(path) {
        Ok(found) => found,
        Err(error) => match error.kind() {
            io::ErrorKind::NotFound => Look::Absent,
            io::ErrorKind::PermissionDenied => {
                Look::Unusable("permission denied; let the agent's user or group read it".into())
            }
            _ => Look::Unusable(format!("it cannot be read: {error}")),
        },
    }
}

fn read(path: &Path) -> io::Result<Look> {
    // NONBLOCK: the open of a FIFO would wait for a writer that may never come.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(fd) => File::from(fd),
        Err(Errno::LOOP) => return Ok(unusable("it is a symbolic link, which is not followed")),
        Err(errno) => return Err(errno.into()),
    };
    let meta = file.metadata()?;
    if !meta.file_type().is_file() {
        return Ok(unusable("it is not a regular file"));
    }
    if meta.mode() & 0o002 != 0 {
        return Ok(unusable("everybody may write it; chmod o-w"));
    }
    let mut bytes = Vec::new();
    file.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > MAX_BYTES {
        return Ok(Look::Unusable(format!("it is longer than {MAX_BYTES} bytes")));
    }
    Ok(Look::Found(bytes))
}

fn unusable(why: &str) -> Look {
    Look::Unusable(why.into())
}

/// Writes an override: aside, synced, renamed.
pub fn write(run_dir: &Path, request: &Request) -> Result<(), DiskError> {
    let text = format!("{request}\n");
    Disk::default().write(&run_dir.join(FILE_NAME), text.as_bytes(), MODE).map(|_| ())
}

/// Removes the override, if there is one.
pub fn clear(run_dir: &Path) -> Result<(), DiskError> {
    Disk::default().remove(&run_dir.join(FILE_NAME))
}
