//! Java `.properties`: read and written exactly as `java.util.Properties` does, and laid in layers.
//!
//! Kafka loads `server.properties` from an `InputStream`, so bytes are ISO-8859-1 and anything else is
//! written as `\uXXXX`.

pub mod connect;
mod layers;
mod parse;
mod write;

pub use layers::{Contradiction, Layers, Origin};
pub use parse::{MAX_BYTES, Problem as ParseProblem, parse};
pub use write::{line, line_key};
