//! A layer of an image: a tar of files whose times are all zero, so that the same content is the same layer.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::{Context, Result};
use tar::{Builder, EntryType, Header};

/// Who owns a file in an image, and what others may do with it.
#[derive(Debug, Clone, Copy)]
pub struct Owned {
    /// User and group.
    pub id: u64,
    /// Permissions.
    pub mode: u32,
}

/// root's, and everybody may read and run it.
pub const PROGRAM: Owned = Owned { id: 0, mode: 0o755 };
/// root's, and everybody may read it.
pub const TEXT: Owned = Owned { id: 0, mode: 0o644 };

/// A layer in the making. Paths are absolute, as in the image.
pub struct Layer(Builder<Vec<u8>>);

impl Default for Layer {
    fn default() -> Self {
        Self(Builder::new(Vec::new()))
    }
}

impl Layer {
    /// Adds a directory.
    pub fn dir(&mut self, path: &str, owned: Owned) -> Result<()> {
        self.entry(path, EntryType::Directory, owned, &[])
    }

    /// Adds a file with this content.
    pub fn file(&mut self, path: &str, owned: Owned, content: &[u8]) -> Result<()> {
        self.entry(path, EntryType::Regular, owned, content)
    }

    /// Adds a copy of a file of this machine.
    pub fn copy(&mut self, path: &str, owned: Owned, from: &Path) -> Result<()> {
        let content = fs::read(from).with_context(|| format!("failed to read {}", from.display()))?;
        self.file(path, owned, &content)
    }

    /// Adds a copy of a directory of this machine, with all below; what cannot be run there cannot be run here.
    /// Links are followed: what they lead to may not be in the image.
    pub fn tree(&mut self, path: &str, from: &Path) -> Result<()> {
        self.dir(path, PROGRAM)?;
        let entries = fs::read_dir(from).with_context(|| format!("failed to read {}", from.display()))?;
        let mut entries: Vec<_> = entries.collect::<Result<_, _>>()?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let below = format!("{path}/{}", entry.file_name().to_string_lossy());
            let data = fs::metadata(entry.path()).with_context(|| format!("failed to read {below}"))?;
            if data.is_dir() {
                self.tree(&below, &entry.path())?;
            } else {
                let runs = data.permissions().mode() & 0o111 != 0;
                self.copy(&below, if runs { PROGRAM } else { TEXT }, &entry.path())?;
            }
        }
        Ok(())
    }

    /// Adds a symbolic link.
    pub fn link(&mut self, path: &str, target: &str) -> Result<()> {
        let mut header = header(EntryType::Symlink, Owned { id: 0, mode: 0o777 }, 0);
        self.0
            .append_link(&mut header, relative(path), target)
            .with_context(|| format!("failed to link {path}"))
    }

    /// The tar.
    pub fn finish(self) -> Result<Vec<u8>> {
        self.0.into_inner().context("failed to finish a layer")
    }

    fn entry(&mut self, path: &str, kind: EntryType, owned: Owned, content: &[u8]) -> Result<()> {
        let mut header = header(kind, owned, content.len() as u64);
        self.0
            .append_data(&mut header, relative(path), content)
            .with_context(|| format!("failed to add {path}"))
    }
}

fn header(kind: EntryType, owned: Owned, size: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(owned.mode);
    header.set_uid(owned.id);
    header.set_gid(owned.id);
    header.set_mtime(0);
    header.set_size(size);
    header
}

fn relative(path: &str) -> &str {
    path.trim_start_matches('/')
}
