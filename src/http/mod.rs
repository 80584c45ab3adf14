//! One port: the probes, the metrics, the status and the page. It only reads. And a socket in the run directory, for whoever
//! wants to stop the node.

mod metrics;
mod page;
mod probe;
mod route;
mod serve;
mod socket;
mod timeline;

pub use probe::VERDICT_HEADER;
pub use route::{Site, respond};
pub use serve::{CONNECTIONS, HEADER_DEADLINE, serve};
pub use socket::{DRAIN, LEFT, LONGEST, SOCKET, bind_socket, serve_socket};
