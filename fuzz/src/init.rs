//! What `pillion init` reads: any bytes must end in a value or an error, soon.

use pillion::{config, init, properties};

/// `.properties`: what is read is written and read back alike.
///
/// # Panics
/// When that does not hold: the finding.
pub fn properties(bytes: &[u8]) {
    if let Ok(entries) = properties::parse(bytes) {
        let text: String = entries.iter().map(|(key, value)| properties::line(key, value)).collect();
        // Escapes may make it longer than the cap.
        if text.len() <= properties::MAX_BYTES {
            assert_eq!(properties::parse(text.as_bytes()).as_ref(), Ok(&entries));
        }
    }
}

/// `meta.properties`.
///
/// # Panics
/// When that does not hold: the finding.
pub fn meta_properties(bytes: &[u8]) {
    if let Ok(meta) = init::parse_meta(bytes) {
        assert!(meta.version < 2 && meta.node_id.is_none_or(|id| id >= 0));
    }
}

/// The config file: it is believed, or at least one mistake is told.
///
/// # Panics
/// When that does not hold: the finding.
pub fn config(bytes: &[u8]) {
    if let Err(problems) = config::load_bytes(bytes, "fuzz.yaml", &config::Sources::default()) {
        assert!(!problems.is_empty());
    }
}
