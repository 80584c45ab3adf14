//! What `pillion init` reads: any bytes must end in a value or an error, soon.

use std::sync::Arc;

use pillion::{
    config, init,
    properties::{
        self,
        catalogue::catalogue,
        template::{self, Known, Scope, Word},
    },
};

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

/// lint, by the oldest release, one of the last with `ZooKeeper`, and the newest: what is found is in a line that there is,
/// and says what to do.
///
/// # Panics
/// When that does not hold: the finding.
pub fn lint(bytes: &[u8]) {
    let all = catalogue().releases();
    let lines = bytes.split(|byte| [b'\r', b'\n'].contains(byte)).count();
    for at in [0, all.len() / 2, all.len().saturating_sub(1)] {
        let Some(release) = all.get(at) else { continue };
        for found in properties::lint::lint(bytes, *release, Some(1 << 40)).found {
            assert!(found.line <= lines && !found.what.is_empty() && !found.remedy.is_empty(), "{found:?}");
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

/// A template in a setting: it comes to a value of a bounded size, or at least one mistake is told; what a file holds is in
/// no message.
///
/// # Panics
/// When that does not hold: the finding.
pub fn template(bytes: &[u8]) {
    let word = |value| Word { value: Some(value), remedy: String::new() };
    let scope = Scope {
        words: [("id", word(Known::Number(1001))), ("zone", word(Known::Text("zone-a".to_owned())))].into(),
        env: [("REGION".to_owned(), None)].into(),
        resources: [("cpu", word(Known::Number(4)))].into(),
        read: Arc::new(|_| Ok("pssst".to_owned())),
        expand: Arc::new(|pattern, ordinal, _| Ok(format!("{pattern}{ordinal}"))),
    };
    match template::render(&String::from_utf8_lossy(bytes), &scope) {
        Ok(rendered) => {
            assert!(rendered.value.len() <= 64 << 10);
            assert!(
                rendered.secret
                    || !rendered.value.contains("pssst")
                    || bytes.windows(5).any(|w| w == b"pssst")
            );
        }
        Err(faults) => {
            assert!(!faults.is_empty());
            assert!(
                bytes.windows(5).any(|w| w == b"pssst") || !faults.iter().any(|f| f.what.contains("pssst"))
            );
        }
    }
}
