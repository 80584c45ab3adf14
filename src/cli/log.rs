//! The log: to standard error, as text or JSON.

use std::io;

use tracing_subscriber::{EnvFilter, fmt};

/// Begins to log what `PILLION_LOG` lets through (`info` by default); as JSON when `PILLION_LOG_FORMAT=json`.
pub fn start() {
    let wanted = std::env::var("PILLION_LOG").unwrap_or_else(|_| "info".into());
    let filter = EnvFilter::try_new(&wanted);
    let wrong = filter.is_err();
    let filter = filter.unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = fmt().with_env_filter(filter).with_writer(io::stderr).with_ansi(false).with_target(false);
    let json = std::env::var("PILLION_LOG_FORMAT").is_ok_and(|format| format == "json");
    // A second start, as in tests, leaves the first in force.
    let _ = if json { builder.json().flatten_event(true).try_init() } else { builder.try_init() };
    if wrong {
        tracing::warn!("PILLION_LOG={wanted} is no filter; using info");
    }
}
