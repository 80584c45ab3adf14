//! The override's sources: the file in the run directory, read safely and remembered over an agent restart.

mod file;
mod seen;
mod watcher;

pub use file::{FILE_NAME, Look, clear, look, write};
pub use seen::{SEEN_NAME, Seen, boot_id};
pub use watcher::{PERIOD, Watcher, run};
