//! Reading files that may be anything, and changing files so that a kill leaves the old or the new.

mod disk;
mod read;

pub use disk::{Disk, DiskError, Outcome, TEMP_PREFIX, sync_dir};
pub use read::{ReadError, ReadFault, read_capped, read_if_present, read_stdin};
