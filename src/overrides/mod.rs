//! The override's sources: the pod's annotation, and the file in the run directory, read safely; both are remembered over
//! an agent restart.

mod annotation;
mod file;
mod seen;
mod watcher;

pub use annotation::{ANNOTATION_FILE, annotation};
pub use file::{FILE_NAME, Look, clear, look, write};
pub use seen::{SEEN_NAME, Seen, boot_id};
pub use watcher::{PERIOD, Watcher, run};
