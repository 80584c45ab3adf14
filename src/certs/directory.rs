//! PEM files in a directory: a mounted Secret, cert-manager's csi-driver, the agent of Vault, spiffe-helper.

use std::path::{Path, PathBuf};

use super::{Bundle, Secret, SourceFault};
use crate::files::{ReadError, ReadFault, read_capped};

/// The largest file that is read, in bytes.
const MAX_BYTES: u64 = 1 << 20;
/// The file in a mounted volume that all others lead through: the kubelet replaces it at once (`AtomicWriter`).
const DATA: &str = "..data";

/// Where the files are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Files {
    /// The directory.
    pub directory: PathBuf,
    /// The name of the file with the certificate and those that lead to the CA.
    pub certificate: String,
    /// The name of the file with the private key.
    pub key: String,
    /// The name of the file with the certificates of the CA.
    pub authority: String,
    /// The file with the password of an encrypted key.
    pub password: Option<PathBuf>,
}

impl Files {
    /// Reads all of them as of one moment, as far as whoever writes them makes that possible: in a mounted volume they
    /// are read behind `..data`, which is looked at once.
    ///
    /// # Errors
    /// The file that cannot be read. One that is not there yet may come.
    pub fn read(&self) -> Result<Bundle, SourceFault> {
        let moment = std::fs::read_link(self.directory.join(DATA)).ok();
        let at = |name: &str| {
            let behind = moment.as_ref().map(|data| self.directory.join(data).join(name));
            // A file of another volume, mounted into this one, is not behind it.
            behind.filter(|path| path.exists()).unwrap_or_else(|| self.directory.join(name))
        };
        let password = self.password.as_deref().map(read).transpose()?;
        Ok(Bundle {
            certificate: read(&at(&self.certificate))?,
            key: Secret::new(read(&at(&self.key))?),
            authority: read(&at(&self.authority))?,
            password: password.map(line),
            origin: self.directory.display().to_string(),
        })
    }
}

/// Editors and `echo` end a file with a line break that is no part of the password.
fn line(mut bytes: Vec<u8>) -> Secret {
    while bytes.last().is_some_and(|last| matches!(last, b'\n' | b'\r')) {
        bytes.pop();
    }
    Secret::new(bytes)
}

fn read(path: &Path) -> Result<Vec<u8>, SourceFault> {
    read_capped(path, MAX_BYTES).map_err(|error: ReadError| SourceFault {
        text: format!("failed to read {}: {}", path.display(), error.fault),
        heals: matches!(error.fault, ReadFault::Missing | ReadFault::Io(_)),
        remedy: match error.fault {
            ReadFault::Missing => format!(
                "see why whoever issues the certificate has not written {} yet (cert-manager: kubectl describe \
                 certificate), or correct the path",
                path.display()
            ),
            _ => error.remedy(),
        },
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step should stop the test where it stands")]
    use std::{fs, os::unix::fs::symlink};

    use super::*;

    fn files(directory: &Path) -> Files {
        let name = |name: &str| name.to_owned();
        let directory = directory.to_owned();
        let password = Some(directory.join("pw"));
        Files {
            directory,
            certificate: name("tls.crt"),
            key: name("tls.key"),
            authority: name("ca.crt"),
            password,
        }
    }

    #[test]
    fn a_mounted_volume_is_read_as_of_one_moment() {
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        for (moment, content) in [("..1", "old"), ("..2", "new")] {
            fs::create_dir(at(moment)).unwrap();
            for name in ["tls.crt", "tls.key", "ca.crt"] {
                fs::write(at(moment).join(name), content).unwrap();
            }
        }
        symlink("..1", at("..data")).unwrap();
        fs::write(at("pw"), "secret\r\n").unwrap();
        for name in ["tls.crt", "tls.key", "ca.crt"] {
            symlink(Path::new("..data").join(name), at(name)).unwrap();
        }
        let bundle = files(root.path()).read().unwrap();
        assert_eq!(
            (&*bundle.certificate, bundle.key.expose(), &*bundle.authority),
            (&b"old"[..], &b"old"[..], &b"old"[..])
        );
        assert_eq!(bundle.password.as_ref().unwrap().expose(), b"secret");
        assert!(!format!("{bundle:?}").contains("secret"), "{bundle:?}");
        symlink("..2", at("..tmp")).unwrap();
        fs::rename(at("..tmp"), at("..data")).unwrap();
        assert_eq!(&*files(root.path()).read().unwrap().certificate, b"new");
    }

    #[test]
    fn what_is_not_there_yet_may_come_and_a_directory_does_not_turn_into_a_file() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("pw"), "x").unwrap();
        let fault = files(root.path()).read().unwrap_err();
        assert!(fault.heals && fault.text.ends_with("tls.crt: it does not exist"), "{fault}");
        fs::create_dir(root.path().join("tls.crt")).unwrap();
        let fault = files(root.path()).read().unwrap_err();
        assert!(!fault.heals && fault.remedy.contains("regular file"), "{fault}");
    }
}
