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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step should stop the test where it stands")]
    use std::{fs, path::Path};

    use proptest::{prelude::*, test_runner::TestRunner};

    use super::*;

    /// Cuts, joins and flips the seeds for a while.
    fn short_run(name: &str, target: fn(&[u8])) {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(name);
        let seeds: Vec<Vec<u8>> =
            fs::read_dir(dir).unwrap().map(|file| fs::read(file.unwrap().path()).unwrap()).collect();
        for seed in &seeds {
            target(seed);
        }
        let pick = prop::sample::select(seeds);
        let strategy = (
            pick.clone(),
            pick,
            any::<prop::sample::Index>(),
            any::<prop::sample::Index>(),
            any::<Vec<u8>>(),
        );
        let mut runner = TestRunner::new(proptest::test_runner::Config::with_cases(2000));
        runner
            .run(&strategy, |(one, other, from, to, noise)| {
                let mut bytes = one[..from.index(one.len())].to_vec();
                bytes.extend(noise.iter().take(8));
                bytes.extend(&other[to.index(other.len())..]);
                target(&bytes);
                Ok(())
            })
            .unwrap();
    }

    #[test]
    fn short_runs() {
        short_run("properties", properties);
        short_run("meta_properties", meta_properties);
        short_run("config", config);
    }
}
