//! Java `.properties`: read and written exactly as `java.util.Properties` does, and laid in layers.
//!
//! Kafka loads `server.properties` from an `InputStream`, so bytes are ISO-8859-1 and anything else is
//! written as `\uXXXX`.

pub mod catalogue;
pub mod connect;
pub mod diff;
mod layers;
pub mod lint;
mod parse;
pub mod secret;
pub mod template;
mod write;

pub use layers::{Contradiction, Layer, Layers, MASK, Origin, Setting, Style, shown};
pub use parse::{MAX_BYTES, Problem as ParseProblem, parse, parse_lines, physical_lines};
pub use write::{line, line_key};
