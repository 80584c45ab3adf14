//! What something on a `ZooKeeper` server's ports may say.

use pillion::zookeeper::Answer;
use pillion_probes::time::BootTime;

/// An answer to a four-letter word, or, where its first byte is even, of the `AdminServer`.
pub fn answer(data: &[u8]) {
    understands(data);
}

fn understands(data: &[u8]) -> bool {
    let Some((first, text)) = data.split_first() else { return false };
    let text = String::from_utf8_lossy(text);
    let answer = if first % 2 == 0 { Answer::of_monitor(&text) } else { Answer::of_word(&text) };
    let seen = answer.seen(BootTime::default());
    assert!(!answer.serves() || seen.as_ref().is_some_and(|seen| seen.state.serves()), "{answer:?}");
    answer != Answer::Foreign
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step should stop the test where it stands")]

    use super::understands;

    #[test]
    fn seeds_are_well_formed() {
        let seeds = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds/zookeeper_answer");
        for seed in std::fs::read_dir(seeds).unwrap().map(|entry| entry.unwrap().path()) {
            assert!(understands(&std::fs::read(&seed).unwrap()), "{}", seed.display());
        }
    }
}
