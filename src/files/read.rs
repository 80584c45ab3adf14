//! Capped reads: a directory, a FIFO, a device or a huge file is told, never waited for or swallowed.

use std::{
    fs::File,
    io::{self, Read},
    os::unix::fs::FileTypeExt,
    path::{Path, PathBuf},
};

use rustix::fs::{Mode, OFlags};

use crate::problem::Problem;

/// Why a file could not be read.
#[derive(Debug, thiserror::Error)]
#[error("failed to read {}: {fault}", path.display())]
pub struct ReadError {
    /// The file.
    pub path: PathBuf,
    /// What stood in the way.
    #[source]
    pub fault: ReadFault,
}

/// What stands in the way of a read.
#[derive(Debug, thiserror::Error)]
pub enum ReadFault {
    /// There is no such file.
    #[error("it does not exist")]
    Missing,
    /// This user may not read it.
    #[error("permission denied")]
    Denied,
    /// It is not a regular file, but this.
    #[error("it is {0}, not a regular file")]
    NotRegular(&'static str),
    /// It is larger than the cap, in bytes.
    #[error("it is larger than {0} bytes")]
    TooLarge(u64),
    /// The system said something else.
    #[error("{0}")]
    Io(io::Error),
}

impl ReadError {
    /// What a person can do about it.
    pub fn remedy(&self) -> String {
        let path = self.path.display();
        match &self.fault {
            ReadFault::Missing => format!("create {path}, or correct the path"),
            ReadFault::Denied => {
                format!("let the user that runs pillion read {path} (owner, group, fsGroup)")
            }
            ReadFault::NotRegular(_) => format!("put a regular file at {path}"),
            ReadFault::TooLarge(_) => format!("check that {path} is the file that is meant"),
            ReadFault::Io(_) => format!("check the file system that holds {path}"),
        }
    }

    /// The same as a problem of that file.
    pub fn problem(&self) -> Problem {
        Problem::new(self.path.display().to_string(), self.fault.to_string(), self.remedy())
    }

    fn new(path: &Path, fault: ReadFault) -> Self {
        Self { path: path.to_owned(), fault }
    }
}

impl From<io::Error> for ReadFault {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Self::Missing,
            io::ErrorKind::PermissionDenied => Self::Denied,
            io::ErrorKind::IsADirectory => Self::NotRegular("a directory"),
            _ => Self::Io(error),
        }
    }
}

/// Reads at most `cap` bytes of the regular file at `path` (symbolic links are followed: a mounted
/// `ConfigMap` is made of them).
pub fn read_capped(path: &Path, cap: u64) -> Result<Vec<u8>, ReadError> {
    read(path, cap).map_err(|fault| ReadError::new(path, fault))
}

/// As [`read_capped`], with `None` where there is no such file.
pub fn read_if_present(path: &Path, cap: u64) -> Result<Option<Vec<u8>>, ReadError> {
    match read(path, cap) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(ReadFault::Missing) => Ok(None),
        Err(fault) => Err(ReadError::new(path, fault)),
    }
}

/// The same of standard input, whatever it is.
pub fn read_stdin(cap: u64) -> Result<Vec<u8>, ReadError> {
    let read = rest(io::stdin(), cap, Vec::new());
    read.map_err(|fault| ReadError::new(Path::new("standard input"), fault))
}

fn read(path: &Path, cap: u64) -> Result<Vec<u8>, ReadFault> {
    // Without NONBLOCK the open of a FIFO waits for a writer that may never come.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::open(path, flags, Mode::empty()).map_err(io::Error::from)?);
    let meta = file.metadata()?;
    let kind = meta.file_type();
    if !kind.is_file() {
        return Err(ReadFault::NotRegular(match kind {
            k if k.is_dir() => "a directory",
            k if k.is_fifo() => "a FIFO",
            k if k.is_socket() => "a socket",
            _ => "a device",
        }));
    }
    if meta.len() > cap {
        return Err(ReadFault::TooLarge(cap));
    }
    // The file may grow while it is read: the cap holds for what is read, not for what was promised.
    rest(file, cap, Vec::with_capacity(usize::try_from(meta.len()).unwrap_or(0)))
}

fn rest(source: impl Read, cap: u64, mut bytes: Vec<u8>) -> Result<Vec<u8>, ReadFault> {
    source.take(cap.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > cap {
        return Err(ReadFault::TooLarge(cap));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step should stop the test where it stands")]
    use super::*;

    fn fault(path: &Path) -> String {
        read_capped(path, 16).unwrap_err().fault.to_string()
    }

    #[test]
    fn anything_but_a_small_regular_file_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        assert_eq!(fault(dir.path()), "it is a directory, not a regular file");
        assert_eq!(fault(&at("none")), "it does not exist");
        let mode = Mode::RUSR | Mode::WUSR;
        rustix::fs::mknodat(rustix::fs::CWD, at("fifo"), rustix::fs::FileType::Fifo, mode, 0).unwrap();
        assert_eq!(fault(&at("fifo")), "it is a FIFO, not a regular file");
        assert_eq!(fault(Path::new("/dev/zero")), "it is a device, not a regular file");
        File::create(at("huge")).unwrap().set_len(100 << 20).unwrap();
        assert_eq!(fault(&at("huge")), "it is larger than 16 bytes");
        std::fs::write(at("fits"), [7; 16]).unwrap();
        assert_eq!(read_capped(&at("fits"), 16).unwrap(), [7; 16]);
        assert!(read_if_present(&at("none"), 1).unwrap().is_none());
        // Its length says 0 and its content goes on: only the cap ends it.
        assert_eq!(fault(Path::new("/proc/self/status")), "it is larger than 16 bytes");
    }
}
