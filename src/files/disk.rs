//! The only place that changes files: numbered steps, each leaving the old state or the new one.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeSet,
    fmt,
    fs::{self, File},
    io::{self, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use rustix::fs::{Mode, OFlags};

use super::read_if_present;

/// Names that begin so are our unfinished files: never read, and swept by the next run.
pub const TEMP_PREFIX: &str = ".pillion-tmp.";

/// Why a change did not happen. What was there before is still there.
#[derive(Debug, thiserror::Error)]
#[error("failed to {what} {}: {source}", path.display())]
pub struct DiskError {
    /// The verb: `write`, `create`, `remove`, `sync`.
    pub what: &'static str,
    /// The file or directory.
    pub path: PathBuf,
    /// What the system said.
    pub source: io::Error,
}

/// Whether a write changed anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The file was already as asked for.
    Unchanged,
    /// The file is new or replaced.
    Written,
}

type Hook = Box<dyn Fn(usize, &str)>;

/// Makes changes one numbered step at a time.
#[derive(Default)]
pub struct Disk {
    taken: Cell<usize>,
    before_step: Option<Hook>,
    /// Directories whose names are not known to last, where they are gathered.
    unsynced: RefCell<Option<BTreeSet<PathBuf>>>,
}

impl fmt::Debug for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Disk(step {})", self.taken.get())
    }
}

impl Disk {
    /// Calls `hook` with the number and the name of each step just before it is taken. The crash tests
    /// kill the process there.
    pub fn watched(hook: impl Fn(usize, &str) + 'static) -> Self {
        Self { before_step: Some(Box::new(hook)), ..Self::default() }
    }

    /// Marks a step. Steps outside this module (a formatter that is run) mark theirs too.
    pub fn step(&self, name: &str) {
        let number = self.taken.get();
        if let Some(hook) = &self.before_step {
            hook(number, name);
        }
        self.taken.set(number + 1);
    }

    /// From now on the directories of what is changed are not synced at once but gathered, for
    /// [`Disk::sync_gathered`]: each sync may wait for the disk, and many changes share a few directories. Files
    /// are still synced before they are renamed.
    pub fn gather(&self) {
        self.unsynced.borrow_mut().get_or_insert_default();
    }

    /// Makes the names in the gathered directories last.
    pub fn sync_gathered(&self) -> Result<(), DiskError> {
        let gathered = self.unsynced.borrow_mut().as_mut().map(std::mem::take).unwrap_or_default();
        for dir in gathered {
            self.step("sync a gathered directory");
            sync_dir(&dir).map_err(error("sync", &dir))?;
        }
        Ok(())
    }

    fn sync_parent(&self, path: &Path) -> io::Result<()> {
        let Some(dir) = path.parent() else { return Ok(()) };
        if let Some(unsynced) = self.unsynced.borrow_mut().as_mut() {
            unsynced.insert(dir.to_owned());
            return Ok(());
        }
        self.step("sync the directory");
        sync_dir(dir)
    }

    /// Creates `path` and what is missing above it, each with `mode`, and makes them last.
    pub fn make_dir(&self, path: &Path, mode: u32) -> Result<(), DiskError> {
        if path.is_dir() {
            return Ok(());
        }
        if let Some(parent) = path.parent() {
            self.make_dir(parent, mode)?;
        }
        let make = || -> io::Result<()> {
            self.step("create a directory");
            match fs::create_dir(path) {
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => return Ok(()),
                result => result?,
            }
            self.step("set the mode of a directory");
            fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
            self.sync_parent(path)
        };
        make().map_err(error("create", path))
    }

    /// Replaces the content of `path`: aside, fsync, rename, fsync of the directory. A file that already
    /// holds `bytes` with `mode` is left alone.
    pub fn write(&self, path: &Path, bytes: &[u8], mode: u32) -> Result<Outcome, DiskError> {
        if already(path, bytes, mode) {
            return Ok(Outcome::Unchanged);
        }
        self.replace(path, mode, |aside| {
            // Two halves, so that a crash test also sees a torn file.
            let (head, tail) = bytes.split_at(bytes.len() / 2);
            self.step("write the first half");
            aside.write_all(head)?;
            self.step("write the second half");
            aside.write_all(tail)
        })
        .map_err(error("write", path))?;
        Ok(Outcome::Written)
    }

    /// Copies the file `from` to `to`. Unchanged when `to` is a copy of the same length and age. Never a link: whoever
    /// may change the one must not change the other.
    pub fn place(&self, from: &Path, to: &Path, mode: u32) -> Result<Outcome, DiskError> {
        self.place_file(from, to, mode).map_err(error("copy the binary to", to))
    }

    fn place_file(&self, from: &Path, to: &Path, mode: u32) -> io::Result<Outcome> {
        let source = File::open(from)?;
        let wanted = source.metadata()?;
        if let Ok(there) = fs::symlink_metadata(to) {
            let same_copy = there.len() == wanted.len()
                && there.modified()? == wanted.modified()?
                && there.permissions().mode() & 0o7777 == mode;
            if there.is_file() && same_copy {
                return Ok(Outcome::Unchanged);
            }
        }
        self.replace(to, mode, |copy| {
            self.step("copy the binary aside");
            io::copy(&mut &source, copy)?;
            copy.set_modified(wanted.modified()?)
        })?;
        Ok(Outcome::Written)
    }

    /// Removes what a killed run left unfinished in `dir`. A directory that is not there has nothing.
    pub fn sweep(&self, dir: &Path) -> Result<(), DiskError> {
        let Ok(entries) = fs::read_dir(dir) else { return Ok(()) };
        for entry in entries.flatten() {
            let ours = entry.file_name().to_string_lossy().starts_with(TEMP_PREFIX);
            if ours && entry.file_type().is_ok_and(|t| !t.is_dir()) {
                self.remove(&entry.path())?;
            }
        }
        Ok(())
    }

    /// Removes a file if it is there.
    pub fn remove(&self, path: &Path) -> Result<(), DiskError> {
        self.step("remove a file");
        remove_if_there(path).map_err(error("remove", path))
    }

    fn replace(
        &self,
        path: &Path,
        mode: u32,
        fill: impl FnOnce(&mut File) -> io::Result<()>,
    ) -> io::Result<()> {
        let temp = temp_of(path)?;
        remove_if_there(&temp)?;
        self.step("create the file aside");
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let aside = rustix::fs::open(&temp, flags, Mode::RUSR | Mode::WUSR);
        let mut new = File::from(aside.map_err(io::Error::from)?);
        let outcome = fill(&mut new).and_then(|()| {
            // Afterwards and explicitly: the umask must not decide who can read it.
            new.set_permissions(fs::Permissions::from_mode(mode))?;
            self.step("sync the file");
            new.sync_all()?;
            self.step("rename the file");
            fs::rename(&temp, path)?;
            self.sync_parent(path)
        });
        if outcome.is_err() {
            // A full disk, for one: leave no half file. The next run sweeps what this cannot remove.
            let _ = remove_if_there(&temp);
        }
        outcome
    }
}

fn already(path: &Path, bytes: &[u8], mode: u32) -> bool {
    let right =
        fs::symlink_metadata(path).is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o7777 == mode);
    right && matches!(read_if_present(path, bytes.len() as u64), Ok(Some(there)) if there == bytes)
}

fn error(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> DiskError {
    let path = path.to_owned();
    move |source| DiskError { what, path, source }
}

fn temp_of(path: &Path) -> io::Result<PathBuf> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    Ok(path.with_file_name(format!("{TEMP_PREFIX}{}", name.to_string_lossy())))
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
        _ => Ok(()),
    }
}

/// Makes the names in `dir` last over a power cut.
pub fn sync_dir(dir: &Path) -> io::Result<()> {
    let dir = if dir.as_os_str().is_empty() { Path::new(".") } else { dir };
    File::open(dir)?.sync_all()
}
