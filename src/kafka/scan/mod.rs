//! The pass over all partitions of the cluster, in constant memory.
//!
//! Answers to `Metadata` (all topics, one answer) and `DescribeTopicPartitions` (pages) are decoded as they
//! come off the socket. What concerns one broker is picked out into a [`Tally`](pillion_probes::replicas::Tally);
//! nothing else is kept. [`Scanner`] does no I/O: it is fed bytes, in pieces of any size. [`scan_page`] and
//! [`scan_round`] feed it from a connection. The same reader serves `DescribeLogDirs` ([`LogDirsScanner`]).

mod driver;
mod error;
mod log_dirs;
mod minimums;
mod page;
mod partitions;
mod push;
mod round;
mod window;

pub(super) use driver::stream_answer;
pub use driver::{Scan, ScanBuffer, scan_page, scan_topics};
pub use error::ScanError;
pub use log_dirs::{LogDir, LogDirs, LogDirsScanner};
pub use minimums::{Asked, MinimumsError, minimums};
pub use page::{Behind, Brokers, Cursor, Page, TopicNames};
pub use partitions::{ScanKind, Scanner};
pub use push::Step;
pub use round::{add, scan_round};

#[cfg(test)]
mod tests;
