//! One port: the probes, the metrics, the status and the page. It only reads.

mod metrics;
mod page;
mod probe;
mod route;
mod serve;

pub use probe::VERDICT_HEADER;
pub use route::{Site, respond};
pub use serve::{CONNECTIONS, HEADER_DEADLINE, serve};
