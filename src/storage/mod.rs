//! Log directories: what lies in them, whether they are ours, and what may be formatted.

mod directory_id;
mod log_dir;
mod meta_properties;
mod mount;
mod plan;

pub use directory_id::fresh as fresh_directory_id;
pub use log_dir::{FORMAT_MARK, LogDir, State, leftovers, survey};
pub use meta_properties::{
    FILE_NAME as META_PROPERTIES, MAX_BYTES as META_MAX_BYTES, MetaError, MetaProperties,
};
pub use mount::is_mounted;
pub use plan::{Ask, Intent, Marker, Plan, Wanted, plan};
